package proxy

import (
	"context"
	"sync"
	"time"

	"github.com/tandem-lb/tandem/proxy/upstream"
)

var _ upstream.Watcher = (*sentinel)(nil)

// sentinel hears from whoever carries out requests what they find out about servers, and keeps nobody waiting.
type sentinel struct {
	wake chan struct{} // capacity 1: there is something to look at. Sent to by anybody, never closed

	mu   sync.Mutex
	news []news // guarded by mu
}

// news is what was heard of a server.
type news struct {
	server *upstream.Server
	what   finding
	why    string
}

type finding uint8

const (
	inDoubt finding = iota
	ejectedFor
	reinstated
)

func newSentinel() *sentinel { return &sentinel{wake: make(chan struct{}, 1)} }

func (s *sentinel) hear(n news) {
	s.mu.Lock()
	s.news = append(s.news, n)
	s.mu.Unlock()
	s.look()
}

// look has the servers looked at.
func (s *sentinel) look() {
	select {
	case s.wake <- struct{}{}:
	default: // they are going to be
	}
}

func (s *sentinel) take() []news {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.news
	s.news = nil
	return all
}

// Doubted, Ejected and Reinstated implement upstream.Watcher.
func (s *sentinel) Doubted(of *upstream.Server, why string) { s.hear(news{of, inDoubt, why}) }
func (s *sentinel) Ejected(of *upstream.Server, why string) { s.hear(news{of, ejectedFor, why}) }
func (s *sentinel) Reinstated(of *upstream.Server)          { s.hear(news{of, reinstated, ""}) }

// watchServers acts upon what is heard, until ctx ends, and tries servers again whose time is over.
func (p *Proxy) watchServers(ctx context.Context) {
	ejected := map[*upstream.Server]bool{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.sentinel.wake:
		case <-timer.C:
		}
		p.mu.Lock()
		for _, n := range p.sentinel.take() {
			p.heard(n, ejected)
		}
		next := p.tryAgain(time.Now(), ejected)
		p.mu.Unlock()
		timer.Reset(next)
	}
}

// heard acts upon what was heard of a server. mu is held.
func (p *Proxy) heard(n news, ejected map[*upstream.Server]bool) {
	log := p.log.With("backend", n.server.Key().Backend, "server", n.server.Key().Name)
	switch n.what {
	case inDoubt:
		c := p.checks[n.server]
		if c == nil { // the configuration has changed meanwhile
			n.server.Trust()
			return
		}
		log.Info("server is in doubt, and probed", "reason", n.why)
		c.checker.Hurry()
	case ejectedFor:
		e := n.server.Ejection()
		ejected[n.server] = true
		log.Warn("server is ejected", "reason", n.why, "until", e.Until.Format(time.TimeOnly))
	case reinstated:
		log.Info("server is not ejected any more")
	}
}

// maxNap bounds how long nobody looks: a clock that was set can't leave a server out for ever.
const maxNap = time.Minute

// tryAgain opens the servers whose time is over to a request, and returns when the next one's is. Those that are probed are opened
// by a good probe instead (Proxy.checked). mu is held.
func (p *Proxy) tryAgain(now time.Time, ejected map[*upstream.Server]bool) (next time.Duration) {
	next = maxNap
	for s := range ejected {
		e := s.Ejection()
		switch {
		case !e.Ejected:
			delete(ejected, s)
		case p.checks[s] != nil:
		case e.Until.After(now):
			next = min(next, e.Until.Sub(now))
		default:
			p.reopen(s, now)
			delete(ejected, s)
		}
	}
	return next
}

// reopen lets the next request decide about a server whose time is over. mu is held.
func (p *Proxy) reopen(s *upstream.Server, now time.Time) {
	if s.Reopen(now) {
		p.log.Info("server is tried again: the next request decides", "backend", s.Key().Backend, "server", s.Key().Name)
	}
}
