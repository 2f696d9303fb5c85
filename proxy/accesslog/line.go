package accesslog

import (
	"crypto/tls"
	"net/netip"
	"strconv"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// line is what one line is made of.
type line struct {
	r      *exchange.Record
	d      *exchange.Details
	begin  time.Time // of the request, in the zone of the log
	stamps stamps
}

// millis is a duration as lines show it; -1 stands for what was not reached.
func millis(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return int64(d / time.Millisecond)
}

func appendInt(dst []byte, n int64) []byte {
	if 0 <= n && n < 10 { // as most are
		return append(dst, '0'+byte(n))
	}
	return strconv.AppendInt(dst, n, 10)
}

// The names of what is not there.
const (
	noServer  = "<NOSRV>"
	noRequest = "<BADREQ>"
)

func (l *line) serverName() string {
	if l.r.Server == "" {
		return noServer
	}
	return l.r.Server
}

// backendName is the frontend's where no backend was chosen, as HAProxy has it: a frontend may be its own backend there.
func (l *line) backendName() string {
	if l.r.Backend == "" {
		return l.r.Frontend
	}
	return l.r.Backend
}

// status is what HAProxy would print: -1 where the client was told nothing, but 400 where it left before its request was whole.
func (l *line) status() int64 {
	switch {
	case l.r.Status != 0:
		return int64(l.r.Status)
	case l.r.Termination == exchange.Termination{Cause: exchange.ByClient, Phase: exchange.AtRequest}:
		return 400
	}
	return -1
}

// received and sent are what HAProxy calls %U and %B: heads included.
func (l *line) received() int64 { return l.d.RequestHead + l.r.BytesIn }
func (l *line) sent() int64     { return l.d.ResponseHead + l.r.BytesOut }

// data is how long the response took after its head [Td].
func (l *line) data() time.Duration {
	r := l.r
	if r.Request < 0 || r.Wait < 0 || r.Connect < 0 || r.Response < 0 {
		return exchange.NotReached
	}
	return max(r.Active-r.Request-r.Wait-r.Connect-r.Response, 0)
}

// known reports whether there was a request at all.
func (l *line) known() bool { return l.d.Protocol != "" }

// prefix is what comes before the target to make the URI that HTTP/2 asks for.
func (l *line) prefix() (scheme, authority string) {
	d := l.d
	if d.Protocol != "HTTP/2.0" || d.Authority == "" || d.Target == "" || d.Target[0] != '/' {
		return "", ""
	}
	if d.TLS {
		return "https://", d.Authority
	}
	return "http://", d.Authority
}

// split returns the target's path and its query with the question mark.
func (l *line) split() (path, query string) {
	t := l.d.Target
	for i := range len(t) {
		if t[i] == '?' {
			return t[:i], t[i:]
		}
	}
	return t, ""
}

// appendVersion writes the name of a version of TLS as OpenSSL has it.
func appendVersion(dst []byte, version uint16) []byte {
	switch version {
	case tls.VersionTLS13:
		return append(dst, "TLSv1.3"...)
	case tls.VersionTLS12:
		return append(dst, "TLSv1.2"...)
	}
	return dst
}

// appendClient writes who has connected. Who has come by a Unix socket has no address.
func appendClient(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return append(dst, "unix"...)
	}
	return a.AppendTo(dst)
}

func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return dst
	}
	return a.AppendTo(dst)
}
