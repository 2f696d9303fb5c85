package viptest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/vip"
)

var _ World = (*Namespace)(nil)

// The veth pair of a Namespace.
const (
	Interface     = "v0"
	PeerInterface = "v1" // the LAN at the other end of its cable
)

// addrGenNone is IN6_ADDR_GEN_MODE_NONE of linux/if_link.h.
const addrGenNone = 1

// Namespace is a network namespace of a test's own, as the World in it.
type Namespace struct{ handle *netlink.Handle }

// NewNamespace moves the calling goroutine, for good, to a new network namespace with a veth pair that is up. It ends with
// the test. A test that may not make one is skipped, unless CI=true: then it fails.
func NewNamespace(t testing.TB) *Namespace {
	t.Helper()
	runtime.LockOSThread() // never unlocked: the thread, and with it the namespace, ends with the goroutine
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		complain := t.Skipf
		if os.Getenv("CI") == "true" {
			complain = t.Fatalf
		}
		complain("make a network namespace: %v (be root, or use go test -exec 'unshare --user --map-root-user --net')", err)
	}
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handle.Close)
	n := &Namespace{handle}
	if err := n.AddInterface(Interface); err != nil {
		t.Fatal(err)
	}
	return n
}

// RealEnv makes a Namespace with its kernel, whose events run until the test ends.
func RealEnv(t testing.TB) (Env, *Namespace) {
	t.Helper()
	n := NewNamespace(t)
	k, err := vip.OpenKernel()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	Go(t, k.Run)
	return Env{Kernel: k, World: n, Interface: Interface}, n
}

// AddInterface is World's; the name is Interface. It gets no link-local address by itself.
func (n *Namespace) AddInterface(ifname string) error {
	veth := &netlink.Veth{
		LinkAttrs:        netlink.LinkAttrs{Name: ifname, HardwareAddr: MAC(), TxQLen: -1},
		PeerName:         PeerInterface,
		PeerHardwareAddr: net.HardwareAddr{0x02, 0x00, 0x5e, 0x10, 0x00, 0x02},
	}
	if err := n.handle.LinkAdd(veth); err != nil {
		return fmt.Errorf("add interface %s: %w", ifname, err)
	}
	for _, name := range []string{ifname, PeerInterface} {
		l, err := n.handle.LinkByName(name)
		if err != nil {
			return fmt.Errorf("find interface %s: %w", name, err)
		}
		if err := n.handle.LinkSetIP6AddrGenMode(l, addrGenNone); err != nil {
			return fmt.Errorf("have interface %s make no address: %w", name, err)
		}
		if err := n.handle.LinkSetUp(l); err != nil {
			return fmt.Errorf("set interface %s up: %w", name, err)
		}
	}
	return n.awaitRunning(ifname)
}

// linkWait bounds the wait for an interface to run, which takes a moment.
const linkWait = 5 * time.Second

// awaitRunning waits until the kernel has given an interface its queue: until then it drops what is sent, and says nothing.
func (n *Namespace) awaitRunning(ifname string) error {
	for deadline := time.Now().Add(linkWait); ; time.Sleep(time.Millisecond) {
		l, err := n.handle.LinkByName(ifname)
		if err != nil {
			return fmt.Errorf("find interface %s: %w", ifname, err)
		}
		if l.Attrs().RawFlags&unix.IFF_RUNNING != 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("interface %s does not run after %v", ifname, linkWait)
		}
	}
}

// RemoveInterface is World's; the peer goes along.
func (n *Namespace) RemoveInterface(ifname string) error {
	l, err := n.handle.LinkByName(ifname)
	if err != nil {
		return fmt.Errorf("find interface %s: %w", ifname, err)
	}
	return n.handle.LinkDel(l)
}

// AddAddress is World's.
func (n *Namespace) AddAddress(ifname string, p netip.Prefix) error {
	return n.address(ifname, p, n.handle.AddrAdd)
}

// AddDuplicate is World's. It answers the kernel's probes until that believes it.
func (n *Namespace) AddDuplicate(ifname string, p netip.Prefix) error {
	if err := n.AddAddress(ifname, p); err != nil {
		return err
	}
	l, err := n.handle.LinkByName(ifname)
	if err != nil {
		return fmt.Errorf("find interface %s: %w", ifname, err)
	}
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(time.Millisecond) {
		if err := n.Claim(ifname, p.Addr(), net.HardwareAddr{0x02, 0xdd, 0, 0, 0, 1}); err != nil {
			return err
		}
		list, err := n.handle.AddrList(l, netlink.FAMILY_V6)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(list, func(a netlink.Addr) bool {
			return a.IP.Equal(p.Addr().AsSlice()) && a.Flags&unix.IFA_F_DADFAILED != 0
		}) {
			return nil
		}
	}
	return fmt.Errorf("no duplicate of %s was found within %v", p, patience)
}

// Claim is World's; the frame comes out of Interface.
func (n *Namespace) Claim(_ string, addr netip.Addr, mac net.HardwareAddr) error {
	peer, err := n.handle.LinkByName(PeerInterface)
	if err != nil {
		return fmt.Errorf("find interface %s: %w", PeerInterface, err)
	}
	frame, err := claimFrame(addr, mac)
	if err != nil {
		return err
	}
	return sendFrame(peer.Attrs().Index, frame)
}

// DeleteAddress is World's.
func (n *Namespace) DeleteAddress(ifname string, p netip.Prefix) error {
	return n.address(ifname, p, n.handle.AddrDel)
}

func (n *Namespace) address(ifname string, p netip.Prefix, do func(netlink.Link, *netlink.Addr) error) error {
	l, err := n.handle.LinkByName(ifname)
	if err != nil {
		return fmt.Errorf("find interface %s: %w", ifname, err)
	}
	mask := net.CIDRMask(p.Bits(), p.Addr().BitLen())
	return do(l, &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: mask}})
}
