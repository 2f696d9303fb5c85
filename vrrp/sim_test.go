package vrrp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// The simulated LAN: two or three routers run by discrete events, no goroutine and no clock. It loses, delays, duplicates
// and reorders packets, splits and heals; hosts freeze, daemons and keepers die, trackers fail: simtrouble_test.go has what
// befalls them. Some LANs speak version 2, some version 3 with an interval for each router; some routers do not preempt, or
// later, or listen longer. simhost_test.go is what a router has around it: the kernel with the addresses, the keeper,
// trackers. simcheck_test.go watches what must hold meanwhile, simgroup_test.go has sync groups on two LANs.

const (
	simInterval   = time.Second            // of a router's adverts, at most
	simDamped     = 30 * time.Second       // of flap damping: what happens in there counts
	simPatience   = 3 * time.Second        // at most, of the configured delays
	simDelay      = 10 * time.Millisecond  // at most, on a LAN in order
	simChaosDelay = 500 * time.Millisecond // at most, while the LAN is out of order
	simHandover   = "handover"             // a node resigned because it was told to
	simWork       = 80 * time.Millisecond  // at most, to acquire or to release addresses
)

// router is a Machine, or one with a deliberate bug.
type router interface {
	Step(now time.Time, ev Event, out []Action) []Action
	Deadline() time.Time
	State() State
	Priority() uint8
	MasterDownInterval() time.Duration
	Done() bool
	Advert() Advert
	Beating() bool
	lostTouch(slept, silent time.Duration) bool
	skewTime() time.Duration
	notBefore() time.Time
}

// simEvent is something that will happen.
type simEvent struct {
	at  time.Duration
	seq int // of two at the same time the older comes first
	do  func()
}

type simNode struct {
	cfg      Config
	addr     netip.Addr
	router   router
	life     int           // counts starts and crashes: what an earlier life left undone is void
	up       bool          // between start and crash or the end of a clean stop
	stopping bool          // a clean stop has begun
	frozen   bool          // nothing of it runs
	frozenAt time.Duration // start of the freeze
	inbox    []func()      // what came while it was frozen
	dozes    bool          // frozen, and its host is not: the keeper speaks if there is one, and the kernel has the addresses
	spoke    time.Duration // its last advert
	fenced   bool          // it has lost touch as Master, and must not speak as one
	busy     time.Duration // the executor's last job ends
	fault    bool          // what FaultChanged said last
	simHost
	tickAt time.Duration // of the tick that is scheduled

	healthySince time.Duration // live, Backup or Master
	wasMaster    time.Duration // last time it was Master
	clock        func() time.Time

	// Of a sync group.
	lan       int           // no packet leaves its LAN
	group     []*simNode    // the instances of the same host, itself included; nil: it stands alone
	changedAt time.Duration // last change of its priority
}

// live reports whether the node does anything.
func (n *simNode) live() bool    { return n.up && !n.frozen }
func (n *simNode) master() bool  { return n.live() && n.router.State() == Master }
func (n *simNode) holder() bool  { return n.holds && (n.live() || !n.running()) } // a frozen host answers nobody
func (n *simNode) running() bool { return n.up && (!n.frozen || !n.dozes) }       // the daemon, unless the host stands still
func (n *simNode) healthy() bool { return n.live() && !n.stopping && n.standing() && !n.listening() }
func (n *simNode) standing() bool {
	return n.router.State() == Backup || n.router.State() == Master
}

// spokenFor reports whether a keeper speaks for it that does not run itself.
func (n *simNode) spokenFor() bool { return n.up && n.dozes && n.keeper && n.router.Beating() }

// listening reports whether a delay keeps the node from taking over.
func (n *simNode) listening() bool {
	return n.router.State() == Backup && n.router.notBefore().After(n.clock())
}

// sim is one schedule.
type sim struct {
	rnd    *rand.Rand
	now    time.Duration
	seq    int
	events []simEvent // a heap
	nodes  []*simNode
	make   func(Config) router

	chaos   bool
	loss    float64
	cut     [3][3]bool          // while chaos: from, to
	arrival [3][3]time.Duration // the last arrival, for order on a healthy LAN
	check   func()              // what is looked at after each event; nil: look

	watch watch
	trace []string
	keep  bool // trace
	out   []Action
}

var simEpoch = time.Unix(1e9, 0) // any will do: no Machine looks at the date

func (s *sim) time() time.Time { return simEpoch.Add(s.now) }

func (s *sim) logf(format string, args ...any) {
	if s.keep {
		s.trace = append(s.trace, fmt.Sprintf("%10v  ", s.now.Round(10*time.Microsecond))+fmt.Sprintf(format, args...))
	}
}

func (s *sim) after(d time.Duration, do func()) {
	s.seq++
	s.events = append(s.events, simEvent{s.now + d, s.seq, do})
	for i := len(s.events) - 1; i > 0; { // sift up
		parent := (i - 1) / 2
		if !s.earlier(i, parent) {
			break
		}
		s.events[i], s.events[parent] = s.events[parent], s.events[i]
		i = parent
	}
}

func (s *sim) earlier(i, j int) bool {
	a, b := &s.events[i], &s.events[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (s *sim) pop() simEvent {
	first, last := s.events[0], len(s.events)-1
	s.events[0] = s.events[last]
	s.events[last] = simEvent{}
	s.events = s.events[:last]
	for i := 0; ; { // sift down
		child := 2*i + 1
		if child >= last {
			return first
		}
		if child+1 < last && s.earlier(child+1, child) {
			child++
		}
		if !s.earlier(child, i) {
			return first
		}
		s.events[i], s.events[child] = s.events[child], s.events[i]
		i = child
	}
}

// upTo is a random duration below d.
func (s *sim) upTo(d time.Duration) time.Duration { return time.Duration(s.rnd.Int64N(int64(d))) }

func (s *sim) chance(p float64) bool { return s.rnd.Float64() < p }

// run plays until the end or the first broken promise.
func (s *sim) run(end time.Duration) error {
	for len(s.events) > 0 && s.watch.broken == nil {
		e := s.pop()
		if e.at > end {
			break
		}
		s.now = e.at
		e.do()
		if s.check != nil {
			s.check()
		} else {
			s.look()
		}
	}
	return s.watch.broken
}

// give hands a node an event, now or when it is no longer frozen.
func (s *sim) give(n *simNode, ev Event) {
	switch {
	case !n.up:
	case n.frozen:
		n.inbox = append(n.inbox, func() { s.give(n, ev) })
	default:
		s.step(n, ev)
	}
}

func (s *sim) step(n *simNode, ev Event) {
	s.apply(n, ev)
	for n.up && len(n.group) > 0 {
		i, ev, ok := concert(machinesOf(n.group))
		if !ok {
			break
		}
		s.apply(n.group[i], ev)
	}
}

func (s *sim) apply(n *simNode, ev Event) {
	s.watch.told(s, n, ev)
	s.out = n.router.Step(s.time(), ev, s.out[:0])
	for _, a := range slices.Clone(s.out) {
		s.carry(n, a)
	}
	s.schedule(n)
}

// schedule makes a tick for the node's deadline.
func (s *sim) schedule(n *simNode) {
	d := n.router.Deadline()
	if d.IsZero() {
		return
	}
	at := max(d.Sub(simEpoch), s.now)
	if at == n.tickAt && at > s.now {
		return // there is one already
	}
	n.tickAt = at
	life := n.life
	s.after(at-s.now, func() {
		// While frozen, no timer fires; resume looks at the deadline itself.
		if n.life == life && n.live() && !n.router.Deadline().IsZero() && !n.router.Deadline().After(s.time()) {
			s.step(n, Tick{})
		}
	})
}

func (s *sim) carry(n *simNode, a Action) {
	switch a := a.(type) {
	case SendAdvert:
		if a.Periodic && n.lone {
			return // the Group leaves it to a keeper that is no more
		}
		if !a.Periodic {
			s.logf("%v sends priority %d", n.addr, a.Advert.Priority)
		}
		s.watch.speaks(s, n)
		s.broadcast(n, a.Advert)
		if n.router.State() != Master && a.Advert.Priority != PriorityResign {
			s.watch.silentSince = s.now // a parting advert, which a freeze can make late: others wait for its sender anew
		}
	case AcquireAddresses:
		n.wants = true
		s.work(n, func() { n.holds = true; s.give(n, AddressesReady{}) })
	case ReleaseAddresses:
		s.work(n, func() { n.holds, n.wants = false, false; n.released++; s.give(n, AddressesReleased{}) })
	case Transition:
		s.logf("%v %v -> %v: %s (priority %d)", n.addr, a.From, a.To, a.Reason, a.Priority)
		s.watch.transition(s, n, a)
		if n.router.Done() {
			n.up, n.stopping, n.holds, n.wants = false, false, false, false
		}
	}
}

// work has the node's executor do a job after those it has.
func (s *sim) work(n *simNode, job func()) {
	n.busy = max(n.busy, s.now) + s.upTo(simWork)
	life := n.life
	s.after(n.busy-s.now, func() {
		switch {
		case n.life != life:
		case n.frozen:
			n.inbox = append(n.inbox, job)
		default:
			job()
		}
	})
}

func (s *sim) broadcast(from *simNode, ad Advert) {
	from.spoke = s.now
	for _, to := range s.nodes {
		if to == from || to.lan != from.lan {
			continue
		}
		i, j := s.index(from), s.index(to)
		if s.chaos && (s.cut[i][j] || s.chance(s.loss)) {
			continue
		}
		copies := 1
		if s.chance(0.05) {
			copies = 2
		}
		for range copies {
			delay := s.upTo(simDelay)
			if s.chaos {
				delay = s.upTo(simChaosDelay)
			} else { // a LAN in order keeps packets in order
				delay = max(delay, s.arrival[i][j]-s.now)
				s.arrival[i][j] = s.now + delay
			}
			s.after(delay, func() { s.give(to, AdvertReceived{Advert: ad, From: from.addr}) })
		}
	}
}

// index is the number of a node's host.
func (s *sim) index(n *simNode) int {
	if n.group != nil {
		n = n.group[0]
	}
	return slices.Index(s.nodes, n)
}

// start begins a life of the node, as its Group does: what is known first, then Startup.
func (s *sim) start(n *simNode) {
	if n.up {
		return
	}
	s.logf("%v starts, version %d, interval %v, priority %d, no preempt %v, delays %v %v %v", n.addr, n.cfg.Version,
		n.cfg.AdvertInterval, n.cfg.Priority, n.cfg.NoPreempt, n.cfg.PreemptDelay, n.cfg.StartupDelay, n.cfg.WarmUp)
	s.begin(n)
	n.router = s.make(n.cfg)
	s.step(n, SourceChanged{n.addr})
	s.tally(n)
	s.step(n, Startup{})
	s.probeAll(n)
}

// begin starts the daemon's process, with a keeper of its own.
func (s *sim) begin(n *simNode) {
	if n.will {
		s.watch.silentSince = s.now // others wait their skew time anew for a late farewell
		s.replayWill(n)
	}
	n.life++
	n.up, n.stopping, n.frozen, n.fault = true, false, false, false
	n.inbox, n.busy, n.tickAt = nil, 0, -1
	n.dozes, n.fenced, n.spoke = false, false, 0
	n.keeper, n.lone, n.wants = true, false, false
	n.lapses, n.lapsedAt = n.lapses+1, 0
	n.base = n.cfg.Priority
	for i := range n.trackers {
		n.trackers[i].reset()
	}
}

// machinesOf is the machines of a sync group; those that have not started yet are none.
func machinesOf(group []*simNode) []*Machine {
	var all []*Machine
	for _, n := range group {
		all = append(all, n.router.(*Machine))
	}
	return all
}

func (s *sim) stop(n *simNode) {
	if n.live() && !n.stopping {
		s.logf("%v is stopped", n.addr)
		n.stopping = true
		s.step(n, Shutdown{})
		if n.router.Done() {
			n.up, n.stopping = false, false
		}
	}
}

func (s *sim) freeze(n *simNode) {
	if n.live() {
		s.logf("%v freezes", n.addr)
		n.frozen, n.frozenAt = true, s.now
	}
}

// resume goes on as a Group's turn does: oversleeping first, then what came, then the timers.
func (s *sim) resume(n *simNode) {
	if !n.up || !n.frozen {
		return
	}
	slept, silent := s.now-n.frozenAt, s.now-n.spoke
	s.logf("%v goes on after %v, silent for %v", n.addr, slept, silent)
	if n.dozes {
		s.watch.holdersAt = s.now // it could not yield to one that came meanwhile, and can now
	}
	n.frozen, n.dozes = false, false
	s.renew(n)
	down := n.router.MasterDownInterval()
	n.fenced = n.router.State() == Master && slept > down && silent > down
	if n.router.lostTouch(slept, silent) {
		s.step(n, Overslept{For: slept})
	}
	inbox := n.inbox
	n.inbox = nil
	for _, do := range inbox {
		do()
	}
	if d := n.router.Deadline(); n.up && !d.IsZero() && !d.After(s.time()) {
		s.step(n, Tick{})
	}
	n.tickAt = -1
	s.schedule(n)
}

// newSim makes a random schedule: disorder and order of the LAN in turns, and troubles of the nodes all along, but none
// in the last part of an orderly phase.
func newSim(seed uint64, keep bool, makeRouter func(Config) router) (*sim, time.Duration) {
	s := &sim{rnd: rand.New(rand.NewPCG(seed, 112)), make: makeRouter, keep: keep}
	priorities := []uint8{50, 100, 100, 150, 200, 254}
	noPreempt, delays, version := s.chance(0.25), s.chance(0.25), V2+Version(s.rnd.IntN(2))
	damping := s.chance(0.25)
	for i := range 2 + s.rnd.IntN(2) {
		n := &simNode{addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)}), tickAt: -1, clock: s.time}
		n.cfg = Config{
			Name: "VI_1", Interface: "eth0", VRID: 51, Version: version,
			Priority:       priorities[s.rnd.IntN(len(priorities))],
			AdvertInterval: simInterval,
			NoPreempt:      noPreempt && s.chance(0.5),
			Addresses:      []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, 100})},
		}
		if version == V3 {
			n.cfg.AdvertInterval = s.interval()
		}
		for _, d := range []*time.Duration{&n.cfg.PreemptDelay, &n.cfg.StartupDelay, &n.cfg.WarmUp} {
			if delays && s.chance(0.3) {
				*d = s.upTo(simPatience)
			}
		}
		if damping {
			n.cfg.FlapDamping = FlapDamping{Transitions: 2 + s.rnd.IntN(3), Window: simDamped, Hold: time.Second + s.upTo(simPatience-time.Second)}
		}
		s.track(n)
		s.nodes = append(s.nodes, n)
		s.after(s.upTo(2*time.Second), func() { s.start(n) })
	}
	at := time.Duration(0)
	for range 3 {
		rough := 2*time.Second + s.upTo(8*time.Second)
		s.after(at, s.disorder)
		s.troubles(at, rough)
		at += rough
		s.after(at, s.order)
		calm := 8*time.Second + s.upTo(8*time.Second)
		s.troubles(at, calm)
		at += calm + simSettle + 2*time.Second
		s.after(at-time.Millisecond, s.settled)
	}
	return s, at
}
