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
	dst := e.Request(e.Begin(s.ask), &http2.Target{Method: q.name, Authority: q.authority, Path: path, HTTPS: s.secure})
	s.core.block = path[:0]
	a := asking{forwarded: &b.Forwarded, expects: q.expects, certificates: s.frontend.ClientCertificates}
	for i := range q.fields {
		// "Clients MUST NOT generate a request with a Host header field that differs from the ":authority" pseudo-header field" (RFC 9113
		// section 8.3.1); the parsers have seen to that they are one, so that there is nothing left to say.
		if f := &q.fields[i]; a.keeps(f, q.buf) && f.ID != http1.Host && f.ID != http1.ContentLength {
			dst = e.Field(dst, f.Name.In(q.buf), f.Value.In(q.buf), http2.IsSecret(f.ID))
		}
	}
	dst = s.encodeForwarded(e, dst, &b.Forwarded)
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

// encodeForwarded is appendForwarded for HTTP/2.
func (s *stream) encodeForwarded(e *http2.Encoder, dst []byte, f *exchange.Forwarded) []byte {
	value := s.core.block[:0]
	if f.AppendFor || f.ReplaceFor {
		if f.AppendFor {
			value = s.question.appendPrior(value)
		}
		value = s.from.Addr().AppendTo(value)
		dst = e.Field(dst, []byte("x-forwarded-for"), value, false)
	}
	if f.Proto && s.secure {
		dst = encodeField(e, dst, "x-forwarded-proto", "https")
	} else if f.Proto {
		dst = encodeField(e, dst, "x-forwarded-proto", "http")
	}
	if f.RealIP {
		value = s.from.Addr().AppendTo(value[:0])
		dst = e.Field(dst, []byte("x-real-ip"), value, false)
	}
	s.core.block = value[:0]
	return dst
}
