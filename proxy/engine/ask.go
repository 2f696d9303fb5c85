package engine

import (
	"github.com/tandem-lb/tandem/proxy/certs"
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
	t := &s.core.target
	*t = exchange.Target{
		Host: text(s.text[:host]), URI: text(s.text[host:uri]), Upgrade: text(s.text[uri:upgrade]), Method: text(s.text[upgrade:]),
		Fields: q, Client: s.from, TLS: s.secure, Body: !s.whole,
	}
	if s.frontend.SNI {
		t.SNI = s.wire.serverName()
	}
	s.step(exchange.Event{Kind: exchange.Request, Target: t})
	s.x.Forget()
	s.question = nil
	*q = question{} // what it refers to is somebody else's from here on
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
	if !q.has(http1.Host) {
		dst = append(append(append(dst, "Host: "...), q.authority...), "\r\n"...)
	}
	a := asking{forwarded: &b.Forwarded, expects: q.expects, certificates: s.frontend.ClientCertificates}
	for i := range q.fields {
		if f := &q.fields[i]; a.keeps(f, q.buf) {
			dst = appendLine(dst, f, q.buf)
		}
	}
	dst = s.appendForwarded(dst, &b.Forwarded)
	for i := range s.peer {
		dst = http1.AppendField(dst, s.peer[i].Name, s.peer[i].Value)
	}
	if q.length != 0 || a.length || q.empty {
		dst = http1.AppendFraming(dst, q.length)
	}
	dst = s.appendOptions(dst, a.trailers)
	s.ask = append(dst, "\r\n"...)
}

// asking is what is noticed while a request's fields are written.
type asking struct {
	forwarded    *exchange.Forwarded
	expects      bool
	certificates bool // servers are told of client certificates, by fields that no client may send
	length       bool // there is a Content-Length
	trailers     bool // the client takes trailers
}

// keeps reports whether a field goes to the server as it came.
func (a *asking) keeps(f *http1.Field, buf []byte) bool {
	switch f.ID {
	case 0:
		return !f.Hop && !(a.certificates && certs.IsPeerHeader(f.Name.In(buf)))
	case http1.ContentLength:
		a.length = true
	case http1.TE:
		a.trailers = a.trailers || namesTrailers(f.Value.In(buf))
	case http1.Expect:
		return a.expects
	case http1.ProxyAuthorization, http1.ProxyAuthenticate: // for this proxy, which asks for none
		return false
	case http1.XForwardedFor:
		return !f.Hop && !a.forwarded.AppendFor && !a.forwarded.ReplaceFor
	case http1.XForwardedProto:
		return !f.Hop && !a.forwarded.Proto
	case http1.XRealIP:
		return !f.Hop && !a.forwarded.RealIP
	}
	return !f.Hop
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

// appendForwarded writes what a server is told about the client, in place of what came in under the same names.
func (s *stream) appendForwarded(dst []byte, f *exchange.Forwarded) []byte {
	if f.AppendFor || f.ReplaceFor {
		dst = append(dst, "X-Forwarded-For: "...)
		if f.AppendFor {
			dst = s.question.appendPrior(dst)
		}
		dst = append(s.from.Addr().AppendTo(dst), "\r\n"...)
	}
	if f.Proto && s.secure {
		dst = append(dst, "X-Forwarded-Proto: https\r\n"...)
	} else if f.Proto {
		dst = append(dst, "X-Forwarded-Proto: http\r\n"...)
	}
	if f.RealIP {
		dst = append(s.from.Addr().AppendTo(append(dst, "X-Real-IP: "...)), "\r\n"...)
	}
	return dst
}

// appendPrior writes the addresses that came in as X-Forwarded-For, in one list.
func (q *question) appendPrior(dst []byte) []byte {
	for i := range q.fields {
		if f := &q.fields[i]; f.ID == http1.XForwardedFor && !f.Hop && f.Value.Len() > 0 {
			dst = append(append(dst, f.Value.In(q.buf)...), ", "...)
		}
	}
	return dst
}
