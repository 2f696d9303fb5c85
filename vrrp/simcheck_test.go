package vrrp

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

var (
	schedules = flag.Int("vrrp.schedules", 10_000, "random schedules of TestSimulatedLAN")
	firstSeed = flag.Uint64("vrrp.seed", 1, "seed of the first schedule of TestSimulatedLAN")
)

// The bounds that the LAN is held to, all of them while it is in order, which it is from simChaosDelay after its repair,
// when the last packet of the disorder has arrived.
const (
	// boundMasters: two routers are not both Master for longer than this after the second one became it. Each of them
	// advertises every interval; the lower one yields when the higher one's advert arrives.
	boundMasters = simInterval + simDelay + slack
	// boundHolders: two routers do not both hold the addresses for longer. The one that yields releases them behind at
	// most an acquisition that is still under way.
	boundHolders = boundMasters + 2*simWork
	// boundSilence is added to the master down interval (three adverts and the skew) of the best healthy router; longer no
	// LAN is without a master, or without the parting advert of one that had lost. Its timer was last reset by an advert on
	// the way then.
	boundSilence = simDelay + simWork + slack
	// boundResign is added to the skew time of the best backup; longer no LAN is without a master after one resigned.
	boundResign = simDelay + slack
	// simSettle is how long after the last trouble a router may still change its state: a takeover, a preemption by
	// a better one, a contest.
	simSettle = 2*(3*simInterval+time.Second) + simInterval + simPatience + boundProbed + slack

	// boundLeave is how long a master keeps its addresses that was told to resign: behind work that its executor has.
	boundLeave = 4*simWork + slack
	// boundHeld is how long nobody holds the addresses while there is a Master. One that expired under a daemon that did not
	// run is put back after a while.
	boundHeld = simMend + boundLeave
	// boundProbed is how long a tracker's news takes.
	boundProbed = 4 * simProbe

	slack = time.Millisecond // of the checks themselves
)

// watch holds a schedule to its promises.
type watch struct {
	broken error

	orderSince  time.Duration // the LAN is in order; never while it is not
	troubleAt   time.Duration // the last trouble of a node
	mastersAt   time.Duration // the last time that a second Master came
	holdersAt   time.Duration
	silentSince time.Duration // no Master
	bareSince   time.Duration // a Master, and nobody holds the addresses
	masters     int
	holders     int
	holdersFor  time.Duration // they may, from holdersAt on
	soleUntil   time.Duration // after a master of a settled LAN resigned: nobody may hold the addresses together with another
}

const never = time.Duration(1<<63 - 1)

func (w *watch) disorder() { w.orderSince, w.soleUntil = never, 0 }

func (w *watch) trouble(s *sim) { w.troubleAt, w.soleUntil = s.now, 0 }

func (w *watch) fail(s *sim, format string, args ...any) {
	if w.broken == nil {
		w.broken = fmt.Errorf("after %v: %s", s.now, fmt.Sprintf(format, args...))
		s.logf("BROKEN: %v", w.broken)
	}
}

// since is how long something has lasted that began at the latest of the times.
func (w *watch) since(s *sim, times ...time.Duration) time.Duration {
	latest := max(w.orderSince, slices.Max(times))
	return s.now - min(latest, s.now)
}

// look follows every event.
func (s *sim) look() {
	w := &s.watch
	masters, holders, spokenFor := 0, 0, false
	var best *simNode
	for _, n := range s.nodes {
		if n.up && n.router.State() == Master {
			n.wasMaster = s.now
		}
		if !n.healthy() {
			n.healthySince = never
		} else if n.healthySince == never || n.healthySince == 0 {
			n.healthySince = s.now
		}
		if n.master() {
			masters++
		}
		if n.holder() {
			holders++
		}
		w.lapsed(s, n)
		spokenFor = spokenFor || n.spokenFor()
		if n.healthy() && (best == nil || n.router.Priority() > best.router.Priority()) {
			best = n
		}
	}
	if masters > 0 || w.masters > 0 || spokenFor {
		w.silentSince = s.now
	}
	// The state before this event lasted until now; a second one that comes begins anew.
	if w.masters > 1 && w.since(s, w.mastersAt) > boundMasters {
		w.fail(s, "%d routers have been Master for %v", w.masters, w.since(s, w.mastersAt))
	}
	if masters > w.masters {
		w.mastersAt = s.now
	}
	if bare := w.since(s, w.bareSince); w.masters > 0 && w.holders == 0 && bare > boundHeld {
		w.fail(s, "there is a Master, and nobody holds the addresses for %v", bare)
	}
	if w.masters == 0 || masters == 0 || holders > 0 {
		w.bareSince = s.now
	}
	w.masters = masters
	w.held(s, holders)
	if s.now < w.soleUntil && holders > 1 {
		w.fail(s, "after a clean stop two routers hold the addresses")
	}
	if masters == 0 && best != nil {
		bound := best.router.MasterDownInterval() + boundSilence
		// A priority that rises moves the timer into the past; the tick comes at once, but after this event.
		if silent := w.since(s, w.silentSince, best.healthySince); silent > bound && s.now > best.changedAt {
			w.fail(s, "no Master for %v, with %v healthy at priority %d", silent, best.addr, best.router.Priority())
		}
	}
}

// held sees that not two hosts hold the addresses for long. Where a daemon does not run its keeper or its lease ends it, and
// until then it cannot yield.
func (w *watch) held(s *sim, holders int) {
	if two := w.since(s, w.holdersAt); w.holders > 1 && two > w.holdersFor {
		w.fail(s, "%d routers have held the addresses for %v", w.holders, two)
	}
	if holders > w.holders {
		w.holdersAt = s.now
	}
	w.holders, w.holdersFor = holders, boundHolders
	for _, n := range s.nodes {
		if n.holder() && n.lapsedAt != 0 {
			left := n.lapsedAt + n.lease() + simLate + slack - w.holdersAt
			w.holdersFor = max(w.holdersFor, left)
		}
	}
}

// lapsed sees that no kernel keeps addresses for a daemon that does not renew them.
func (w *watch) lapsed(s *sim, n *simNode) {
	if n.holder() && n.lapsedAt != 0 && s.now-n.lapsedAt > n.lease()+simLate+slack {
		w.fail(s, "%v holds the addresses %v after its daemon's last sign of life", n.addr, s.now-n.lapsedAt)
	}
}

// told sees that a master gives its addresses up which has to.
func (w *watch) told(s *sim, n *simNode, ev Event) {
	if !n.live() || !n.router.Beating() {
		return
	}
	within := boundLeave
	switch ev := ev.(type) {
	case Resign, Shutdown:
	case Offer:
		n.offers++
		if ev.Reason == "" {
			return
		}
		within += ev.For
	case FaultChanged:
		if len(ev.Reasons) == 0 {
			return
		}
	default:
		return
	}
	_, offers := ev.(Offer)
	at, life, released, number := s.now, n.life, n.released, n.offers
	s.after(within, func() {
		if offers && n.offers != number {
			return // that has ended, or another one runs
		}
		if n.life == life && n.live() && n.frozenAt < at && n.released == released && n.holds {
			w.fail(s, "%v still holds the addresses, told %T at %v", n.addr, ev, at)
		}
	})
}

// resigned follows a master that left of its own will: the best backup takes over after its skew time.
func (w *watch) resigned(s *sim, from *simNode) {
	if s.now < w.orderSince || s.now == w.troubleAt {
		return // one that overslept tells nobody
	}
	var best *simNode
	for _, n := range s.nodes {
		if n == from {
			continue
		}
		if n.up && s.now-n.wasMaster < simInterval {
			return // another contest is on
		}
		if n.healthy() && (best == nil || n.router.Priority() > best.router.Priority()) {
			best = n
		}
	}
	if best == nil {
		return
	}
	at, life := s.now, best.life
	// In version 3 an advert on its way may still teach the best one another interval.
	skew := max(best.router.skewTime(), skewTime(best.cfg.Version, from.cfg.AdvertInterval, best.router.Priority()))
	s.after(skew+boundResign, func() {
		if w.since(s, at) < s.now-at || w.troubleAt > at || best.life != life || w.silentSince > at {
			return // disorder or trouble meanwhile, or there is, or was, a master
		}
		w.fail(s, "%v resigned at %v, %v did not take over in its skew time", from.addr, at, best.addr)
	})
	// A best backup whose skew time is shorter than the delay may speak before a third router has heard priority 0. That one
	// takes over too, and yields at once: RFC 3768 leaves it so.
	// In version 3 one that has learned another interval may be earlier than the best, who then preempts. So may be one that
	// was about to preempt the master, and takes over before it hears priority 0. One of a higher priority that only listens
	// yet may be later: it preempts the best.
	earlier := slices.ContainsFunc(s.nodes, func(n *simNode) bool {
		return n != from && n.up && (n.router.Priority() > best.router.Priority() || n.router.skewTime() < best.router.skewTime() || due(n.router.Deadline(), s.time().Add(simDelay)))
	})
	stays := from.router.State() == Backup // and may want it back
	if w.settled(s) && !stays && !earlier && w.distinct(s, from) && best.router.skewTime() > 3*simDelay {
		w.soleUntil = s.now + time.Second // the lowest priority waits as long
	}
}

// settled reports whether all was quiet before the trouble that is happening now.
func (w *watch) settled(s *sim) bool {
	return w.masters == 1 && w.holders == 1 && s.now >= w.orderSince
}

// distinct reports whether the priorities of the other routers lie so far apart that the first to take over is heard
// before the second one would.
func (w *watch) distinct(s *sim, but *simNode) bool {
	for i, a := range s.nodes {
		for _, b := range s.nodes[i+1:] {
			if a == but || b == but || !a.up || !b.up {
				continue
			}
			if d := a.router.skewTime() - b.router.skewTime(); d.Abs() < 3*simDelay {
				return false
			}
		}
	}
	return true
}

// transition sees that nothing happens when nothing happened, and follows a master that resigns.
func (w *watch) transition(s *sim, n *simNode, t Transition) {
	settle := simSettle
	if n.group != nil {
		settle = simGroupSettle
	}
	if quiet := w.since(s, w.troubleAt); quiet > settle {
		w.fail(s, "%v went from %v to %v, %v after the last trouble: %s", n.addr, t.From, t.To, quiet, t.Reason)
	}
	if silent := s.now - n.spoke; strings.HasPrefix(t.Reason, "overslept") && silent <= n.router.MasterDownInterval() {
		w.fail(s, "%v stepped down for sleeping, though its last advert was %v ago", n.addr, silent)
	}
	n.fenced = false
	if t.From == Master && (t.To != Backup || t.Reason == simHandover) && n.group == nil {
		w.resigned(s, n)
	}
}

// speaks holds a master that slept in silence to stepping down first.
func (w *watch) speaks(s *sim, n *simNode) {
	if n.fenced {
		w.fail(s, "%v speaks as if it had not slept", n.addr)
	}
}

// settled looks at a LAN that had all the time it needs: one Master, which holds the addresses alone, and none better.
func (s *sim) settled() {
	var master, best *simNode
	free := true // nothing keeps the best from preempting
	for _, n := range s.nodes {
		if n.frozen || n.fault {
			return // a trouble without end: not what this looks at
		}
		if n.master() {
			master = n
		}
		if n.healthy() && (best == nil || n.router.Priority() > best.router.Priority()) {
			best = n
		}
		free = free && !n.cfg.NoPreempt
	}
	switch {
	case best == nil:
	case master == nil:
		s.watch.fail(s, "settled without a Master")
	case s.watch.masters != 1:
		s.watch.fail(s, "settled with %d Masters", s.watch.masters)
	case s.watch.holders != 1 || !master.holds:
		s.watch.fail(s, "settled with %d holders", s.watch.holders)
	case free && master.router.Priority() < best.router.Priority():
		s.watch.fail(s, "settled on %v with priority %d, %v has %d", master.addr, master.router.Priority(), best.addr, best.router.Priority())
	}
}

// tallied sees that the router has the priority that its trackers make, and the fault.
func (w *watch) tallied(s *sim, n *simNode) {
	want, down := int(n.base), false
	for _, t := range n.trackers {
		weight, status := t.binding.Weight, t.count.Status()
		if weight > 0 && status == hysteresis.Up || weight < 0 && status == hysteresis.Down {
			want += weight
		}
		down = down || weight == 0 && status == hysteresis.Down
	}
	want = min(max(want, 1), 254)
	if got := int(n.router.Priority()); got != want {
		w.fail(s, "%v has priority %d, its trackers make it %d", n.addr, got, want)
	}
	if down && !n.fault {
		w.fail(s, "%v is not in fault with a tracker of weight 0 down", n.addr)
	}
}

func newRouter(cfg Config) router { return NewMachine(cfg) }

// play runs one schedule.
func play(seed uint64, makeRouter func(Config) router) error {
	s, end := newSim(seed, false, makeRouter)
	return s.run(end)
}

// replay tells what happened in a schedule that broke a promise.
func replay(seed uint64, makeRouter func(Config) router) string {
	s, end := newSim(seed, true, makeRouter)
	err := s.run(end)
	return fmt.Sprintf("seed %d: %v\n%s", seed, err, s.story())
}

// TestSimulatedLAN plays random schedules, and fails with the seed of one that breaks a promise. -vrrp.schedules says how
// many, -vrrp.seed where to begin.
func TestSimulatedLAN(t *testing.T) {
	const workers = 4
	for w := range uint64(workers) {
		t.Run(fmt.Sprintf("part %d of %d", w+1, workers), func(t *testing.T) {
			t.Parallel()
			for seed := *firstSeed + w; seed < *firstSeed+uint64(*schedules); seed += workers {
				if err := play(seed, newRouter); err != nil {
					t.Fatalf("%s", replay(seed, newRouter))
				}
			}
		})
	}
}

// buggy is a Machine with one deliberate bug, made of a correct one by changing what goes in or comes out.
type buggy struct {
	*Machine
	in  func(m *Machine, ev Event) bool // false: the machine does not see the event
	as  func(ev Event) Event            // what it sees in place of it
	out func(m *Machine, a Action) bool // false: the action is not done

	sleeps bool // it takes a keeper's adverts for silence
}

func (b buggy) lostTouch(slept, silent time.Duration) bool {
	if b.sleeps {
		silent = slept
	}
	return b.Machine.lostTouch(slept, silent)
}

func (b buggy) Step(now time.Time, ev Event, out []Action) []Action {
	if b.in != nil && !b.in(b.Machine, ev) {
		return out
	}
	if b.as != nil {
		ev = b.as(ev)
	}
	out = b.Machine.Step(now, ev, out)
	if b.out == nil {
		return out
	}
	return slices.DeleteFunc(out, func(a Action) bool { return !b.out(b.Machine, a) })
}

// TestSimulatedLANFindsBugs breaks the machine in ways that others have been broken, and expects that schedules tell.
func TestSimulatedLANFindsBugs(t *testing.T) {
	advert := func(ev Event) (Advert, bool) {
		r, ok := ev.(AdvertReceived)
		return r.Advert, ok
	}
	bugs := []struct {
		name string
		bug  buggy
	}{
		{"1 backup ignores priority 0", buggy{in: func(m *Machine, ev Event) bool {
			ad, ok := advert(ev)
			return !ok || m.State() != Backup || ad.Priority != PriorityResign
		}}},
		{"2 master does not compare addresses at equal priority", buggy{in: func(m *Machine, ev Event) bool {
			ad, ok := advert(ev)
			return !ok || m.State() != Master || ad.Priority != m.Priority()
		}}},
		{"3 master ignores a higher priority", buggy{in: func(m *Machine, ev Event) bool {
			ad, ok := advert(ev)
			return !ok || m.State() != Master || ad.Priority <= m.Priority()
		}}},
		{"4 adverts do not reset the down timer", buggy{in: func(m *Machine, ev Event) bool {
			ad, ok := advert(ev)
			return !ok || m.State() != Backup || ad.Priority == PriorityResign
		}}},
		{"5 shutdown sends no priority 0", buggy{out: func(_ *Machine, a Action) bool {
			send, ok := a.(SendAdvert)
			return !ok || send.Advert.Priority != PriorityResign
		}}},
		{"6 yielding does not release the addresses", buggy{out: func(m *Machine, a Action) bool {
			_, ok := a.(ReleaseAddresses)
			return !ok || m.State() != Backup
		}}},
		{"7 backup learns a shorter interval than the master's", buggy{as: func(ev Event) Event {
			if r, ok := ev.(AdvertReceived); ok && r.Advert.Version == V3 {
				r.Advert.Interval /= 5
				return r
			}
			return ev
		}}},
		{"a master that slept goes on speaking", buggy{in: func(m *Machine, ev Event) bool {
			_, ok := ev.(Overslept)
			return !ok || m.State() != Master
		}}},
		{"a master steps down though its keeper spoke", buggy{sleeps: true}},
	}
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			makeRouter := func(cfg Config) router {
				bug := b.bug
				bug.Machine = NewMachine(cfg)
				return bug
			}
			for seed := range uint64(1000) {
				if err := play(seed, makeRouter); err != nil {
					t.Logf("found by schedule %d: %v", seed, err)
					return
				}
			}
			t.Error("1000 schedules found nothing")
		})
	}
}
