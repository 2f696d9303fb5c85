package engine

import (
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
)

// interim passes on a 1xx response.
func (t *call2) interim(ev *http2.Event) {
	t.answered = true
	t.wait()
	h := &t.v.core.head
	*h = head{status: ev.Response.Status, reason: t.v.core.reasonOf(ev.Response.Status), buf: ev.Head.Buf, fields: ev.Head.Fields}
	t.s.client.interim(h)
}

// begun takes in the head of the response.
func (t *call2) begun(ev *http2.Event) {
	v, s, r := t.v, t.s, &ev.Response
	v.used, t.answered, t.headed = true, true, true
	t.wait()
	if !s.respond(r.Status, t.keep) {
		return
	}
	h := &v.core.head
	*h = head{
		status: r.Status, reason: v.core.reasonOf(r.Status), buf: ev.Head.Buf, fields: ev.Head.Fields,
		length: r.ContentLength, told: -1, bodiless: r.Bodiless(s.method), trailers: !ev.End,
	}
	if h.bodiless && r.Status != 204 {
		h.told = r.ContentLength
	}
	switch {
	case h.length >= 0:
	case h.bodiless, ev.End:
		h.length, h.untold = 0, true
	default:
		h.length = http1.ChunkedLength
	}
	if s.forward(h); t.s != s {
		return
	}
	if v.fresh = t; ev.End {
		t.complete(nil, nil)
	}
}

// body takes in a piece of the body.
func (t *call2) body(p []byte, last bool) {
	s := t.s
	t.wait()
	t.last = last
	switch {
	case len(p) == 0:
	case t.in == nil && s.client.room():
		t.owed += len(p)
		if s.client.data(p); t.s != s {
			return
		}
		t.v.fresh = t
	default:
		t.in = t.v.core.spare.put(t.in, p)
	}
	if last && t.in == nil {
		t.complete(nil, nil)
	}
}

// trailers takes in what ends a response after its body.
func (t *call2) trailers(h *http2.Head) {
	t.last = true
	if t.in == nil {
		t.complete(h.Buf, h.Fields)
		return
	}
	t.trailing.set(h.Buf, h.Fields)
}

// more implements answerer: the client takes what it had no room for, and the server may send on.
func (t *call2) more() {
	if t.id == 0 {
		return
	}
	v, s := t.v, t.s
	t.wait()
	if t.in != nil && s.client.room() {
		in := t.in
		t.in = nil
		t.owed += len(in.bytes())
		s.client.data(in.bytes())
		v.core.spare.free(in)
		if t.s != s {
			return
		}
		if t.last {
			t.complete(t.trailing.buf, t.trailing.fields)
			return
		}
		if s.client.flush(); t.s != s {
			return
		}
	}
	t.attend()
}

// attend has the server send more if the client takes it.
func (t *call2) attend() {
	if v := t.v; t.owed > 0 && t.in == nil && t.s.client.room() {
		n := t.owed
		t.owed = 0
		v.put(v.conn.Consumed(v.room(frameRoom), t.id, n))
	}
}

// complete ends a response that is whole. Of a request that is not nobody wants the rest.
func (t *call2) complete(buf []byte, trailers []http1.Field) {
	t.giveUp()
	s := t.s
	s.server = nil
	s.client.end(buf, trailers)
	t.free()
}

// reset ends a request that the server has given up, or on whose stream it has sent what must not come. One that it has not looked at
// is sent again.
func (t *call2) reset(ev *http2.Event) {
	keep := t.keep
	t.giveUp()
	s := t.detach()
	switch {
	case ev.Why != 0:
		s.failed(exchange.ServerGarbage, keep)
	case ev.Unprocessed && keep && s.replays < maxReplays:
		s.replays++
		s.tell(exchange.Stale)
	default:
		s.failed(exchange.ServerClosed, keep)
	}
}
