package engine

import (
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
)

// encodeAsk writes the request's head as an HTTP/2 server gets it: what appendAsk says, in a block that is the same on
// every connection.
func (s *stream) encodeAsk(b *exchange.Backend) {
	q, e := s.question, &s.core.asks
	path := append(s.core.block[:0], s.x.Path()...)
	path = http1.AppendQuery(path, q.query)
	authority := q.authority
	if host := s.x.Host(); host != "" {
		authority = []byte(host)
	}
	dst := e.Request(e.Begin(s.ask), &http2.Target{Method: q.name, Authority: authority, Path: path, HTTPS: s.secure})
	s.core.block = path[:0]
	var a asking
	a.start(s, b)
	run := s.requestEdits()
	for i := range q.fields {
		// "Clients MUST NOT generate a request with a Host header field that differs from the ":authority" pseudo-header field" (RFC 9113
		// section 8.3.1); the parsers have seen to that they are one, so that there is nothing left to say.
		if f := &q.fields[i]; a.keeps(f, q.buf) && f.ID != http1.Host && f.ID != http1.ContentLength {
			dst = s.encodeEdited(e, dst, f, q.buf, run)
		}
	}
	dst = s.encodeAdded(e, s.encodeForwarded(e, dst, &a, run), run)
	for i := range s.peer {
		dst = encodeField(e, dst, s.peer[i].Name, s.peer[i].Value)
	}
	if q.length > 0 || q.length == 0 && (a.length || q.empty) {
		dst = e.Length(dst, q.length)
	}
	if a.trailers {
		dst = encodeField(e, dst, "te", "trailers")
	}
	s.ask, s.head, s.size = dst, len(dst), e.Size()
}
