package engine

import (
	"slices"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http2"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// ended ends a connection on which something came that must not.
func (v *server2) ended(why http2.Reason) {
	if log := v.core.log; log.IsDebug() {
		log.Debug("HTTP/2 connection to a server ended", "backend", v.dial.to.Key().Backend, "server", v.dial.to.Key().Name, "err", why)
	}
	v.state = ending
	v.gone = v.core.loop.Now() + lingerTime
	v.wake(v.gone)
	v.unlist()
	v.failWaiting(exchange.ConnectFailed)
	v.each(func(t *call2) { t.fail(exchange.ServerGarbage) })
	v.touch()
}

// fail ends the connection at once, and the requests on it or waiting for it.
func (v *server2) fail(kind exchange.Kind) {
	if v.state == over {
		return
	}
	v.close()
	v.failWaiting(kind)
	v.each(func(t *call2) { t.fail(kind) })
}

// fail tells the request's stream that the server has failed it.
func (t *call2) fail(kind exchange.Kind) {
	keep := t.keep
	t.detach().failed(kind, keep)
}

// failWaiting ends the requests that wait for the connection.
func (v *server2) failWaiting(kind exchange.Kind) {
	waiting := v.waiting
	v.waiting = nil
	for _, t := range waiting {
		if t.v == v { // it has not left meanwhile
			t.detach().tell(kind)
		}
	}
}

// lost ends a connection that is broken, or that the server has ended. Requests that it cannot have seen are sent again.
func (v *server2) lost() {
	octets, known := v.core.loop.Unacked(v.wire.ref)
	reached := v.wire.sent - uint32(octets)
	v.close()
	v.failWaiting(exchange.ConnectFailed)
	v.each(func(t *call2) {
		if !t.unseen(known, reached) {
			t.fail(exchange.ServerClosed)
			return
		}
		s := t.detach()
		s.tried = true
		s.tell(exchange.Stale)
	})
}

// close closes the connection.
func (v *server2) close() {
	v.state = over
	v.unlist()
	v.fresh = nil
	v.in, v.out = v.core.spare.free(v.in), v.core.spare.free(v.out)
	v.wire.close(v.core, false)
}

// unlist has no more requests come to it.
func (v *server2) unlist() {
	all := v.core.servers2
	of := all[v.dial.to]
	if of == nil {
		return // it was the last one, and has been before
	}
	of.list = slices.DeleteFunc(of.list, func(o *server2) bool { return o == v })
	if len(of.list) == 0 {
		delete(all, v.dial.to)
	}
}

// probe asks a server that has not been heard of for a sign of life. Without one the connection is taken for lost; until then it
// gets no more requests.
func (v *server2) probe() {
	if v.doubted == 0 {
		v.doubted = v.core.loop.Now() + lifeTime
		v.wake(v.doubted)
		v.put(v.conn.Probe(v.room(frameRoom)))
	}
}

// Expired implements loop.Handler. As with clients there is one deadline for all that has one.
func (v *server2) Expired(l *loop.Loop, _ loop.Ref) {
	defer v.rescue()
	v.alarm = 0
	now := l.Now()
	switch v.state {
	case coming:
		v.lookAfter(now)
		if v.overdue(now, v.late) {
			v.dial.late()
			v.fail(exchange.ConnectTimedOut)
		}
		return
	case ending:
		if v.overdue(now, v.gone) {
			v.close()
		}
		return
	}
	v.lookAfter(now)
	if late := v.conn.Deadline(); !late.IsZero() && v.overdue(now, late.Sub(v.core.epoch)) {
		n := v.take(v.in.bytes()) // which finds that it is too late
		v.in = v.core.spare.drop(v.in, n)
	}
	if len(v.waiting) > 0 && v.overdue(now, v.late) {
		v.failWaiting(exchange.ConnectTimedOut)
	}
	if v.doubted != 0 && v.overdue(now, v.doubted) {
		v.lost()
	}
	if v.state != standing {
		return
	}
	v.each(func(t *call2) {
		if t.due != 0 && v.overdue(now, t.due) {
			t.expired()
		}
	})
}

// sweep2 ends the connections that have been without a request for too long.
func (c *core) sweep2(now time.Duration) {
	for _, all := range c.servers2 {
		for _, v := range slices.Clone(all.list) {
			switch {
			case v.state != standing || v.active > 0 || now-v.idleFrom < idleTime:
			case v.blocked(): // nor does it take what was sent
				v.close()
			default:
				v.put(v.conn.Leave(v.room(frameRoom)))
			}
		}
	}
}
