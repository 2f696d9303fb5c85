package vrrp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// lan is an Ethernet in memory: what one Conn writes, all others read. It works inside a synctest bubble.
type lan struct {
	mu    sync.Mutex
	conns []*fakeConn
	cut   bool     // guarded by mu; nothing gets through
	wire  [][]byte // guarded by mu; every packet written
}

type fakeConn struct {
	lan    *lan
	family Family
	wake   chan struct{} // capacity 1: something is in queue
	mu     sync.Mutex
	queue  [][]byte // guarded by mu
	gone   error    // guarded by mu; what Check says
	closed bool     // guarded by mu
}

var _ Conn = (*fakeConn)(nil)

func (l *lan) listen(string) (Conn, error) { return l.open(IPv4) }

func (l *lan) listen6(string) (Conn, error) { return l.open(IPv6) }

func (l *lan) open(f Family) (Conn, error) {
	c := &fakeConn{lan: l, family: f, wake: make(chan struct{}, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, c)
	return c, nil
}

func (l *lan) setCut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
}

// sent is what has been written so far, parsed; times are not kept.
func (l *lan) sent(t *testing.T) []string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, b := range l.wire {
		d, ok := parsePacket(b)
		var ad Advert
		if err := Parse(d.payload, d.src, d.dst, &ad); !ok || err != nil {
			t.Errorf("sent %x: %v", b, err)
		}
		all = append(all, fmt.Sprintf("%v %d", d.src, ad.Priority))
	}
	return all
}

// inject puts a packet into the sockets without waking who waits for them: it is there, and nobody has looked yet.
func (c *fakeConn) inject(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, slices.Clone(b))
}

func (c *fakeConn) arrive(b []byte) {
	c.inject(b)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *fakeConn) Await(ctx context.Context, timeout time.Duration) error {
	select {
	case <-c.wake:
		return nil
	case <-time.After(timeout):
		return os.ErrDeadlineExceeded
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *fakeConn) Read(b []byte) (int, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, false, os.ErrClosed
	}
	if len(c.queue) == 0 {
		return 0, false, nil
	}
	n := copy(b, c.queue[0])
	c.queue = c.queue[1:]
	return n, true, nil
}

func (c *fakeConn) Write(packet []byte, dst netip.Addr) error {
	if d, ok := parsePacket(packet); !ok || d.dst != dst {
		return fmt.Errorf("written to %v", dst)
	}
	l := c.lan
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wire = append(l.wire, slices.Clone(packet))
	if l.cut {
		return nil
	}
	for _, other := range l.conns {
		if other != c && other.family == c.family {
			other.arrive(packet)
		}
	}
	return nil
}

func (c *fakeConn) Check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone
}

func (c *fakeConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

// host is a node of the LAN with one Group, as a daemon would run it.
type host struct {
	t     *testing.T
	link  *Link
	conn  *fakeConn
	group *Group
	addr  netip.Addr

	stopGroup, stopLink context.CancelFunc
	groupDone, linkDone chan struct{} // closed when Run has returned

	mu     sync.Mutex
	done   []string      // guarded by mu; the actions that Do got
	mute   bool          // guarded by mu; releases are not answered
	pulses int           // guarded by mu
	asleep time.Duration // guarded by mu; added to the time since boot
}

// newHost makes a host that is not started.
func newHost(t *testing.T, l *lan, addr string, beat Beat, log hclog.Logger, cfgs ...Config) *host {
	t.Helper()
	h := &host{t: t, addr: netip.MustParseAddr(addr), groupDone: make(chan struct{}), linkDone: make(chan struct{})}
	link, err := NewLink(LinkConfig{Interface: "eth0", Listen: l.listen, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	h.link = link
	h.conn = (*link.conn.Load()).(*fakeConn)
	begin := time.Now()
	h.group, err = NewGroup(GroupConfig{
		Instances: cfgs,
		Links:     map[string]*Link{"eth0": link},
		Do:        h.do,
		Beat:      beat,
		Pulse:     func() { h.mu.Lock(); h.pulses++; h.mu.Unlock() },
		BootTime:  func() time.Duration { h.mu.Lock(); defer h.mu.Unlock(); return time.Since(begin) + h.asleep },
		Log:       log,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cfgs {
		h.group.Post(c.Name, SourceChanged{h.addr})
	}
	return h
}

// start runs the host until stop, or the end of the test.
func (h *host) start() *host {
	var groupCtx, linkCtx context.Context
	linkCtx, h.stopLink = context.WithCancel(context.Background())
	groupCtx, h.stopGroup = context.WithCancel(context.Background())
	go func() { defer close(h.linkDone); _ = h.link.Run(linkCtx) }()
	go func() {
		defer close(h.groupDone)
		if err := h.group.Run(groupCtx); err != nil {
			h.t.Errorf("Run: %v", err)
		}
	}()
	h.t.Cleanup(h.stop)
	return h
}

// stop ends the group in order, then the link.
func (h *host) stop() {
	h.stopGroup()
	<-h.groupDone
	h.stopLink()
	<-h.linkDone
}

// do is an executor whose work takes no time.
func (h *host) do(instance string, a Action) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done = append(h.done, instance+" "+short([]Action{a}))
	switch a.(type) {
	case AcquireAddresses:
		h.group.Post(instance, AddressesReady{})
	case ReleaseAddresses:
		if !h.mute {
			h.group.Post(instance, AddressesReleased{})
		}
	}
}

func (h *host) actions() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.done)
}

func (h *host) state(i int) State { return h.group.Status()[i].State }

func (h *host) wantStates(want ...State) {
	h.t.Helper()
	for i, w := range want {
		if got := h.state(i); got != w {
			h.t.Errorf("%v, instance %d: got %v, want %v", h.addr, i, got, w)
		}
	}
}

func withPriority(p uint8) Config { c := testConfig(); c.Priority = p; return c }

func TestLANFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		a := newHost(t, l, "10.0.0.1", nil, nil, withPriority(200)).start()
		b := newHost(t, l, "10.0.0.2", nil, nil, withPriority(100)).start()
		time.Sleep(3218749 * time.Microsecond)
		a.wantStates(Backup)
		time.Sleep(time.Millisecond) // 3.21875 s: three adverts and the skew
		synctest.Wait()
		a.wantStates(Master)
		time.Sleep(10 * time.Second)
		a.wantStates(Master)
		b.wantStates(Backup)

		a.stop() // priority 0: the backup waits its skew time, 0.609375 s
		a.wantStates(Initialize)
		time.Sleep(609 * time.Millisecond)
		b.wantStates(Backup)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		b.wantStates(Master)
		want := []string{"VI_1 INIT>BACKUP", "VI_1 acquire", "VI_1 BACKUP>MASTER", "VI_1 release", "VI_1 MASTER>INIT"}
		if got := a.actions(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if sent := l.sent(t); !slices.Contains(sent, "10.0.0.1 0") {
			t.Errorf("no priority 0 in %q", sent)
		}
		c := a.group.Status()[0].Counters
		if c.ResignSent != 1 || c.BecameMaster != 1 || c.Transitions != 3 || c.Sent < 10 {
			t.Errorf("got counters %+v", c)
		}
		if c := b.group.Status()[0].Counters; c.ResignReceived != 1 || c.Received < 10 {
			t.Errorf("got counters %+v", c)
		}
	})
}

func TestLANPartitionAndHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		a := newHost(t, l, "10.0.0.1", nil, nil, withPriority(200)).start()
		b := newHost(t, l, "10.0.0.2", nil, nil, withPriority(100)).start()
		time.Sleep(5 * time.Second)
		l.setCut(true)
		time.Sleep(5 * time.Second)
		a.wantStates(Master)
		b.wantStates(Master)
		l.setCut(false)
		time.Sleep(1100 * time.Millisecond)
		a.wantStates(Master)
		b.wantStates(Backup)
		// The loser let go first and then made the winner announce.
		if got := b.actions(); !slices.Equal(got[len(got)-2:], []string{"VI_1 release", "VI_1 MASTER>BACKUP"}) {
			t.Errorf("got %q", got)
		}
		if got := a.actions(); got[len(got)-1] != "VI_1 announce" {
			t.Errorf("the winner did not announce: %q", got)
		}
	})
}

// Two instances, one master on each node.
func TestLANActiveActive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		two := func(p uint8) Config {
			c := withPriority(p)
			c.Name, c.VRID, c.Addresses = "VI_2", 52, addrs("10.0.0.101")
			return c
		}
		a := newHost(t, l, "10.0.0.1", nil, nil, withPriority(200), two(100)).start()
		b := newHost(t, l, "10.0.0.2", nil, nil, withPriority(100), two(200)).start()
		time.Sleep(5 * time.Second)
		a.wantStates(Master, Backup)
		b.wantStates(Backup, Master)
		b.stop()
		time.Sleep(700 * time.Millisecond)
		a.wantStates(Master, Master)
	})
}

// Rule 59: an advert already queued in the socket when the down timer fires is processed first.
func TestRule59_QueuedAdvertBeatsTheDownTimer(t *testing.T) {
	for _, queued := range []bool{true, false} {
		t.Run(fmt.Sprintf("queued %v", queued), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newHost(t, new(lan), "10.0.0.2", nil, nil, withPriority(100)).start()
				time.Sleep(3600 * time.Millisecond)
				if queued {
					b.conn.inject(packetFrom(t, "10.0.0.1", 200, nil)) // the receiving goroutine is late
				}
				time.Sleep(20 * time.Millisecond)
				synctest.Wait()
				if want := map[bool]State{true: Backup, false: Master}[queued]; b.state(0) != want {
					t.Errorf("got %v, want %v", b.state(0), want)
				}
			})
		})
	}
}

// packetFrom is an advert for VI_1 as a peer sends it.
func packetFrom(t *testing.T, src string, priority uint8, set func(*Advert)) []byte {
	t.Helper()
	cfg := testConfig()
	ad := cfg.advert(priority)
	if set != nil {
		set(&ad)
	}
	b, err := appendPacket(nil, netip.MustParseAddr(src), groupIPv4(), advertTTL, &ad)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRunBoundsAReleaseThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		a := newHost(t, l, "10.0.0.1", nil, nil, withPriority(200)).start()
		time.Sleep(4 * time.Second)
		a.wantStates(Master)
		a.mu.Lock()
		a.mute = true
		a.mu.Unlock()
		begin := time.Now()
		a.stop()
		if took := time.Since(begin); took != ReleaseTimeout {
			t.Errorf("took %v, want %v", took, ReleaseTimeout)
		}
		if sent := l.sent(t); sent[len(sent)-1] != "10.0.0.1 0" {
			t.Errorf("got %q, want priority 0 last", sent)
		}
	})
}

func TestGroupFencesItselfOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		a := newHost(t, l, "10.0.0.1", nil, nil, withPriority(200)).start()
		time.Sleep(4 * time.Second)
		a.wantStates(Master)
		before := len(l.sent(t))
		a.mu.Lock()
		a.asleep = 10 * time.Second // the host was suspended: only CLOCK_BOOTTIME went on
		a.mu.Unlock()
		a.conn.inject(packetFrom(t, "10.0.0.9", 150, nil)) // a lower one took over meanwhile
		time.Sleep(turnEvery)
		synctest.Wait()
		a.wantStates(Backup)
		if after := l.sent(t); len(after) != before {
			t.Errorf("spoke before it listened: %q", after[before:])
		}
		if s := a.group.Status()[0]; s.Reason != "overslept 10.1s" || s.Master.Address != netip.MustParseAddr("10.0.0.9") {
			t.Errorf("got reason %q, master %v", s.Reason, s.Master.Address)
		}
	})
}

// A loop that was not let run while its keeper spoke reads what came and goes on as master; without its keeper it
// steps down, and a higher master that spoke meanwhile has it at once.
func TestGroupSleepsWhileItsBeatGoesOn(t *testing.T) {
	const long = 10 * time.Second
	for _, tt := range []struct {
		name   string
		spoke  time.Duration // before it wakes
		waits  uint8         // priority of an advert in the socket; 0: none
		want   State
		reason string
	}{
		{"the keeper spoke", 900 * time.Millisecond, 0, Master, "no master heard"},
		{"it spoke, and a lower one took over", 900 * time.Millisecond, 150, Master, "no master heard"},
		{"it spoke, and a higher one took over", 900 * time.Millisecond, 250, Backup, "10.0.0.9 advertises priority 250, own is 200"},
		{"it stopped with the daemon", long, 0, Backup, "overslept 10.1s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				beat := &fakeBeat{alive: true, set: map[string]int{}}
				a := newHost(t, new(lan), "10.0.0.1", beat, nil, withPriority(200)).start()
				time.Sleep(4 * time.Second)
				a.wantStates(Master)
				a.mu.Lock()
				a.asleep = long
				a.mu.Unlock()
				beat.mu.Lock()
				beat.spoke = a.group.cfg.BootTime() - tt.spoke
				beat.mu.Unlock()
				if tt.waits != 0 {
					a.conn.inject(packetFrom(t, "10.0.0.9", tt.waits, nil))
				}
				time.Sleep(turnEvery)
				synctest.Wait()
				a.wantStates(tt.want)
				if got := a.group.Status()[0].Reason; got != tt.reason {
					t.Errorf("got reason %q, want %q", got, tt.reason)
				}
			})
		})
	}
}

func TestGroupPulses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newHost(t, new(lan), "10.0.0.1", nil, nil, withPriority(200)).start()
		a.group.Post("VI_1", FaultChanged{[]string{"no timer runs in FAULT"}})
		time.Sleep(10 * time.Second)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.pulses < 100 || a.pulses > 110 {
			t.Errorf("got %d pulses in 10 s, want 100", a.pulses)
		}
	})
}

// fakeBeat keeps what it is told.
type fakeBeat struct {
	mu    sync.Mutex
	alive bool           // guarded by mu, like the rest
	set   map[string]int // packets set, by instance
	spoke time.Duration  // what Spoke says
	calls []string
	prio  byte // of the packet set last
}

func (f *fakeBeat) Set(instance string, packets []Packet, iface string, interval, _ time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set[instance]++
	f.prio = packets[0].Data[ipv4Len+2]
	var dsts []string
	for _, p := range packets {
		dsts = append(dsts, p.Dst.String())
	}
	f.calls = append(f.calls, fmt.Sprintf("set %s %d on %s to %s each %v", instance, f.prio, iface, strings.Join(dsts, " "), interval))
}

func (f *fakeBeat) Stop(instance string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.set, instance)
	f.calls = append(f.calls, "stop "+instance)
}

func (f *fakeBeat) Alive(string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.alive
}

func (f *fakeBeat) Spoke(string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.spoke
}

func (f *fakeBeat) live(alive bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alive = alive
}

func (f *fakeBeat) want(t *testing.T, calls ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.calls, calls) {
		t.Errorf("got %q, want %q", f.calls, calls)
	}
	f.calls = nil
}

func TestBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		beat := &fakeBeat{alive: true, set: map[string]int{}}
		a := newHost(t, l, "10.0.0.1", beat, nil, withPriority(200)).start()
		time.Sleep(3 * time.Second)
		beat.want(t) // a backup has none
		time.Sleep(time.Second)
		synctest.Wait()
		beat.want(t, "set VI_1 200 on eth0 to 224.0.0.18 each 1s")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		beat.want(t) // level: nothing changed
		if got := len(l.sent(t)); got != 1 {
			t.Errorf("the group sent %d adverts, want the one of the takeover", got)
		}
		if !a.group.Status()[0].BeatElsewhere {
			t.Error("status does not tell")
		}

		a.conn.arrive(packetFrom(t, "10.0.0.9", 0, nil))
		synctest.Wait()
		if got := l.sent(t); len(got) != 2 {
			t.Errorf("got %q, want an answer to priority 0 at once, beat or not", got)
		}
		a.group.Post("VI_1", PriorityChanged{180})
		synctest.Wait()
		beat.want(t, "set VI_1 180 on eth0 to 224.0.0.18 each 1s")

		beat.live(false)
		time.Sleep(turnEvery)
		synctest.Wait()
		if got := l.sent(t); len(got) != 3 || got[2] != "10.0.0.1 180" {
			t.Errorf("after the beat died: got %q, want an advert at once", got)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := len(l.sent(t)); got != 8 {
			t.Errorf("got %d adverts, want the group's own five more", got)
		}
		beat.want(t, "stop VI_1")

		beat.live(true)
		time.Sleep(turnEvery)
		synctest.Wait()
		beat.want(t, "set VI_1 180 on eth0 to 224.0.0.18 each 1s")
		a.stop()
		beat.want(t, "stop VI_1")
	})
}

// A beat that died while its node resigned, and came back with what was set, would go on as a master that is none.
func TestDeadBeatIsNotCarriedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		beat := &fakeBeat{alive: true, set: map[string]int{}}
		a := newHost(t, new(lan), "10.0.0.1", beat, nil, withPriority(200)).start()
		time.Sleep(4 * time.Second)
		beat.live(false)
		time.Sleep(turnEvery)
		a.group.Post("VI_1", FaultChanged{[]string{"eth0 is down"}})
		synctest.Wait()
		beat.live(true)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(beat.set) != 0 {
			t.Errorf("state %v, and the beat has still %v", a.group.Status()[0].State, beat.set)
		}
		a.stop()
	})
}

// Nothing may follow the priority-0 advert, so the beat ends when the release begins.
func TestBeatEndsBeforeTheRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		beat := &fakeBeat{alive: true, set: map[string]int{}}
		a := newHost(t, new(lan), "10.0.0.1", beat, nil, withPriority(200))
		var order []string
		inner := a.group.cfg.Do
		a.group.cfg.Do = func(instance string, act Action) {
			if _, ok := act.(ReleaseAddresses); ok {
				beat.mu.Lock()
				order = append(order, beat.calls[len(beat.calls)-1], "release")
				beat.mu.Unlock()
			}
			inner(instance, act)
		}
		a.start()
		time.Sleep(4 * time.Second)
		a.stop()
		if want := []string{"stop VI_1", "release"}; !slices.Equal(order, want) {
			t.Errorf("got %q, want %q", order, want)
		}
	})
}

func TestPostBeforeRunComesBeforeStartup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newHost(t, new(lan), "10.0.0.1", nil, nil, withPriority(255))
		a.group.Post("VI_1", FaultChanged{[]string{"eth0 is down"}})
		a.group.Post("nobody", Shutdown{})
		a.start()
		synctest.Wait()
		if got, want := a.actions(), []string{"VI_1 INIT>FAULT"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		a.stop()
		a.group.Post("VI_1", FaultChanged{}) // nobody is there to take it
	})
}

func TestNewGroupRefuses(t *testing.T) {
	link, err := NewLink(LinkConfig{Interface: "eth0", Listen: new(lan).listen})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := testConfig()
	elsewhere.Interface = "eth1"
	for _, tt := range []struct {
		name string
		cfgs []Config
		want string
	}{
		{"an invalid instance", []Config{withPriority(0)}, "instance VI_1: priority 0, want 1 to 255"},
		{"an interface without a link", []Config{elsewhere}, "instance VI_1: no IPv4 link for interface eth1"},
		{"a name twice", []Config{testConfig(), testConfig()}, "instance VI_1: the name is taken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewGroup(GroupConfig{Instances: tt.cfgs, Links: map[string]*Link{"eth0": link}})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestRunRefusesAVRIDTwice(t *testing.T) {
	l := new(lan)
	a := newHost(t, l, "10.0.0.1", nil, nil, testConfig())
	if err := a.group.attach(); err != nil {
		t.Fatal(err)
	}
	other := testConfig()
	other.Name = "VI_2"
	g, err := NewGroup(GroupConfig{Instances: []Config{other}, Links: map[string]*Link{"eth0": a.link}})
	if err != nil {
		t.Fatal(err)
	}
	const want = "instance VI_2: VRID 51 on eth0 belongs to instance VI_1"
	if err := g.Run(t.Context()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLinkOpensItsInterfaceAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		var mu sync.Mutex
		missing := true
		listen := func(name string) (Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			if missing {
				return nil, fmt.Errorf("open a VRRP socket on %s: %w", name, ErrNoInterface)
			}
			return l.listen(name)
		}
		link, err := NewLink(LinkConfig{Interface: "bond0", Listen: listen})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(link.send(Packet{})), "send an advert on bond0: the interface is not open"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = link.Run(ctx) }()
		time.Sleep(2500 * time.Millisecond)
		mu.Lock()
		missing = false
		mu.Unlock()
		time.Sleep(checkEvery)
		if err := link.send(Packet{Dst: groupIPv4(), Data: packetFrom(t, "10.0.0.1", 100, nil)}); err != nil {
			t.Errorf("the interface has appeared: %v", err)
		}
		first := (*link.conn.Load()).(*fakeConn)
		first.mu.Lock()
		first.gone = errors.New("bond0: interface was made anew")
		first.mu.Unlock()
		time.Sleep(2 * checkEvery)
		synctest.Wait()
		if conn := link.conn.Load(); conn == nil || *conn == Conn(first) || !first.closed {
			t.Error("the interface was made anew, the socket was not")
		}
		cancel()
		<-done
	})
}

func TestNewLinkFailsForGood(t *testing.T) {
	want := errors.New("operation not permitted")
	_, err := NewLink(LinkConfig{Interface: "eth0", Listen: func(string) (Conn, error) { return nil, want }})
	if err != want {
		t.Errorf("got %v, want %v", err, want)
	}
}
