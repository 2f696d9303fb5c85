package proxy

import (
	"context"
	"slices"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// check is the running check of one server.
type check struct {
	config health.Check
	stop   context.CancelFunc
}

// applyChecks starts the checks that backends ask for and ends the others. A server whose check stays as it is notices
// nothing; one whose check changes keeps its health until the first result of the new one. mu is held.
func (p *Proxy) applyChecks(backends []*backend) {
	wanted := map[*upstream.Server]*health.Check{}
	for _, b := range backends {
		for _, m := range b.pool.Members() {
			wanted[m.Server] = b.config.Check
		}
	}
	for s, c := range p.checks {
		if w := wanted[s]; w == nil || !sameCheck(c.config, *w) {
			c.stop()
			delete(p.checks, s)
		}
	}
	for s, w := range wanted {
		switch {
		case w == nil:
			s.SetHealth(unchecked)
		case p.checks[s] == nil:
			if s.Health() == unchecked {
				s.SetHealth(upstream.Health{})
			}
			p.startCheck(s, *w)
		}
	}
}

// startCheck starts the check of a server. mu is held.
func (p *Proxy) startCheck(s *upstream.Server, config health.Check) {
	ctx, cancel := context.WithCancel(p.checking)
	c := &check{config: config, stop: cancel}
	p.checks[s] = c
	target := health.Target{Backend: s.Key().Backend, Server: s.Key().Name, Address: s.Key().Address, TLS: s.Link().TLS, HTTP2: s.Link().HTTP2}
	checker := health.New(config, target, func(r health.Result) { p.checked(s, c, r) })
	p.start(func() { _ = checker.Run(ctx) }) // nil, as for every Run whose context ends
}

// sameCheck reports whether two checks do the same.
func sameCheck(a, b health.Check) bool {
	if (a.HTTP == nil) != (b.HTTP == nil) {
		return false
	}
	if a.HTTP != nil {
		x, y := *a.HTTP, *b.HTTP
		if x.Method != y.Method || x.Path != y.Path || x.Host != y.Host || x.Port != y.Port ||
			!slices.Equal(x.ExpectStatus, y.ExpectStatus) {
			return false
		}
	}
	a.HTTP, b.HTTP = nil, nil
	return a == b
}

// checked takes in what a check of s has found.
func (p *Proxy) checked(s *upstream.Server, by *check, r health.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.checks[s] != by {
		return // the configuration has changed meanwhile
	}
	old := s.Health()
	h := upstream.Health{Status: r.Status, Text: r.Text, Since: old.Since}
	if r.Status == old.Status {
		s.SetHealth(h)
		return
	}
	h.Since = r.At
	s.SetHealth(h)
	p.logHealth(s.Key(), r)
	p.wakeWatchers()
}

// logHealth tells the operator of a server that changed, and how many are left. mu is held.
func (p *Proxy) logHealth(key upstream.Key, r health.Result) {
	log, message := p.log.Info, "server is healthy"
	if r.Status == hysteresis.Down {
		log, message = p.log.Warn, "server is unhealthy"
	}
	facts := []any{"backend", key.Backend, "server", key.Name, "reason", r.Text, "duration", r.Duration}
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
