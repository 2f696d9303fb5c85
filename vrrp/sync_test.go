package vrrp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// choir is a sync group of machines in virtual time, run as a Group does it.
type choir struct {
	t   *testing.T
	ms  []*Machine
	now time.Time
	log []string // actions since they were asked for last, with the member's number
}

// newChoir has two members that have started, the second one with another source.
func newChoir(t *testing.T, priorities ...uint8) *choir {
	t.Helper()
	c := &choir{t: t, now: simEpoch}
	for i, p := range priorities {
		cfg := withPriority(p)
		cfg.Name = fmt.Sprintf("VI_%d", i+1)
		m := NewMachine(cfg)
		m.grouped = true
		c.ms = append(c.ms, m)
	}
	for i := range c.ms {
		c.tell(i, SourceChanged{self})
	}
	for i := range c.ms {
		c.tell(i, Startup{})
	}
	return c
}

// tell gives a member an event, and carries out what takes no time.
func (c *choir) tell(i int, ev Event) {
	c.t.Helper()
	c.step(i, ev)
	for range 1000 {
		next, ev, ok := concert(c.ms)
		if !ok {
			return
		}
		c.step(next, ev)
	}
	c.t.Fatal("the group never comes to rest")
}

func (c *choir) step(i int, ev Event) {
	if s := short(c.ms[i].Step(c.now, ev, nil)); s != "" {
		c.log = append(c.log, fmt.Sprintf("%d: %s", i+1, s))
	}
}

func (c *choir) hear(i int, priority uint8, from netip.Addr) {
	ad := c.ms[i].Advert()
	ad.Priority = priority
	c.tell(i, AdvertReceived{Advert: ad, From: from})
}

// pass lets time pass up to the deadlines of the members, in order.
func (c *choir) pass(d time.Duration) {
	for end := c.now.Add(d); ; {
		first := -1
		for i, m := range c.ms {
			if at := m.Deadline(); !at.IsZero() && !at.After(end) && (first < 0 || at.Before(c.ms[first].Deadline())) {
				first = i
			}
		}
		if first < 0 {
			c.now = end
			return
		}
		if at := c.ms[first].Deadline(); at.After(c.now) {
			c.now = at
		}
		c.tell(first, Tick{})
	}
}

func (c *choir) want(log ...string) {
	c.t.Helper()
	if !slices.Equal(c.log, log) {
		c.t.Errorf("after %v: got %q, want %q", c.now.Sub(simEpoch), c.log, log)
	}
	c.log = nil
}

// masters makes both members Master.
func masters(t *testing.T) *choir {
	t.Helper()
	c := newChoir(t, 100, 50)
	c.pass(4 * time.Second)
	for i := range c.ms {
		c.tell(i, AddressesReady{})
	}
	c.log = nil
	return c
}

func TestSyncGroup(t *testing.T) {
	t.Run("the first waits for the last", func(t *testing.T) {
		c := newChoir(t, 100, 50)
		c.want("1: INIT>BACKUP", "2: INIT>BACKUP")
		c.pass(down100)
		c.want()
		if s := c.ms[0].status(); !s.WantsMaster || !s.Grouped {
			t.Errorf("status does not tell that it waits: %+v", s)
		}
		c.pass(200 * time.Millisecond)
		c.want("1: send 100, acquire, BACKUP>MASTER", "2: send 50, acquire, BACKUP>MASTER")
	})
	t.Run("one that hears a master keeps all back", func(t *testing.T) {
		c := newChoir(t, 100, 50)
		for range 10 {
			c.pass(time.Second)
			c.hear(1, 60, above)
		}
		c.want("1: INIT>BACKUP", "2: INIT>BACKUP")
		c.pass(4 * time.Second)
		c.want("1: send 100, acquire, BACKUP>MASTER", "2: send 50, acquire, BACKUP>MASTER")
	})
	t.Run("a master that comes back while it waits is heeded", func(t *testing.T) {
		c := newChoir(t, 100, 50)
		c.pass(down100)
		c.hear(0, 200, above)
		c.pass(time.Second)
		c.want("1: INIT>BACKUP", "2: INIT>BACKUP")
	})
	t.Run("one that is outranked takes all along", func(t *testing.T) {
		c := masters(t)
		c.hear(0, 200, above)
		c.want("1: release, MASTER>BACKUP", "2: release")
		c.tell(1, AddressesReleased{})
		c.want("2: send 0, MASTER>BACKUP")
		if got, want := c.ms[1].reason, "VI_1 of the sync group is BACKUP"; got != want {
			t.Errorf("got reason %q, want %s", got, want)
		}
	})
	t.Run("what makes one faulty makes all", func(t *testing.T) {
		c := masters(t)
		c.tell(1, FaultChanged{[]string{"eth1 is down"}})
		c.want("2: release", "1: release")
		c.tell(0, AddressesReleased{})
		c.tell(1, AddressesReleased{})
		c.want("1: send 0, MASTER>FAULT", "2: send 0, MASTER>FAULT")
		if got, want := c.ms[0].reason, "VI_2 is in FAULT: eth1 is down"; got != want {
			t.Errorf("got reason %q, want %s", got, want)
		}
		c.tell(0, FaultChanged{[]string{"eth0 is down"}})
		c.tell(1, FaultChanged{})
		c.want()
		if got := c.ms[1].status().Faults; !slices.Equal(got, []string{"VI_1 is in FAULT: eth0 is down"}) {
			t.Errorf("got %q", got)
		}
		c.tell(0, FaultChanged{})
		c.want("1: FAULT>BACKUP", "2: FAULT>BACKUP")
	})
	t.Run("of several that are faulty one is told", func(t *testing.T) {
		c := newChoir(t, 100, 100, 100)
		reasons := func(want ...string) {
			t.Helper()
			for i, m := range c.ms {
				if m.groupFault != want[i] {
					t.Errorf("%s: got %q, want %q", m.cfg.Name, m.groupFault, want[i])
				}
			}
		}
		const two, three = "VI_2 is in FAULT: eth1 is down", "VI_3 is in FAULT: eth2 is down"
		c.tell(2, FaultChanged{[]string{"eth2 is down"}})
		reasons(three, three, "")
		c.tell(1, FaultChanged{[]string{"eth1 is down"}})
		reasons(two, three, two)
		if got := c.ms[1].status().Faults; !slices.Equal(got, []string{"eth1 is down"}) {
			t.Errorf("got %q, want its own fault alone", got)
		}
		c.tell(1, FaultChanged{})
		reasons(three, three, "")
		c.tell(2, FaultChanged{})
		reasons("", "", "")
	})
	t.Run("a fault before the start", func(t *testing.T) {
		c := &choir{t: t, now: simEpoch}
		for range 2 {
			m := NewMachine(testConfig())
			m.grouped = true
			c.ms = append(c.ms, m)
		}
		c.tell(0, SourceChanged{self})
		c.tell(0, Startup{})
		c.tell(1, Startup{})
		c.want("1: INIT>FAULT", "2: INIT>FAULT")
	})
	t.Run("addresses that cannot be had", func(t *testing.T) {
		c := masters(t)
		c.tell(0, AddressFailed{fmt.Errorf("no such device")})
		c.want("1: release", "2: release")
		c.tell(0, AddressesReleased{})
		c.tell(1, AddressesReleased{})
		c.want("1: send 0, MASTER>FAULT", "2: send 0, MASTER>FAULT")
		c.pass(firstRetry)
		c.want("1: FAULT>BACKUP", "2: FAULT>BACKUP")
	})
	t.Run("an owner listens first", func(t *testing.T) {
		c := newChoir(t, 255, 255)
		c.want("1: INIT>BACKUP", "2: INIT>BACKUP")
	})
	t.Run("a clean stop", func(t *testing.T) {
		c := masters(t)
		c.tell(0, Shutdown{})
		c.tell(1, Shutdown{})
		c.want("1: release", "2: release")
		c.tell(0, AddressesReleased{})
		c.tell(1, AddressesReleased{})
		c.want("1: send 0, MASTER>INIT", "2: send 0, MASTER>INIT")
	})
	t.Run("why it yielded is forgotten", func(t *testing.T) {
		for _, outranked := range []bool{false, true} {
			c := masters(t)
			c.hear(0, 200, above)
			if outranked {
				c.hear(1, 200, above)
			}
			c.tell(0, AddressesReleased{})
			c.tell(1, AddressesReleased{})
			c.pass(time.Minute)
			if !c.ms[1].Beating() {
				t.Fatal("not master again")
			}
			c.tell(1, FaultChanged{[]string{"eth1 is down"}})
			c.tell(1, FaultChanged{})
			c.tell(1, AddressesReleased{})
			if got, want := c.ms[1].reason, "resigned for a fault that has passed"; got != want {
				t.Errorf("outranked %v: got reason %q, want %s", outranked, got, want)
			}
		}
	})
	t.Run("a suspended host says nothing", func(t *testing.T) {
		c := masters(t)
		c.tell(0, Overslept{time.Minute})
		c.tell(1, Overslept{time.Minute})
		c.tell(0, AddressesReleased{})
		c.tell(1, AddressesReleased{})
		c.want("1: release, MASTER>BACKUP", "2: release", "2: MASTER>BACKUP")
	})
	t.Run("one that waited listens again after it slept", func(t *testing.T) {
		c := newChoir(t, 100, 50)
		c.pass(down100)
		c.tell(0, Overslept{time.Minute})
		if c.ms[0].wanting || !c.ms[0].Deadline().Equal(c.now.Add(down100)) {
			t.Error("it still wants to be master")
		}
	})
}

// Whatever befalls the members of a group, they are Master together or none of them is, and never Master while one of them
// is faulty.
func TestSyncGroupStaysTogether(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 112))
		c := newChoir(t, 100, 100, 50)
		changes, terms := 0, 0
		for range 300 {
			i := rnd.IntN(len(c.ms))
			switch rnd.IntN(9) {
			case 0:
				c.hear(i, uint8(rnd.IntN(256)), above)
			case 1:
				c.tell(i, FaultChanged{[]string{"ill"}})
			case 2, 3:
				for i := range c.ms {
					c.tell(i, FaultChanged{})
				}
			case 4:
				c.tell(i, AddressFailed{fmt.Errorf("refused")})
			case 5:
				c.tell(i, AddressesReleased{})
			case 6:
				c.tell(i, PriorityChanged{uint8(1 + rnd.IntN(254))})
			case 7:
				c.tell(i, Overslept{time.Minute})
			default:
				c.pass(time.Duration(rnd.Int64N(int64(6 * time.Second))))
			}
			beating, faulty := 0, 0
			for _, m := range c.ms {
				if m.Beating() {
					beating++
				}
				if m.faulty() {
					faulty++
				}
			}
			if beating != 0 && beating != len(c.ms) {
				t.Fatalf("seed %d: %d of %d are Master: %q", seed, beating, len(c.ms), c.log)
			}
			if faulty != 0 && (faulty != len(c.ms) || beating > 0) {
				t.Fatalf("seed %d: %d of %d are faulty, %d Master: %q", seed, faulty, len(c.ms), beating, c.log)
			}
		}
		for _, line := range c.log {
			changes += strings.Count(line, ">")
			terms += strings.Count(line, "acquire")
		}
		if changes < 10 || terms == 0 {
			t.Errorf("seed %d: %d changes and %d terms: the schedule does nothing", seed, changes, terms)
		}
	}
}

// newDualHost is a host whose group has an instance of either family.
func newDualHost(t *testing.T, l *lan, n int, priority uint8, sync bool) *host {
	t.Helper()
	four, sixth := withPriority(priority), withPriority(priority)
	six(&sixth)
	sixth.Name = "VI_6"
	h := newHost(t, l, fmt.Sprintf("10.0.0.%d", n), nil, nil, four)
	link6, err := NewLink(LinkConfig{Interface: "eth0", Family: IPv6, Listen: l.listen6})
	if err != nil {
		t.Fatal(err)
	}
	cfg := h.group.cfg
	cfg.Instances, cfg.Links6, cfg.Sync = []Config{four, sixth}, map[string]*Link{"eth0": link6}, sync
	if h.group, err = NewGroup(cfg); err != nil {
		t.Fatal(err)
	}
	h.group.Post("VI_1", SourceChanged{h.addr})
	h.group.Post("VI_6", SourceChanged{netip.MustParseAddr(fmt.Sprintf("fe80::%d", n))})
	done := make(chan struct{})
	go func() { defer close(done); _ = link6.Run(t.Context()) }()
	t.Cleanup(func() { <-done }) // the test's context has ended by then
	return h
}

// Both families of a pair move together: when one of them is lost on the master, the other node takes both.
func TestSyncGroupOfBothFamilies(t *testing.T) {
	for _, sync := range []bool{true, false} {
		t.Run(fmt.Sprintf("sync %v", sync), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := new(lan)
				a := newDualHost(t, l, 1, 200, sync).start()
				b := newDualHost(t, l, 2, 100, sync).start()
				time.Sleep(10 * time.Second)
				a.wantStates(Master, Master)
				b.wantStates(Backup, Backup)
				a.group.Post("VI_6", FaultChanged{[]string{"the IPv6 gateway is gone"}})
				time.Sleep(5 * time.Second)
				if sync {
					a.wantStates(Fault, Fault)
					b.wantStates(Master, Master)
				} else {
					a.wantStates(Master, Fault)
					b.wantStates(Backup, Master)
				}
				a.group.Post("VI_6", FaultChanged{})
				time.Sleep(10 * time.Second)
				a.wantStates(Master, Master)
				b.wantStates(Backup, Backup)
				a.stop()
				time.Sleep(time.Second)
				a.wantStates(Initialize, Initialize)
				b.wantStates(Master, Master)
			})
		})
	}
}
