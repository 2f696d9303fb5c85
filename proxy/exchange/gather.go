package exchange

import "time"

// forward begins to look for a server, once the body has come where that is wanted.
func (x *Exchange) forward(now time.Time) Do {
	if x.backend == nil {
		return x.fail(503, Termination{ByServer, AtConnect})
	}
	x.record.Backend = x.backend.Name
	if x.active = x.backend.Active; x.active != nil {
		x.active.Add(1)
	}
	x.left = x.backend.Retries
	if x.body && x.backend.Hold > 0 {
		x.state = gathering
		return Gather
	}
	return x.look(now)
}

// whileGathering waits for the body, which is as much a part of the request as its head here.
func (x *Exchange) whileGathering(now time.Time, ev *Event) Do {
	switch ev.Kind {
	case Gathered:
		x.headAt = now
		x.record.Request = now.Sub(x.record.Begin)
		return x.look(now)
	case ClientSilent:
		return x.fail(408, Termination{ClientTimeout, AtRequest})
	default:
		return x.interrupted(now, ev, AtRequest)
	}
}
