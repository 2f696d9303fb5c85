package exchange

import (
	"crypto/tls"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/rule"
)

var _ edit.Facts = (*Exchange)(nil)

// ClientIP returns the address of the client: behind trusted proxies the one that they tell.
func (x *Exchange) ClientIP() netip.Addr { return x.request.Client }

// Trusted reports whether what the other end of the connection tells of the client is believed.
func (x *Exchange) Trusted() bool { return x.trusted }

// ByForwarded reports whether that is told by Forwarded, and by no other field.
func (x *Exchange) ByForwarded() bool { return x.frontend.ByForwarded }

// Told returns what Forwarded tells of the scheme and the host that the client has asked for; empty: nothing. It is valid until Forget.
func (x *Exchange) Told() (scheme, host string) { return x.told.scheme(), x.told.authority() }

// AppendFact implements edit.Facts.
func (x *Exchange) AppendFact(dst []byte, v edit.Variable, name string) []byte {
	switch r := &x.request; v {
	case edit.ClientIP:
		return r.Client.AppendTo(dst)
	case edit.ClientPort:
		return strconv.AppendUint(dst, uint64(x.port), 10)
	case edit.Scheme:
		if r.TLS {
			return append(dst, "https"...)
		}
		return append(dst, "http"...)
	case edit.Host:
		return rule.AppendHost(dst, r.Host)
	case edit.Authority:
		return append(dst, r.Host...)
	case edit.Method:
		return append(dst, r.Method...)
	case edit.Path:
		return append(dst, r.Path...)
	case edit.Query:
		return append(dst, strings.TrimPrefix(r.Query, "?")...)
	case edit.RequestID:
		return append(dst, x.record.RequestID...)
	case edit.TLSVersion:
		if x.version != 0 {
			dst = append(dst, strings.ReplaceAll(tls.VersionName(x.version), "TLS ", "TLSv")...)
		}
	case edit.SNI:
		return rule.AppendHost(dst, r.SNI)
	case edit.Header:
		if r.Fields != nil {
			value, _, _ := r.Fields.Next(name, 0)
			return append(dst, value...)
		}
	case edit.Cookie:
		return append(dst, r.Cookie(name)...)
	case edit.Frontend:
		return append(dst, x.record.Frontend...)
	case edit.Backend:
		return append(dst, x.record.Backend...)
	case edit.Server:
		return append(dst, x.record.Server...)
	case edit.Map:
		if l := x.frontend.Maps[name]; l != nil {
			return l.append(dst, x)
		}
	case edit.Status:
		return strconv.AppendInt(dst, int64(x.record.Status), 10)
	}
	return dst
}
