package exchange

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/rule"
)

// A session is an exchange of TCP mode: a connection whose bytes mean nothing to the balancer. It begins with StartSession, and Opened in place of Request, gets
// its server as a request does, and is a tunnel as soon as both connections stand. Nobody there could read an answer, so where a request
// would get one a session ends with Abort.

// StartSession begins a session in place of a request.
func (x *Exchange) StartSession(now time.Time, f *Frontend) {
	x.Start(now, f)
	x.session, x.record.Session = true, true
}

// unheard ends a session in place of an answer.
func (x *Exchange) unheard(now time.Time) Do {
	x.record.Status = 0
	return x.end(now, Abort)
}

// open routes a session.
func (x *Exchange) open(now time.Time, ev *Event) Do {
	x.headAt = now
	x.record.Request = now.Sub(x.record.Begin)
	x.record.TLS = ev.Target.TLS
	x.request = rule.Request{TLS: ev.Target.TLS, SNI: ev.Target.SNI, Client: ev.Target.Client.Addr()}
	x.backend = x.frontend.Default
	if n := x.frontend.Rules.Find(&x.request); n != rule.None {
		route, r := &x.frontend.Routes[n], x.frontend.Rules.Rule(n)
		x.record.NoLog, x.backend = r.NoLog, route.Backend
		switch {
		case r.Deny != 0:
			return x.fail(r.Deny, Termination{ByProxy, AtRequest})
		case route.Split != nil:
			x.backend = route.Split.choose(x).Backend
		case route.Directory != nil:
			x.backend = route.Directory.choose(x).Backend
		}
	}
	x.hash()
	x.recall(now)
	return x.forward(now)
}

// join makes a tunnel of two connections that stand.
func (x *Exchange) join(now time.Time) Do {
	x.server.Answered(now, x.record.Connect, false) // nothing else shows how busy it is
	x.state = forwarding
	if x.backend.Passive != nil {
		x.server.Succeeded(x.trial)
		x.trial = false
	}
	return Tunnel
}

// tunnels reports whether the exchange is a tunnel, in which nobody owes a byte.
func (x *Exchange) tunnels() bool { return x.session || x.record.Status == 101 }
