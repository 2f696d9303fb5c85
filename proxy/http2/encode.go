package http2

import (
	"strconv"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// AppendBlockStart appends what the first field block of a connection has to begin with: that the table of fields stays
// empty (RFC 7541 section 6.3). All that is appended here does without one, so blocks depend on nothing, whatever
// SETTINGS_HEADER_TABLE_SIZE says; Huffman's code is not used either. Toward clients the octets that both would save are few.
func AppendBlockStart(dst []byte) []byte { return append(dst, 0x20) }

// AppendStatus appends the :status of a response.
func AppendStatus(dst []byte, status int) []byte {
	if i := statusIndex(status); i != 0 {
		return append(dst, 0x80|i)
	}
	dst = append(dst, 0x08, 3) // literal, the name that of index 8
	return strconv.AppendInt(dst, int64(status), 10)
}

// statusIndex is the number of a :status in the static table (RFC 7541 appendix A); 0: it has none.
func statusIndex(status int) byte {
	switch status {
	case 200:
		return 8
	case 204:
		return 9
	case 206:
		return 10
	case 304:
		return 11
	case 400:
		return 12
	case 404:
		return 13
	case 500:
		return 14
	}
	return 0
}

// AppendField appends a field as a literal; secret keeps whoever forwards it from putting it into a table (RFC 7541 section
// 7.1.3). name may be in any case, or that of a pseudo-field.
func AppendField(dst, name, value []byte, secret bool) []byte {
	kind := byte(0)
	if secret {
		kind = 0x10
	}
	var room [longestStatic]byte
	lower := room[:0]
	if len(name) <= longestStatic {
		lower = appendLower(lower, name)
	}
	if i, ok := staticNames[string(lower)]; ok {
		dst = appendInt(dst, kind, 4, uint64(i))
	} else {
		dst = appendInt(append(dst, kind), 0, 7, uint64(len(name)))
		dst = appendLower(dst, name)
	}
	dst = appendInt(dst, 0, 7, uint64(len(value)))
	return append(dst, value...)
}

// AppendFields appends the fields that are forwarded, in their order, as [http1.AppendFields] does.
func AppendFields(dst, buf []byte, fields []http1.Field, drop func(*http1.Field) bool) []byte {
	for i := range fields {
		f := &fields[i]
		if f.Hop || drop != nil && drop(f) {
			continue
		}
		dst = AppendField(dst, f.Name.In(buf), f.Value.In(buf), isSecret(f.ID))
	}
	return dst
}

func isSecret(n http1.Name) bool {
	switch n {
	case http1.Authorization, http1.ProxyAuthorization, http1.Cookie, http1.SetCookie:
		return true
	}
	return false
}

func appendLower(dst, name []byte) []byte {
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// appendInt appends a number behind a prefix of bits bits (RFC 7541 section 5.1).
func appendInt(dst []byte, first byte, bits uint, n uint64) []byte {
	limit := uint64(1)<<bits - 1
	if n < limit {
		return append(dst, first|byte(n))
	}
	dst = append(dst, first|byte(limit))
	for n -= limit; n >= 0x80; n >>= 7 {
		dst = append(dst, 0x80|byte(n))
	}
	return append(dst, byte(n))
}

// longestStatic is the length of the longest name in staticNames.
const longestStatic = len("access-control-allow-origin")

// staticNames are the numbers of the names in the static table (RFC 7541 appendix A). Never written.
var staticNames = map[string]uint8{
	":authority": 1, ":method": 2, ":path": 4, ":scheme": 6, ":status": 8,
	"accept-charset": 15, "accept-encoding": 16, "accept-language": 17, "accept-ranges": 18, "accept": 19,
	"access-control-allow-origin": 20, "age": 21, "allow": 22, "authorization": 23, "cache-control": 24,
	"content-disposition": 25, "content-encoding": 26, "content-language": 27, "content-length": 28, "content-location": 29,
	"content-range": 30, "content-type": 31, "cookie": 32, "date": 33, "etag": 34, "expect": 35, "expires": 36, "from": 37,
	"host": 38, "if-match": 39, "if-modified-since": 40, "if-none-match": 41, "if-range": 42, "if-unmodified-since": 43,
	"last-modified": 44, "link": 45, "location": 46, "max-forwards": 47, "proxy-authenticate": 48,
	"proxy-authorization": 49, "range": 50, "referer": 51, "refresh": 52, "retry-after": 53, "server": 54, "set-cookie": 55,
	"strict-transport-security": 56, "transfer-encoding": 57, "user-agent": 58, "vary": 59, "via": 60,
	"www-authenticate": 61,
}
