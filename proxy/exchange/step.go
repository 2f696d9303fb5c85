package exchange

import "time"

// maxTurnAround bounds the wait before the server that has just refused is asked again; HAProxy waits as long.
const maxTurnAround = time.Second

// Step takes in what happened and returns what to do next. An event that the state does not allow is a fault of the
// engine: the exchange ends as Internal. After the end every event is answered with Done and no record.
func (x *Exchange) Step(now time.Time, ev Event) (a Action) {
	if x.state == over {
		a.Do = Done
		return a
	}
	do := x.step(now, &ev)
	if do == Respond && x.session {
		do = x.unheard(now)
	}
	a.Do, a.Server, a.Backend = do, x.server, x.backend
	switch do {
	case Connect:
		a.Timeout = x.backend.Connect
	case Verify:
		a.Verify = x.verify
	case Wait:
		a.Timeout = min(x.backend.Connect, maxTurnAround)
	case Queue:
		a.Timeout = x.backend.Queue
	case Respond:
		a.Reply = &x.reply
	case Done, Abort:
		a.Record = &x.record
	}
	return a
}

// step takes in what happened and returns what to do. Only that is passed along from here on, for an Action is large.
func (x *Exchange) step(now time.Time, ev *Event) Do {
	if ev.Why != "" {
		x.record.Why = ev.Why
	}
	switch x.state {
	case reading:
		return x.whileReading(now, ev)
	case verifying:
		return x.whileVerifying(now, ev)
	case queued:
		return x.whileQueued(now, ev)
	case gathering:
		return x.whileGathering(now, ev)
	case waiting:
		return x.whileWaiting(now, ev)
	case connecting:
		return x.whileConnecting(now, ev)
	case sending:
		return x.whileSending(now, ev)
	case forwarding:
		return x.whileForwarding(now, ev)
	case breaking:
		return x.abort(now, x.record.Termination) // whatever it is that ends it
	default: // replying
		return x.whileReplying(now, ev)
	}
}
