package engine

import (
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// client1 is an HTTP/1 connection of a client. Idle it holds next to nothing: there may be very many.
type client1 struct {
	core *core
	bind *Bind
	s    *stream // the request under way; nil: none
	in   *queue  // what has come and is not dealt with: a part of a head, of trailers, or further requests
	out  *queue  // what the socket did not take
	wire wire
	from netip.AddrPort

	phase   phase
	heard   bool // something came from the client
	asked   bool // a request did
	closing bool // the connection ends after this response
	finned  bool // of a tunnel: the server sends nothing more
	expects bool // it waits for a 100 (Continue) before it sends the body
	timed   bool // the deadline is that of the head on its way
}

// phase is what a connection waits for.
type phase uint8

const (
	idle      phase = iota // the first byte of a request
	heading                // the rest of its head
	busy                   // its body, the server, or that the client takes the response
	lingering              // the client's end, after the last response
	gone                   //
)

const (
	// budget is how many reads one turn of a connection has before the others get theirs.
	budget = 4
	// lingerTime is how long a client that still sends has to take the last response, which a reset would destroy.
	lingerTime = 2 * time.Second
	// continueTime is how long a server has to say whether it wants the body of a request that expects 100 (Continue). Old servers
	// say nothing, and wait for it.
	continueTime = time.Second
	// lineCopied is below what it costs less to copy a piece of a body behind its head than to send both from where they are.
	lineCopied = 8 << 10
)

// Ready implements loop.Handler.
func (c *client1) Ready(l *loop.Loop, r loop.Ref) {
	defer c.rescue()
	c.wire.ref = r
	if c.blocked() && !c.drain() {
		if c.phase == busy { // a client that takes nothing may nevertheless have something to say
			c.pump()
		}
		return
	}
	switch c.phase {
	case idle, heading:
		c.receive()
	case busy:
		c.pump()
		c.watch()
	case lingering:
		c.discard()
	}
}

// rescue ends the connection that a bug was met on.
func (c *client1) rescue() {
	if what := recover(); what != nil {
		c.core.broken(what)
		c.fail(exchange.Broken)
	}
}

// drain sends what the socket did not take before, and reports whether the connection is still of use and out is empty.
func (c *client1) drain() bool {
	st := loop.Done
	if c.wire.pending() {
		st = c.wire.push(c.core)
	}
	if st == loop.Done && c.out != nil {
		var n int
		n, st = c.wire.send(c.core, c.out.bytes(), nil)
		c.out = c.core.spare.drop(c.out, n)
	}
	if st == loop.Done && c.s != nil && c.s.held() {
		_, st = c.core.loop.SpliceOut(c.wire.ref, c.s.pipe)
	}
	switch {
	case st == loop.Failed:
		c.fail(exchange.ClientGone)
		return false
	case c.blocked():
		c.core.loop.SetDeadline(c.wire.ref, c.patience())
		return false
	case c.s == nil:
		return true
	}
	if !c.drained() && c.s != nil {
		c.s.goOn()
	}
	return c.phase != gone && !c.blocked()
}

// blocked reports whether the client has not taken all that it was sent.
func (c *client1) blocked() bool {
	return c.out != nil || c.wire.pending() || c.s != nil && c.s.held()
}

// drained does what had to wait until the client had taken all, and reports whether that was the end of the stream.
func (c *client1) drained() bool {
	if c.finned {
		c.wire.closeWrite(c.core)
	}
	if c.s.delivered() {
		c.s.tell(exchange.Finished)
		return true
	}
	return false
}

// patience is how long the client may take for the next bytes.
func (c *client1) patience() time.Duration {
	if c.s != nil && c.s.tunnel {
		return c.s.frontend.Tunnel
	}
	if c.s != nil {
		return c.s.frontend.Client
	}
	return lingerTime
}

// fail ends the request under way, and with it the connection.
func (c *client1) fail(kind exchange.Kind) {
	if c.s != nil {
		c.s.tell(kind)
		return
	}
	c.close(false)
}

// close closes the connection. There is no request under way.
func (c *client1) close(reset bool) {
	if c.phase == gone {
		return
	}
	c.phase = gone
	c.in, c.out = c.core.spare.free(c.in), c.core.spare.free(c.out)
	c.wire.close(c.core, reset)
	c.bind.closed(c.core, &c.wire, c.from)
}

// watch finds out whether the client has left while the server is at work, or none has room. What it has sent meanwhile, further requests,
// is kept.
func (c *client1) watch() {
	l := c.core.loop
	if s := c.s; c.phase == busy && s != nil && s.server == nil && !s.whole && !s.ended && l.HungUp(c.wire.ref) {
		c.fail(exchange.ClientGone) // whatever of the body is left: nobody takes it yet
		return
	}
	if c.phase != busy || c.s == nil || c.s.tunnel || c.s.ended || !c.s.whole || c.in != nil || !c.ends() {
		return
	}
	n, st := c.wire.recv(c.core, l.Scratch())
	switch st {
	case loop.Done:
		c.in = c.core.spare.put(c.in, l.Scratch()[:n])
	case loop.Ended, loop.Failed:
		c.fail(exchange.ClientGone)
	}
}

// ends reports whether the client may have ended the connection. With TLS its end is a message among others.
func (c *client1) ends() bool {
	return c.core.loop.HungUp(c.wire.ref) || c.wire.secure() && c.wire.canRecv(c.core)
}

// Expired implements loop.Handler. A deadline that nobody waits for any more is not taken back, for that would cost each request
// something: it is found to be of no concern here.
func (c *client1) Expired(l *loop.Loop, r loop.Ref) {
	defer c.rescue()
	switch {
	case c.phase == lingering:
		c.close(false)
	case c.phase == idle && c.heard:
		c.close(false)
	case c.phase == idle:
		if c.first(); c.s.log != nil {
			c.s.log.Unheard = true
		}
		c.s.tell(exchange.ClientSilent)
	case c.expects && !c.blocked() && c.waitsForBody():
		c.proceed()
	case c.phase == heading, c.blocked(), c.waitsForBody():
		c.s.tell(exchange.ClientSilent)
	case c.s != nil && c.s.tunnel:
		c.s.tell(exchange.ServerSilent)
	}
}

// waitsForBody reports whether it is the client's turn.
func (c *client1) waitsForBody() bool {
	return c.phase == busy && c.s != nil && !c.s.tunnel && !c.s.whole && c.s.takes()
}

// first begins the stream of a request whose first byte is there.
func (c *client1) first() {
	c.s = c.core.stream()
	c.s.start(c, c.bind, c.from, &c.wire)
}

// over implements asker.
func (c *client1) over(abort bool) {
	s := c.s
	c.s = nil
	switch {
	case abort:
		if len(c.core.down) > 0 && !c.blocked() { // what there is of the response is not kept from the client
			_, _ = c.wire.send(c.core, c.core.down, nil) // it ends here anyway
		}
		c.core.down = c.core.down[:0]
		c.close(true)
	case c.stays(s):
		c.rest(s.frontend.KeepAlive)
	case s.tunnel, c.heardAll(s):
		c.leave()
	default:
		c.linger()
	}
}

// stays reports whether the connection is for further requests.
func (c *client1) stays(s *stream) bool { return !s.tunnel && !c.closing && !c.bind.leaving.Load() }

// heardAll reports whether the client has sent what it has to, as far as is known: it takes nothing for reset then.
func (c *client1) heardAll(s *stream) bool { return s.whole && c.in == nil && !c.wire.canRecv(c.core) }

// leave closes the connection of a client that has sent all it has to, once TLS has told it of the end.
func (c *client1) leave() {
	if c.wire.farewell(c.core) {
		c.close(false)
	} else {
		c.linger()
	}
}

// rest waits for the next request, which may be there already.
func (c *client1) rest(keepAlive time.Duration) {
	l := c.core.loop
	c.phase = idle
	l.SetDeadline(c.wire.ref, keepAlive)
	if c.in != nil || c.wire.canRecv(c.core) {
		l.Again(c.wire.ref)
	}
}

// linger ends the connection so that a client which still sends gets the last response: closing at once would reset it
// (RFC 9112 section 9.6).
func (c *client1) linger() {
	l := c.core.loop
	c.phase = lingering
	c.in = c.core.spare.free(c.in)
	c.wire.closeWrite(c.core)
	l.SetDeadline(c.wire.ref, lingerTime)
	c.discard()
}

func (c *client1) discard() {
	l := c.core.loop
	for range budget {
		switch _, st := c.wire.recv(c.core, l.Scratch()); {
		case st == loop.Failed, st == loop.Ended && !c.blocked():
			c.close(false)
			return
		case st != loop.Done:
			return
		}
	}
	l.Again(c.wire.ref)
}

var _ asker = (*client1)(nil)

var _ client = (*client1)(nil)

func (c *client1) owner() *Bind { return c.bind }

func (c *client1) retire() {
	if c.phase == idle && c.in == nil {
		c.close(false)
	}
}

func (c *client1) kill() {
	if c.s != nil {
		c.s.tell(exchange.ClientGone)
	}
	c.close(true)
}
