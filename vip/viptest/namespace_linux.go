package viptest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"

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

// MAC is the Ethernet address of Interface.
func MAC() net.HardwareAddr { return net.HardwareAddr{0x02, 0x00, 0x5e, 0x10, 0x00, 0x01} }

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

// AddInterface is World's; the name is Interface.
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
		if err := n.handle.LinkSetUp(l); err != nil {
			return fmt.Errorf("set interface %s up: %w", name, err)
		}
	}
	return nil
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
