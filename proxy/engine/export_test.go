package engine

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/secure"
)

// Attach has loops serve that a test turns, in place of those of Run.
func (e *Engine) Attach(loops ...*loop.Loop) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.attach(loops)
}

// Spoil has all memory overwritten after each call that nobody may rely on any more.
func (e *Engine) Spoil() {
	for _, c := range e.cores {
		c.loop.AfterEach(func(*loop.Loop) { c.spoil() })
	}
}

// Open is how many connections of clients there are.
func (e *Engine) Open() int { return int(e.open.Load()) }

// RunHandshakes does the work of TLS handshakes until ctx ends.
func (e *Engine) RunHandshakes(ctx context.Context) {
	var group sync.WaitGroup
	for _, h := range []*secure.Handshaker{e.handshaker, e.dialer} {
		group.Go(func() { _ = h.Run(ctx) }) // nil, as for every Run whose context ends
	}
	group.Wait()
}

// Greetings is how many connections of clients are in their TLS handshake.
func (e *Engine) Greetings() (n int) {
	for _, c := range e.cores {
		c.loop.Each(func(_ loop.Ref, h loop.Handler) {
			if _, ok := h.(*greeting); ok {
				n++
			}
		})
	}
	return n
}

// Held is how many clients loops hold for which there is no room. It may be called while Run runs.
func (e *Engine) Held() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	var n atomic.Int64
	e.each(func(c *core) {
		for _, p := range c.ports {
			if p.held != nil {
				n.Add(1)
			}
		}
	})
	return int(n.Load())
}

// Idle is how many connections to servers wait for a request.
func (e *Engine) Idle() (n int) {
	for _, c := range e.cores {
		for _, i := range c.idle {
			n += len(i.list)
		}
	}
	return n
}

// Holds is how many queues and pipes sessions hold.
func (e *Engine) Holds() (n int) {
	for _, c := range e.cores {
		a := audit{core: c}
		a.all()
		n += a.queues + a.pipes
	}
	return n
}

// stock is how much of everything, but for large buffers, a loop of the tests has to begin with: more than most of them need.
const stock, stockLarge = 12, 2

// Stock fills the free lists of all loops, so that it shows what is lost.
func (e *Engine) Stock() {
	for _, c := range e.cores {
		for range stock {
			c.spare.queues = append(c.spare.queues, &queue{})
			c.spare.small = append(c.spare.small, make([]byte, 0, smallBuffer))
			c.streams = append(c.streams, c.newStream())
		}
		for range stockLarge {
			c.spare.large = append(c.spare.large, make([]byte, 0, largeBuffer))
		}
	}
}

// Inspect says what is wrong with what the loops own, between two passes and after Stock.
func (e *Engine) Inspect() (faults []string) {
	reserved := int64(0)
	for i, c := range e.cores {
		a := audit{core: c}
		a.all()
		a.check("queues", len(c.spare.queues)+a.queues, stock)
		a.check("small buffers", len(c.spare.small)+a.small, stock)
		a.check("large buffers", len(c.spare.large)+a.large, stockLarge)
		a.check("streams", len(c.streams)+a.streams, stock)
		for _, f := range a.faults {
			faults = append(faults, fmt.Sprintf("loop %d: %s", i, f))
		}
		reserved += a.reserved
	}
	if reserved != e.Reserved() {
		faults = append(faults, fmt.Sprintf("%d octets are held of responses, and %d counted", reserved, e.Reserved()))
	}
	return faults
}

// mostQueued is more than what one read can leave to be held, with a head before it.
const mostQueued = 160 << 10

// audit goes through what a loop owns.
type audit struct {
	core                          *core
	faults                        []string
	queues, small, large, streams int // in use
	idle                          int // connections to servers
	pipes                         int // that hold nothing
	reserved                      int64
}

func (a *audit) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

func (a *audit) check(what string, got, want int) {
	if got < want { // more where more were needed than there had been
		a.fault("%d %s, free or in use, want %d", got, what, want)
	}
}

func (a *audit) all() {
	c := a.core
	if len(c.held) > 0 {
		a.fault("%d requests are held", len(c.held))
	}
	if len(c.down)+len(c.up)+len(c.block) > 0 {
		a.fault("written and not sent: %q to a client, %q to a server, %q of fields", c.down, c.up, c.block)
	}
	c.loop.Each(func(r loop.Ref, h loop.Handler) {
		switch h := h.(type) {
		case *client1:
			a.client1(h)
		case *server1:
			a.server1(h)
		case *greeting:
			a.queue(h.in)
			if h.gone {
				a.fault("a handshake is over and has a socket")
			}
		case *client2:
			a.client2(h)
		case *server2:
			a.server2(h)
		case *preface:
			a.queue(h.in)
			if h.gone {
				a.fault("a connection has been introduced and is still waited for")
			}
		case *front:
			a.front(h)
		case *back:
			a.leg(&h.leg)
			if h.s.server != h {
				a.fault("a session's server is another one")
			}
		default:
			a.fault("a socket has the handler %T", h)
		}
	})
	listed := 0
	for to, i := range c.idle {
		listed += len(i.list)
		for n, v := range i.list {
			if v.place != n+1 || v.dial.to != to || v.s != nil {
				a.fault("place %d of the idle connections has one that is at %d, of the stream %p", n+1, v.place, v.s)
			}
		}
	}
	for _, all := range c.servers2 {
		for _, v := range all.list {
			if v.state == over {
				a.fault("an HTTP/2 connection to a server is over and listed")
			}
		}
	}
	if listed != a.idle {
		a.fault("%d connections to servers are listed as idle, and %d are", listed, a.idle)
	}
	a.free()
}

// client1 looks at a client's connection.
func (a *audit) client1(c *client1) {
	a.queue(c.in)
	a.queue(c.out)
	if asked := c.phase == heading || c.phase == busy; asked != (c.s != nil) {
		a.fault("a client's connection is in phase %d with the stream %p", c.phase, c.s)
	}
	if c.s != nil {
		a.stream(c.s, c)
	}
}

func (a *audit) client2(c *client2) {
	a.queue(c.in)
	a.queue(c.out)
	if c.phase == parted {
		a.fault("an HTTP/2 connection is over and has a socket")
	}
	n := 0
	c.each(func(t *stream2) {
		n++
		a.queue(t.in)
		a.queue(t.out)
		a.stream(t.s, t)
	})
	if n != c.active {
		a.fault("%d streams of an HTTP/2 connection, %d of them active", n, c.active)
	}
}

func (a *audit) stream(s *stream, client asker) {
	a.streams++
	to := s.client
	if k := s.reservoir; k != nil {
		a.reservoir(k)
		to = k.to
	}
	if to != client {
		a.fault("a stream is of %p, want %p", to, client)
	}
	if v, ok := s.server.(*server1); ok && v.s != s {
		a.fault("a stream's server has the stream %p, want %p", v.s, s)
	}
}

// reservoir looks at what is held of a response.
func (a *audit) reservoir(k *reservoir) {
	octets := 0
	for _, b := range k.held {
		octets += cap(b)
		switch cap(b) {
		case smallBuffer:
			a.small++
		case largeBuffer:
			a.large++
		}
		if len(b) == 0 {
			a.fault("a buffer of a reservoir is empty")
		}
	}
	if octets != k.octets {
		a.fault("a reservoir of %d octets says %d", octets, k.octets)
	}
	if k.s.reservoir != k || octets > k.most+mostQueued {
		a.fault("a reservoir of %d octets, want %d at most", octets, k.most)
	}
	if len(k.held) > 0 && !k.posted && k.to.room() {
		a.fault("%d octets are held of a client that has room", octets)
	}
	a.reserved += int64(octets)
}

func (a *audit) server1(v *server1) {
	a.queue(v.in)
	a.queue(v.out)
	switch {
	case v.s == nil && v.place == 0:
		a.fault("a connection to a server is neither idle nor in use")
	case v.s == nil:
		a.idle++
		if v.in != nil || v.out != nil || v.state != awaiting {
			a.fault("an idle connection to a server is in state %d", v.state)
		}
	case v.place != 0:
		a.fault("a connection to a server is in use and idle")
	case v.s.server != answerer(v):
		a.fault("a connection to a server serves a stream that has another")
	}
}

func (a *audit) server2(v *server2) {
	a.queue(v.in)
	a.queue(v.out)
	if v.state == over {
		a.fault("an HTTP/2 connection to a server is over and has a socket")
	}
	n := len(v.waiting)
	v.each(func(t *call2) {
		n++
		a.queue(t.in)
		a.queue(t.out)
		if t.v != v || t.s == nil || t.s.server != answerer(t) {
			a.fault("a request on an HTTP/2 connection to a server is another's")
		}
	})
	if n != v.active || v.fresh != nil {
		a.fault("%d requests on an HTTP/2 connection to a server, %d of them active", n, v.active)
	}
}

func (a *audit) front(f *front) {
	a.leg(&f.leg)
	s := f.s
	a.queue(s.early)
	if s.open && s.server == nil {
		a.fault("a session is open and has no server")
	}
	if s.open && s.early != nil {
		a.fault("a session is open, and what came early waits on")
	}
}

func (a *audit) leg(p *leg) {
	a.queue(p.out)
	if p.s.ended || p.s.gone {
		a.fault("a session has ended and has a socket")
	}
	if p.pipe != nil && p.pipe.Held() == 0 {
		a.pipes++ // in the midst of much that comes at once
	}
}

func (a *audit) queue(q *queue) {
	if q == nil {
		return
	}
	a.queues++
	switch cap(q.b) {
	case smallBuffer:
		a.small++
	case largeBuffer:
		a.large++
	}
	switch n := len(q.bytes()); {
	case n == 0:
		a.fault("a queue is empty and was not given back")
	case n > mostQueued:
		a.fault("%d octets are held", n)
	}
}

// free looks at what nobody has.
func (a *audit) free() {
	c := a.core
	seen := map[any]bool{}
	once := func(what string, p any) {
		if seen[p] {
			a.fault("%s was given back twice", what)
		}
		seen[p] = true
	}
	for _, q := range c.spare.queues {
		once("a queue", q)
		if q.b != nil {
			a.fault("a queue was given back with its buffer")
		}
	}
	for _, list := range [][][]byte{c.spare.small, c.spare.large} {
		for _, b := range list {
			once("a buffer", &b[:1][0])
		}
	}
	for _, s := range c.streams {
		once("a stream", s)
		if s.client != nil || s.server != nil || s.reservoir != nil || s.pipe != nil || s.timer != (loop.Ref{}) {
			a.fault("a stream was given back in use")
		}
	}
	for _, k := range c.reservoirs {
		once("a reservoir", k)
		if k.s != nil || k.to != nil || k.posted || len(k.held) > 0 || k.octets != 0 {
			a.fault("a reservoir was given back in use")
		}
	}
}

// spoil overwrites all memory that nobody may rely on between two calls.
func (c *core) spoil() {
	spoil(c.loop.Scratch())
	spoil(c.cipher[:cap(c.cipher)])
	spoil(c.down[len(c.down):cap(c.down)])
	spoil(c.up[len(c.up):cap(c.up)])
	spoil(c.block[len(c.block):cap(c.block)])
	spoil(c.frames)
	for _, list := range [][][]byte{c.spare.small, c.spare.large} {
		for _, b := range list[max(len(list)-2, 0):] { // who has just been given back
			spoil(b[:smallBuffer])
		}
	}
	for _, s := range c.streams[max(len(c.streams)-2, 0):] {
		spoil(s.text[:cap(s.text)])
		spoil(s.ask[:cap(s.ask)])
	}
}

// poison is what memory holds that nobody may look at: no text has it.
const poison = 0xdb

func spoil(b []byte) {
	if len(b) == 0 {
		return
	}
	b[0] = poison
	for n := 1; n < len(b); n *= 2 { // by copies, for it is done often
		copy(b[n:], b[:n])
	}
}
