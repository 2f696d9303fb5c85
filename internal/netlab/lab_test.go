package netlab

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

func prefixes(list []string) (parsed []netip.Prefix) {
	for _, s := range list {
		parsed = append(parsed, netip.MustParsePrefix(s))
	}
	return parsed
}

// echo serves TCP on a node's port 7 until the test ends, sending back what it gets.
func echo(t *testing.T, n *Node) {
	t.Helper()
	listener, err := n.Listen(t.Context(), "tcp", ":7")
	must(t, "listen", err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(conn, conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-ended
	})
}

// ask sends a word to an echoing address and returns an error unless it comes back.
func ask(ctx context.Context, n *Node, addr string) error {
	conn, err := n.Dial(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // a TCP connection can
	}
	if _, err := conn.Write([]byte("word")); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 4))
	return err
}

// silent asserts that no connection comes about.
func silent(t *testing.T, n *Node, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	var timeout net.Error
	if err := ask(ctx, n, addr); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("dial %s over a dead cable: got %v, want a timeout", addr, err)
	}
}

func TestIntegrationNodesTalk(t *testing.T) {
	t.Parallel()
	p := newPair(t, Config{})
	echo(t, p.two)
	must(t, "ask", ask(patient(t), p.one, "10.77.0.2:7"))

	t.Run("HTTP", func(t *testing.T) {
		listener, err := p.two.Listen(t.Context(), "tcp", "10.77.0.2:80")
		must(t, "listen", err)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.RemoteAddr)
		}))
		_ = server.Listener.Close()
		server.Listener = listener
		server.Start()
		defer server.Close()
		transport := &http.Transport{DialContext: p.one.Dial}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get("http://10.77.0.2/")
		must(t, "get", err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		must(t, "read", err)
		if got, want := string(body), "10.77.0.1:"; !strings.HasPrefix(got, want) {
			t.Errorf("the server saw %q, want %q", got, want)
		}
	})
	t.Run("no names", func(t *testing.T) {
		_, err := p.one.Dial(t.Context(), "tcp", "two:80")
		if got, want := errorText(err), `dial from one: ParseAddr("two"): unable to parse IP`; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestIntegrationConnectLeavesNothingWhenItFails(t *testing.T) {
	p := newPair(t, Config{})
	twice := netip.MustParsePrefix("10.78.0.1/24")
	_, err := p.one.Connect(patient(t), p.cableOne.lan, "eth1", twice, twice)
	want := "connect eth1 of one to front: add 10.78.0.1/24 to eth1: file exists"
	if got := errorText(err); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := p.one.Netlink().LinkByName("eth1"); !errors.As(err, new(netlink.LinkNotFoundError)) {
		t.Errorf("the interface afterwards: got %v, want that it is not found", err)
	}
	_, err = p.one.Connect(patient(t), p.cableOne.lan, "eth1", twice)
	must(t, "connect again", err)
}

func TestIntegrationIPv6IsUsableAtOnce(t *testing.T) {
	lab := newLab(t, Config{})
	lan, err := lab.LAN("six")
	must(t, "make LAN", err)
	one, _ := newNode(t, lab, lan, "one", "fd00:77::1/64")
	two, _ := newNode(t, lab, lan, "two", "fd00:77::2/64")
	echo(t, two)
	must(t, "ask", ask(patient(t), one, "[fd00:77::2]:7"))
}

func TestIntegrationLANsAreSeparate(t *testing.T) {
	t.Parallel()
	lab := newLab(t, Config{})
	front, err := lab.LAN("front")
	must(t, "make LAN", err)
	back, err := lab.LAN("back")
	must(t, "make LAN", err)
	one, _ := newNode(t, lab, front, "one", "10.77.0.1/24")
	two, _ := newNode(t, lab, back, "two", "10.77.0.2/24")
	echo(t, two)
	silent(t, one, "10.77.0.2:7")
	_, err = one.Connect(patient(t), back, "eth1", netip.MustParsePrefix("10.78.0.1/24"))
	must(t, "connect", err)
	_, err = two.Connect(patient(t), back, "eth1", netip.MustParsePrefix("10.78.0.2/24"))
	must(t, "connect", err)
	must(t, "ask", ask(patient(t), one, "10.78.0.2:7"))
}

func TestIntegrationPull(t *testing.T) {
	t.Parallel()
	p := newPair(t, Config{})
	echo(t, p.two)
	ctx := patient(t)
	mark := p.Mark()
	must(t, "pull", p.cableOne.Pull(ctx))
	await(t, p.Lab, mark, is(CarrierDown, p.one))
	silentOrUnreachable(t, p.one, "10.77.0.2:7")

	mark = p.Mark()
	must(t, "restore", p.cableOne.Restore(ctx))
	await(t, p.Lab, mark, is(CarrierUp, p.one))
	must(t, "ask after restore", ask(ctx, p.one, "10.77.0.2:7"))
}

func silentOrUnreachable(t *testing.T, n *Node, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if err := ask(ctx, n, addr); err == nil {
		t.Errorf("dial %s over a pulled cable: got an answer", addr)
	}
}

func TestIntegrationMute(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		mute    func(*Cable) error
		in, out bool // which way frames of node one still go
	}{
		{name: "both ways", mute: (*Cable).Mute},
		{name: "in", mute: (*Cable).MuteIn, out: true},
		{name: "out", mute: (*Cable).MuteOut, in: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, Config{})
			echo(t, p.two)
			must(t, "ask", ask(patient(t), p.one, "10.77.0.2:7")) // so that the bridge has learned both stations
			one, two := rawSocket(t, p.one, "10.77.0.1"), rawSocket(t, p.two, "10.77.0.2")

			must(t, "mute", tt.mute(p.cableOne))
			mark := p.Mark()
			silent(t, p.one, "10.77.0.2:7")
			if got := arrives(t, one, two, "10.77.0.2"); got != tt.out {
				t.Errorf("a packet from the muted node arrives: got %t, want %t", got, tt.out)
			}
			if got := arrives(t, two, one, "10.77.0.1"); got != tt.in {
				t.Errorf("a packet to the muted node arrives: got %t, want %t", got, tt.in)
			}
			events, err := p.Since(mark)
			must(t, "events", err)
			for _, e := range events {
				if e.Kind == CarrierDown || e.Node == "one" && e.Kind == ARPSeen && !tt.out {
					t.Errorf("while muted: got %v", e)
				}
			}

			must(t, "restore", p.cableOne.Restore(patient(t)))
			must(t, "ask after restore", ask(patient(t), p.one, "10.77.0.2:7"))
		})
	}
}

// rawSocket opens a socket for IP protocol 253 (RFC 3692: for experiments) with static neighbours on both sides, so
// that one packet needs no packet in the other direction.
func rawSocket(t *testing.T, n *Node, addr string) net.PacketConn {
	t.Helper()
	var conn net.PacketConn
	must(t, "open raw socket", n.Do(func() (err error) {
		conn, err = net.ListenPacket("ip4:253", addr)
		return err
	}))
	t.Cleanup(func() { _ = conn.Close() })
	neighbours, err := n.Netlink().NeighList(0, netlink.FAMILY_V4)
	must(t, "list neighbours", err)
	for _, neighbour := range neighbours {
		neighbour.State = netlink.NUD_PERMANENT
		must(t, "set neighbour", n.Netlink().NeighSet(&neighbour))
	}
	return conn
}

func arrives(t *testing.T, from, to net.PacketConn, addr string) bool {
	t.Helper()
	if _, err := from.WriteTo([]byte("x"), &net.IPAddr{IP: net.ParseIP(addr)}); err != nil {
		t.Fatal(err)
	}
	_ = to.SetReadDeadline(time.Now().Add(150 * time.Millisecond))
	_, _, err := to.ReadFrom(make([]byte, 64))
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return err == nil
}

func TestIntegrationMuteOutlivesPull(t *testing.T) {
	t.Parallel()
	p := newPair(t, Config{})
	echo(t, p.two)
	must(t, "mute", p.cableOne.Mute())
	link, err := p.one.Netlink().LinkByName("eth0")
	must(t, "find link", err)
	mark := p.Mark()
	must(t, "set down", p.one.Netlink().LinkSetDown(link))
	await(t, p.Lab, mark, is(CarrierDown, p.one))
	mark = p.Mark()
	must(t, "set up", p.one.Netlink().LinkSetUp(link))
	await(t, p.Lab, mark, is(CarrierUp, p.one))
	silent(t, p.one, "10.77.0.2:7")
}

func TestIntegrationAddresses(t *testing.T) {
	t.Parallel()
	p := newPair(t, Config{})
	vip := netip.MustParsePrefix("10.77.0.100/32")
	addr, err := netlink.ParseAddr(vip.String())
	must(t, "parse", err)
	link, err := p.one.Netlink().LinkByName("eth0")
	must(t, "find link", err)
	isVIP := func(kind Kind) func(Event) bool {
		return func(e Event) bool { return is(kind, p.one)(e) && e.Address == vip }
	}
	holders := func(want ...*Node) {
		t.Helper()
		got, err := p.Holders(vip.Addr())
		must(t, "holders", err)
		if !slices.Equal(got, want) {
			t.Errorf("holders: got %v, want %v", got, want)
		}
	}
	holders()

	mark := p.Mark()
	must(t, "add", p.one.Netlink().AddrAdd(link, addr))
	if e := await(t, p.Lab, mark, isVIP(AddressAdded)); e.ValidLifetime != 0 {
		t.Errorf("an address for ever: got a lifetime of %v", e.ValidLifetime)
	}
	holders(p.one)
	must(t, "add", addrAdd(p.two, addr))
	holders(p.one, p.two)

	mark = p.Mark()
	must(t, "delete", p.one.Netlink().AddrDel(link, addr))
	await(t, p.Lab, mark, isVIP(AddressRemoved))
	holders(p.two)

	mark = p.Mark()
	addr.ValidLft, addr.PreferedLft = 1, 1
	must(t, "add with lease", p.one.Netlink().AddrAdd(link, addr))
	if e := await(t, p.Lab, mark, isVIP(AddressAdded)); e.ValidLifetime != time.Second {
		t.Errorf("lease: got %v, want %v", e.ValidLifetime, time.Second)
	}
	must(t, "renew", p.one.Netlink().AddrReplace(link, addr))
	await(t, p.Lab, mark, isVIP(AddressChanged))
	await(t, p.Lab, mark, isVIP(AddressRemoved))
	holders(p.two)
}

func addrAdd(n *Node, addr *netlink.Addr) error {
	link, err := n.Netlink().LinkByName("eth0")
	if err != nil {
		return err
	}
	return n.Netlink().AddrAdd(link, addr)
}

func TestIntegrationLinks(t *testing.T) {
	p := newPair(t, Config{})
	mark := p.Mark()
	link := &netlink.Macvlan{LinkAttrs: netlink.NewLinkAttrs(), Mode: netlink.MACVLAN_MODE_BRIDGE}
	link.Name = "vrrp51"
	parent, err := p.one.Netlink().LinkByName("eth0")
	must(t, "find link", err)
	link.ParentIndex = parent.Attrs().Index
	must(t, "add", p.one.Netlink().LinkAdd(link))
	must(t, "delete", p.one.Netlink().LinkDel(link))
	for _, kind := range []Kind{LinkAdded, LinkRemoved} {
		await(t, p.Lab, mark, func(e Event) bool {
			return e.Kind == kind && e.Node == "one" && e.Interface == "vrrp51"
		})
	}
}

// An interface that leaves a bridge of the node's own is still there, whatever the bridge says of its port.
func TestIntegrationPortsOfTheNodesOwnBridge(t *testing.T) {
	p := newPair(t, Config{})
	h := p.one.Netlink()
	bridge := &netlink.Bridge{LinkAttrs: netlink.NewLinkAttrs()}
	bridge.Name = "br0"
	must(t, "add bridge", h.LinkAdd(bridge))
	eth0, err := h.LinkByName("eth0")
	must(t, "find link", err)
	mark := p.Mark()
	must(t, "join bridge", h.LinkSetMaster(eth0, bridge))
	must(t, "leave bridge", h.LinkSetNoMaster(eth0))
	must(t, "delete bridge", h.LinkDel(bridge))
	await(t, p.Lab, mark, func(e Event) bool { return e.Kind == LinkRemoved && e.Interface == "br0" })
	events, err := p.Since(mark)
	must(t, "events", err)
	if slices.ContainsFunc(events, is(LinkRemoved, p.one)) || slices.ContainsFunc(events, is(LinkAdded, p.one)) {
		t.Errorf("got %v, want nothing of eth0", events)
	}
}

func TestIntegrationSameAddressesEveryTime(t *testing.T) {
	a, b := newPair(t, Config{}), newPair(t, Config{})
	if got, want := b.cableTwo.MAC.String(), a.cableTwo.MAC.String(); got != want {
		t.Errorf("MAC in the second lab: got %s, want %s", got, want)
	}
	link, err := a.two.Netlink().LinkByName("eth0")
	must(t, "find link", err)
	if got, want := link.Attrs().HardwareAddr.String(), a.cableTwo.MAC.String(); got != want {
		t.Errorf("MAC of the interface: got %s, want %s", got, want)
	}
}

// A LAN of five nodes must cost a test well under a second.
func TestIntegrationFiveNodesAreQuick(t *testing.T) {
	start := time.Now()
	lab := newLab(t, Config{})
	lan, err := lab.LAN("front")
	must(t, "make LAN", err)
	for i, name := range []string{"lb1", "lb2", "web1", "web2", "client"} {
		newNode(t, lab, lan, name, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 77, 0, byte(i + 1)}), 24).String())
	}
	built := time.Since(start)
	start = time.Now()
	must(t, "close", lab.Close())
	t.Logf("built in %v, closed in %v", built, time.Since(start))
	if built > 5*time.Second {
		t.Errorf("five nodes took %v", built)
	}
}

func TestIntegrationClose(t *testing.T) {
	cycle := func() {
		p := newPair(t, Config{})
		echoed, err := p.one.Start(sleeper())
		must(t, "start", err)
		must(t, "close", p.Close())
		if err := echoed.Wait(t.Context()); err == nil || err.Error() != "signal: killed" {
			t.Errorf("process at the lab's end: got %v, want signal: killed", err)
		}
		must(t, "close again", p.Close())
		_, err = p.Await(t.Context(), p.Mark(), func(Event) bool { return false })
		wantErrorIs(t, "await", err, ErrClosed)
		_, err = p.Node("late")
		wantErrorIs(t, "node", err, ErrClosed)
		_, err = p.LAN("late")
		wantErrorIs(t, "LAN", err, ErrClosed)
		_, err = p.one.Start(sleeper())
		wantErrorIs(t, "start", err, ErrClosed)
	}
	cycle() // the runtime opens some descriptors of its own the first time
	before := descriptors(t)
	cycle()
	if after := descriptors(t); after > before {
		t.Errorf("open descriptors: got %d after the lab, want %d", after, before)
	}
}

func wantErrorIs(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s on a closed lab: got %v, want %v", what, got, want)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, "list descriptors", err)
	return len(entries)
}
