package engine

import (
	"net/netip"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
)

// protocol2 is HTTP/2 as HAProxy and nginx log it.
const protocol2 = "HTTP/2.0"

// protocols1 are the versions of HTTP/1, by their minor number.
var protocols1 = [2]string{"HTTP/1.0", "HTTP/1.1"}

// details returns memory that says nothing yet.
func (c *core) details() *exchange.Details {
	if n := len(c.spareDetails); n > 0 {
		d := c.spareDetails[n-1]
		c.spareDetails = c.spareDetails[:n-1]
		return d
	}
	return &exchange.Details{}
}

// reuseDetails keeps them for another request.
func (c *core) reuseDetails(d *exchange.Details) {
	if d == nil {
		return
	}
	d.Reset()
	if len(c.spareDetails) < maxStreams {
		c.spareDetails = append(c.spareDetails, d)
	}
}

// detail begins to collect what a frontend logs of a client's request or session.
func (c *core) detail(log *exchange.Log, from netip.AddrPort, w *wire) *exchange.Details {
	d := c.details()
	d.Log, d.Client, d.TLS = log, from, w.secure()
	if log.TLS && w.tls != nil {
		info := w.handshake()
		d.Version, d.CipherSuite = info.Version, info.CipherSuite
	}
	return d
}

// requested notes the request that is routed. Its protocol and length are noted already.
func (s *stream) requested(q *question, authority, target, method string) {
	d := s.log
	d.Method, d.Authority, d.Target = method, authority, target
	if d.Protocol != protocol2 {
		authority = "" // HTTP/1 has it as a field
	}
	capture(&d.Request, d.Log.Request, q.fields, q.buf, authority)
	if w := d.Log.Cookie; w != nil {
		d.RequestCookie = captureCookie(d.RequestCookie[:0], w, q.fields, q.buf, http1.Cookie)
	}
}

// responded notes the response that a client gets: a head of size octets, as far as they can be told.
func (s *stream) responded(h *head, size int) {
	d := s.log
	d.ResponseHead = int64(size)
	capture(&d.Response, d.Log.Response, h.fields, h.buf, "")
	if w := d.Log.Cookie; w != nil {
		d.ResponseCookie = captureCookie(d.ResponseCookie[:0], w, h.fields, h.buf, http1.SetCookie)
	}
}

// capture notes the values of fields: of those that are there more than once the last one, as HAProxy does. host is that of a request
// whose Host need not be a field.
func capture(into *exchange.Captures, wanted []exchange.Capture, fields []http1.Field, buf []byte, host string) {
	for i := range wanted {
		w := &wanted[i]
		value := last(fields, buf, w.Name)
		if value == nil && host != "" && http1.EqualFold([]byte(w.Name), "host") {
			value = []byte(host)
		}
		into.Add(value[:min(len(value), w.Length)])
	}
}

// last is the value of the last field of that name; nil: there is none.
func last(fields []http1.Field, buf []byte, name string) []byte {
	for i := len(fields) - 1; i >= 0; i-- {
		f := &fields[i]
		if own := f.Name.In(buf); len(own) == len(name) && equalFold(own, name) {
			return f.Value.In(buf)
		}
	}
	return nil
}

// equalFold compares two field names of the same length.
func equalFold(a []byte, b string) bool {
	for i := range a {
		x, y := a[i], b[i]
		if 'A' <= x && x <= 'Z' {
			x |= 0x20
		}
		if 'A' <= y && y <= 'Z' {
			y |= 0x20
		}
		if x != y {
			return false
		}
	}
	return true
}

// account hands the record of the stream on.
func (s *stream) account(r *exchange.Record) {
	if s.log != nil {
		s.log.ProcessConnections = s.core.engine.open.Load()
	}
	s.bind.Account(r)
}
