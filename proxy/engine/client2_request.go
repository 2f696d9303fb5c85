package engine

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
)

// stream2 is a request on an HTTP/2 connection of a client: the asker's side of a stream.
type stream2 struct {
	c   *client2
	s   *stream
	id  uint32
	in  *queue // of the request: what the server has no room for
	out *queue // of the response: what there is no room for on the connection

	owed  int           // octets of the request that the server's side got, for which the client has not been given room again
	left  int64         // octets of the response until END_STREAM; below 0: nobody knows
	want  int64         // octets of the request's content-length that have not come; below 0: it was not told
	due   time.Duration // when the client has to have done something, by the loop's clock; 0: it is not its turn
	fault http2.Code    // what the stream is reset with after a reply to what was no request

	last     bool    // all of the request's body has come
	expects  bool    // the client waits for a 100 (Continue) before it sends the body
	began    bool    // the head of the response is sent
	ended    bool    // END_STREAM is sent, or goes with the last of out
	gone     bool    // the client has reset the stream
	stalled  bool    // the server was told that there is no room
	trailing section // the request's trailers
	tail     section // the response's
}

// section is a copy of trailers: those of HTTP/2 come and go behind data that may have to wait.
type section struct {
	buf    []byte // what fields are spans of
	fields []http1.Field
}

func (x *section) set(buf []byte, fields []http1.Field) {
	x.buf, x.fields = append(x.buf[:0], buf...), append(x.fields[:0], fields...)
}

// reset is an empty section, with the memory of x if that is little.
func (x *section) reset() section {
	if cap(x.buf) > maxKept {
		return section{}
	}
	return section{buf: x.buf[:0], fields: x.fields[:0]}
}

// stream2 returns one that nothing is known of yet.
func (c *core) stream2() *stream2 {
	if n := len(c.streams2); n > 0 {
		t := c.streams2[n-1]
		c.streams2 = c.streams2[:n-1]
		return t
	}
	return &stream2{}
}

// reuse2 keeps one that is over for the next request.
func (c *core) reuse2(t *stream2) {
	*t = stream2{trailing: t.trailing.reset(), tail: t.tail.reset()}
	if len(c.streams2) < maxStreams {
		c.streams2 = append(c.streams2, t)
	}
}

// open begins a stream.
func (c *client2) open(id uint32) *stream2 {
	t := c.core.stream2()
	t.c, t.id, t.s = c, id, c.core.stream()
	t.left = -1
	c.active++
	c.conn.SetOwner(id, t)
	t.s.start(t, c.bind, c.from, &c.wire)
	return t
}

// request takes up a request.
func (c *client2) request(ev *http2.Event) {
	if c.bind.leaving.Load() || c.bind.Draining() {
		c.leave()
	}
	t := c.open(ev.Stream)
	s, r, buf := t.s, &ev.Request, ev.Head.Buf
	t.last, t.expects, t.want = ev.End, r.Continue && !ev.End, r.Length
	s.asking = question{
		buf: buf, fields: ev.Head.Fields, method: r.Method, name: r.Name.In(buf), authority: r.Authority.In(buf),
		target: targetOf(r, buf), query: r.Query.In(buf), length: r.Length, expects: t.expects,
	}
	if s.log != nil {
		s.log.Protocol, s.log.RequestHead = protocol2, int64(len(buf))
	}
	switch {
	case r.Length == 0 && !ev.End: // in chunks it is not whole before it has ended
		s.asking.length = http1.ChunkedLength
	case ev.End:
		s.asking.length = 0
		s.asking.empty = r.Method == http1.POST || r.Method == http1.PUT || r.Method == http1.PATCH
	}
	s.hold = true
	s.route(&s.asking)
	if t.s != s {
		return
	}
	if s.next.Do != 0 {
		c.core.held = append(c.core.held, held2{t, ev.Stream})
		return
	}
	s.hold = false
	s.flushServer()
	if t.s == s {
		t.attend()
	}
}

// held2 is a request whose server is looked for when all frames of the read that has brought it are dealt with. One that its client takes
// back in the same read costs no server anything: of a client that does nothing else, each would be a connection opened and closed.
type held2 struct {
	t  *stream2
	id uint32 // it may have ended since, and t be another's
}

// maxHeld is how much of a held request's body is copied: a client that has sent more has paid for what the server does.
const maxHeld = 4 << 10

// begin goes on with the requests that were held.
func (c *client2) begin() {
	for _, h := range c.core.held {
		if h.t.c == c && h.t.id == h.id {
			h.t.s.letGo()
		}
	}
	c.core.held = c.core.held[:0]
}

// targetOf is the target as HTTP/1 writes it.
func targetOf(r *http2.Request, buf []byte) []byte {
	switch r.Form {
	case http1.Asterisk:
		return []byte("*")
	case http1.Authority:
		return r.Authority.In(buf)
	}
	return buf[r.Path.At : int(r.Path.End)+r.Query.Len()] // the one follows the other
}

// fault answers what is no request.
func (c *client2) fault(ev *http2.Event) {
	status := ev.Why.Status()
	if status == 0 {
		c.put(c.conn.Reset(c.room(frameRoom), ev.Stream, ev.Why.Code()))
		return
	}
	t := c.open(ev.Stream)
	t.last = ev.End
	if ev.Why != http2.HeadTooLarge { // a client can make sense of that answer
		t.fault = ev.Why.Code()
	}
	t.s.step(exchange.Event{Kind: exchange.Refused, Status: status, Why: ev.Why.Label()})
}

// body takes in a piece of the request's body.
func (t *stream2) body(p []byte, last bool) {
	s := t.s
	t.last, t.expects = last, false
	if s.ended { // the server wants no more of it
		t.release(len(p))
		return
	}
	if s.x.Count(int64(len(p)), 0); s.x.TooLarge() {
		t.release(len(p))
		s.tooLarge()
		return
	}
	if t.want > 0 {
		t.want -= int64(len(p)) // what is above it has been judged
	}
	if t.in == nil && len(p) > 0 && s.takes() && !t.holds() {
		t.owed += len(p)
		s.server.data(p)
	} else {
		t.in = t.c.core.spare.put(t.in, p)
		if s.hold && len(t.in.bytes()) > maxHeld {
			s.letGo()
		}
	}
	if t.s == s {
		t.pump()
	}
}

// holds reports whether all that content-length tells has come, but not the end of the stream. What makes the request whole is kept
// until then: if more comes it is malformed, and "MUST NOT" be forwarded (RFC 9113 section 8.1.1).
func (t *stream2) holds() bool { return t.want == 0 && !t.last }

// trailers takes in what ends a request after its body.
func (t *stream2) trailers(h *http2.Head) {
	t.trailing.set(h.Buf, h.Fields)
	t.body(nil, true)
}

// pump gives the server what has come of the request, as long as it takes it.
func (t *stream2) pump() {
	s, spare := t.s, &t.c.core.spare
	if t.in != nil && s.takes() && !t.holds() {
		in := t.in
		t.in = nil
		t.owed += len(in.bytes())
		s.server.data(in.bytes())
		spare.free(in)
		if t.s != s {
			return
		}
	}
	if t.in == nil && t.last && !s.whole && s.takes() {
		s.sent()
		s.server.end(t.trailing.buf, t.trailing.fields)
	}
	if s.flushServer(); t.s == s {
		t.attend()
	}
}

// attend has the client send more if the server takes it, within its time.
func (t *stream2) attend() {
	s, c := t.s, t.c
	switch {
	case s.whole || !s.takes():
	case t.expects:
		t.within(continueTime)
	default:
		t.within(s.frontend.Client)
	}
	if t.owed > 0 && (s.whole || s.takes()) {
		n := t.owed
		t.owed = 0
		c.put(c.conn.Consumed(c.room(frameRoom), t.id, n))
	}
}

// within gives the client its time.
func (t *stream2) within(d time.Duration) {
	t.due = t.c.core.loop.Now() + d
	t.c.wake(t.due)
}

// release gives room back for what nobody wants.
func (t *stream2) release(n int) {
	if n > 0 {
		t.c.put(t.c.conn.Consumed(t.c.room(frameRoom), t.id, n))
	}
}

// more implements asker.
func (t *stream2) more() { t.pump() }

// waitsForBody reports whether it is the client's turn.
func (t *stream2) waitsForBody() bool { return !t.s.whole && !t.last && t.s.takes() }

// expired deals with a client that has not done in time what it had to.
func (t *stream2) expired() {
	t.due = 0
	switch {
	case t.expects && t.out == nil && t.waitsForBody():
		t.proceed()
	case t.out != nil, t.waitsForBody():
		t.s.tell(exchange.ClientSilent)
	}
}

// reset ends a request that the client has given up, or on whose stream it has sent what must not come.
func (t *stream2) reset(why http2.Reason) {
	t.gone = true
	if why != 0 {
		t.s.step(exchange.Event{Kind: exchange.Refused, Status: 400, Why: why.Label()})
		return
	}
	t.s.tell(exchange.ClientGone)
}
