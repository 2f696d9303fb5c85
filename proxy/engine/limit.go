package engine

import (
	"sync/atomic"

	"github.com/tandem-lb/tandem/proxy/loop"
)

// Limit bounds how many clients are served at once. Those that come when it is reached are connected, by the kernel, and wait.
// The zero Limit bounds nothing. It is safe for concurrent use.
type Limit struct {
	most atomic.Int64 // 0: no bound
	open atomic.Int64
	full atomic.Bool // somebody waits
}

// NewLimit returns a Limit of most clients; 0: no bound.
func NewLimit(most int) *Limit {
	l := &Limit{}
	l.most.Store(int64(most))
	return l
}

// take counts a client, if there is room for it. Else whoever makes room next learns that it is wanted.
func (l *Limit) take() bool {
	if l == nil {
		return true
	}
	for {
		open, most := l.open.Load(), l.most.Load()
		switch {
		case most == 0 || open < most:
			if l.open.CompareAndSwap(open, open+1) {
				return true
			}
		case l.full.Swap(true):
			return false
		} // whoever has made room before that told nobody: look once more
	}
}

// give takes a client off the count, and reports whether somebody waits for that.
func (l *Limit) give() (wanted bool) {
	if l == nil {
		return false
	}
	l.open.Add(-1)
	return l.full.Load() && l.full.Swap(false)
}

// port is what one loop knows of a listener.
type port struct {
	held *loop.Client // accepted, when the limit was just reached: it waits as those in the backlog do
	open bool         // clients are served
}

// SetLimit changes a Limit that the Engine or a Bind has; 0: no bound. Clients that are there stay.
func (e *Engine) SetLimit(l *Limit, most int) {
	l.most.Store(int64(most))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wake()
}

// wake has all loops look whether there is room for clients that wait.
func (e *Engine) wake() {
	for _, c := range e.cores {
		c.loop.Post(func(*loop.Loop) { c.letIn() }) // a loop that has ended serves nobody
	}
}

// letIn serves clients that have waited, as far as there is room.
func (c *core) letIn() {
	for li, p := range c.ports {
		if p.open && c.letHeldIn(li, p) {
			c.loop.Resume(li.fd)
		}
	}
}

// letHeldIn serves the client that a listener's port holds, and reports whether there is none any more.
func (c *core) letHeldIn(li *Listener, p *port) bool {
	if p.held == nil {
		return true
	}
	b := li.bind.Load()
	if !c.admit(b) {
		return false
	}
	held := *p.held
	p.held = nil
	c.take(b, held)
	return true
}

// admit counts a client, if there is room for it.
func (c *core) admit(b *Bind) bool {
	e := c.engine
	if !e.limit.take() {
		return false
	}
	if b.Limit.take() {
		return true
	}
	if e.limit.give() {
		e.wake()
	}
	return false
}

// turnAway ends the clients that wait, after the loop has ended.
func (c *core) turnAway() {
	for li := range c.ports {
		li.forget(c)
	}
}
