package engine

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

const (
	// maxIdle bounds the idle connections of a loop to one server.
	maxIdle = 512
	// idleTime is how long one is kept: shorter than most servers do, so that they need not end it while a request is on its way.
	idleTime = 30 * time.Second
	// sweepTime is how often those are looked for that have been idle for too long.
	sweepTime = time.Second
	// safety is how much sooner than the server a connection is given up that the server has told its time of.
	safety = time.Second
)

// idleServers are the connections to one server that wait for a request. The one used last is used first: the others may
// be given up.
type idleServers struct{ list []*server1 }

// takeIdle returns a connection to a server that was idle, and is not known to be of no use; nil: there is none.
func (c *core) takeIdle(to *upstream.Server) *server1 {
	i := c.idle[to]
	if i == nil {
		return nil
	}
	for n := len(i.list); n > 0; n = len(i.list) {
		v := i.list[n-1]
		i.list = i.list[:n-1]
		v.place = 0
		if v.silent() {
			return v
		}
		v.close()
	}
	return nil
}

// putIdle keeps a connection for the next request to its server.
func (c *core) putIdle(v *server1) {
	i := c.idle[v.dial.to]
	if i == nil {
		i = &idleServers{}
		c.idle[v.dial.to] = i
	}
	if len(i.list) == maxIdle || !v.silent() {
		v.close()
		return
	}
	v.used, v.state = true, awaiting
	v.idleFrom = c.loop.Now()
	i.list = append(i.list, v)
	v.place = len(i.list)
	c.startSweeping()
}

func (c *core) startSweeping() {
	if !c.sweeping {
		c.sweeping = true
		c.loop.SetDeadline(c.sweep, sweepTime)
	}
}

// silent reports whether the server has nothing to say, as it should when nobody has asked it anything. After a read that may have
// left something, only another one can tell.
func (v *server1) silent() bool {
	if !v.wire.canRecv(v.core) {
		return true
	}
	_, st := v.wire.recv(v.core, v.core.octet[:])
	return st == loop.Blocked
}

// forgetIdle takes one out of the list that is closed.
func (c *core) forgetIdle(v *server1) {
	i := c.idle[v.dial.to]
	last := len(i.list) - 1
	i.list[v.place-1] = i.list[last]
	i.list[v.place-1].place = v.place
	i.list = i.list[:last]
	v.place = 0
}

// Ready implements loop.Handler for the timer, which is never.
func (c *core) Ready(*loop.Loop, loop.Ref) {}

// Expired implements loop.Handler: it ends the connections that have been idle for too long.
func (c *core) Expired(l *loop.Loop, r loop.Ref) {
	now := l.Now()
	for to, i := range c.idle {
		for n := len(i.list) - 1; n >= 0; n-- {
			if v := i.list[n]; now-v.idleFrom >= v.patience() {
				v.close()
			}
		}
		if len(i.list) == 0 {
			delete(c.idle, to)
		}
	}
	c.sweep2(now)
	c.sweeping = len(c.idle)+len(c.servers2) > 0
	if c.sweeping {
		l.SetDeadline(r, sweepTime)
	}
}

// patience is how long it is kept idle.
func (v *server1) patience() time.Duration {
	if v.keeps > 0 {
		return min(max(v.keeps-safety, safety/2), idleTime)
	}
	return idleTime
}
