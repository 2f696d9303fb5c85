package exchange

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/persist"
)

// Persistence sends clients back to the server that they had, by one of the two. It is immutable but for what Sources know.
type Persistence struct {
	Cookie  *persist.Cookie
	Renewed *atomic.Pointer[persist.Cookie] // it is in the place of Cookie, where servers come and go without another Backend; nil: they do not
	Sources *persist.Sources
}

// cookie returns the one that there is; nil: none.
func (p *Persistence) cookie() *persist.Cookie {
	if p.Renewed != nil {
		return p.Renewed.Load()
	}
	return p.Cookie
}

// recall finds out which servers the request belongs to.
func (x *Exchange) recall(now time.Time) {
	if x.backend == nil || x.backend.Persist == nil {
		return
	}
	switch p := x.backend.Persist; {
	case p.Sources != nil:
		if s := p.Sources.Find(now, x.request.Client); s != nil {
			x.stick = append(x.stick, s)
		}
	case x.request.Fields == nil:
		x.visit = persist.Visit{State: persist.None}
	default:
		x.visit, x.stick = p.cookie().Read(now, x.request.Fields, x.stick)
	}
}

// settle takes in whether the server that has been chosen is one that the request belongs to. queues: none has been, and it waits.
func (x *Exchange) settle(queues bool) {
	p := x.backend.Persist
	if p == nil {
		return
	}
	x.stuck = x.server != nil && slices.Contains(x.stick, x.server)
	if p.Sources != nil {
		return
	}
	state := x.visit.State
	if state == persist.Valid && !x.stuck && !queues {
		state = persist.Down
	}
	x.record.Cookie = CookieState{Request: byte(state), Response: 'N'}
}

// learn has it known where the client is now: a connection stands.
func (x *Exchange) learn(now time.Time) {
	if p := x.backend.Persist; p != nil && p.Sources != nil && !x.stuck {
		p.Sources.Learn(now, x.request.Client, x.server)
	}
}

// stays reports whether a request whose server has failed it goes to the same one again, because it belongs there. The last retry may go
// elsewhere, where the configuration allows that, and so does each of a server that is known to be down.
func (x *Exchange) stays() bool {
	return x.stuck && (x.left > 1 || !x.backend.Redispatch) && x.server.Health().Status != hysteresis.Down
}

// RequestCookie returns the cookie that servers do not get to see as it came; nil: there is none.
func (x *Exchange) RequestCookie() *persist.Cookie {
	if x.backend == nil || x.backend.Persist == nil {
		return nil
	}
	if c := x.backend.Persist.cookie(); c != nil && c.Hides() {
		return c
	}
	return nil
}

// ResponseCookie begins to say what becomes of the head of a response, and reports whether it is anything.
func (x *Exchange) ResponseCookie(now time.Time, r *persist.Response) bool {
	if x.backend == nil || x.backend.Persist == nil || x.backend.Persist.Sources != nil || x.server == nil {
		return false
	}
	v := x.visit
	v.State = persist.State(x.record.Cookie.Request)
	r.Start(x.backend.Persist.cookie(), now, x.server, v)
	return true
}

// CookieSent notes what has become of the cookie in a response.
func (x *Exchange) CookieSent(letter byte) { x.record.Cookie.Response = letter }
