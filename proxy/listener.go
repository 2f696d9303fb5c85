package proxy

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy/engine"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// failureInterval is how often at most it is logged that a listener cannot accept: it tries again ten times a second.
const failureInterval = 10 * time.Second

// listener accepts connections on one socket for as long as any configuration has it.
type listener struct {
	socket *socket
	log    hclog.Logger
	engine *engine.Listener
	lane   *lane // guarded by Proxy.mu
	config Bind  // guarded by Proxy.mu

	failed atomic.Int64 // when a failure to accept was last logged, in ns of Unix time
}

// lane is what the connections of a listener belong to: they keep theirs when a reload gives the listener another one.
type lane struct {
	bind     *engine.Bind
	socket   *socket
	frontend *frontend
	gate     *Gate
	bound    *connectionBound // nil: none
}

// newLane returns one for the connections that come to a socket.
func (p *Proxy) newLane(f *frontend, g *Gate, b *plannedBind, s *socket) *lane {
	l := &lane{socket: s, frontend: f, gate: g, bound: b.bound}
	l.bind = &engine.Bind{
		Owner:    l,
		Port:     s.address.Port(),
		Limit:    f.limit,
		TLS:      b.tls,
		H2C:      b.config.H2C,
		TCP:      b.tcp,
		Frontend: f.route.Load,
		Draining: func() bool { return g.State() == Draining },
		Account:  f.account,
		Opened:   f.opened,
		Closed:   f.closed,
		Unshaken: f.shaken,
		Refused:  f.refusals.add,
	}
	if b.bound != nil {
		l.bind.Clients = &door{b.bound, f, p.log}
	}
	switch {
	case b.config.Unix.Proxied:
		l.bind.Proxies = func(netip.Addr) bool { return true }
	case len(b.config.Proxies) > 0:
		l.bind.Proxies = rule.NewNetworks(b.config.Proxies).Has
	}
	return l
}

// newListener returns one whose socket is its own from then on.
func newListener(e *engine.Engine, s *socket, l *lane, log hclog.Logger) *listener {
	li := &listener{socket: s, log: log.With("address", s.String()), lane: l}
	li.engine = e.Listen(s.fd, l.bind, li.accepting)
	return li
}

// address returns what the socket is bound to.
func (l *listener) address() netip.AddrPort { return l.socket.address }

// grant has the file of a Unix socket say who may connect, when that has changed. mu of the Proxy is held.
func (l *listener) grant(to Unix) {
	was, is := l.socket.unix, to
	was.Proxied, is.Proxied = false, false
	if was == is {
		return
	}
	l.socket.unix = to
	if l.socket.file == nil {
		return
	}
	if err := l.socket.setAccess(to); err != nil {
		l.log.Warn("who may connect is not as configured", "err", err)
	}
}

// accepting tells the operator why no client could be accepted.
func (l *listener) accepting(err error) {
	now, last := time.Now().UnixNano(), l.failed.Load()
	if now-last >= int64(failureInterval) && l.failed.CompareAndSwap(last, now) {
		l.log.Warn("connections are not accepted", "err", err)
	}
}

// move gives the connections that come to another lane.
func (l *listener) move(to *lane) {
	old := l.lane
	l.lane = to
	l.engine.SetBind(to.bind)
	if old.gate != to.gate {
		old.gate.remove(l.engine)
		to.gate.add(l.engine)
	}
}

// close closes the socket. Connections that are there live on.
func (l *listener) close() {
	l.lane.gate.remove(l.engine)
	l.engine.Close()
	l.socket.close()
}
