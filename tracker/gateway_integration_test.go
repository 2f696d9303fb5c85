package tracker

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// neighbour is a host at the other end of eth0's cable.
type neighbour struct {
	handle *netlink.Handle
	link   netlink.Link // its end of the cable
	do     chan func()  // runs in its network namespace; the test sends and closes
}

// in runs f in the neighbour's network namespace.
func (n *neighbour) in(f func()) {
	done := make(chan struct{})
	n.do <- func() { defer close(done); f() }
	<-done
}

// addNeighbour gives the test's namespace an interface eth0, with address, whose cable leads to another namespace where
// gatewayIP is.
func addNeighbour(t *testing.T, h *netlink.Handle, address string) *neighbour {
	t.Helper()
	eth0, peer0 := addVeth(t, h)
	if address != "" {
		addAddress(t, h, eth0, address)
	}
	n := &neighbour{do: make(chan func())}
	ended := make(chan struct{})
	go func() { // its thread ends with it, and the namespace with that
		defer close(ended)
		runtime.LockOSThread()
		for f := range n.do {
			f()
		}
	}()
	t.Cleanup(func() {
		close(n.do)
		<-ended
	})
	var space int
	var err error
	n.in(func() {
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return
		}
		if n.handle, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
			return
		}
		space, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	})
	must(t, err)
	t.Cleanup(n.handle.Close)
	must(t, h.LinkSetNsFd(peer0, space))
	must(t, unix.Close(space))
	n.link, err = n.handle.LinkByName("peer0")
	must(t, err)
	addAddress(t, n.handle, n.link, gatewayIP.String()+"/24")
	must(t, n.handle.LinkSetUp(n.link))
	return n
}

func addAddress(t *testing.T, h *netlink.Handle, link netlink.Link, address string) {
	t.Helper()
	a, err := netlink.ParseAddr(address)
	must(t, err)
	must(t, h.AddrAdd(link, a))
}

// asked asks the gateway once, and words how that went, the time apart.
func asked(t *testing.T, g Gateway) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), g.Timeout)
	defer cancel()
	a, err := askNeighbour(ctx, g)
	o := gatewayWatcher{gateway: g}.verdict(a, err)
	if !o.ok {
		return o.text
	}
	if a.took <= 0 || a.took > g.Timeout {
		t.Errorf("answered in %v, want more than nothing and less than %v", a.took, g.Timeout)
	}
	o.text = strings.ReplaceAll(o.text, a.took.Round(time.Microsecond).String(), "TIME")
	return o.text
}

// eventually asks until that goes as wanted, five seconds at most: the kernel takes up to one to pass packets on a new
// cable, and to notice that one is pulled.
func eventually(t *testing.T, g Gateway, want string) (got string) {
	t.Helper()
	for until := time.Now().Add(5 * time.Second); got != want && time.Now().Before(until); {
		got = asked(t, g)
	}
	return got
}

func setMAC(t *testing.T, n *neighbour, mac net.HardwareAddr) {
	t.Helper()
	must(t, n.handle.LinkSetHardwareAddr(n.link, mac))
}

func TestIntegrationGateway(t *testing.T) {
	h := namespace(t)
	n := addNeighbour(t, h, ourIP.String()+"/24")
	setMAC(t, n, gatewayMAC)
	g := lanGateway()
	g.Timeout = g.Interval
	const answers, muted = "02:00:00:00:00:fe answered in TIME", "no answer within 100ms"
	if got := eventually(t, g, answers); got != answers {
		t.Fatalf("a gateway that is there: got %q, want %q", got, answers)
	}
	if got := neighbourOf(t, n); got != ourIP.String() {
		t.Errorf("the gateway heard of %q, want our own address %v", got, ourIP)
	}
	setMAC(t, n, otherMAC)
	if got, want := asked(t, g), "02:00:00:00:00:09 answered in TIME"; got != want {
		t.Errorf("a gateway that failed over: got %q, want %q", got, want)
	}

	quick := g
	quick.Timeout = 100 * time.Millisecond
	must(t, n.handle.LinkSetARPOff(n.link))
	if got := asked(t, quick); got != muted {
		t.Errorf("a gateway that is muted: got %q, want %q", got, muted)
	}
	stop := announce(t, n)
	if got := asked(t, quick); got != muted {
		t.Errorf("muted, and announced by others: got %q, want %q", got, muted)
	}
	stop()
	must(t, n.handle.LinkSetARPOn(n.link))
	if got, want := asked(t, g), "02:00:00:00:00:09 answered in TIME"; got != want {
		t.Errorf("a gateway that speaks again: got %q, want %q", got, want)
	}

	must(t, n.handle.LinkSetDown(n.link))
	const pulled = "cannot ask: eth0: no carrier"
	if got := eventually(t, quick, pulled); got != pulled {
		t.Errorf("a gateway whose cable is pulled: got %q, want %q", got, pulled)
	}
	must(t, h.LinkSetDown(mustLink(t, h, "eth0")))
	if got, want := asked(t, quick), "cannot ask: eth0: down"; got != want {
		t.Errorf("our interface is switched off: got %q, want %q", got, want)
	}
	must(t, n.handle.LinkDel(n.link))
	if got, want := asked(t, quick), "cannot ask: find eth0: no such network interface"; got != want {
		t.Errorf("our interface is gone: got %q, want %q", got, want)
	}
	must(t, h.LinkSetUp(mustLink(t, h, "lo")))
	quick.Interface = "lo"
	if got, want := asked(t, quick), "cannot ask: lo: the interface has no Ethernet address"; got != want {
		t.Errorf("an interface without ARP: got %q, want %q", got, want)
	}
	sockets, err := os.ReadFile("/proc/thread-self/net/packet")
	must(t, err)
	if open := strings.Count(string(sockets), "\n") - 1; open != 0 { // but for the heading
		t.Errorf("%d packet sockets are left open:\n%s", open, sockets)
	}
}

// Without an address of its own a node asks as RFC 5227 probes do, and a virtual address is none: the gateway must not
// learn from a probe where that is.
func TestIntegrationGatewayWithoutAnAddress(t *testing.T) {
	h := namespace(t)
	n := addNeighbour(t, h, "")
	setMAC(t, n, gatewayMAC)
	g := lanGateway()
	g.Timeout = g.Interval
	const want = "02:00:00:00:00:fe answered in TIME; eth0 has no address of its own"
	if got := eventually(t, g, want); got != want {
		t.Errorf("no address: got %q, want %q", got, want)
	}
	vip := netip.MustParseAddr("10.9.0.100")
	addAddress(t, h, mustLink(t, h, "eth0"), vip.String()+"/24")
	g.Virtual = []netip.Addr{vip}
	if got := asked(t, g); got != want {
		t.Errorf("a virtual address alone: got %q, want %q", got, want)
	}
	if got := neighbourOf(t, n); got != "" {
		t.Errorf("the gateway heard of %q, want nobody", got)
	}
}

// A request that is broken off ends at once.
func TestIntegrationGatewayEnds(t *testing.T) {
	h := namespace(t)
	n := addNeighbour(t, h, "")
	must(t, n.handle.LinkSetARPOff(n.link))
	quick := lanGateway()
	quick.Timeout = 10 * time.Millisecond
	if got, want := eventually(t, quick, "no answer within 10ms"), "no answer within 10ms"; got != want {
		t.Fatalf("a gateway that is muted: got %q, want %q", got, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop := time.AfterFunc(20*time.Millisecond, cancel)
	defer stop.Stop()
	began := time.Now()
	if _, err := askNeighbour(ctx, lanGateway()); !errors.Is(err, errNoAnswer) {
		t.Errorf("got %v, want %v", err, errNoAnswer)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("ended after %v, want at once", took)
	}
}

// neighbourOf returns whom the neighbour has heard of.
func neighbourOf(t *testing.T, n *neighbour) string {
	t.Helper()
	heard, err := n.handle.NeighList(n.link.Attrs().Index, netlink.FAMILY_V4)
	must(t, err)
	var all []string
	for _, e := range heard {
		if e.State != netlink.NUD_NOARP {
			all = append(all, e.IP.String())
		}
	}
	return strings.Join(all, " ")
}

// announce makes the neighbour announce the gateway's address in every way there is, until stop returns.
func announce(t *testing.T, n *neighbour) (stop func()) {
	t.Helper()
	return sendAgain(t, n, unix.ETH_P_ARP, allMACs,
		frame(t, arp.OperationRequest, gatewayMAC, gatewayIP, allMACs, gatewayIP),
		frame(t, arp.OperationReply, gatewayMAC, gatewayIP, allMACs, gatewayIP),
		frame(t, arp.OperationReply, gatewayMAC, gatewayIP, otherMAC, ourIP),
		frame(t, arp.OperationRequest, gatewayMAC, gatewayIP, make(net.HardwareAddr, 6), ourIP),
	)
}

// sendAgain has the neighbour send packets again and again, until stop returns. All have been sent when it returns.
func sendAgain(t *testing.T, n *neighbour, protocol int, to net.HardwareAddr, packets ...[]byte) (stop func()) {
	t.Helper()
	var conn *packet.Conn
	var err error
	n.in(func() {
		var ifi *net.Interface
		if ifi, err = net.InterfaceByName("peer0"); err == nil {
			conn, err = packet.Listen(ifi, packet.Datagram, protocol, nil)
		}
	})
	must(t, err)
	ended := make(chan struct{})
	quit := make(chan struct{})
	sent := make(chan struct{}, 1)
	go func() {
		defer close(ended)
		for {
			for _, b := range packets {
				if _, err := conn.WriteTo(b, &packet.Addr{HardwareAddr: to}); err != nil && !errors.Is(err, os.ErrClosed) {
					t.Errorf("send: %v", err)
				}
			}
			select {
			case sent <- struct{}{}:
			default:
			}
			select {
			case <-quit:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	<-sent
	return func() {
		close(quit)
		<-ended
		must(t, conn.Close())
	}
}

func mustLink(t *testing.T, h *netlink.Handle, name string) netlink.Link {
	t.Helper()
	l, err := h.LinkByName(name)
	must(t, err)
	return l
}

// addIPv6 adds an address that is not tentative at first, when it would answer nobody.
func addIPv6(t *testing.T, h *netlink.Handle, link netlink.Link, address string) {
	t.Helper()
	a, err := netlink.ParseAddr(address)
	must(t, err)
	a.Flags = unix.IFA_F_NODAD
	must(t, h.AddrAdd(link, a))
}

// removeIPv6 takes every IPv6 address off a link, those of the kernel included.
func removeIPv6(t *testing.T, h *netlink.Handle, link netlink.Link) {
	t.Helper()
	all, err := h.AddrList(link, netlink.FAMILY_V6)
	must(t, err)
	for _, a := range all {
		must(t, h.AddrDel(link, &a))
	}
}

// A gateway of IPv6 is asked by neighbour solicitations, by its global or its link-local address, and never from a virtual one.
func TestIntegrationGatewayOfIPv6(t *testing.T) {
	h := namespace(t)
	n := addNeighbour(t, h, "")
	setMAC(t, n, gatewayMAC)
	eth0 := mustLink(t, h, "eth0")
	const virtual, local = "fd00:9::100", "fe80::77"
	for _, a := range []string{virtual + "/64", ourIPv6.String() + "/64", local + "/64"} {
		addIPv6(t, h, eth0, a)
	}
	addIPv6(t, n.handle, n.link, gatewayIPv6.String()+"/64")
	addIPv6(t, n.handle, n.link, "fe80::1/64")
	g := lanGateway6()
	g.Timeout = g.Interval
	g.Virtual = []netip.Addr{netip.MustParseAddr(virtual)}
	quick := g
	quick.Timeout = 100 * time.Millisecond
	linkLocal := g
	linkLocal.Address = netip.MustParseAddr("fe80::1")
	const answers, muted = "02:00:00:00:00:fe answered in TIME", "no answer within 100ms"
	if got := eventually(t, g, answers); got != answers {
		t.Fatalf("a gateway that is there: got %q, want %q", got, answers)
	}
	if got := eventually(t, linkLocal, answers); got != answers {
		t.Errorf("its link-local address: got %q, want %q", got, answers)
	}
	heard := heardIPv6(t, n)
	if !slices.Contains(heard, ourIPv6.String()) || slices.Contains(heard, virtual) {
		t.Errorf("the gateway heard of %v, want of %v and not of the virtual %v", heard, ourIPv6, virtual)
	}
	setMAC(t, n, otherMAC)
	if got, want := asked(t, g), "02:00:00:00:00:09 answered in TIME"; got != want {
		t.Errorf("a gateway that failed over: got %q, want %q", got, want)
	}

	removeIPv6(t, n.handle, n.link)
	if got := asked(t, quick); got != muted {
		t.Errorf("a gateway that is gone: got %q, want %q", got, muted)
	}
	stop := announceIPv6(t, n)
	if got := asked(t, quick); got != muted {
		t.Errorf("gone, and announced by others: got %q, want %q", got, muted)
	}
	stop()

	removeIPv6(t, h, eth0)
	addIPv6(t, h, eth0, virtual+"/64")
	if got, want := asked(t, quick), "cannot ask: eth0: the interface has no IPv6 address of its own"; got != want {
		t.Errorf("a virtual address alone: got %q, want %q", got, want)
	}
	must(t, h.LinkSetUp(mustLink(t, h, "lo")))
	quick.Interface = "lo"
	if got, want := asked(t, quick), "cannot ask: lo: the interface has no Ethernet address"; got != want {
		t.Errorf("an interface without neighbour discovery: got %q, want %q", got, want)
	}
}

// heardIPv6 is whom the neighbour has heard of.
func heardIPv6(t *testing.T, n *neighbour) []string {
	t.Helper()
	heard, err := n.handle.NeighList(n.link.Attrs().Index, netlink.FAMILY_V6)
	must(t, err)
	var all []string
	for _, e := range heard {
		if e.State != netlink.NUD_NOARP {
			all = append(all, e.IP.String())
		}
	}
	return all
}

// announceIPv6 makes the neighbour advertise the gateway's address in every way that is no answer, until stop returns.
func announceIPv6(t *testing.T, n *neighbour) (stop func()) {
	t.Helper()
	return sendAgain(t, n, unix.ETH_P_IPV6, net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1},
		advertisement(t, gatewayIPv6, allNodes, gatewayIPv6, gatewayMAC, false),
		advertisement(t, gatewayIPv6, ourIPv6, gatewayIPv6, gatewayMAC, false),
		advertisement(t, gatewayIPv6, otherIPv6, gatewayIPv6, gatewayMAC, true),
		advertisement(t, otherIPv6, ourIPv6, otherIPv6, gatewayMAC, true),
	)
}
