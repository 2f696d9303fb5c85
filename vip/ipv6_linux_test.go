package vip_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vip/viptest"
)

// newHandle opens netlink in the namespace of the test.
func newHandle(t *testing.T) *netlink.Handle {
	t.Helper()
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// TestIntegrationRule89OnTheWire: what the other end of the cable gets, to the last byte, from a host and from a router.
func TestIntegrationRule89OnTheWire(t *testing.T) {
	env, _ := viptest.RealEnv(t)
	peer, err := net.InterfaceByName(viptest.PeerInterface)
	if err != nil {
		t.Fatal(err)
	}
	lan, err := packet.Listen(peer, packet.Raw, unix.ETH_P_IPV6, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer lan.Close()
	if err := lan.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	cfg := config(0)
	cfg.Addresses = []vip.Address{address("fe80::51/64"), address("fd00:77::100/64")}
	s, err := vip.New(cfg, env.Kernel, env.Kernel, nil)
	if err != nil {
		t.Fatal(err)
	}
	viptest.Go(t, s.Run)
	mustAcquire(t, s)

	// As Keepalived 2.2.7 sent them on such a pair.
	const ethernet = "333300000001 02005e100001 86dd 60000000 0020 3a ff "
	const linkLocal, global = "fe800000000000000000000000000051", "fd000077000000000000000000000100"
	const to, option = " ff020000000000000000000000000001 8800 ", " 0201 02005e100001"
	for _, tt := range []struct {
		forwarding string
		frames     []string
	}{
		{"0", []string{
			ethernet + linkLocal + to + "f8ea 20000000 " + linkLocal + option,
			ethernet + global + to + "f99e 20000000 " + global + option,
		}},
		{"1", []string{
			ethernet + linkLocal + to + "78ea a0000000 " + linkLocal + option,
			ethernet + global + to + "799e a0000000 " + global + option,
		}},
	} {
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/v0/forwarding", []byte(tt.forwarding), 0); err != nil {
			t.Fatal(err)
		}
		s.Announce()
		b := make([]byte, 256)
		for i := 0; i < 4; { // two addresses, twice each
			n, _, err := lan.ReadFrom(b)
			if err != nil {
				t.Fatal(err)
			}
			if n < 55 || b[54] != 136 {
				continue // the kernel's own: multicast listener reports, solicitations
			}
			want, err := hex.DecodeString(strings.ReplaceAll(tt.frames[i%2], " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b[:n], want) {
				t.Errorf("forwarding %s, frame %d: got %x, want %x", tt.forwarding, i, b[:n], want)
			}
			i++
		}
	}
}

// routesTo returns the routes to the prefix on an interface, as "metric expires".
func routesTo(t *testing.T, h *netlink.Handle, prefix string) []string {
	t.Helper()
	routes, err := h.RouteList(nil, netlink.FAMILY_V6)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range routes {
		if r.Dst != nil && r.Dst.String() == prefix {
			got = append(got, fmt.Sprintf("index %d metric %d", r.LinkIndex, r.Priority))
		}
	}
	return got
}

// sourceOf returns which address a connection to dst leaves from.
func sourceOf(t *testing.T, dst string) netip.Addr {
	t.Helper()
	conn, err := net.Dial("udp6", net.JoinHostPort(dst, "9")) // sends nothing; this thread's namespace
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return netip.MustParseAddrPort(conn.LocalAddr().String()).Addr()
}

// TestIntegrationExpiryLeavesTheNodeItsOwn: when leases of either prefix length end, the node's address and its on-link
// route stay; and while they run, no connection leaves from a virtual address.
func TestIntegrationExpiryLeavesTheNodeItsOwn(t *testing.T) {
	for _, tt := range []struct{ name, vip string }{{"64", "fd00:77::1:100/64"}, {"128", "fd00:77::1:100/128"}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env, _ := viptest.RealEnv(t)
			h := newHandle(t)
			own := netip.MustParsePrefix("fd00:77::1/64")
			link, err := h.LinkByName("v0")
			if err != nil {
				t.Fatal(err)
			}
			if err := h.AddrAdd(link, &netlink.Addr{
				IPNet: &net.IPNet{IP: own.Addr().AsSlice(), Mask: net.CIDRMask(64, 128)}, Flags: unix.IFA_F_NODAD,
			}); err != nil {
				t.Fatal(err)
			}
			routes := routesTo(t, h, "fd00:77::/64")
			if len(routes) != 1 {
				t.Fatalf("got routes %v, want the one of the node's own address", routes)
			}
			check := func(when string) {
				t.Helper()
				if got := routesTo(t, h, "fd00:77::/64"); !slices.Equal(got, routes) {
					t.Errorf("%s: got routes %v, want %v", when, got, routes)
				}
				// fd00:77::1:fe shares a longer prefix with the virtual address than with the node's own: without
				// preferred_lft 0 the kernel takes that (RFC 6724 rule 8).
				for _, dst := range []string{"fd00:77::1:fe", "fd00:77::2"} {
					if got := sourceOf(t, dst); got != own.Addr() {
						t.Errorf("%s: a connection to %s leaves from %v, want %v", when, dst, got, own.Addr())
					}
				}
			}
			a := address(tt.vip)
			if err := viptest.Add(env.Kernel, a, 2*time.Second); err != nil {
				t.Fatal(err)
			}
			check("held")
			began := time.Now()
			if err := viptest.Renew(env.Kernel, a, 2*time.Second); err != nil {
				t.Fatal(err)
			}
			check("renewed")
			gone, cancel := env.Kernel.Subscribe(func(e vip.Event) bool {
				return e.Kind == vip.AddressRemoved && e.Addr == a.Prefix.Addr()
			})
			defer cancel()
			select {
			case <-gone:
				t.Logf("a lease of 2 s ended after %v", time.Since(began))
			case <-time.After(10 * time.Second):
				t.Fatal("the lease did not end")
			}
			check("expired")
			if list := addresses(env.Kernel); len(list) != 1 || list[0].Prefix != own {
				t.Errorf("got %+v, want the node's own address alone", list)
			}
			if err := errors.Join(viptest.Add(env.Kernel, a, time.Minute), viptest.Delete(env.Kernel, a)); err != nil {
				t.Fatal(err)
			}
			check("deleted")
		})
	}
}

// TestIntegrationInterfaceDownAndUp: the kernel forgets IPv6 addresses of an interface that is set down. The address
// is back, and answers as soon as the interface is up.
func TestIntegrationInterfaceDownAndUp(t *testing.T) {
	env, _ := viptest.RealEnv(t)
	h := newHandle(t)
	cfg := config(0)
	cfg.Addresses = []vip.Address{address("fd00:77::100/64")}
	cfg.Lease = time.Minute
	s, err := vip.New(cfg, env.Kernel, env.Kernel, nil)
	if err != nil {
		t.Fatal(err)
	}
	viptest.Go(t, s.Run)
	mustAcquire(t, s)
	link, err := h.LinkByName("v0")
	if err != nil {
		t.Fatal(err)
	}
	changed, cancel := env.Kernel.Subscribe(func(e vip.Event) bool { return e.Kind == vip.AddressAdded })
	defer cancel()
	if err := h.LinkSetDown(link); err != nil { // the address is gone when this returns
		t.Fatal(err)
	}
	late := time.After(10 * time.Second)
	for back := false; !back; {
		select {
		case <-changed: // or a late word of Acquire's
		case <-late:
			t.Fatal("the address was not put back")
		}
		back = len(addresses(env.Kernel)) == 1
	}
	if err := h.LinkSetUp(link); err != nil {
		t.Fatal(err)
	}
	list := addresses(env.Kernel)
	if len(list) != 1 || list[0].Tentative {
		t.Errorf("got %+v, want the address, answering", list)
	}
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.ParseIP("fd00:77::100")})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// TestIntegrationIPv6Disabled: an interface without IPv6 takes no address, and has none to remove.
func TestIntegrationIPv6Disabled(t *testing.T) {
	env, _ := viptest.RealEnv(t)
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/v0/disable_ipv6", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	a := address("fd00:77::100/64")
	err := viptest.Add(env.Kernel, a, time.Minute)
	if !errors.Is(err, syscall.EACCES) || !strings.HasPrefix(err.Error(), "add fd00:77::100/64 to v0: permission denied") {
		t.Errorf("got error %v, want permission denied", err)
	}
	if err := viptest.Delete(env.Kernel, a); err != nil {
		t.Errorf("got error %v, want none", err)
	}
	h := newHandle(t)
	link, err := h.LinkByName("v0")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.LinkSetMTU(link, 1000); err != nil { // IPv6 wants 1280 (RFC 8200 section 5)
		t.Fatal(err)
	}
	if err := viptest.Delete(env.Kernel, a); err != nil {
		t.Errorf("with a small MTU: got error %v, want none", err)
	}
}

// TestIntegrationRemoverIPv6AndPeer: a last will knows an address and its prefix length, not the peer.
func TestIntegrationRemoverIPv6AndPeer(t *testing.T) {
	env, _ := viptest.RealEnv(t)
	r, err := vip.OpenRemover()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	point := address("10.77.0.100/32")
	point.Peer = netip.MustParseAddr("10.77.0.1")
	for _, a := range []vip.Address{address("fd00:77::100/64"), point, address("10.77.0.101/32"), address("fd00:77::1/64")} {
		if err := viptest.Add(env.Kernel, a, 0); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		for _, p := range []string{"fd00:77::100/64", "fd00:77::1/128", "10.77.0.100/32"} {
			if err := r.Remove("v0", netip.MustParsePrefix(p)); err != nil {
				t.Errorf("got error %v, want none", err)
			}
		}
	}
	var got []string
	for _, h := range addresses(env.Kernel) {
		got = append(got, h.Prefix.String())
	}
	if want := []string{"10.77.0.101/32", "fd00:77::1/64"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestIntegrationOwnInterfacesAreNobodyElse: a claim by another interface of this node, also one made since, is none.
func TestIntegrationOwnInterfacesAreNobodyElse(t *testing.T) {
	env, world := viptest.RealEnv(t)
	h := newHandle(t)
	a := address("fd00:77::100/64")
	heard := make(chan string, 1)
	defer env.Kernel.Listen([]vip.Address{a}, func(c vip.Claim) {
		select {
		case heard <- c.MAC.String():
		default:
		}
	})()
	stranger := net.HardwareAddr{2, 0xdd, 0, 0, 0, 1}
	// hear claims by mac and then by a stranger, until that one is heard, and returns who was heard first.
	hear := func(mac net.HardwareAddr) string {
		t.Helper()
		for late := time.Now().Add(10 * time.Second); time.Now().Before(late); {
			for _, m := range []net.HardwareAddr{mac, stranger} {
				if err := world.Claim("v0", a.Prefix.Addr(), m); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case got := <-heard:
				return got
			case <-time.After(10 * time.Millisecond):
			}
		}
		t.Fatal("nothing was heard")
		return ""
	}
	peer, err := net.InterfaceByName(viptest.PeerInterface)
	if err != nil {
		t.Fatal(err)
	}
	if got := hear(peer.HardwareAddr); got != stranger.String() {
		t.Errorf("got a claim by %s, want our other interface not told", got)
	}
	later := net.HardwareAddr{2, 0xdd, 0, 0, 0, 2}
	changed, cancel := env.Kernel.Subscribe(func(e vip.Event) bool { return e.Interface == "d0" })
	defer cancel()
	if err := h.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "d0", HardwareAddr: later, TxQLen: -1}, PeerName: "d1"}); err != nil {
		t.Fatal(err)
	}
	<-changed
	for len(heard) > 0 {
		<-heard
	}
	if got := hear(later); got != stranger.String() {
		t.Errorf("got a claim by %s, want our new interface not told", got)
	}
}
