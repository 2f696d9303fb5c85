package proxy

import (
	"context"
	"errors"
	"fmt"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// check is the running check of one server.
type check struct {
	config  probing
	checker *health.Checker
	stop    context.CancelFunc
}

// probing says where the health of a server comes from: its own check, or another server; with neither it is taken as healthy.
type probing struct {
	check *health.Check
	tls   *certs.Servers   // of the probes alone; nil: that of the server
	name  string           // that is verified, with tls
	host  string           // that it is called where its address would do
	fast  bool             // a server that does not even acknowledge is probed at once
	track *upstream.Server // whose health it has

	missing upstream.Health // of a server without an address
}

// same reports whether two servers' checks do the same.
func (c probing) same(o probing) bool {
	return c.check.Same(o.check) && c.tls == o.tls && c.name == o.name && c.host == o.host && c.fast == o.fast
}

// probings returns where the health of every server comes from.
func probings(backends []*backend) map[*upstream.Server]probing {
	all := map[*upstream.Server]probing{}
	for _, b := range backends {
		for i, m := range b.pool.Members() {
			c := b.servers[i]
			switch {
			case c.vacant():
				all[m.Server] = probing{missing: c.missing}
			case c.Track != (ServerRef{}):
				all[m.Server] = probing{track: findServer(backends, c.Track)}
			default:
				all[m.Server] = probing{check: b.config.Check, tls: b.checkTLS, name: c.CheckName, host: c.host, fast: b.config.FastEject}
			}
		}
	}
	return all
}

// findServer returns the server of that name, or nil.
func findServer(backends []*backend, ref ServerRef) *upstream.Server {
	if b := find(backends, ref.Backend); b != nil {
		for _, m := range b.pool.Members() {
			if m.Key().Name == ref.Server {
				return m.Server
			}
		}
	}
	return nil
}

// checkTracks returns what is wrong with servers that have the health of others.
func checkTracks(backends []*backend) error {
	var faults []error
	all := probings(backends)
	for _, b := range backends {
		for _, c := range b.servers {
			if c.Track == (ServerRef{}) {
				continue
			}
			at, hops := probing{track: findServer(backends, c.Track)}, 0
			for ; at.track != nil && hops < len(all); hops++ {
				at = all[at.track]
			}
			if at.check == nil && at.missing == (upstream.Health{}) {
				faults = append(faults, fmt.Errorf("backend %s: server %s tracks %s, which leads to no server with a check", b.config.Name, c.Name, c.Track))
			}
		}
	}
	return errors.Join(faults...)
}

// applyChecks starts the checks that backends ask for and ends the others. A server whose check stays as it is notices
// nothing; one whose check changes keeps its health until the new one has reason to change it. mu is held.
func (p *Proxy) applyChecks(backends []*backend) {
	wanted := probings(backends)
	for s, c := range p.checks {
		if w := wanted[s]; w.check == nil || !c.config.same(w) {
			c.stop()
			delete(p.checks, s)
			s.SetPatience(0)
			s.Trust()
		}
	}
	for _, b := range backends {
		if b.route.Passive == nil {
			for _, m := range b.pool.Members() {
				m.Pardon()
			}
		}
	}
	p.followers = map[*upstream.Server][]*upstream.Server{}
	for s, w := range wanted {
		switch {
		case w.missing != (upstream.Health{}):
			s.SetHealth(w.missing)
		case w.track != nil:
			p.followers[w.track] = append(p.followers[w.track], s)
		case w.check == nil:
			s.SetHealth(unchecked)
		case p.checks[s] == nil:
			if h := s.Health(); h.At.IsZero() {
				s.SetHealth(upstream.Health{Status: w.check.Init.Status()})
			}
			p.startCheck(s, w)
		}
	}
	for s, w := range wanted {
		if w.track == nil {
			p.follow(s, s.Health())
		}
	}
}

// startCheck starts the check of a server. mu is held.
func (p *Proxy) startCheck(s *upstream.Server, w probing) {
	ctx, cancel := context.WithCancel(p.checking)
	c := &check{config: w, stop: cancel}
	p.checks[s] = c
	target := health.Target{
		Backend: s.Key().Backend, Server: s.Key().Name, Address: s.Key().Address, Path: s.Key().Path, Host: w.host, Proxy: s.Link().Proxy, TLS: s.Link().TLS, HTTP2: s.Link().HTTP2, Runner: p.scripts,
	}
	if w.tls != nil {
		target.TLS, target.OwnTLS = w.tls.TLSConfig(w.name), true
	}
	since := hysteresis.Unknown
	if h := s.Health(); !h.At.IsZero() {
		since = h.Status
	}
	c.checker = health.New(*w.check, target, since, func(r health.Result) { p.checked(s, c, r) })
	p.start(func() { _ = c.checker.Run(ctx) }) // nil, as for every Run whose context ends
}

// checked takes in what a check of s has found.
func (p *Proxy) checked(s *upstream.Server, by *check, r health.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.checks[s] != by {
		return // the configuration has changed meanwhile
	}
	doubted := s.Doubted()
	if by.config.fast {
		s.SetPatience(r.Patience)
	}
	p.setHealth(s, upstream.Health{Status: r.Status, Text: r.Text, Code: r.Code, Took: r.Duration, At: r.At})
	switch {
	case r.OK:
		if s.Trust() {
			p.log.Info("server is not in doubt any more", "backend", s.Key().Backend, "server", s.Key().Name)
		}
		p.reopen(s, r.At)
	case doubted:
		p.engine.Lost(s, false)
	}
	if !r.OK {
		s.Missed()
	}
	if r.Status == hysteresis.Down {
		s.Trust() // nothing is left to doubt
	}
}

// setHealth gives a server, and those that track it, what was found. mu is held.
func (p *Proxy) setHealth(s *upstream.Server, h upstream.Health) {
	old := s.Health()
	h.Since = old.Since
	if h.Status != old.Status {
		h.Since = h.At
	}
	s.SetHealth(h)
	if h.Status != old.Status {
		p.logHealth(s.Key(), h)
		p.wakeWatchers()
		if b := find(p.now.backends, s.Key().Backend); h.Status == hysteresis.Down && b != nil && b.config.CutOnDown {
			p.engine.Lost(s, true)
		}
	}
	p.follow(s, h)
}

// follow gives those that track a server its health. mu is held.
func (p *Proxy) follow(s *upstream.Server, h upstream.Health) {
	tracks := "tracks " + s.Key().Backend + "/" + s.Key().Name
	if h.Text != "" {
		tracks += ": " + h.Text
	}
	h.Text = tracks
	for _, f := range p.followers[s] {
		p.setHealth(f, h)
	}
}

// logHealth tells the operator of a server that changed, and how many are left. mu is held.
func (p *Proxy) logHealth(key upstream.Key, h upstream.Health) {
	log, message := p.log.Info, "server is healthy"
	if h.Status == hysteresis.Down {
		log, message = p.log.Warn, "server is unhealthy"
	}
	facts := []any{"backend", key.Backend, "server", key.Name, "reason", h.Text}
	if h.Code != 0 {
		facts = append(facts, "code", h.Code)
	}
	facts = append(facts, "duration", h.Took)
	b := find(p.now.backends, key.Backend)
	if b == nil { // its first configuration is just being applied
		log(message, facts...)
		return
	}
	healthy, total, known := b.pool.Healthy()
	log(message, append(facts, "healthy", healthy, "servers", total)...)
	if known && healthy == 0 && total > 0 {
		p.log.Error("backend has no server available", "backend", key.Backend)
	}
}

// wakeWatchers makes every WatchBackend look again. mu is held.
func (p *Proxy) wakeWatchers() {
	close(p.health)
	p.health = make(chan struct{})
}

// Backends returns the names of the backends, in the order of the configuration.
func (p *Proxy) Backends() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for _, b := range p.now.backends {
		names = append(names, b.config.Name)
	}
	return names
}

// WatchBackend reports how a backend is, at once and whenever that has changed, until ctx ends; then it returns. total
// counts the servers that may get new traffic (weight above 0), healthy those of them that are up. known is false until
// the first check of each of them has ended; without checks all are healthy, and that is known at once. A backend that
// is not configured has no servers, and nothing is known of it. report is called by the caller's goroutine.
func (p *Proxy) WatchBackend(ctx context.Context, name string, report func(healthy, total int, known bool)) {
	type result struct {
		healthy, total int
		known          bool
	}
	var last *result
	for {
		var r result
		p.mu.Lock()
		changed := p.health
		if b := find(p.now.backends, name); b != nil {
			r.healthy, r.total, r.known = b.pool.Healthy()
		}
		p.mu.Unlock()
		if last == nil || *last != r {
			report(r.healthy, r.total, r.known)
			last = &r
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
