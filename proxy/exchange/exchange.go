package exchange

import (
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/compress"
	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// Exchange follows one request from its first byte to the end of its response. It belongs to one goroutine, and may be
// started again when it has ended.
type Exchange struct {
	frontend *Frontend
	backend  *Backend
	server   *upstream.Server   // whose slot is held; nil: none
	tried    []*upstream.Server // connecting to them has failed
	refuser  *upstream.Server   // connecting to it has failed last; nil: none
	waker    upstream.Waker
	waiter   *upstream.Waiter // nil: it has never waited in a queue
	state    state
	trial    bool   // the request decides whether the server comes back
	session  bool   // of TCP mode
	bridged  bool   // the server that failed last has been waited for already
	left     int    // retries left
	key      uint64 // what Backend.Servers know the request by; 0: nothing

	stick []*upstream.Server // that the request belongs to
	stuck bool               // server is one of them
	visit persist.Visit      // what the request's cookies have said

	request rule.Request
	path    string        // that servers are asked for
	host    string        // the same; empty: that of the request
	port    uint16        // of the client
	version uint16        // of TLS
	trusted bool          // what the other end of the connection tells of the client is believed
	told    told          // by the proxy that the client has asked, in Forwarded; until Forget
	edits   *Edits        // nil: none
	asItIs  bool          // the response is not compressed
	realm   *Realm        // that the client has to be known in; nil: none
	verify  func() bool   // of a client that says who it is: whether it is
	upgrade string        // the protocol that the client may switch to; empty: none
	active  *atomic.Int64 // that it is counted in; nil: none

	headAt      time.Time // the request head was complete
	attemptAt   time.Time // the last connection attempt began
	connectedAt time.Time
	body        bool  // of the request: there is one
	length      int64 // of that, as Target has it
	most        int64 // that it may have; 0: any

	sentAt time.Time

	reply  Reply
	record Record
}

type state uint8

const (
	over       state = iota // the zero value: not started, or ended
	reading                 // the request head is on its way
	verifying               // who the client is
	gathering               // the request body is on its way, and no server is asked before it is here
	queued                  // until a server has room
	waiting                 // to ask a server again
	connecting              //
	sending                 // the request; the response head is due
	forwarding              // the response, or a tunnel
	replying                // an answer of the balancer itself is on its way
	breaking                // the client gets what there is of a response that the server has broken off
)

// Start begins an exchange: the first byte of a request to f is there.
func (x *Exchange) Start(now time.Time, f *Frontend) {
	tried, stick, waker, waiter := x.tried[:0], x.stick[:0], x.waker, x.waiter
	*x = Exchange{} // in place: it is large
	x.tried, x.stick, x.waker, x.waiter = tried, stick, waker, waiter
	x.frontend, x.edits, x.state = f, f.Edits, reading
	r := &x.record
	r.Frontend, r.Begin = f.Name, now
	r.Request, r.Wait, r.Connect, r.Response, r.Active = NotReached, NotReached, NotReached, NotReached, NotReached
	r.Termination = Termination{Normal, AtEnd}
}

// Count adds to the bytes that the record will show.
func (x *Exchange) Count(in, out int64) {
	x.record.BytesIn += in
	x.record.BytesOut += out
}

// TooLarge reports whether more of a body has come than a request may have: it deserves a Refused with 413.
func (x *Exchange) TooLarge() bool { return x.most > 0 && x.record.BytesIn > x.most }

// Detail has the record say d of the exchange.
func (x *Exchange) Detail(d *Details) { x.record.Details = d }

// Path returns what servers are asked for, and Query their query with its question mark, or an empty one.
func (x *Exchange) Path() string  { return x.path }
func (x *Exchange) Query() string { return x.request.Query }

// Host returns the host and port that servers are asked for in place of those of the request; empty: these.
func (x *Exchange) Host() string { return x.host }

// Forget says that the fields of the request are somebody else's from here on.
func (x *Exchange) Forget() { x.request.Fields, x.told = nil, told{} }

// Compression says which responses may be compressed; nil: none.
func (x *Exchange) Compression() *compress.Rules {
	if x.asItIs {
		return nil
	}
	return x.frontend.Compression
}

// Ahead returns how many octets of the response are taken from the server before the client takes them; 0: none.
func (x *Exchange) Ahead() int { return x.backend.Ahead }

// Upgrade returns the protocol that the server may be asked to switch to; empty: none.
func (x *Exchange) Upgrade() string { return x.upgrade }

func (x *Exchange) whileReading(now time.Time, ev *Event) Do {
	switch ev.Kind {
	case Request:
		return x.route(now, ev)
	case Opened:
		return x.open(now, ev)
	case Refused:
		return x.fail(ev.Status, Termination{ByProxy, AtRequest})
	case ClientSilent:
		return x.fail(408, Termination{ClientTimeout, AtRequest})
	case ClientGone:
		return x.abort(now, Termination{ByClient, AtRequest})
	default:
		return x.abort(now, Termination{Internal, AtRequest})
	}
}

// route takes in the request.
func (x *Exchange) route(now time.Time, ev *Event) Do {
	x.headAt = now
	x.record.Request = now.Sub(x.record.Begin)
	x.record.TLS = ev.Target.TLS
	if status := x.admit(ev.Target); status != 0 {
		return x.fail(status, Termination{ByProxy, AtRequest})
	}
	if u := ev.Target.Upgrade; u != "" && upgrades(u) {
		x.upgrade = u
	}
	x.body, x.length = ev.Target.Body, ev.Target.Length
	x.identify(ev.Target)
	x.name(ev.Target)
	if do := x.decide(); do != 0 {
		return do
	}
	x.hash()
	x.recall(now)
	if x.realm != nil {
		if do := x.enter(); do != 0 {
			return do
		}
	}
	return x.forward(now)
}

// hash works out what the servers know the request by.
func (x *Exchange) hash() {
	if x.backend != nil && x.backend.Key != nil {
		x.key = keyOf(x.backend.Key, &x.request)
	}
}

// look looks for a server.
func (x *Exchange) look(now time.Time) Do {
	if r := x.backend.Repeat; r != nil {
		r.Budget.Count(now)
	}
	switch x.pick(now) {
	case upstream.Picked:
		return x.connect(now)
	case upstream.Full:
		return x.queue(now)
	}
	return x.fail(503, Termination{ByServer, AtConnect})
}

// pick takes a slot of the server that is to get the request, if there is one.
func (x *Exchange) pick(now time.Time) upstream.Outcome {
	s, outcome := x.backend.Servers.Pick(x.choice(now))
	x.server = s
	x.settle(outcome == upstream.Full)
	x.tries()
	return outcome
}

// choice is what the server is chosen by.
func (x *Exchange) choice(now time.Time) upstream.Request {
	return upstream.Request{Now: now, Key: x.key, Tried: x.tried, Stick: x.stick, Firm: !x.backend.Redispatch}
}

// connect begins an attempt to connect to x.server.
func (x *Exchange) connect(now time.Time) Do {
	x.state = connecting
	x.attemptAt = now
	x.record.Server = x.server.Key().Name
	x.record.Wait = now.Sub(x.headAt)
	x.record.Connect = NotReached
	if d := x.record.Details; d != nil {
		d.try(x.server)
	}
	return Connect
}

func (x *Exchange) whileConnecting(now time.Time, ev *Event) Do {
	switch ev.Kind {
	case Connected:
		x.state = sending
		x.connectedAt = now
		x.record.Connect = now.Sub(x.attemptAt)
		x.learn(now)
		if x.session {
			return x.join(now)
		}
		return Send
	case ConnectFailed:
		return x.retry(now, Termination{ByServer, AtConnect})
	case ConnectTimedOut:
		return x.retry(now, Termination{ServerTimeout, AtConnect})
	case Lost:
		return x.lost(now, AtConnect)
	case ServerDown:
		return x.retry(now, Termination{ByDown, AtConnect})
	default:
		return x.interrupted(now, ev, AtConnect)
	}
}

// retry looks for another chance after a failed attempt; without one the exchange fails as t says.
func (x *Exchange) retry(now time.Time, t Termination) Do {
	x.noConnection(now, t.Cause)
	x.refuser = x.server
	if !x.stays() {
		x.tried = append(x.tried, x.server)
	}
	if x.left == 0 {
		return x.fail(503, t)
	}
	x.release()
	x.bridged = t.Cause == ServerTimeout
	outcome := x.pick(now)
	if outcome == upstream.None {
		return x.fail(503, t)
	}
	x.left--
	x.record.Retries++
	if outcome == upstream.Full {
		return x.queue(now)
	}
	return x.resume(now)
}

// resume goes on with the server that was chosen. One that has just refused is given time, so that a restart can be bridged.
func (x *Exchange) resume(now time.Time) Do {
	switch {
	case x.refuser == nil:
	case x.server != x.refuser:
		x.record.Redispatched = true
	case !x.bridged:
		x.state = waiting
		return Wait
	}
	return x.connect(now)
}

func (x *Exchange) whileWaiting(now time.Time, ev *Event) Do {
	switch {
	case ev.Kind != WaitOver:
		return x.interrupted(now, ev, AtConnect)
	case x.server.Health().Status == hysteresis.Down:
		return x.instead(now)
	}
	return x.connect(now)
}

func (x *Exchange) whileSending(now time.Time, ev *Event) Do {
	switch ev.Kind {
	case Head:
		return x.head(now, ev)
	case Stale:
		return x.again(now) // not a retry: the server has refused nothing
	case Lost:
		return x.lost(now, AtHead)
	case ServerDown:
		return x.fail(502, Termination{ByDown, AtHead})
	case ServerClosed:
		x.badResponse(now, "it closed the connection")
		return x.repeatOr(now, ev, 502, ByServer)
	case ServerGarbage:
		x.badResponse(now, "it sent no HTTP")
		return x.repeatOr(now, ev, 502, ByProxy)
	case ServerSilent:
		x.silent(now)
		return x.repeatOr(now, ev, 504, ServerTimeout)
	case Refused: // its body is malformed
		return x.fail(ev.Status, Termination{ByProxy, AtRequest})
	case ClientSilent: // in the midst of its body
		return x.fail(408, Termination{ClientTimeout, AtHead})
	default:
		return x.interrupted(now, ev, AtHead)
	}
}

func (x *Exchange) head(now time.Time, ev *Event) Do {
	status := ev.Status
	if status == 101 && x.upgrade == "" {
		x.badResponse(now, "it sent no HTTP")
		return x.fail(502, Termination{ByProxy, AtHead})
	}
	x.answered(now, status >= 500)
	x.goodHead(now, status)
	if do := x.repeat(now, ev); do != 0 {
		return do
	}
	x.state = forwarding
	x.record.Status = status
	x.record.Response = now.Sub(x.connectedAt)
	if status == 101 {
		return Tunnel
	}
	return Forward
}

func (x *Exchange) whileForwarding(now time.Time, ev *Event) Do {
	switch ev.Kind {
	case Finished:
		return x.done(now)
	case ServerClosed:
		if !x.session { // which may end as it likes
			x.badResponse(now, "it closed the connection")
		}
		return x.breaks(now, ev, Termination{ByServer, AtData})
	case ServerGarbage:
		x.badResponse(now, "it sent no HTTP")
		return x.breaks(now, ev, Termination{ByProxy, AtData})
	case ServerSilent:
		if !x.tunnels() {
			x.badResponse(now, "it was silent")
		}
		return x.breaks(now, ev, Termination{ServerTimeout, AtData})
	case ServerDown:
		return x.breaks(now, ev, Termination{ByDown, AtData})
	default:
		return x.interrupted(now, ev, AtData)
	}
}

func (x *Exchange) whileReplying(now time.Time, ev *Event) Do {
	t := x.record.Termination
	switch ev.Kind {
	case Finished:
		return x.done(now)
	case ClientGone, ClientSilent: // the answer was lost; what led to it says more than that
		return x.abort(now, t)
	default:
		return x.abort(now, Termination{Internal, t.Phase})
	}
}
