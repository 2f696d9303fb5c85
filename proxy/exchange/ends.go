package exchange

import "time"

// interrupted ends an exchange by what can happen at any time.
func (x *Exchange) interrupted(now time.Time, ev *Event, at Phase) Do {
	switch ev.Kind {
	case ClientGone:
		return x.abort(now, Termination{ByClient, at})
	case ClientSilent:
		return x.abort(now, Termination{ClientTimeout, at})
	case Refused: // a body that is malformed, or too large
		if at != AtData {
			return x.fail(ev.Status, Termination{ByProxy, AtRequest})
		}
		return x.abort(now, Termination{ByProxy, at})
	default: // Broken, and events that the state does not allow
		return x.abort(now, Termination{Internal, at})
	}
}

// fail answers with an error page.
func (x *Exchange) fail(status int, t Termination) Do {
	return x.respond(x.errorPage(status), t)
}

// respond answers in the server's place. Its slot is free from here on.
func (x *Exchange) respond(r Reply, t Termination) Do {
	x.release()
	x.state = replying
	x.reply = r
	x.record.Status = r.Status
	x.record.Termination = t
	return Respond
}

func (x *Exchange) done(now time.Time) Do {
	return x.end(now, Done)
}

func (x *Exchange) abort(now time.Time, t Termination) Do {
	x.record.Termination = t
	return x.end(now, Abort)
}

// breaks ends a response that the server has not made whole: once the client has got what there is of it.
func (x *Exchange) breaks(now time.Time, ev *Event, t Termination) Do {
	if !ev.Rest {
		return x.abort(now, t)
	}
	x.release()
	x.state = breaking
	x.record.Termination = t
	return Drain
}

func (x *Exchange) end(now time.Time, do Do) Do {
	if d := x.record.Details; d != nil { // before whoever waits gets the slot
		x.count(d)
	}
	x.release()
	if x.active != nil {
		x.active.Add(-1)
		x.active = nil
	}
	x.state = over
	x.record.Active = now.Sub(x.record.Begin)
	return do
}

// release gives back the slot that is held, or the place in the queue.
func (x *Exchange) release() {
	x.leaveQueue()
	if x.server != nil {
		if x.trial {
			x.server.Untried()
			x.trial = false
		}
		x.server.Release()
		x.server = nil
	}
}

// Served says that the server has nothing to do with the response any more, which is whole and on its way to the client. Its slot is
// free from here on.
func (x *Exchange) Served() { x.release() }

// count notes how many other requests the backend and the server have.
func (x *Exchange) count(d *Details) {
	if x.backend != nil && x.backend.Active != nil {
		d.BackendRequests = x.backend.Active.Load()
		if x.active != nil {
			d.BackendRequests--
		}
	}
	if d.server != nil {
		d.ServerRequests = d.server.InFlight()
		if d.server == x.server {
			d.ServerRequests--
		}
	}
}
