package vrrp

import (
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/tracker"
)

// What a simulated router has around it: a kernel whose addresses have a lease, a keeper with the last will, and trackers. The
// will's farewell is Resignation's packet, read back; hysteresis and tally are those of the product. Kernel and keeper are
// models: an address that nobody renews ends with its lease, a keeper beats for a daemon that does not run, and
// carries out the will when that has ended or was silent for too long.

const (
	simKeeper   = 4500 * time.Millisecond // at most: how long a keeper speaks for a daemon that does not run
	simWill     = 20 * time.Millisecond   // at most, from the end of a daemon to its will
	simMend     = time.Second             // after an expiry, until an address is put back
	simLate     = 400 * time.Millisecond  // at most, of the kernel ending a lease
	simProbe    = 300 * time.Millisecond  // between two results of a tracker
	simTrackers = 2                       // of a node, at most
)

// simHost is the host of a node.
type simHost struct {
	holds    bool // the addresses are in its kernel
	wants    bool // the daemon has them kept there
	released int  // counts releases done
	offers   int  // counts Offers and their ends

	lapses   int           // counts changes of who renews the lease: what an older one planned is void
	lapsedAt time.Duration // nobody renews it since; 0: it is renewed
	keeper   bool          // there is one
	lone     bool          // there is none, and the daemon does not know yet
	will     bool          // left, and not carried out

	base     uint8 // the priority that trackers change
	ill      bool  // the interface is down
	trackers []simTracker
}

// simTracker is one tracker of a node.
type simTracker struct {
	binding    tracker.Binding
	rise, fall int
	count      hysteresis.Counter
	sick       bool // what the next result says
}

func (t *simTracker) reset() { t.count = hysteresis.New(t.rise, t.fall) }

// lease is as long as internal/config makes it: whole seconds, two at least, and ended before any other node takes over.
func (n *simNode) lease() time.Duration {
	patience := downAdverts * n.cfg.AdvertInterval
	return max((patience - simLate).Truncate(time.Second), 2*time.Second)
}

// lapse is the end of renewals: the last one was in the last third of a lease.
func (s *sim) lapse(n *simNode) {
	if n.lapsedAt != 0 {
		return
	}
	n.lapses++
	n.lapsedAt = s.now
	lapse, left := n.lapses, n.lease()-s.upTo(n.lease()/3)+s.upTo(simLate)
	s.after(left, func() {
		if n.lapses == lapse && n.holds {
			s.logf("the lease of %v ends", n.addr)
			n.holds = false
		}
	})
}

// renew goes on renewing. What has expired meanwhile is put back after a while, if the daemon still wants it.
func (s *sim) renew(n *simNode) {
	n.lapses++
	n.lapsedAt = 0
	if n.holds || !n.wants {
		return
	}
	lapse, life := n.lapses, n.life
	s.after(simMend, func() {
		if n.life == life && n.lapses == lapse && n.live() && n.wants {
			n.holds = true
		}
	})
}

// host is all instances of the node's daemon.
func (n *simNode) host() []*simNode {
	if n.group != nil {
		return n.group
	}
	return []*simNode{n}
}

// end ends the daemon's process. Its will stays.
func (s *sim) end(n *simNode) {
	n.will = n.holds || n.wants || n.router.State() == Master
	n.life++
	n.up, n.stopping, n.frozen, n.dozes, n.fault, n.wants, n.inbox = false, false, false, false, false, false, nil
}

// crash takes the power away.
func (s *sim) crash(n *simNode) {
	if n.up {
		s.logf("%v crashes", n.addr)
		s.end(n)
		n.holds, n.will = false, false
	}
}

// kill ends the daemon: its keeper carries out the will, or the lease ends.
func (s *sim) kill(n *simNode) {
	for _, n := range n.host() {
		if !n.up {
			continue
		}
		s.logf("the daemon of %v is killed", n.addr)
		s.end(n)
		s.lapse(n)
		life := n.life
		if n.keeper {
			s.after(s.upTo(simWill), func() {
				if n.life == life {
					s.replayWill(n)
				}
			})
		}
	}
}

// killBoth ends daemon and keeper: the lease ends the addresses, or the next start.
func (s *sim) killBoth(n *simNode) {
	for _, n := range n.host() {
		n.keeper = false
	}
	s.kill(n)
}

// replayWill carries out a will that was left: the addresses go, then the others hear that they have.
func (s *sim) replayWill(n *simNode) {
	if !n.will {
		return
	}
	n.will, n.holds = false, false
	packets, err := Resignation(n.cfg, n.addr)
	if err != nil {
		s.watch.fail(s, "the will of %v: %v", n.addr, err)
		return
	}
	for _, p := range packets {
		var ad Advert
		d, ok := parsePacket(p.Data)
		if !ok || parse(d.payload, d.src, d.dst, &ad) != accepted {
			s.watch.fail(s, "the will of %v is no packet", n.addr)
			return
		}
		s.logf("the will of %v says priority %d", n.addr, ad.Priority)
		s.broadcast(n, ad)
	}
	if n.group == nil {
		s.watch.resigned(s, n)
	}
}

// killKeeper ends the keeper alone. The Group notices at one of its next turns, and speaks for itself.
func (s *sim) killKeeper(n *simNode) {
	for _, n := range n.host() {
		if !n.up || !n.keeper {
			continue
		}
		s.logf("the keeper of %v is killed", n.addr)
		n.keeper, n.lone = false, true
		life := n.life
		s.after(s.upTo(turnEvery), func() { s.awake(n, life, func() { s.miss(n) }) })
	}
}

// miss notices that the keeper is gone.
func (s *sim) miss(n *simNode) {
	if !n.lone {
		return
	}
	n.lone = false
	if n.router.Beating() {
		s.broadcast(n, n.router.Advert())
	}
}

// startKeeper gives the daemon a keeper again, which speaks at once.
func (s *sim) startKeeper(n *simNode) {
	for _, n := range n.host() {
		s.awake(n, n.life, func() {
			if n.up && !n.keeper {
				s.logf("%v has a keeper again", n.addr)
				n.keeper = true
				n.lone = true
				s.miss(n)
			}
		})
	}
}

// awake does something in a life of the node's, when its daemon runs.
func (s *sim) awake(n *simNode, life int, do func()) {
	switch {
	case n.life != life:
	case n.frozen:
		n.inbox = append(n.inbox, func() { s.awake(n, life, do) })
	default:
		do()
	}
}

// doze freezes the daemon, and not its host. The keeper speaks for a master until that has been silent for too long, and
// kills it then.
func (s *sim) doze(n *simNode) {
	if !n.live() {
		return
	}
	s.freeze(n)
	n.dozes = true
	s.lapse(n)
	until, life, began := s.now+s.upTo(simKeeper), n.life, n.frozenAt
	dozing := func() bool { return n.life == life && n.dozes && n.frozenAt == began && n.keeper }
	s.after(until-s.now, func() {
		if dozing() && n.router.State() == Master {
			s.watch.trouble(s)
			s.kill(n)
		}
	})
	var beat func()
	beat = func() {
		if dozing() && n.spokenFor() {
			s.broadcast(n, n.router.Advert())
			s.after(n.cfg.AdvertInterval, beat)
		}
	}
	s.after(max(n.spoke+n.cfg.AdvertInterval-s.now, 0), beat)
}

// track gives a node trackers: some move its priority, some are all or nothing.
func (s *sim) track(n *simNode) {
	for range s.rnd.IntN(simTrackers + 1) {
		weight := []int{0, 20, 60, -30, -100}[s.rnd.IntN(5)]
		t := simTracker{rise: 1 + s.rnd.IntN(3), fall: 1 + s.rnd.IntN(3)}
		t.binding = tracker.Binding{ID: tracker.ID{Kind: tracker.KindScript, Name: "check"}, Weight: weight}
		n.trackers = append(n.trackers, t)
	}
}

// sicken has a tracker of the node fail from now on.
func (s *sim) sicken(n *simNode, i int) {
	if i < len(n.trackers) {
		n.trackers[i].sick = true
		s.probe(n, i)
	}
}

// heal has it succeed.
func (s *sim) heal(n *simNode, i int) {
	if i < len(n.trackers) {
		n.trackers[i].sick = false
		s.probe(n, i)
	}
}

// probeAll has the trackers of a daemon that started look for the first time.
func (s *sim) probeAll(n *simNode) {
	life := n.life
	for i := range n.trackers {
		s.after(s.upTo(simProbe), func() { s.awake(n, life, func() { s.probe(n, i) }) })
	}
}

// probe takes results of a tracker until they have changed its status.
func (s *sim) probe(n *simNode, i int) {
	if !n.up {
		return
	}
	life := n.life
	s.awake(n, life, func() {
		t := &n.trackers[i]
		want := hysteresis.Up
		if t.sick {
			want = hysteresis.Down
		}
		if t.count.Observe(!t.sick) {
			s.logf("tracker %d of %v, weight %d, is %v", i, n.addr, t.binding.Weight, t.count.Status())
			s.watch.trouble(s)
			s.tally(n)
		}
		if t.count.Status() != want {
			s.after(simProbe, func() { s.awake(n, life, func() { s.probe(n, i) }) })
		}
	})
}

// tally tells the router what its trackers make of its priority.
func (s *sim) tally(n *simNode) {
	if !n.up {
		return
	}
	s.awake(n, n.life, func() {
		in := make([]tracker.Input, len(n.trackers), simTrackers+1)
		for i, t := range n.trackers {
			in[i] = tracker.Input{Binding: t.binding, State: tracker.State{Status: t.count.Status()}}
		}
		out := tracker.Tally(n.base, in)
		if n.ill {
			out.Faults = append(out.Faults, "interface down")
		}
		n.fault = len(out.Faults) > 0
		n.changedAt = s.now
		s.step(n, PriorityChanged{out.Priority})
		s.step(n, FaultChanged{out.Faults})
		s.watch.tallied(s, n)
	})
}
