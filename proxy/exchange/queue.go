package exchange

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/upstream"
)

// Wake says who is told, from any goroutine, that an exchange may have its turn: that is to call Given, soon. It is called before the
// first Start, and only then.
func (x *Exchange) Wake(w upstream.Waker) { x.waker = w }

// Given reports whether the exchange waits in a queue, and a server was given to it: then Turn is due. Who was woken asks this first, for
// the exchange may have gone on meanwhile, or be another one.
func (x *Exchange) Given() bool { return x.state == queued && x.waiter.Given() }

// queue has the request wait for a server.
func (x *Exchange) queue(now time.Time) Do {
	if x.waiter == nil {
		x.waiter = &upstream.Waiter{Waker: x.waker}
	}
	s, outcome := x.backend.Servers.Enter(x.choice(now), x.waiter)
	switch outcome {
	case upstream.Picked: // in this very moment
		x.server = s
		x.settle(false)
		x.tries()
		return x.resume(now)
	case upstream.Waiting:
		x.state = queued
		return Queue
	case upstream.Full:
		x.inVain(s)
		return x.fail(503, Termination{ByServer, AtQueue})
	}
	return x.fail(503, Termination{ByServer, AtConnect})
}

func (x *Exchange) whileQueued(now time.Time, ev *Event) Do {
	x.record.Wait = now.Sub(x.headAt)
	if ev.Kind != Turn && ev.Kind != WaitOver {
		return x.interrupted(now, ev, AtQueue)
	}
	if ev.Kind == Turn && !x.waiter.Given() {
		return Stay
	}
	if x.leaveQueue(); x.server == nil {
		return x.fail(503, Termination{ServerTimeout, AtQueue})
	}
	x.settle(false)
	x.tries()
	return x.resume(now)
}

// leaveQueue ends the wait, if there is one. A server that was given to the request meanwhile is its own.
func (x *Exchange) leaveQueue() {
	if x.state != queued {
		return
	}
	x.state = waiting
	own := x.waiter.For()
	s, place := x.waiter.Leave()
	if x.server = s; s == nil {
		x.inVain(own)
	}
	x.record.ServerQueue += place.Server
	x.record.BackendQueue += place.Backend
}

// inVain notes the server that a request belongs to, and has waited for in vain; nil: none.
func (x *Exchange) inVain(own *upstream.Server) {
	if own == nil {
		return
	}
	x.record.Server = own.Key().Name
	if d := x.record.Details; d != nil {
		d.try(own)
	}
}
