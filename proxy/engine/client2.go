package engine

import (
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http2"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// client2 is an HTTP/2 connection of a client. Its streams are stream2; what they send is collected, and leaves once at the end of
// a pass of the loop.
type client2 struct {
	core *core
	bind *Bind
	conn *http2.Conn
	in   *queue // what has come and is not dealt with: a part of a frame, or frames for which there was no room to answer
	out  *queue // what is to be sent
	wire wire
	from netip.AddrPort

	phase   phase2
	began   bool // the first frame has come
	paused  bool // in holds whole frames
	stuck   bool // the socket has not taken all of out
	broken  bool // it can't be sent to any more
	asked   bool // Settle is going to be called
	window  bool // streams may have got room to send
	stalled bool // a server waits for a stream that was told there is no room
	left    bool // the client opens no more streams
	active  int  // streams that are not over
	turn    uint32

	alarm   time.Duration // the deadline that the socket has, by the loop's clock; 0: none
	quiet   time.Duration // when the client has to have begun, or ends being idle
	taking  time.Duration // when the client has to have taken some of what waits
	leaving time.Duration // when GOAWAY says the last stream though the client has not answered; 0: it was not told to leave
}

// phase2 is what an HTTP/2 connection is at.
type phase2 uint8

const (
	prefacing phase2 = iota // the client's preface has to come
	serving                 //
	parting                 // the client's end, after GOAWAY
	parted                  //
)

const (
	// maxWaits is how much may wait to be sent before nothing more is received: what comes may have to be answered.
	maxWaits = 64 << 10
	// flushAt is how much is collected before it leaves at once.
	flushAt = 48 << 10
	// share is how much a stream that has waited for room sends before the next one's turn: a frame.
	share = 16 << 10
	// frameRoom is memory for what a frame is answered with.
	frameRoom = 256
	// connWindow is how much of requests' bodies a connection may have on its way or waiting for servers: four times that of a
	// stream, for each client may have as much waiting here.
	connWindow = 256 << 10
)

// newClient2 takes over a connection whose client is to speak HTTP/2, and of which in has come already.
func newClient2(c *core, b *Bind, w wire, from netip.AddrPort, in *queue) *client2 {
	cfg := http2.DefaultConfig()
	cfg.BlockTime, cfg.ConnWindow = b.Frontend().HTTPRequest, connWindow
	return &client2{core: c, bind: b, wire: w, from: from, in: in, conn: http2.NewConn(&cfg)}
}

// greet sends what a server sends first.
func (c *client2) greet(f *exchange.Frontend) {
	c.put(c.conn.Start(c.room(frameRoom)))
	c.paused = c.in != nil
	c.rest(f.HTTPRequest)
}

// Ready implements loop.Handler.
func (c *client2) Ready(*loop.Loop, loop.Ref) {
	defer c.rescue()
	if c.quiet == 0 {
		c.greet(c.bind.Frontend())
	}
	if c.blocked() {
		c.drain()
	}
	switch c.phase {
	case prefacing, serving:
		c.receive()
	case parting:
		c.discard()
	}
}

// rescue ends the connection that a bug was met on.
func (c *client2) rescue() {
	if what := recover(); what != nil {
		c.core.broken(what)
		c.fail(exchange.Broken)
	}
}

// receive takes in frames.
func (c *client2) receive() {
	l := c.core.loop
	for range budget {
		if c.paused && !c.resume() {
			return
		}
		scratch := l.Scratch()
		kept := copy(scratch, c.in.bytes()) // a part of a frame, which is far smaller
		n, st := c.wire.recv(c.core, scratch[kept:])
		switch st {
		case loop.Blocked:
			return
		case loop.Ended, loop.Failed:
			c.fail(exchange.ClientGone)
			return
		}
		c.in = c.core.spare.free(c.in)
		p := scratch[:kept+n]
		p = p[c.frames(p):]
		if c.phase > serving {
			return
		}
		c.in = c.core.spare.put(c.in, p)
	}
	l.Again(c.wire.ref)
}

// resume goes on with frames that came before, and reports whether more can be received.
func (c *client2) resume() bool {
	if c.waits() > maxWaits {
		return false
	}
	c.paused = false
	n := c.frames(c.in.bytes())
	if c.phase > serving {
		return false
	}
	c.in = c.core.spare.drop(c.in, n)
	return !c.paused
}

// waits is how much has not been sent.
func (c *client2) waits() int {
	n := len(c.out.bytes())
	if c.wire.pending() {
		n += len(c.wire.tls.Out())
	}
	return n
}

// frames deals with the frames that p begins with, and returns how long they were.
func (c *client2) frames(p []byte) (n int) {
	if c.phase == prefacing {
		if n = c.preface(p); c.phase != serving {
			return n
		}
	}
	now := c.core.now()
	for c.phase == serving {
		if len(c.out.bytes()) >= flushAt {
			c.flush()
		}
		if c.waits() > maxWaits {
			c.paused = true
			break
		}
		m, ev, out := c.conn.Receive(now, p[n:], c.room(frameRoom))
		c.out.b = out
		n += m
		if c.happened(&ev); m == 0 {
			break
		}
		if !c.began {
			c.began = true
			c.idle()
		}
	}
	c.received()
	return n
}

// received does what can be done once for many frames.
func (c *client2) received() {
	if c.window {
		c.window = false
		c.serve()
	}
	if late := c.conn.Deadline(); !late.IsZero() {
		c.wake(late.Sub(c.core.epoch))
	}
	c.touch()
}

// preface takes off what a client sends first.
func (c *client2) preface(p []byte) (n int) {
	n, err := http2.ParsePreface(p)
	switch {
	case err != nil:
		c.put(http2.AppendGoAway(c.room(frameRoom), 0, http2.ProtocolError, err.Error()))
		c.ended(err.(http2.Reason))
	case n > 0:
		c.phase = serving
	}
	return n
}

// happened deals with what a frame has brought.
func (c *client2) happened(ev *http2.Event) {
	t, _ := ev.Owner.(*stream2)
	switch ev.Kind {
	case http2.RequestHead:
		c.request(ev)
	case http2.RequestFault:
		c.fault(ev)
	case http2.Body:
		t.body(ev.Data, ev.End)
	case http2.Trailing:
		t.trailers(ev.Head)
	case http2.Reset:
		if t != nil {
			t.reset(ev.Why)
		}
	case http2.Window:
		c.window = true
	case http2.PeerLeaves:
		c.left = true
	case http2.Ended:
		c.ended(ev.Why)
	}
}

// room is out with memory for n more octets, to be put back.
func (c *client2) room(n int) []byte {
	c.out = c.core.spare.room(c.out, n)
	return c.out.b
}

// put takes back what room gave, for it to be sent at the end of the pass.
func (c *client2) put(out []byte) {
	c.out.b = out
	c.touch()
}

// touch has what is collected sent at the end of the pass.
func (c *client2) touch() {
	if !c.asked {
		c.asked = true
		c.core.loop.Settle(c.wire.ref)
	}
}

// Settle implements loop.Settler.
func (c *client2) Settle(*loop.Loop, loop.Ref) {
	defer c.rescue()
	c.asked = false
	if c.phase == parted {
		return
	}
	c.flush()
	if c.active == 0 {
		c.conn.Trim()
	}
	switch {
	case c.broken:
		c.fail(exchange.ClientGone)
	case c.phase == serving && c.active == 0 && (c.left || c.conn.Drained()):
		c.part()
	case c.phase == parting && !c.blocked():
		c.wire.closeWrite(c.core)
	}
}

// blocked reports whether the socket has not taken all that it was given.
func (c *client2) blocked() bool { return c.stuck || c.wire.pending() }

// flush sends what is collected. That it can't be sent is found out by Settle: here a stream may be in the midst of something.
func (c *client2) flush() {
	if c.blocked() || c.broken {
		return
	}
	p := c.out.bytes()
	if len(p) == 0 {
		c.out = c.core.spare.free(c.out)
		return
	}
	n, st := c.wire.send(c.core, p, nil)
	c.out = c.core.spare.drop(c.out, n)
	switch {
	case st == loop.Failed:
		c.broken = true
		c.touch()
	case c.out != nil, c.wire.pending():
		c.stuck = c.out != nil
		c.taking = c.core.loop.Now() + c.patience()
		c.wake(c.taking)
	}
}

// drain sends what the socket did not take before, and has streams go on when it has.
func (c *client2) drain() {
	before, taking, st := c.waits(), c.taking, loop.Done
	if c.wire.pending() {
		st = c.wire.push(c.core)
	}
	if st == loop.Done {
		c.stuck = false
		c.flush()
	}
	switch {
	case st == loop.Failed:
		c.fail(exchange.ClientGone)
	case c.blocked():
		if c.waits() < before {
			taking = c.core.loop.Now() + c.patience()
		}
		c.taking = taking
	default:
		c.touch()
		c.serve()
		c.unstall()
	}
}

// patience is how long the client may take for the next bytes.
func (c *client2) patience() time.Duration {
	if c.phase == parting {
		return lingerTime
	}
	return c.bind.Frontend().Client
}

// serve sends what streams have waiting, each a share in its turn.
func (c *client2) serve() {
	for c.phase == serving && !c.blocked() {
		id, owner := c.conn.Ready(c.turn)
		if id == 0 {
			return
		}
		c.turn = id
		owner.(*stream2).push()
	}
}

// unstall has the servers go on that wait for the socket.
func (c *client2) unstall() {
	if !c.stalled {
		return
	}
	c.stalled = false
	for _, owner := range c.conn.All() {
		if t, ok := owner.(*stream2); ok && t.stalled {
			t.unstall()
		}
	}
}
