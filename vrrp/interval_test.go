package vrrp

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// hoarse is a Machine whose adverts get lost after a reload.
type hoarse struct {
	*Machine
	lose     func(*hoarse, SendAdvert) bool
	reloaded time.Time
	now      time.Time
}

func (h *hoarse) Step(now time.Time, ev Event, out []Action) []Action {
	h.now = now
	if _, ok := ev.(ConfigChanged); ok {
		h.reloaded = now
	}
	return slices.DeleteFunc(h.Machine.Step(now, ev, out), func(a Action) bool {
		send, ok := a.(SendAdvert)
		return ok && h.lose(h, send)
	})
}

// On a LAN in order nothing changes its state because a master is reloaded to another interval, as far as backups learn it,
// and back. Two adverts tell of it before backups would take the master for dead: one of them may be lost.
func TestReloadOfTheIntervalOnTheSimulatedLAN(t *testing.T) {
	tests := []struct {
		name  string
		lose  func(*hoarse, SendAdvert) bool
		found bool
	}{
		{"nothing is lost", func(*hoarse, SendAdvert) bool { return false }, false},
		{"the advert that tells at once is lost", func(_ *hoarse, a SendAdvert) bool { return !a.Periodic }, false},
		{"the next one is lost", func(h *hoarse, a SendAdvert) bool {
			return a.Periodic && h.now.Before(h.reloaded.Add(100*time.Millisecond))
		}, false},
		{"nothing is said for the new interval", func(h *hoarse, _ SendAdvert) bool {
			return h.now.Before(h.reloaded.Add(h.cfg.AdvertInterval))
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(50) {
				s := &sim{rnd: rand.New(rand.NewPCG(seed, 115)), make: newRouter, keep: true}
				at := s.retimed(tt.lose)
				switch err := s.run(at); {
				case err != nil && tt.found:
					return
				case err != nil:
					t.Fatalf("seed %d: %v\n%s", seed, err, s.story())
				}
			}
			if tt.found {
				t.Error("50 schedules found nothing")
			}
		})
	}
}

// retimed has three routers, of which the best is reloaded to another interval every 5 s, and returns the end.
func (s *sim) retimed(lose func(*hoarse, SendAdvert) bool) time.Duration {
	for i, p := range []uint8{200, 100, 50} {
		n := &simNode{addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)}), tickAt: -1, clock: s.time, cfg: testConfig()}
		v3(&n.cfg)
		n.cfg.Priority = p
		s.nodes = append(s.nodes, n)
		s.start(n)
	}
	best := s.nodes[0]
	best.router = &hoarse{Machine: best.router.(*Machine), lose: lose}
	at := 10 * time.Second
	s.after(at, func() { s.watch.troubleAt = -time.Hour }) // from here on every transition is one too many
	for range 10 {
		cfg := best.cfg
		cfg.AdvertInterval = centisecond * time.Duration(10+s.rnd.IntN(91))
		s.after(at+s.upTo(time.Second), func() { s.give(best, ConfigChanged{cfg}) })
		at += 5 * time.Second
	}
	return at
}
