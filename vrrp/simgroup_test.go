package vrrp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// simGroupSettle is simSettle for sync groups: a contest may be lost on one LAN and won on the other, and is then fought
// once more.
const simGroupSettle = 3 * simSettle

// newGroupSim makes a random schedule of two or three hosts, each with a sync group that has an instance on either of two
// LANs. What befalls the LANs befalls both, but every packet is lost by itself; instances fall ill by themselves.
func newGroupSim(seed uint64, keep bool) (*sim, time.Duration) {
	s := &sim{rnd: rand.New(rand.NewPCG(seed, 113)), make: newRouter, keep: keep}
	s.check = s.lookAtGroups
	priorities := []uint8{50, 100, 100, 150, 200, 254}
	hosts := 2 + s.rnd.IntN(2)
	for i := range hosts {
		p := priorities[s.rnd.IntN(len(priorities))]
		n := &simNode{}
		for lan := range 2 {
			m := &simNode{addr: netip.AddrFrom4([4]byte{10, 0, byte(lan), byte(1 + i)}), tickAt: -1, clock: s.time, lan: lan}
			m.cfg = Config{
				Name: fmt.Sprintf("VI_%d", lan), Interface: fmt.Sprintf("eth%d", lan), VRID: 51, Version: V3, Priority: p,
				AdvertInterval: simInterval / time.Duration(1+s.rnd.IntN(2)),
				Addresses:      []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(lan), 100})},
			}
			s.track(m)
			n.group = append(n.group, m)
		}
		for _, m := range n.group {
			m.group = n.group
		}
		s.nodes = append(s.nodes, n.group[0])
		s.after(s.upTo(2*time.Second), func() { s.startGroup(n.group) })
	}
	for _, n := range s.nodes[:hosts] { // the number of a host is that of its first instance
		s.nodes = append(s.nodes, n.group[1])
	}
	at := time.Duration(0)
	for range 3 {
		rough := 2*time.Second + s.upTo(8*time.Second)
		s.after(at, s.disorder)
		s.groupTroubles(hosts, at, rough)
		at += rough
		s.after(at, s.order)
		calm := 8*time.Second + s.upTo(8*time.Second)
		s.groupTroubles(hosts, at, calm)
		at += calm + simGroupSettle + 2*time.Second
		s.after(at-time.Millisecond, func() { s.settledGroups(hosts) })
	}
	return s, at
}

func (s *sim) startGroup(group []*simNode) {
	up := func(n *simNode) bool { return n.up }
	if slices.ContainsFunc(group, up) {
		if !group[0].up || !group[1].up { // half of a stop is done
			s.after(simWork, func() { s.startGroup(group) })
		}
		return
	}
	s.logf("%v and %v start, priority %d", group[0].addr, group[1].addr, group[0].cfg.Priority)
	for _, n := range group {
		s.begin(n)
		m := NewMachine(n.cfg)
		m.grouped = true
		n.router = m
	}
	for _, n := range group {
		s.step(n, SourceChanged{n.addr})
		s.tally(n)
	}
	for _, n := range group {
		s.step(n, Startup{})
		s.probeAll(n)
	}
}

// groupTroubles is troubles for hosts with a group.
func (s *sim) groupTroubles(hosts int, from, length time.Duration) {
	each := func(f func(*simNode)) func([]*simNode) {
		return func(group []*simNode) {
			for _, n := range group {
				f(n)
			}
		}
	}
	lan := s.rnd.IntN(2)
	one := func(f func(*simNode)) func([]*simNode) { return func(group []*simNode) { f(group[lan]) } }
	p := uint8(1 + s.rnd.IntN(254))
	for range s.rnd.IntN(6) {
		group := s.nodes[s.rnd.IntN(hosts)].group
		begin := s.upTo(length)
		end := begin + s.upTo(length-begin)
		trouble := [...][2]func([]*simNode){
			{each(s.crash), s.startGroup},
			{each(s.stop), s.startGroup},
			{each(s.freeze), each(s.resume)},
			{each(s.doze), each(s.resume)},
			{one(s.kill), s.startGroup},
			{one(s.killBoth), s.startGroup},
			{one(s.killKeeper), one(s.startKeeper)},
			{one(func(n *simNode) { s.sicken(n, 0) }), one(func(n *simNode) { s.heal(n, 0) })},
			{one(s.ill), one(s.well)},
			{each(func(n *simNode) { s.prioritize(n, p) }), each(func(n *simNode) { s.prioritize(n, n.cfg.Priority) })},
			{one(func(n *simNode) { s.prioritize(n, p) }), one(func(n *simNode) { s.prioritize(n, n.cfg.Priority) })},
			{each(s.handOver), each(s.release)},
			{one(s.handOver), one(s.release)},
		}[s.rnd.IntN(13)]
		s.after(from+begin, func() { s.watch.trouble(s); trouble[0](group) })
		s.after(from+end, func() { s.watch.trouble(s); trouble[1](group) })
	}
}

// lookAtGroups sees that no host is Master or faulty by half, and that no two hosts are for long while the LANs are in order.
func (s *sim) lookAtGroups() {
	w := &s.watch
	masters := 0
	for _, n := range s.nodes {
		if !n.live() || n.lan != 0 {
			continue
		}
		beating, faulty := 0, 0
		for _, m := range machinesOf(n.group) {
			if m.Beating() {
				beating++
			}
			if m.faulty() {
				faulty++
			}
		}
		if faulty == 1 {
			w.fail(s, "of %v and %v only one is faulty", n.group[0].addr, n.group[1].addr)
		}
		if beating == 1 {
			w.fail(s, "%v and %v are not together: %v and %v", n.group[0].addr, n.group[1].addr, n.group[0].router.State(), n.group[1].router.State())
		}
		if beating > 0 {
			masters++
		}
	}
	if w.masters > 1 && w.since(s, w.mastersAt) > boundMasters {
		w.fail(s, "%d groups have been Master for %v", w.masters, w.since(s, w.mastersAt))
	}
	if masters > w.masters {
		w.mastersAt = s.now
	}
	w.masters = masters
}

// settledGroups looks at LANs that had all the time they need: one host holds all.
func (s *sim) settledGroups(hosts int) {
	able, holders := 0, 0
	for _, n := range s.nodes[:hosts] {
		held, well := 0, true
		for _, m := range n.group {
			if m.frozen || m.fault {
				return // a trouble without end
			}
			well = well && m.healthy()
			if m.holder() {
				held++
			}
		}
		if well {
			able++
		}
		switch held {
		case 1:
			s.watch.fail(s, "%v holds by half", n.addr)
		case 2:
			holders++
		}
	}
	if able > 0 && holders != 1 {
		s.watch.fail(s, "settled with %d holders", holders)
	}
}

// TestSimulatedSyncGroups plays a tenth of the schedules that TestSimulatedLAN does.
func TestSimulatedSyncGroups(t *testing.T) {
	t.Parallel()
	terms := uint64(0)
	for seed := *firstSeed; seed < *firstSeed+uint64(*schedules)/10; seed++ {
		s, end := newGroupSim(seed, false)
		if s.run(end) != nil {
			s, end := newGroupSim(seed, true)
			err := s.run(end)
			t.Fatalf("seed %d: %v\n%s", seed, err, s.story())
		}
		for _, n := range s.nodes {
			if n.router != nil {
				terms += n.router.(*Machine).epoch
			}
		}
	}
	if terms == 0 {
		t.Error("nothing happened")
	}
}
