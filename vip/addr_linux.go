package vip

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	forever = math.MaxUint32 // the lifetime that does not end (rtnetlink(7))
	// ipv6Flags are those of every virtual IPv6 address. It answers at once: duplicate address detection would keep it
	// silent for a second and more. And it neither brings nor takes a route to its subnet, for one that expires
	// would take the node's own along.
	ipv6Flags = unix.IFA_F_NODAD | unix.IFA_F_NOPREFIXROUTE
)

// appendOptions appends what an address gets besides itself and its peer.
func appendOptions(b []byte, a Address, lease time.Duration) []byte {
	seconds := uint32(min(lease/time.Second, math.MaxInt32))
	if a.Prefix.Addr().Is6() {
		b = appendAttribute(b, unix.IFA_FLAGS, binary.NativeEndian.AppendUint32(nil, ipv6Flags))
		if lease == 0 {
			seconds = forever
		}
		return appendLifetimes(b, seconds, 0) // a preferred lifetime of 0 deprecates it: no connection leaves from it
	}
	if a.Broadcast.IsValid() {
		b = appendAttribute(b, unix.IFA_BROADCAST, a.Broadcast.AsSlice())
	}
	if a.Label != "" {
		b = appendAttribute(b, unix.IFA_LABEL, append([]byte(a.Label), 0))
	}
	if lease == 0 {
		return b // without lifetimes it stays for ever
	}
	return appendLifetimes(b, seconds, seconds)
}

// appendLifetimes appends struct ifa_cacheinfo: preferred and valid lifetime in seconds, and two times that only the
// kernel tells.
func appendLifetimes(b []byte, valid, preferred uint32) []byte {
	var info [unix.SizeofIfaCacheinfo]byte
	binary.NativeEndian.PutUint32(info[:], preferred)
	binary.NativeEndian.PutUint32(info[4:], valid)
	return appendAttribute(b, unix.IFA_CACHEINFO, info[:])
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
