package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/engine"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/resolve"
)

// Plan is a configuration ready to be applied. It is good until another plan of the same Proxy is applied.
type Plan struct {
	frontends []plannedFrontend
	most      int   // connections
	wanted    int   // what the configuration says of them
	held      int64 // octets of responses
	backends  []*backend
	resolvers resolve.Config
	lookups   []resolve.Query
	keychain  *certs.Plan
	maps      []*mapFile
	outputs   *accesslog.Plan
}

type plannedFrontend struct {
	name   string
	tcp    bool
	most   int // connections
	route  *exchange.Frontend
	bounds *bounds
	log    *accesslog.Log // nil: none
	lines  []accesslog.Output
	binds  []plannedBind
}

type plannedBind struct {
	key    socketKey
	config Bind
	tcp    bool
	tls    *tls.Config      // nil: plain
	bound  *connectionBound // nil: clients may have any number of connections
	socket *socket          // nil: there is a listener already
}

// socketKey is what a socket is known by from one configuration to the next. Binds to port 0 may be alike otherwise, so
// their place in the configuration joins in.
type socketKey struct {
	address  netip.AddrPort
	path     string // of a Unix socket
	frontend string
	index    int
}

func keyOf(f string, i int, b *Bind) socketKey {
	if b.Unix.Path != "" || b.Address.Port() != 0 {
		return socketKey{address: b.Address, path: b.Unix.Path}
	}
	return socketKey{address: b.Address, frontend: f, index: i}
}

// Plan does everything about a configuration that can fail: it checks it, loads certificates, and binds the sockets that
// it needs and the present one does not have. All faults are reported. What is being served does not change, and a plan
// that is not applied must be discarded.
func (p *Proxy) Plan(next Config) (*Plan, error) {
	lookups := queries(next.Backends)
	p.expect(next.Resolvers, lookups)
	p.mu.Lock()
	now, listeners := p.now, p.listeners // replaced, never changed
	p.mu.Unlock()
	keys := p.keychain.Plan()
	backends, err := compileBackends(next.Backends, now.backends, keys, p.sentinel, p.names)
	faults := []error{err}
	if len(lookups) > 0 {
		faults = append(faults, next.Resolvers.Fault())
	}
	plan := &Plan{resolvers: next.Resolvers, lookups: lookups, backends: backends, keychain: keys, outputs: p.outputs.Plan(), most: affordable(next.MaxConnections), wanted: next.MaxConnections, held: next.MaxHeld}
	if file := next.TLS.TicketSecretFile; file != "" {
		faults = append(faults, plan.keychain.TicketSecret(file))
	}
	named, err := compileMaps(next.Maps)
	faults = append(faults, err)
	plan.maps = named.files
	seen := map[socketKey]string{}
	names := map[string]bool{}
	for _, c := range next.Frontends {
		if names[c.Name] {
			faults = append(faults, fmt.Errorf("frontend %s is configured twice", c.Name))
			continue
		}
		names[c.Name] = true
		f := plannedFrontend{name: c.Name, tcp: c.TCP, most: c.MaxConnections}
		var files []*mapFile
		if f.route, files, err = compileFrontend(c, backends, &named); err != nil {
			faults = append(faults, fmt.Errorf("frontend %s: %w", c.Name, err))
		}
		plan.maps = append(plan.maps, files...)
		if f.bounds, err = compileBounds(&c, f.route, now.bounds(c.Name)); err != nil {
			faults = append(faults, fmt.Errorf("frontend %s: %w", c.Name, err))
		}
		if err := plan.openLog(&f, c.AccessLog); err != nil {
			faults = append(faults, fmt.Errorf("frontend %s: access log: %w", c.Name, err))
		}
		for i, b := range c.Binds {
			bind := plannedBind{key: keyOf(c.Name, i, &b), config: b, tcp: c.TCP, bound: f.bounds.connections}
			if other, ok := seen[bind.key]; ok {
				faults = append(faults, fmt.Errorf("frontend %s: bind %s: frontend %s has it already", c.Name, b.String(), other))
				continue
			}
			seen[bind.key] = c.Name
			if err := plan.prepare(&bind, c.Name, listeners[bind.key] != nil); err != nil {
				faults = append(faults, fmt.Errorf("frontend %s: bind %s: %w", c.Name, b.String(), err))
				continue
			}
			f.binds = append(f.binds, bind)
		}
		plan.frontends = append(plan.frontends, f)
	}
	plan.countRequests()
	if err := errors.Join(faults...); err != nil {
		plan.Discard()
		return nil, err
	}
	return plan, nil
}

// bounds returns those of the frontend of that name; none of one that is not there.
func (s *state) bounds(name string) *bounds {
	for _, f := range s.frontends {
		if f.live.name == name {
			return f.bounds
		}
	}
	return &bounds{}
}

// prepare loads the certificates of a bind, and binds its socket unless it is bound. The frontends keep the sessions of
// their clients apart.
func (plan *Plan) prepare(b *plannedBind, frontend string, bound bool) (err error) {
	if b.config.TLS != nil {
		config := *b.config.TLS
		config.NoALPN = b.tcp
		if b.tls, err = plan.keychain.Bind(frontend, config); err != nil {
			return err
		}
	}
	switch unix := b.config.Unix; {
	case bound && unix.Path != "":
		return unix.fault()
	case bound:
	case unix.Path != "":
		b.socket, err = listenUnix(unix)
	default:
		b.socket, err = listen(b.config.Address, b.config.VIP)
	}
	return err
}

// openLog opens what a frontend logs to. A nil Config is none.
func (plan *Plan) openLog(f *plannedFrontend, c *accesslog.Config) (err error) {
	if c == nil {
		return nil
	}
	if f.log, err = accesslog.New(*c); err != nil {
		return err
	}
	if f.route != nil {
		f.route.Log = f.log.Wants()
	}
	f.lines = c.Outputs
	for _, o := range c.Outputs {
		err = errors.Join(err, plan.outputs.Open(o))
	}
	return err
}

// countRequests has the requests of backends counted if there is a line that could tell.
func (plan *Plan) countRequests() {
	if !slices.ContainsFunc(plan.frontends, func(f plannedFrontend) bool { return f.log != nil }) {
		return
	}
	for _, b := range plan.backends {
		b.route.Active = b.active
	}
}

// Discard closes the sockets and files that the plan has opened. After Apply it does nothing.
func (plan *Plan) Discard() {
	plan.outputs.Discard()
	for _, f := range plan.frontends {
		for i := range f.binds {
			if s := f.binds[i].socket; s != nil {
				s.close()
				f.binds[i].socket = nil
			}
		}
	}
}

// Apply makes the plan what is served. It cannot fail. Frontends, servers and sockets that the plan shares with what was
// served before live on, with their connections and what is known and counted; sockets that it lacks are closed, and
// their connections end after the response that is under way. After Run has ended Apply only discards the plan.
func (p *Proxy) Apply(plan *Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		plan.Discard()
		return
	}
	p.engine.SetLimit(p.limit, plan.most)
	p.engine.SetReserve(plan.held)
	if plan.most < plan.wanted {
		p.log.Warn("fewer clients than max_connections can be served: each needs two descriptors", "max_connections", plan.wanted, "served", plan.most)
	}
	former, next := p.now.backends, state{backends: plan.backends}
	listeners := map[socketKey]*listener{}
	for _, b := range plan.backends {
		b.attach()
	}
	p.applyChecks(plan.backends)
	p.keychain.Apply(plan.keychain)
	p.maps.set(plan.maps)
	retire := p.outputs.Apply(plan.outputs)
	for _, f := range plan.frontends {
		live := p.frontend(f.name, f.tcp)
		p.outputs.Point(&live.lines, f.lines)
		if f.log != nil {
			f.log.To(&live.lines)
		}
		live.route.Store(f.route)
		p.engine.SetLimit(live.limit, f.most)
		entry := frontendState{live: live, bounds: f.bounds}
		for i := range f.binds {
			l := p.applyBind(live, &f.binds[i])
			listeners[f.binds[i].key] = l
			entry.listeners = append(entry.listeners, l)
		}
		next.frontends = append(next.frontends, entry)
	}
	for key, l := range p.listeners {
		if listeners[key] != l {
			socket := l.socket
			p.engine.Retire(func(b *engine.Bind) bool { return b.Owner.(*lane).socket == socket })
			l.close()
		}
	}
	p.listeners, p.now = listeners, next
	p.names.Apply(plan.resolvers, plan.lookups)
	p.renew(former) // answers have come since the plan was made
	retire()
	p.wakeWatchers()
	p.sentinel.look()
}

// frontend returns what lives on of the frontend of that name: nothing of one that has spoken something else. mu is held.
func (p *Proxy) frontend(name string, tcp bool) *frontend {
	for _, f := range p.now.frontends {
		if f.live.name == name && f.live.tcp == tcp {
			return f.live
		}
	}
	return &frontend{name: name, tcp: tcp, limit: &engine.Limit{}}
}

// applyBind gives a bind's listener what the configuration says about it, and makes the listener where there is none. mu is
// held.
func (p *Proxy) applyBind(f *frontend, b *plannedBind) *listener {
	gate, l := p.gateOf(b.config), p.listeners[b.key]
	switch {
	case l == nil:
		l = newListener(p.engine, b.socket, p.newLane(f, gate, b, b.socket), p.log)
		b.socket = nil // the listener's now
		gate.add(l.engine)
	case l.lane.bind.TCP != b.tcp:
		socket, was := l.socket, l.lane.bind.TCP
		l.move(p.newLane(f, gate, b, socket))
		p.engine.Retire(func(b *engine.Bind) bool { return b.Owner.(*lane).socket == socket && b.TCP == was })
	case !slices.Equal(l.config.Proxies, b.config.Proxies) || l.config.Unix.Proxied != b.config.Unix.Proxied, l.lane.frontend != f || l.lane.gate != gate || l.lane.bind.TLS != b.tls, l.lane.bind.H2C != b.config.H2C, l.lane.bound != b.bound:
		l.move(p.newLane(f, gate, b, l.socket))
	}
	l.grant(b.config.Unix)
	l.config = b.config
	return l
}

// gateOf returns the gate of a bind.
func (p *Proxy) gateOf(b Bind) *Gate {
	if b.VIP {
		return p.Gate(b.Address.Addr())
	}
	return p.alwaysOpen
}
