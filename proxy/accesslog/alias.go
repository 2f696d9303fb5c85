package accesslog

import (
	"crypto/tls"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
)

// alias is a name of HAProxy's log formats (its manual, section 8.2.6).
type alias struct {
	name    string
	write   func(dst []byte, l *line, n *node) []byte
	tls     bool                // it needs Log.TLS
	capture func(f *Format) int // how many fields it prints; nil: none
}

// count is the index of its node.
func (a *alias) count(f *Format) int {
	if a.capture == nil {
		return 0
	}
	return a.capture(f)
}

// known lists all names.
func known() string {
	names := []string{"%pid", "%H"}
	for i := range aliases {
		names = append(names, "%"+aliases[i].name)
	}
	return strings.Join(names, " ")
}

// value writes text, escaped. What is empty shows as a dash, or as nothing between quotes.
func (n *node) value(dst, text []byte, s *set) []byte { return value(n, dst, text, s) }

func value[T string | []byte](n *node, dst []byte, text T, s *set) []byte {
	if n.quoted {
		dst = append(dst, '"')
		dst = appendEscaped(dst, text, s)
		return append(dst, '"')
	}
	if len(text) == 0 {
		return append(dst, '-')
	}
	return appendEscaped(dst, text, s)
}

// quote writes a quote where the node wants one.
func (n *node) quote(dst []byte) []byte {
	if n.quoted {
		return append(dst, '"')
	}
	return dst
}

// plain is an alias of text that needs no escape.
func plain(text func(dst []byte, l *line) []byte) func(dst []byte, l *line, n *node) []byte {
	return func(dst []byte, l *line, n *node) []byte {
		dst = n.quote(dst)
		before := len(dst)
		if dst = text(dst, l); len(dst) == before && !n.quoted {
			return append(dst, '-')
		}
		return n.quote(dst)
	}
}

// bare is an alias that is never quoted.
func bare(text func(dst []byte, l *line) []byte) func(dst []byte, l *line, n *node) []byte {
	return func(dst []byte, l *line, _ *node) []byte { return text(dst, l) }
}

func number(of func(l *line) int64) func(dst []byte, l *line, n *node) []byte {
	return func(dst []byte, l *line, _ *node) []byte { return appendInt(dst, of(l)) }
}

func timer(of func(l *line) time.Duration) func(dst []byte, l *line, n *node) []byte {
	return func(dst []byte, l *line, _ *node) []byte { return appendInt(dst, millis(of(l))) }
}

// ofRequest is an alias of a part of the request, which may not be there.
func ofRequest(text func(dst []byte, l *line) []byte) func(dst []byte, l *line, n *node) []byte {
	return func(dst []byte, l *line, n *node) []byte {
		if dst = n.quote(dst); l.known() {
			dst = text(dst, l)
		} else {
			dst = append(dst, noRequest...)
		}
		return n.quote(dst)
	}
}

// captured writes fields in braces; nothing where no such field is captured, or there was no request.
func captured(of func(l *line) *exchange.Captures) func(dst []byte, l *line, n *node) []byte {
	return func(dst []byte, l *line, n *node) []byte {
		if n.index == 0 || !l.known() {
			return dst
		}
		return n.quote(appendBraced(n.quote(dst), of(l), n.index))
	}
}

// cookie is an alias of a captured cookie.
func cookie(of func(l *line) []byte) func(dst []byte, l *line, n *node) []byte {
	return func(dst []byte, l *line, n *node) []byte {
		if n.quoted {
			return value(n, dst, of(l), inQuotedCookie)
		}
		return value(n, dst, of(l), inCookie)
	}
}

// aliases are all names whose values change. %t, %Tt and what goes with them begin with the first byte of a request: how long a
// client's connection was idle before is not counted.
var aliases = []alias{
	{name: "ci", write: plain(func(dst []byte, l *line) []byte { return appendClient(dst, l.d.Client.Addr()) })},
	{name: "cp", write: number(func(l *line) int64 { return int64(l.d.Client.Port()) })},
	{name: "si", write: plain(func(dst []byte, l *line) []byte { return appendAddr(dst, l.d.Server.Addr()) })},
	{name: "sp", write: func(dst []byte, l *line, n *node) []byte {
		if !l.d.Server.IsValid() {
			return value(n, dst, "", inField)
		}
		return appendInt(dst, int64(l.d.Server.Port()))
	}},
	{name: "f", write: plain(func(dst []byte, l *line) []byte { return append(dst, l.r.Frontend...) })},
	{name: "ft", write: plain(func(dst []byte, l *line) []byte {
		if dst = append(dst, l.r.Frontend...); l.d.TLS {
			dst = append(dst, '~')
		}
		return dst
	})},
	{name: "b", write: plain(func(dst []byte, l *line) []byte { return append(dst, l.backendName()...) })},
	{name: "s", write: plain(func(dst []byte, l *line) []byte { return append(dst, l.serverName()...) })},

	{name: "t", write: bare(appendDateMillis)},
	{name: "tr", write: bare(appendDateMillis)},
	{name: "T", write: bare(func(dst []byte, l *line) []byte { return l.begin.UTC().AppendFormat(dst, zoneLayout) })},
	{name: "trg", write: bare(func(dst []byte, l *line) []byte { return l.begin.UTC().AppendFormat(dst, zoneLayout) })},
	{name: "Tl", write: bare(func(dst []byte, l *line) []byte { return l.begin.AppendFormat(dst, zoneLayout) })},
	{name: "trl", write: bare(func(dst []byte, l *line) []byte { return l.begin.AppendFormat(dst, zoneLayout) })},
	{name: "Ts", write: number(func(l *line) int64 { return l.begin.Unix() })},
	{name: "ms", write: bare(func(dst []byte, l *line) []byte { return appendMillis(dst, l.begin) })},

	{name: "TR", write: timer(func(l *line) time.Duration { return l.r.Request })},
	{name: "Tw", write: timer(func(l *line) time.Duration { return l.r.Wait })},
	{name: "Tc", write: timer(func(l *line) time.Duration { return l.r.Connect })},
	{name: "Tr", write: timer(func(l *line) time.Duration { return l.r.Response })},
	{name: "Td", write: timer((*line).data)},
	{name: "Ta", write: timer(func(l *line) time.Duration { return l.r.Active })},
	{name: "Tt", write: timer(func(l *line) time.Duration { return l.r.Active })},

	{name: "ST", write: number((*line).status)},
	{name: "B", write: number((*line).sent)},
	{name: "U", write: number((*line).received)},
	{name: "CC", write: cookie(func(l *line) []byte { return l.d.RequestCookie })},
	{name: "CS", write: cookie(func(l *line) []byte { return l.d.ResponseCookie })},
	{name: "ts", write: bare(func(dst []byte, l *line) []byte {
		return append(dst, byte(l.r.Termination.Cause), byte(l.r.Termination.Phase))
	})},
	{name: "tsc", write: bare(func(dst []byte, l *line) []byte { return appendState(dst, l.r) })},

	{name: "ac", write: number(func(l *line) int64 { return l.d.ProcessConnections })},
	{name: "fc", write: number(func(l *line) int64 { return l.d.FrontendConnections })},
	{name: "bc", write: number(func(l *line) int64 { return l.d.BackendRequests })},
	{name: "sc", write: number(func(l *line) int64 { return l.d.ServerRequests })},
	{name: "rc", write: bare(func(dst []byte, l *line) []byte { return appendRetries(dst, l.r) })},
	{name: "sq", write: number(func(l *line) int64 { return int64(l.r.ServerQueue) })},
	{name: "bq", write: number(func(l *line) int64 { return int64(l.r.BackendQueue) })},

	{name: "hr", write: captured(func(l *line) *exchange.Captures { return &l.d.Request }), capture: func(f *Format) int { return len(f.request) }},
	{name: "hs", write: captured(func(l *line) *exchange.Captures { return &l.d.Response }), capture: func(f *Format) int { return len(f.response) }},

	{name: "ID", write: func(dst []byte, l *line, n *node) []byte { return value(n, dst, l.r.RequestID, inField) }},
	{name: "r", write: ofRequest(appendRequestLine)},
	{name: "HM", write: ofRequest(func(dst []byte, l *line) []byte { return appendEscaped(dst, l.d.Method, inRequest) })},
	{name: "HU", write: ofRequest(func(dst []byte, l *line) []byte { return appendURI(dst, l, l.d.Target) })},
	{name: "HP", write: ofRequest(func(dst []byte, l *line) []byte {
		path, _ := l.split()
		return appendURI(dst, l, path)
	})},
	{name: "HQ", write: ofRequest(func(dst []byte, l *line) []byte {
		_, query := l.split()
		return appendEscaped(dst, query, inRequest)
	})},
	{name: "HV", write: ofRequest(func(dst []byte, l *line) []byte { return append(dst, l.d.Protocol...) })},

	{name: "sslv", tls: true, write: plain(func(dst []byte, l *line) []byte { return appendVersion(dst, l.d.Version) })},
	{name: "sslc", tls: true, write: plain(appendCipher)},
}

func appendDateMillis(dst []byte, l *line) []byte {
	dst = append(l.stamps.appendDate(dst, l.begin), '.')
	return appendMillis(dst, l.begin)
}

// appendURI writes the whole URI that HTTP/2 asks for, else target as it is.
func appendURI(dst []byte, l *line, target string) []byte {
	scheme, authority := l.prefix()
	dst = append(dst, scheme...)
	dst = appendEscaped(dst, authority, inRequest)
	return appendEscaped(dst, target, inRequest)
}

// appendState writes the four letters of a termination state.
func appendState(dst []byte, r *exchange.Record) []byte {
	dst = append(dst, byte(r.Termination.Cause), byte(r.Termination.Phase))
	return append(dst, letter(r.Cookie.Request), letter(r.Cookie.Response))
}

func appendCipher(dst []byte, l *line) []byte {
	if l.d.CipherSuite == 0 {
		return dst
	}
	return append(dst, tls.CipherSuiteName(l.d.CipherSuite)...)
}

// letter is one of a cookie's state; 0 stands for a dash.
func letter(c byte) byte {
	if c == 0 {
		return '-'
	}
	return c
}
