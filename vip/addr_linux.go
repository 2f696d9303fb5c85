package vip

import (
	"math"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	// forever is the lifetime that does not end (rtnetlink(7)); where an int has 32 bits it is 68 years, for netlink's
	// fields hold no more.
	forever = min(math.MaxUint32, math.MaxInt)
	// ipv6Flags are those of every virtual IPv6 address. It answers at once: duplicate address detection would keep it
	// silent for a second and more. And it neither brings nor takes a route to its subnet, for one that expires
	// would take the node's own along.
	ipv6Flags = unix.IFA_F_NODAD | unix.IFA_F_NOPREFIXROUTE
)

// netlinkAddr is an address as the netlink package has it.
func netlinkAddr(a Address, ifindex int, lease time.Duration) *netlink.Addr {
	seconds := int(min(lease/time.Second, math.MaxInt32))
	addr := &netlink.Addr{IPNet: ipNet(a.Prefix), LinkIndex: ifindex}
	if a.Peer.IsValid() {
		addr.Peer = ipNet(netip.PrefixFrom(a.Peer, a.Prefix.Bits()))
	}
	if a.Prefix.Addr().Is6() {
		addr.Flags = ipv6Flags
		// A preferred lifetime of 0 deprecates it: no connection leaves from it. One that is valid for ever must say so.
		addr.ValidLft = seconds
		if lease == 0 {
			addr.ValidLft = forever
		}
		return addr
	}
	addr.Label, addr.Scope = a.Label, int(a.Scope)
	addr.ValidLft, addr.PreferedLft = seconds, seconds // 0 stands for ever
	addr.Broadcast = net.IPv4zero                      // none; nil would have one computed
	if a.Broadcast.IsValid() {
		addr.Broadcast = a.Broadcast.AsSlice()
	}
	return addr
}

func heldAll(list []netlink.Addr) []Held {
	all := make([]Held, 0, len(list))
	for _, a := range list {
		if h, ok := heldOf(a); ok {
			all = append(all, h)
		}
	}
	return all
}

func heldOf(a netlink.Addr) (Held, bool) {
	if a.IPNet == nil {
		return Held{}, false
	}
	ip, ok := netip.AddrFromSlice(a.IP)
	if !ok {
		return Held{}, false
	}
	bits, _ := a.Mask.Size()
	h := Held{Label: a.Label, Scope: Scope(a.Scope)}
	if a.Peer != nil { // the netlink package gives the local address the length of a host then
		h.Peer, _ = netip.AddrFromSlice(a.Peer.IP)
		bits, _ = a.Peer.Mask.Size()
	}
	h.Prefix = netip.PrefixFrom(ip, bits)
	if ip.Is4() {
		h.Broadcast, _ = netip.AddrFromSlice(a.Broadcast)
		h.Secondary = a.Flags&unix.IFA_F_SECONDARY != 0
	} else { // in which the same bit marks a temporary address
		h.Deprecated = a.Flags&unix.IFA_F_DEPRECATED != 0
		h.NoPrefixRoute = a.Flags&unix.IFA_F_NOPREFIXROUTE != 0
		h.Tentative = a.Flags&unix.IFA_F_TENTATIVE != 0
		h.DADFailed = a.Flags&unix.IFA_F_DADFAILED != 0
	}
	if left := uint32(a.ValidLft); left != math.MaxUint32 { // rtnetlink(7): all ones is for ever
		h.Leased, h.Left = true, time.Duration(left)*time.Second
	}
	return h, true
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
