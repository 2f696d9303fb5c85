package rule

import (
	"iter"
	"net/netip"
	"strings"
)

// Request is what matching looks at. The engine fills it for each request.
type Request struct {
	Host   string // as the request names it: a port, upper case and a final dot make no difference; empty: none named
	Path   string // from CanonicalPath
	Query  string // with its question mark; empty: none
	Method string
	TLS    bool       // the client's connection is TLS
	SNI    string     // the name that the client asked for in the handshake; empty: none
	Client netip.Addr // the client's address
	Fields Fields     // of the request's head; nil: none
}

// Fields are those of a request's head.
type Fields interface {
	// Next returns the value of the first field of that name, which is in lower case, from a number on, and the number behind it; ok is
	// false where there is none. The value is valid as long as the request.
	Next(name string, from int) (value string, next int, ok bool)
}

// longestHost is what the name of a host may have (RFC 1035 section 2.3.4), with a margin. A longer one matches no rule for hosts.
const longestHost = 255

// asked is a request while rules are looked at.
type asked struct {
	*Request
	host []byte // in lower case, without port and final dot
}

// Cookie returns the value of the first cookie of that name.
func (r *Request) Cookie(name string) (value string) {
	if r.Fields == nil {
		return ""
	}
	for at := 0; ; {
		field, next, ok := r.Fields.Next("cookie", at)
		if !ok {
			return ""
		}
		for n, v := range cookies(field) {
			if n == name {
				return v
			}
		}
		at = next
	}
}

// cookies goes over those of a field: "cookie-pair *( ";" SP cookie-pair )" (RFC 6265 section 4.2.1).
func cookies(field string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for len(field) > 0 {
			pair := field
			if i := strings.IndexByte(field, ';'); i >= 0 {
				pair, field = field[:i], field[i+1:]
			} else {
				field = ""
			}
			if name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "="); !yield(name, value) {
				return
			}
		}
	}
}

// AppendHost appends a host as requests name it in lower case, without port and final dot.
func AppendHost(dst []byte, host string) []byte {
	host = hostname(host)
	for i := range len(host) {
		c := host[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// hostOf writes the host of a request in lower case. Host names are ASCII (RFC 3986 section 3.2.2), so no more than that is folded.
func hostOf(room *[longestHost]byte, host string) []byte {
	if len(hostname(host)) > longestHost {
		return nil
	}
	return AppendHost(room[:0], host)
}
