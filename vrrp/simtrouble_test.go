package vrrp

import (
	"strings"
	"time"
)

func (s *sim) disorder() {
	s.chaos = true
	s.watch.disorder()
	s.loss = s.rnd.Float64() * 0.9
	for i := range s.cut {
		for j := range s.cut[i] {
			s.cut[i][j] = s.chance(0.4)
		}
	}
	s.logf("the LAN falls into disorder: loss %.0f%%, cut %v", 100*s.loss, s.cut)
}

func (s *sim) order() {
	s.chaos = false
	s.logf("the LAN is in order")
	// Packets on their way from the disorder still come late.
	s.watch.orderSince = s.now + simChaosDelay
}

// troubles plans what befalls the nodes between from and from+length, repairs included.
func (s *sim) troubles(from, length time.Duration) {
	for range s.rnd.IntN(6) {
		n := s.nodes[s.rnd.IntN(len(s.nodes))]
		begin := s.upTo(length)
		end := begin + s.upTo(length-begin)
		first, then := s.trouble()
		s.after(from+begin, func() { s.watch.trouble(s); first(n) })
		s.after(from+end, func() { s.watch.trouble(s); then(n) })
	}
}

func (s *sim) trouble() (first, then func(*simNode)) {
	switch s.rnd.IntN(14) {
	case 0:
		return s.crash, s.start
	case 9:
		return s.kill, s.start
	case 10:
		return s.killBoth, s.start
	case 11:
		return s.killKeeper, s.startKeeper
	case 12, 13:
		i := s.rnd.IntN(simTrackers)
		return func(n *simNode) { s.sicken(n, i) }, func(n *simNode) { s.heal(n, i) }
	case 1, 2:
		return s.stop, s.start
	case 3:
		if s.chance(0.5) {
			return s.doze, s.resume
		}
		return s.freeze, s.resume
	case 4:
		return s.ill, s.well
	case 5:
		return func(n *simNode) { s.hold(n, []string{"no healthy server"}) }, func(n *simNode) { s.hold(n, nil) }
	case 6:
		if s.nodes[0].cfg.Version == V3 {
			return s.retime, s.retime
		}
		fallthrough
	case 7:
		return s.handOver, s.release
	default:
		p := uint8(1 + s.rnd.IntN(254))
		return func(n *simNode) { s.prioritize(n, p) }, func(n *simNode) { s.prioritize(n, n.cfg.Priority) }
	}
}

func (s *sim) ill(n *simNode) {
	s.logf("%v falls ill", n.addr)
	n.ill = true
	s.tally(n)
}

func (s *sim) well(n *simNode) {
	s.logf("%v is well", n.addr)
	n.ill = false
	s.tally(n)
}

func (s *sim) hold(n *simNode, reasons []string) {
	s.logf("%v: reasons not to preempt: %q", n.addr, reasons)
	s.give(n, HoldPreempt{reasons})
}

// interval is one of version 3.
func (s *sim) interval() time.Duration {
	return []time.Duration{simInterval, simInterval / 2, simInterval / 5}[s.rnd.IntN(3)]
}

// retime reloads a node to another interval, which it starts with from now on.
func (s *sim) retime(n *simNode) {
	n.cfg.AdvertInterval = s.interval()
	s.logf("%v changes its interval to %v", n.addr, n.cfg.AdvertInterval)
	n.changedAt = s.now
	s.give(n, ConfigChanged{n.cfg})
}

// handOver has a node resign, at once or when it has looked for a successor, and stay away from a live master until it is
// released.
func (s *sim) handOver(n *simNode) {
	s.hold(n, handedOver)
	if s.chance(0.5) {
		s.give(n, Resign{simHandover})
		return
	}
	within := time.Duration(0)
	for _, m := range n.host() {
		within = max(within, m.cfg.SuccessorWithin())
	}
	s.logf("%v looks for a successor for %v", n.addr, within)
	s.give(n, Offer{simHandover, within})
}

func (s *sim) release(n *simNode) {
	s.hold(n, nil)
	s.give(n, Offer{})
}

// prioritize changes the priority that the trackers start from.
func (s *sim) prioritize(n *simNode, p uint8) {
	s.logf("%v changes its priority to %d", n.addr, p)
	n.base = p
	s.tally(n)
}

// story is the end of the trace.
func (s *sim) story() string {
	return strings.Join(s.trace[max(0, len(s.trace)-60):], "\n")
}
