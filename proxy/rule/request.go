package rule

import "net/netip"

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

// hostOf writes the host of a request in lower case. Host names are ASCII (RFC 3986 section 3.2.2), so no more than that is folded.
func hostOf(room *[longestHost]byte, host string) []byte {
	host = hostname(host)
	if len(host) > longestHost {
		return nil
	}
	n := copy(room[:], host)
	for i, c := range room[:n] {
		if 'A' <= c && c <= 'Z' {
			room[i] = c + ('a' - 'A')
		}
	}
	return room[:n]
}
