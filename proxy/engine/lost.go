package engine

import (
	"slices"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// toServer is a connection to a server, or on its way to one.
type toServer interface {
	server() *upstream.Server
	// forsake takes in that the server answers nothing any more: what can go to another one does. With cut the rest ends.
	forsake(cut bool)
}

var (
	_ toServer = (*server1)(nil)
	_ toServer = (*server2)(nil)
)

// Lost tells the loops that a server answers nothing any more: requests on their way to it go to another one where there is one, and so do
// those that it has been sent and not begun to answer, if they may be sent twice. With cut all other connections to it end as well,
// whatever is under way on them. It does not wait for that, and costs a look at every connection.
func (e *Engine) Lost(s *upstream.Server, cut bool) {
	e.mu.Lock()
	cores := e.cores
	e.mu.Unlock()
	for _, c := range cores {
		c.loop.Post(func(l *loop.Loop) { c.lost(l, s, cut) }) // a loop that has ended has closed everything
	}
}

// lost tells the connections to a server. They are found first: each may end others, and begin new ones.
func (c *core) lost(l *loop.Loop, s *upstream.Server, cut bool) {
	type found struct {
		ref loop.Ref
		v   toServer
	}
	var all []found
	l.Each(func(r loop.Ref, h loop.Handler) {
		if v, ok := h.(toServer); ok && v.server() == s {
			all = append(all, found{r, v})
		}
	})
	for _, f := range all {
		if l.Stands(f.ref) {
			f.v.forsake(cut)
		}
	}
}

// lost has another server get a request, where there is one, or an end.
func (s *stream) lost() {
	a := s.x.Step(s.core.now(), exchange.Event{Kind: exchange.Lost})
	if a.Do == exchange.Stay {
		return
	}
	s.leaveServer()
	s.tried = true // a connection that is idle is in doubt as well
	s.act(&a)
}

func (v *server1) server() *upstream.Server { return v.dial.to }

func (v *server1) forsake(cut bool) {
	s := v.s
	defer v.rescue(s)
	switch {
	case s == nil:
		v.close()
		return
	case v.state == connecting, v.repeats():
		s.lost()
	}
	if cut && s != nil && v.s == s {
		v.fail(exchange.ServerDown)
	}
}

// unheard reports whether the server's host has acknowledged nothing of the request.
func (v *server1) unheard() bool {
	sent := int(v.wire.sent - v.mark)
	octets, unsent := v.core.loop.Outstanding(v.wire.ref)
	return sent > 0 && octets >= sent && octets > unsent
}

// repeats reports whether the request that was sent may be sent to another server: its method is safe, nothing of an answer has come, and
// all of it is held.
func (v *server1) repeats() bool {
	s := v.s
	return v.state == awaiting && v.in == nil && v.interims == 0 && s.whole && safe(s.method) && (v.replay || s.length == 0)
}

// patience is how long a server may take for what it does at once before that is odd; 0: nobody asks.
func patience(s *upstream.Server, b *exchange.Backend) time.Duration {
	if !b.Doubts {
		return 0
	}
	return s.Patience()
}

func (v *server2) server() *upstream.Server { return v.dial.to }

func (v *server2) forsake(cut bool) {
	defer v.rescue()
	for _, t := range slices.Clone(v.waiting) {
		if t.v == v { // it has not left meanwhile
			t.s.lost()
		}
	}
	v.each(func(t *call2) {
		if t.repeats() {
			t.s.lost()
		}
	})
	switch {
	case v.state == over, v.state == ending:
	case cut:
		v.fail(exchange.ServerDown)
	case v.active == 0:
		v.close()
	case v.state == standing:
		v.probe() // no other request comes to it until the server gives a sign of life
	}
}

// repeats is that of server1.
func (t *call2) repeats() bool {
	return t.s.whole && safe(t.s.method) && t.keep && !t.answered
}

// look has the server looked after in a while, if it is not going to be.
func (v *server2) look(b *exchange.Backend) {
	if p := patience(v.dial.to, b); p > 0 && v.looks == 0 {
		v.looks = v.core.loop.Now() + p
		v.wake(v.looks)
	}
}

// lookAfter notices a server that does not even acknowledge, which hosts do at once.
func (v *server2) lookAfter(now time.Duration) {
	if v.looks == 0 || !v.overdue(now, v.looks) {
		return
	}
	v.looks = 0
	p := v.dial.to.Patience()
	octets, unsent := v.core.loop.Outstanding(v.wire.ref)
	switch {
	case v.state == coming:
		if v.wire.tls == nil {
			v.dial.to.Doubt(upstream.Unheard)
		}
	case p == 0, octets == unsent: // what has not left is what it has no room for
	case now-v.heard >= p:
		v.dial.to.Doubt(upstream.Unheard)
	default: // something came while this was on its way: what it was sent since may yet be late
		v.looks = v.heard + p
		v.wake(v.looks)
	}
}
