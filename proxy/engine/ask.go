package engine

import (
	"crypto/rand"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
)

// route lets the exchange decide about a request.
func (s *stream) route(q *question) {
	s.method, s.length = q.method, q.length
	s.whole = q.length == 0
	s.text = append(s.text[:0], q.authority...)
	host := len(s.text)
	s.text = append(s.text, q.target...)
	uri := len(s.text)
	s.text = append(s.text, q.upgrade...)
	upgrade := len(s.text)
	s.text = append(s.text, q.name...)
	s.ask = s.ask[:0]
	s.question = q
	if s.log != nil {
		s.requested(q, text(s.text[:host]), text(s.text[host:uri]), text(s.text[upgrade:]))
	}
	t := &s.core.target // field by field: a literal would be made elsewhere and copied
	t.Host, t.URI, t.Upgrade, t.Method = text(s.text[:host]), text(s.text[host:uri]), text(s.text[uri:upgrade]), text(s.text[upgrade:])
	t.Fields, t.Client, t.TLS, t.Body, t.Length = q, s.from, s.secure, !s.whole, s.length
	t.SNI, t.Version = "", 0
	if s.frontend.Handshake && s.secure {
		info := s.wire.handshake()
		t.SNI, t.Version = info.ServerName, info.Version
	}
	if s.frontend.RequestID != nil {
		_, _ = rand.Read(t.Random[:]) // it cannot fail
	}
	if r := s.frontend.Compression; r != nil && !s.old() {
		s.coding = r.Choose(q)
	}
	s.step(exchange.Event{Kind: exchange.Request, Target: t})
	s.x.Forget()
	s.question = nil
	*q = question{} // what it refers to is somebody else's from here on
}

// old reports whether the client speaks HTTP/1.0. It knows no chunks: a response whose length nobody knows, as that of one which is
// compressed on its way, would cost it the connection that it may want to keep.
func (s *stream) old() bool {
	_, one := s.client.(*client1) // the request of another is not read
	return one && s.request.Minor == 0
}

// appendAsk writes the request's head as an HTTP/1 server gets it: the end-to-end fields in their order and byte for byte,
// framing, connection and what the backend wants told about the client.
func (s *stream) appendAsk(b *exchange.Backend) {
	q, dst := s.question, s.ask
	dst = append(append(dst, q.name...), ' ')
	dst = append(dst, s.x.Path()...)
	dst = http1.AppendQuery(dst, q.query)
	dst = append(dst, " HTTP/1.1\r\n"...)
	// "MUST send a Host header field with an empty field value" where there is none, and it "SHOULD" be the first (RFC 9112
	// section 3.2).
	if host := s.x.Host(); host != "" {
		dst = http1.AppendField(dst, "Host", host)
	} else if !q.has(http1.Host) {
		dst = append(append(append(dst, "Host: "...), q.authority...), "\r\n"...)
	}
	var a asking
	a.start(s, b)
	run := s.requestEdits()
	for i := range q.fields {
		if f := &q.fields[i]; a.keeps(f, q.buf) {
			dst = s.appendEdited(dst, f, q.buf, run)
		}
	}
	dst = s.appendAdded(s.appendForwarded(dst, &a, run), run)
	for i := range s.peer {
		dst = http1.AppendField(dst, s.peer[i].Name, s.peer[i].Value)
	}
	if q.length != 0 || a.length || q.empty {
		dst = http1.AppendFraming(dst, q.length)
	}
	dst = s.appendOptions(dst, a.trailers)
	s.ask = append(dst, "\r\n"...)
}

// namesTrailers reports whether a TE field has the one coding that is passed on.
func namesTrailers(b []byte) bool {
	for len(b) > 0 {
		element := b
		for i, c := range b {
			if c == ',' {
				element = b[:i]
				break
			}
		}
		b = b[min(len(element)+1, len(b)):]
		for len(element) > 0 && (element[0] == ' ' || element[0] == '\t') {
			element = element[1:]
		}
		for n := len(element); n > 0 && (element[n-1] == ' ' || element[n-1] == '\t'); n-- {
			element = element[:n-1]
		}
		if http1.EqualFold(element, "trailers") {
			return true
		}
	}
	return false
}

func appendLine(dst []byte, f *http1.Field, buf []byte) []byte {
	dst = append(dst, f.Name.In(buf)...)
	dst = append(dst, ": "...)
	dst = append(dst, f.Value.In(buf)...)
	return append(dst, "\r\n"...)
}

// appendOptions writes the Connection field where there is something to say, and what it names. "A sender of TE MUST also send a
// "TE" connection option" (RFC 9110 section 10.1.4).
func (s *stream) appendOptions(dst []byte, trailers bool) []byte {
	protocol := s.x.Upgrade()
	switch {
	case protocol != "" && trailers:
		dst = append(dst, "Connection: Upgrade, TE\r\n"...)
	case protocol != "":
		dst = append(dst, "Connection: Upgrade\r\n"...)
	case trailers:
		dst = append(dst, "Connection: TE\r\n"...)
	}
	if protocol != "" {
		dst = http1.AppendField(dst, "Upgrade", protocol)
	}
	if trailers {
		dst = append(dst, "TE: trailers\r\n"...)
	}
	return dst
}
