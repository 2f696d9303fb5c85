package engine

import (
	"slices"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
)

// call2 is a request on an HTTP/2 connection to a server: the answerer's side of a stream.
type call2 struct {
	v       *server2
	s       *stream
	backend *exchange.Backend
	id      uint32 // 0: it waits for the connection
	in      *queue // of the response: what the client has no room for
	out     *queue // of the request: what there is no room for on the connection

	mark uint32        // what the wire had sent, or had to send, before this request
	owed int           // octets of the response that the client's side got, for which the server has not been given room again
	due  time.Duration // when the server has to have done something, by the loop's clock; 0: it is not its turn

	reused   bool    // the connection had brought a response before
	keep     bool    // all of the request is kept, so that it can be sent again
	answered bool    // something of a response has come
	headed   bool    // its head has
	last     bool    // all of its body has
	whole    bool    // all of the request has been handed over
	stalled  bool    // the client was told that there is no room
	trailing section // the response's trailers, where they have to wait
	tail     section // the request's
}

var _ answerer = (*call2)(nil)

// maxReplays is how often a request is sent again because a server said that it has not looked at it: one that refuses whatever it
// gets would go on for ever.
const maxReplays = 3

// join takes up a request, for which there is room or will be.
func (v *server2) join(s *stream, b *exchange.Backend) {
	c := v.core
	t := &call2{}
	if n := len(c.calls2); n > 0 {
		t, c.calls2 = c.calls2[n-1], c.calls2[:n-1]
	}
	t.v, t.s, t.backend = v, s, b
	s.server = t
	v.active++
	if v.opens() {
		s.tell(exchange.Connected)
		return
	}
	v.waiting = append(v.waiting, t)
}

// detach takes the request away from its stream, which it returns.
func (t *call2) detach() *stream {
	s := t.s
	s.server = nil
	t.free()
	return s
}

// free ends the request, and keeps the memory for another one.
func (t *call2) free() {
	v, c := t.v, t.v.core
	v.active--
	if v.active == 0 {
		v.idleFrom = c.loop.Now()
	}
	if v.fresh == t {
		v.fresh = nil
	}
	v.conn.SetOwner(t.id, nil)
	t.in, t.out = c.spare.free(t.in), c.spare.free(t.out)
	*t = call2{trailing: t.trailing.reset(), tail: t.tail.reset()}
	if len(c.calls2) < maxStreams {
		c.calls2 = append(c.calls2, t)
	}
}

// begin implements answerer.
func (t *call2) begin() {
	v, s := t.v, t.s
	e, core := v.conn.Encoder(), v.core
	held := s.ask[s.head:] // of a request that is sent again
	core.block = e.Block(e.Begin(core.block[:0]), s.ask[:s.head], s.size)
	mark := v.wire.sent + uint32(v.waits())
	id, out, err := v.conn.Open(v.room(len(core.block)+frameRoom), core.block, s.method, s.whole && len(held) == 0 && s.gathered == nil)
	core.block = core.block[:0]
	v.put(out)
	if err != nil {
		s.step(exchange.Event{Kind: exchange.Refused, Status: 431}) // it is too large: there is room for a stream, or it had not come here
		return
	}
	v.conn.SetOwner(id, t)
	t.id, t.mark, t.reused, t.keep = id, mark, v.used, true
	t.wait()
	v.look(t.backend)
	if len(held) > 0 {
		t.write(held)
		if s.whole {
			t.finish(nil, nil)
		}
	}
}

// wait gives the server its time to do something.
func (t *call2) wait() {
	t.due = t.v.core.loop.Now() + t.backend.Server
	t.v.wake(t.due)
}

// data implements answerer.
func (t *call2) data(b []byte) {
	s := t.s
	if t.keep = t.keep && len(s.ask)-s.head+len(b) <= maxReplay; t.keep {
		s.ask = append(s.ask, b...)
	}
	t.write(b)
}

// write sends b, and keeps what there is no room for.
func (t *call2) write(b []byte) {
	v := t.v
	for t.out == nil && len(b) > 0 && !v.blocked() {
		n := t.frame(b)
		b = b[n:]
		if n == 0 {
			break
		}
	}
	if len(b) == 0 {
		return
	}
	if t.out == nil {
		v.conn.Wait(t.id)
		t.wait()
	}
	t.out = v.core.spare.put(t.out, b)
}

// frame sends as much of b as one frame and the windows hold.
func (t *call2) frame(b []byte) (n int) {
	v := t.v
	p := b[:min(len(b), share)]
	n, out := v.conn.SendData(v.room(http2.HeaderLen+len(p)), t.id, p, false)
	v.put(out)
	if len(out) >= flushAt {
		v.flush()
	}
	return n
}

// end implements answerer.
func (t *call2) end(buf []byte, trailers []http1.Field) {
	t.keep = t.keep && len(trailers) == 0
	t.finish(buf, trailers)
}

// finish ends the request.
func (t *call2) finish(buf []byte, trailers []http1.Field) {
	if len(trailers) > 0 {
		t.tail.set(buf, trailers)
	}
	t.whole = true
	if t.out == nil {
		t.close()
	}
	t.wait()
}

// close sends END_STREAM, once all data is sent.
func (t *call2) close() {
	v := t.v
	if len(t.tail.fields) == 0 {
		_, out := v.conn.SendData(v.room(frameRoom), t.id, nil, true)
		v.put(out)
		return
	}
	e, core := v.conn.Encoder(), v.core
	core.block = e.Fields(e.Begin(core.block[:0]), t.tail.buf, t.tail.fields, nil)
	v.put(v.conn.SendTrailers(v.room(frameRoom+len(core.block)), t.id, core.block))
	core.block = core.block[:0]
}

// push sends of what waits for room as much as is its share.
func (t *call2) push() {
	v, s := t.v, t.s
	if p := t.out.bytes(); len(p) > 0 {
		n := t.frame(p)
		t.out = v.core.spare.drop(t.out, n)
		if n > 0 {
			t.wait()
		}
	}
	switch {
	case t.out != nil:
		v.conn.Wait(t.id) // it has more than its share
	case t.whole:
		t.close()
	case t.s == s && t.stalled:
		t.unstall()
	}
}

// unstall has the client go on that waited for room.
func (t *call2) unstall() {
	t.stalled = false
	t.s.client.more()
}

// room implements answerer.
func (t *call2) room() bool {
	if t.out == nil && !t.v.blocked() {
		return true
	}
	t.stalled, t.v.stalled = true, true
	return false
}

// flush implements answerer.
func (t *call2) flush() { t.v.touch() }

// leave implements answerer: the server is told that nobody wants its response.
func (t *call2) leave() {
	v := t.v
	switch {
	case t.id == 0:
		v.waiting = slices.DeleteFunc(v.waiting, func(o *call2) bool { return o == t })
		t.free()
		if v.state == coming && len(v.waiting) == 0 {
			v.close()
		}
		return
	case v.state == standing:
		t.giveUp()
	}
	t.free()
}

// giveUp resets the stream, unless it has come to its end, and lets the others have its room.
func (t *call2) giveUp() {
	v := t.v
	out := v.conn.Reset(v.room(frameRoom), t.id, http2.Cancel)
	v.put(v.conn.Consumed(out, t.id, t.owed+len(t.in.bytes())))
}

// expired deals with a server that has not done in time what it had to. It costs this request alone, unless the server says nothing
// at all.
func (t *call2) expired() {
	t.due = 0
	v, s := t.v, t.s
	if t.out == nil && !v.blocked() && !(s.client.room() && (s.whole || t.headed)) {
		return // it is the client's turn
	}
	if v.core.loop.Now()-v.heard >= t.backend.Server {
		v.probe()
	}
	s.failed(exchange.ServerSilent, t.keep)
}

// unseen reports whether the request can be sent again after the connection was lost, as with HTTP/1: none of it has reached the
// server, of which so much has, or its method is safe and the connection may have been closed for its age.
func (t *call2) unseen(known bool, reached uint32) bool {
	if t.s.tried || !t.keep || t.answered {
		return false
	}
	return t.reused && safe(t.s.method) || known && int32(reached-t.mark) <= 0
}
