package vrrp

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
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

func (l *lan) listen(string) (Conn, error)  { return l.open(IPv4) }
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
