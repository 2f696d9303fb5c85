package vip

import (
	"encoding/binary"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// parseEvent reads an rtnetlink message; false means that it tells nothing that the package follows.
func parseEvent(m syscall.NetlinkMessage) (Event, bool) {
	switch m.Header.Type {
	case unix.RTM_NEWADDR:
		return parseAddrEvent(AddressAdded, m.Data)
	case unix.RTM_DELADDR:
		return parseAddrEvent(AddressRemoved, m.Data)
	case unix.RTM_NEWLINK:
		return parseLinkEvent(LinkChanged, m.Data)
	case unix.RTM_DELLINK:
		return parseLinkEvent(LinkRemoved, m.Data)
	}
	return Event{}, false
}

// indexOffset is where both struct ifaddrmsg and struct ifinfomsg have the interface's index, 32 bits (rtnetlink(7)).
const indexOffset = 4

func parseAddrEvent(kind EventKind, b []byte) (Event, bool) {
	if len(b) < unix.SizeofIfAddrmsg {
		return Event{}, false
	}
	attrs := b[unix.SizeofIfAddrmsg:]
	value, ok := attribute(attrs, unix.IFA_LOCAL)
	if !ok { // IPv6 has it only where there is a peer, which IFA_ADDRESS then is
		value, _ = attribute(attrs, unix.IFA_ADDRESS)
	}
	addr, ok := netip.AddrFromSlice(value)
	tentative := false
	if kind == AddressAdded {
		flags, _ := attribute(attrs, unix.IFA_FLAGS)
		tentative = len(flags) == 4 && binary.NativeEndian.Uint32(flags)&unix.IFA_F_TENTATIVE != 0
	}
	index := int(binary.NativeEndian.Uint32(b[indexOffset:]))
	return Event{Kind: kind, Index: index, Addr: addr, Tentative: tentative}, ok
}

func parseLinkEvent(kind EventKind, b []byte) (Event, bool) {
	if len(b) < unix.SizeofIfInfomsg {
		return Event{}, false
	}
	value, _ := attribute(b[unix.SizeofIfInfomsg:], unix.IFLA_IFNAME)
	name := unix.ByteSliceToString(value)
	return Event{Kind: kind, Index: int(binary.NativeEndian.Uint32(b[indexOffset:])), Interface: name}, name != ""
}

// attribute returns the value of the first attribute of a type: 16 bits of length with this header, 16 bits of type,
// the value, and padding to 4 bytes (netlink(7)). The netlink package's ParseRouteAttr panics on a last attribute
// without its padding.
func attribute(b []byte, typ uint16) (value []byte, ok bool) {
	for len(b) >= unix.SizeofRtAttr {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.SizeofRtAttr || n > len(b) {
			return nil, false
		}
		if binary.NativeEndian.Uint16(b[2:]) == typ {
			return b[unix.SizeofRtAttr:n], true
		}
		b = b[min((n+unix.NLA_ALIGNTO-1)&^(unix.NLA_ALIGNTO-1), len(b)):]
	}
	return nil, false
}
