package exchange

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/upstream"
)

// Repeat says what besides connections that do not come about a request is sent to another server for. It is immutable.
type Repeat struct {
	Empty   bool // the server closes or resets before its response head is complete
	Junk    bool // it sends no HTTP
	Timeout bool // it is silent for too long
	Status  [600]bool
	Budget  *Budget
}

// wants reports whether what happened is among that.
func (r *Repeat) wants(ev *Event) bool {
	switch ev.Kind {
	case ServerClosed:
		return r.Empty
	case ServerGarbage:
		return r.Junk
	case ServerSilent:
		return r.Timeout
	case Head:
		return ev.Status < len(r.Status) && r.Status[ev.Status]
	}
	return false
}

// idempotent reports whether a request has the same effect when it is sent more than once (RFC 9110 section 9.2.2).
func idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE":
		return true
	}
	return false
}

// repeatOr is repeat, and the end with a status where it does not.
func (x *Exchange) repeatOr(now time.Time, ev *Event, status int, cause Cause) Do {
	if do := x.repeat(now, ev); do != 0 {
		return do
	}
	return x.fail(status, Termination{cause, AtHead})
}

// repeat sends the request to another server after one has failed it, if that is wanted, cannot do harm, and is not too much. It returns
// what to do then, else 0.
func (x *Exchange) repeat(now time.Time, ev *Event) Do {
	r := x.backend.Repeat
	if r == nil || x.left == 0 || !ev.Held || !r.wants(ev) || !idempotent(x.request.Method) || !r.Budget.Take(now) {
		return 0
	}
	if !x.stays() {
		x.tried = append(x.tried, x.server)
	}
	other, outcome := x.backend.Servers.Pick(x.choice(now))
	if outcome == upstream.None { // what there is of an answer is better than nothing
		r.Budget.Give(now)
		return 0
	}
	x.refuser = x.server
	x.release()
	x.left--
	x.record.Retries++
	x.bridged = ev.Kind == ServerSilent
	x.server = other
	x.settle(outcome == upstream.Full)
	if outcome == upstream.Full {
		return x.queue(now)
	}
	x.tries()
	return x.resume(now)
}
