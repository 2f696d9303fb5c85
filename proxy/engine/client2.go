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
	carrier
	bind *Bind
	conn *http2.Conn
	from netip.AddrPort

	phase   phase2
	began   bool // the first frame has come
	window  bool // streams may have got room to send
	stalled bool // a server waits for a stream that was told there is no room
	left    bool // the client opens no more streams
	active  int  // streams that are not over
	turn    uint32

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

// connWindow is how much of requests' bodies a connection may have on its way or waiting for servers: four times that of a
// stream, for each client may have as much waiting here.
const connWindow = 256 << 10

// newClient2 takes over a connection whose client is to speak HTTP/2, and of which in has come already.
func newClient2(c *core, b *Bind, w wire, from netip.AddrPort, in *queue) *client2 {
	cfg := http2.DefaultConfig()
	cfg.BlockTime, cfg.ConnWindow = b.Frontend().HTTPRequest, connWindow
	return &client2{carrier: carrier{core: c, wire: w, in: in}, bind: b, from: from, conn: http2.NewConn(&cfg)}
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
	c.begin()
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

// flush sends what is collected, which the client is to take within its time.
func (c *client2) flush() {
	blocked := c.blocked()
	c.carrier.flush()
	if !blocked && c.blocked() {
		c.taking = c.core.loop.Now() + c.patience()
		c.wake(c.taking)
	}
}

// drain sends what the socket did not take before, and has streams go on when it has.
func (c *client2) drain() {
	before := c.waits()
	switch st := c.resend(); {
	case st == loop.Failed:
		c.fail(exchange.ClientGone)
	case c.blocked():
		if c.waits() < before {
			c.taking = c.core.loop.Now() + c.patience()
		}
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
