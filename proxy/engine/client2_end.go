package engine

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http2"
	"github.com/tandem-lb/tandem/proxy/loop"
)

var _ client = (*client2)(nil)

func (c *client2) owner() *Bind { return c.bind }

func (c *client2) retire() {
	if c.phase == prefacing {
		c.close(false)
		return
	}
	c.leave()
}

func (c *client2) kill() {
	c.fail(exchange.ClientGone)
}

// leave has the client open no more streams: its requests go to other connections then.
func (c *client2) leave() {
	if c.phase != serving || c.leaving != 0 {
		return
	}
	c.put(c.conn.Drain(c.room(frameRoom)))
	c.leaving = c.core.loop.Now() + lingerTime
	c.wake(c.leaving)
}

// ended ends a connection on which something came that must not.
func (c *client2) ended(why http2.Reason) {
	if log := c.core.log; log.IsDebug() {
		log.Debug("HTTP/2 connection ended", "client", c.from, "err", why)
	}
	c.part()
	c.each(func(t *stream2) { t.s.tell(exchange.ClientGone) })
	c.count(why)
}

// count accounts for what was no HTTP/2 as for a bad request.
func (c *client2) count(why http2.Reason) {
	s, now := c.core.stream(), c.core.now()
	s.start(nil, c.bind, c.from, &c.wire)
	s.x.Step(now, exchange.Event{Kind: exchange.Refused, Status: 400, Why: why.Label()})
	if a := s.x.Step(now, exchange.Event{Kind: exchange.ClientGone}); a.Record != nil {
		s.account(a.Record)
	}
	c.core.reuse(s)
}

// part ends the connection so that a client which still sends gets the GOAWAY: closing at once would reset it.
func (c *client2) part() {
	c.phase = parting
	c.in = c.core.spare.free(c.in)
	c.quiet = c.core.loop.Now() + lingerTime
	c.wake(c.quiet)
	c.core.loop.Again(c.wire.ref)
	c.touch()
}

func (c *client2) discard() {
	l := c.core.loop
	for range budget {
		switch _, st := c.wire.recv(c.core, l.Scratch()); st {
		case loop.Blocked:
			return
		case loop.Ended, loop.Failed:
			c.close(false)
			return
		}
	}
	l.Again(c.wire.ref)
}

// fail ends the connection at once, and the requests under way.
func (c *client2) fail(kind exchange.Kind) {
	if c.phase == parted {
		return
	}
	c.broken = true
	c.each(func(t *stream2) { t.s.tell(kind) })
	c.close(true)
}

// each calls f for the streams that are not over.
func (c *client2) each(f func(t *stream2)) {
	for _, owner := range c.conn.All() {
		if t, ok := owner.(*stream2); ok {
			f(t)
		}
	}
}

// close closes the connection. There are no requests under way.
func (c *client2) close(reset bool) {
	if c.phase == parted {
		return
	}
	c.phase = parted
	c.in, c.out = c.core.spare.free(c.in), c.core.spare.free(c.out)
	c.wire.close(c.core, reset)
	c.bind.closed(c.core, &c.wire, c.from)
}

// idle gives the client its time for another request.
func (c *client2) idle() { c.rest(c.bind.Frontend().KeepAlive) }

// rest ends the connection if no request comes within d.
func (c *client2) rest(d time.Duration) {
	c.quiet = c.core.loop.Now() + d
	c.wake(c.quiet)
}

// Expired implements loop.Handler. There is one deadline for all that has one, and it is not moved on when that is: so what is due is
// looked for here.
func (c *client2) Expired(l *loop.Loop, _ loop.Ref) {
	defer c.rescue()
	c.alarm = 0
	now := l.Now()
	switch {
	case c.phase == parting && c.overdue(now, c.quiet), c.phase == prefacing && c.overdue(now, c.quiet):
		c.close(c.phase == parting && c.blocked())
		return
	case c.blocked() && c.overdue(now, c.taking):
		c.silent()
		return
	case c.phase != serving:
		return
	}
	if late := c.conn.Deadline(); !late.IsZero() && c.overdue(now, late.Sub(c.core.epoch)) {
		n := c.frames(c.in.bytes()) // which finds that it is too late
		c.in = c.core.spare.drop(c.in, n)
	}
	c.each(func(t *stream2) {
		if t.due != 0 && c.overdue(now, t.due) {
			t.expired()
		}
	})
	if c.leaving != 0 && c.overdue(now, c.leaving) {
		c.put(c.conn.Leave(c.room(frameRoom)))
	}
	if c.active == 0 && c.phase == serving && c.overdue(now, c.quiet) {
		c.put(c.conn.Leave(c.room(frameRoom)))
		c.part()
	}
}

// silent ends a connection whose client takes nothing.
func (c *client2) silent() {
	c.broken = true
	c.each(func(t *stream2) {
		if t.began {
			t.s.tell(exchange.ClientSilent)
		} else {
			t.s.tell(exchange.ClientGone)
		}
	})
	c.close(true)
}
