package engine

import (
	"crypto/tls"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// Bind is what the connections of a listener have in common. The functions are called by loops, must not block, and must be safe
// for concurrent use.
type Bind struct {
	Frontend func() *exchange.Frontend // asked for each request
	Draining func() bool               // whether responses say Connection: close
	Account  func(*exchange.Record)    // called once for each request; the record is valid until it returns
	Opened   func()                    // a connection has been accepted
	Closed   func()                    // and is gone
	Unshaken func(why string)          // its TLS handshake has failed; the label of the reason
	Refused  func(why string)          // it was refused before it could say anything; as well

	// Proxies says who may tell, by the PROXY protocol, for whom it connects, and has to: others are refused. nil: nobody does.
	Proxies func(netip.Addr) bool

	Clients Clients // bounds how many connections a client has; nil: nothing does

	Port  uint16      // that clients connect to
	Limit *Limit      // how many clients its listeners serve at once; nil: no bound but that of Options
	Owner any         // the caller's own
	TLS   *tls.Config // nil: plain; its NextProtos may have h2
	TCP   bool        // clients are sessions, whose bytes go to a server as they are
	H2C   bool        // without TLS: clients may speak HTTP/2, as those do that know it (RFC 9113 section 3.3)

	leaving atomic.Bool // its connections end with their response
}

// Clients bounds how many connections clients have, each known by its address.
type Clients interface {
	// Enter decides about a new connection: whether it may come, and whether Leave is to be called at its end.
	Enter(now time.Time, from netip.Addr) (ok, leaves bool)
	Leave(from netip.Addr)
}

// enters reports whether a connection may come, as far as its client is concerned.
func (b *Bind) enters(c *core, w *wire, from netip.AddrPort) (ok bool) {
	ok, w.leaves = b.Clients.Enter(c.now(), from.Addr())
	return ok
}

// closed ends what is known of a connection.
func (b *Bind) closed(c *core, w *wire, from netip.AddrPort) {
	if w.leaves {
		b.Clients.Leave(from.Addr())
	}
	b.Closed()
	c.engine.closed()
	if wanted := b.Limit.give(); c.engine.limit.give() || wanted {
		c.engine.wake()
	}
}

// Listener hands the clients of a listening socket to the loops. It is safe for concurrent use.
type Listener struct {
	engine *Engine
	fd     int
	failed func(error)
	bind   atomic.Pointer[Bind]
	open   bool // guarded by Engine.mu
}

// Listen returns a Listener for a listening socket that does not block; it is the caller's, who closes it after Close. No clients
// are accepted before Open. failed is told, by a loop, why a client could not be accepted, as for want of descriptors; it is asked for
// again soon.
func (e *Engine) Listen(fd int, b *Bind, failed func(error)) *Listener {
	li := &Listener{engine: e, fd: fd, failed: failed}
	li.bind.Store(b)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listeners[li] = struct{}{}
	return li
}

// SetBind changes the bind of the connections that are accepted from now on.
func (li *Listener) SetBind(b *Bind) { li.bind.Store(b) }

// Open has clients accepted. What is open stays so.
func (li *Listener) Open() {
	li.set(true, func(c *core) { li.listen(c) })
}

// Pause leaves clients that come in the kernel's backlog. When it returns none is served any more, and End finds those that are.
func (li *Listener) Pause() {
	li.set(false, func(c *core) { li.unlisten(c) })
}

// set brings all loops into a state.
func (li *Listener) set(open bool, f func(*core)) {
	e := li.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.listeners[li]; !ok || li.open == open {
		return
	}
	li.open = open
	e.each(f)
}

// Close ends the Listener: no clients are accepted any more, and the socket is of no concern to the loops.
func (li *Listener) Close() {
	li.Pause()
	e := li.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.listeners, li)
	e.each(li.forget)
}

// listen has a loop take clients, the one first that it holds.
func (li *Listener) listen(c *core) {
	p := c.ports[li]
	if p == nil {
		p = &port{}
		c.ports[li] = p
	}
	p.open = true
	if err := c.loop.Listen(li.fd, func(_ *loop.Loop, from loop.Client) { li.accept(c, from) }, li.failed); err != nil {
		li.failed(err)
		return
	}
	if !c.letHeldIn(li, p) {
		c.loop.Pause(li.fd)
	}
}

// unlisten has a loop take no more clients. One that it holds waits on, as those in the backlog do.
func (li *Listener) unlisten(c *core) {
	if p := c.ports[li]; p != nil {
		p.open = false
	}
	c.loop.Unlisten(li.fd)
}

// forget ends what a loop knows of the listener.
func (li *Listener) forget(c *core) {
	if p := c.ports[li]; p != nil && p.held != nil {
		c.loop.Refuse(*p.held)
	}
	delete(c.ports, li)
}

// accept takes a client in, if there is room.
func (li *Listener) accept(c *core, from loop.Client) {
	b := li.bind.Load()
	if !c.admit(b) {
		held := from // or else each client would be memory of its own
		c.ports[li].held = &held
		c.loop.Pause(li.fd)
		return
	}
	c.take(b, from)
}

// take serves a client.
func (c *core) take(b *Bind, from loop.Client) {
	b.Opened()
	c.engine.open.Add(1)
	if b.Proxies != nil {
		c.introduced(b, from)
		return
	}
	var w wire
	if b.Clients != nil && !b.enters(c, &w, from.From) {
		b.closed(c, &w, from.From)
		c.loop.Refuse(from)
		return
	}
	c.loop.Adopt(from, c.handler(b, w, from.From, nil))
}
