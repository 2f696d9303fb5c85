package http1

import (
	"bytes"
	"net/netip"
)

// Form is the form of a request target (RFC 9112 section 3.2).
type Form uint8

// The forms.
const (
	Origin    Form = iota // /path?query
	Absolute              // http://authority/path?query
	Authority             // host:port, of CONNECT
	Asterisk              // of OPTIONS
)

// target is what a request target says.
type target struct {
	Form      Form
	HTTPS     bool // the scheme of an absolute one
	Authority Span // of an absolute one and of CONNECT, and where there is none the value of Host; empty: none
	Path      Span // of an origin or absolute one, up to the query; may be empty in an absolute one
	Query     Span // with its question mark; empty: none
}

// parseTarget reads a request target. Its bytes are visible ones.
func parseTarget(buf []byte, s Span, method Method) (t target, ok bool) {
	b := s.In(buf)
	if bytes.IndexByte(b, '#') >= 0 { // "a fragment is not sent" (RFC 9110 section 7.1)
		return t, false
	}
	switch {
	case method == CONNECT: // and authority-form is "only used for CONNECT requests" (RFC 9112 section 3.2.3)
		t.Form, t.Authority = Authority, s
		port, ok := SplitAuthority(b)
		return t, ok && port > 0
	case b[0] == '/':
		t.Path, t.Query = splitQuery(buf, s)
		return t, true
	case len(b) == 1 && b[0] == '*': // "only used for a server-wide OPTIONS request" (RFC 9112 section 3.2.4)
		t.Form = Asterisk
		return t, method == OPTIONS
	}
	return absolute(buf, s)
}

// absolute reads a target of absolute-form.
func absolute(buf []byte, s Span) (t target, ok bool) {
	b := s.In(buf)
	t.Form = Absolute
	skip := 0
	switch {
	case len(b) > 7 && EqualFold(b[:7], "http://"):
		skip = 7
	case len(b) > 8 && EqualFold(b[:8], "https://"):
		skip, t.HTTPS = 8, true
	default:
		return t, false
	}
	end := skip
	for end < len(b) && b[end] != '/' && b[end] != '?' {
		end++
	}
	t.Authority = Span{s.At + uint32(skip), s.At + uint32(end)}
	t.Path, t.Query = splitQuery(buf, Span{t.Authority.End, s.End})
	_, ok = SplitAuthority(t.Authority.In(buf))
	return t, ok
}

func splitQuery(buf []byte, s Span) (path, query Span) {
	if i := bytes.IndexByte(s.In(buf), '?'); i >= 0 {
		at := s.At + uint32(i)
		return Span{s.At, at}, Span{at, s.End}
	}
	return s, Span{}
}

// SplitAuthority checks "host [ ":" port ]" and returns the port, 0 where there is none. The host is an IP address or a name
// of letters, digits and "-._~": what else RFC 3986 section 3.2.2 allows has no use in HTTP but confusion.
func SplitAuthority(b []byte) (port int, ok bool) {
	host, rest := b, []byte(nil)
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 {
			return 0, false
		}
		addr, err := netip.ParseAddr(string(b[1:end]))
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return 0, false
		}
		rest = b[end+1:]
	} else {
		if i := bytes.IndexByte(b, ':'); i >= 0 {
			host, rest = b[:i], b[i:]
		}
		if !isHostName(host) {
			return 0, false
		}
	}
	if len(rest) <= 1 { // RFC 3986 section 3.2.3: the port may be empty
		return 0, len(rest) == 0 || rest[0] == ':'
	}
	n, ok := Number(rest[1:])
	return int(n), ok && rest[0] == ':' && n < 1<<16
}

func isHostName(b []byte) bool {
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return len(b) > 0
}

// sameAuthority compares two without regard to case.
func sameAuthority(a, b []byte) bool {
	return len(a) == len(b) && bytes.EqualFold(a, b)
}
