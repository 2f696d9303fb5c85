package engine

import (
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
)

var _ asker = (*stream2)(nil)

// interim implements asker.
func (t *stream2) interim(h *head) {
	e := t.c.conn.Encoder()
	b := e.Status(e.Begin(t.c.core.block[:0]), h.status)
	b = e.Fields(b, h.buf, h.fields, nil)
	t.c.core.block = b
	if h.status == 100 && t.expects {
		t.expects = false
		t.within(t.s.frontend.Client)
	}
	t.c.put(t.c.conn.SendInterim(t.c.room(frameRoom+len(b)), t.id, b))
}

// proceed tells the client to send the body: the server has not said that it does not want it.
func (t *stream2) proceed() { t.interim(&head{status: 100}) }

// begin implements asker.
func (t *stream2) begin(h *head) {
	s, e := t.s, t.c.conn.Encoder()
	b, run := e.Status(e.Begin(t.c.core.block[:0]), h.status), s.responseEdits(false)
	for i := range h.fields {
		if f := &h.fields[i]; passes(f) {
			b = s.encodeEdited(e, b, f, h.buf, run)
		}
	}
	if h.bodiless {
		t.left = 0
		if h.told >= 0 {
			b = e.Length(b, h.told)
		}
	} else if h.length >= 0 {
		if !h.untold {
			b = e.Length(b, h.length)
		}
		if !h.trailers {
			t.left = h.length
		}
	}
	if b = s.encodeAdded(e, b, run); s.log != nil {
		s.responded(h, len(b))
	}
	t.send(b)
}

func encodeField(e *http2.Encoder, b []byte, name, value string) []byte {
	return e.Field(b, []byte(name), []byte(value), false)
}

// send sends the head of the response, which is the end of it if nothing is left.
func (t *stream2) send(block []byte) {
	t.c.core.block = block
	t.began, t.expects, t.ended = true, false, t.left == 0 && t.fault == 0
	t.c.put(t.c.conn.SendHead(t.c.room(frameRoom+len(block)), t.id, block, t.ended))
}

// data implements asker.
func (t *stream2) data(b []byte) {
	t.s.x.Count(0, int64(len(b)))
	t.write(b)
}

// write sends b, and keeps what there is no room for.
func (t *stream2) write(b []byte) {
	c := t.c
	if t.gone {
		return
	}
	if t.left > 0 {
		t.left -= int64(len(b))
		t.ended = t.left == 0 && t.fault == 0
	}
	for t.out == nil && len(b) > 0 && !c.blocked() {
		n := t.frame(b, t.ended)
		b = b[n:]
		if n == 0 {
			break
		}
	}
	if len(b) == 0 {
		return
	}
	if t.out == nil {
		c.conn.Wait(t.id)
		t.within(t.s.frontend.Client)
	}
	t.out = c.core.spare.put(t.out, b)
}

// frame sends as much of b as one frame and the windows hold; with the last of it the response ends if end says so.
func (t *stream2) frame(b []byte, end bool) (n int) {
	c := t.c
	p := b[:min(len(b), share)]
	n, out := c.conn.SendData(c.room(http2.HeaderLen+len(p)), t.id, p, end && len(p) == len(b))
	c.put(out)
	if len(out) >= flushAt {
		c.flush()
	}
	return n
}

// end implements asker.
func (t *stream2) end(buf []byte, trailers []http1.Field) {
	t.s.ended = true
	if !t.ended && t.fault == 0 && !t.gone {
		t.finish(buf, trailers)
	}
	t.delivered()
}

// finish ends a response of which nobody knew before that this was its end.
func (t *stream2) finish(buf []byte, trailers []http1.Field) {
	if len(trailers) > 0 {
		t.tail.set(buf, trailers)
	}
	t.ended = len(trailers) == 0
	if t.out == nil {
		t.close()
	}
}

// close sends END_STREAM, once all data is sent. Fields are written when they leave: the connection's table changes with each block.
func (t *stream2) close() {
	c := t.c
	if len(t.tail.fields) == 0 {
		_, out := c.conn.SendData(c.room(frameRoom), t.id, nil, true)
		c.put(out)
		return
	}
	e := c.conn.Encoder()
	b := e.Fields(e.Begin(c.core.block[:0]), t.tail.buf, t.tail.fields, nil)
	c.core.block = b
	c.put(c.conn.SendTrailers(c.room(frameRoom+len(b)), t.id, b))
}

// delivered ends the stream if all of the response is on its way.
func (t *stream2) delivered() {
	if t.out == nil && t.s.delivered() {
		t.s.tell(exchange.Finished)
	}
}

// push sends of what waits for room as much as is its share.
func (t *stream2) push() {
	c, s := t.c, t.s
	p := t.out.bytes()
	if len(p) > 0 {
		n := t.frame(p, t.ended)
		t.out = c.core.spare.drop(t.out, n)
		if n > 0 {
			t.within(s.frontend.Client)
		}
	}
	switch {
	case t.out != nil:
		c.conn.Wait(t.id) // it has more than its share
		return
	case s.ended && !t.ended && t.fault == 0:
		t.close()
	}
	if t.delivered(); t.s == s && t.stalled {
		t.unstall()
	}
}

// unstall has the server go on that waited for room.
func (t *stream2) unstall() {
	t.stalled = false
	t.s.goOn()
}

// reply implements asker.
func (t *stream2) reply(r *exchange.Reply) {
	s, e := t.s, t.c.conn.Encoder()
	b := e.Status(e.Begin(t.c.core.block[:0]), r.Status)
	run := s.responseEdits(true)
	ownFields(r, run, func(name string, value []byte) { b = e.Field(b, []byte(name), value, false) })
	if t.left = int64(len(r.Body)); s.method == http1.HEAD {
		t.left = 0
	}
	whole := t.left == 0
	if b = s.encodeAdded(e, b, run); s.log != nil {
		s.log.ResponseHead = int64(len(b))
	}
	t.send(b)
	if !whole {
		s.x.Count(0, int64(len(r.Body)))
		t.write([]byte(r.Body))
	}
	s.ended = true
	t.delivered()
}

// room implements asker.
func (t *stream2) room() bool {
	if t.out == nil && !t.c.blocked() {
		return true
	}
	t.stalled, t.c.stalled = true, true
	return false
}

// flush implements asker.
func (t *stream2) flush() { t.c.touch() }

// over implements asker.
func (t *stream2) over(abort bool) {
	c := t.c
	code := t.fault
	if abort {
		code = http2.InternalError
	}
	rest := t.owed + len(t.in.bytes())
	if c.phase == serving && !c.broken {
		out := c.conn.Reset(c.room(frameRoom), t.id, code)
		c.put(c.conn.Consumed(out, t.id, rest))
	} else {
		c.conn.SetOwner(t.id, nil)
	}
	t.in, t.out = c.core.spare.free(t.in), c.core.spare.free(t.out)
	c.active--
	c.core.reuse2(t)
	if c.active == 0 && c.phase == serving {
		c.idle()
	}
}
