package vrrp

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// conn6 is a raw socket of IPv6.
type conn6 struct{ *rawConn }

var _ Conn = conn6{}

// restrict6 does what restrict4 does, and asks for what an IPv6 header would tell: no raw socket delivers one. The
// message's checksum is never the kernel's (IPV6_CHECKSUM is off), which would drop what we want to count. Of a raw socket
// of IPv6 that is bound to no address Linux does not ask which groups it has joined, IPV6_MULTICAST_ALL or not: judge
// looks at the destination.
func restrict6(fd int, ifi *net.Interface) error {
	if err := unix.BindToDevice(fd, ifi.Name); err != nil {
		return os.NewSyscallError("bind to device", err)
	}
	if err := setOptions(fd, []option{
		{"IPV6_HDRINCL", unix.IPPROTO_IPV6, unix.IPV6_HDRINCL, 1},
		{"IPV6_FREEBIND", unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1}, // for sources that Write names
		{"IPV6_RECVHOPLIMIT", unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1},
		{"IPV6_RECVPKTINFO", unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1},
		{"IPV6_MULTICAST_LOOP", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0},
		{"IPV6_MULTICAST_IF", unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, ifi.Index},
	}); err != nil {
		return err
	}
	group := &unix.IPv6Mreq{Multiaddr: groupIPv6().As16(), Interface: uint32(ifi.Index)}
	return os.NewSyscallError("join the group", unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, group))
}

// Read implements Conn. It writes the header that the packet had, as far as VRRP looks at it.
func (c conn6) Read(b []byte) (n int, ok bool, err error) {
	return c.read(func(fd int) (int, error) {
		var oob [64]byte // two messages: a hop limit and a destination with an interface
		n, used, _, from, err := unix.Recvmsg(fd, b[ipv6Len:], oob[:], unix.MSG_DONTWAIT)
		if err != nil {
			return 0, err
		}
		var src [16]byte
		if a, ok := from.(*unix.SockaddrInet6); ok {
			src = a.Addr
		}
		dst, hops := controls(oob[:used])
		appendIPv6(b[:0], netip.AddrFrom16(src), dst, hops, n)
		return ipv6Len + n, nil
	})
}

// controls reads what the kernel tells beside the packet. A hop limit that it does not tell is 0, which never counts.
func controls(b []byte) (dst netip.Addr, hops uint8) {
	dst = netip.IPv6Unspecified()
	messages, err := unix.ParseSocketControlMessage(b)
	if err != nil {
		return dst, 0
	}
	for _, m := range messages {
		switch {
		case m.Header.Level != unix.IPPROTO_IPV6:
		case m.Header.Type == unix.IPV6_HOPLIMIT && len(m.Data) >= 4:
			hops = uint8(binary.NativeEndian.Uint32(m.Data))
		case m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= 16:
			dst = netip.AddrFrom16([16]byte(m.Data))
		}
	}
	return dst, hops
}

// Write implements Conn. The kernel looks for a source although the header has one, and refuses to send while the interface
// has no address that is ready: it is told. A farewell has to go out when somebody took the address away.
func (c conn6) Write(packet []byte, dst netip.Addr) error {
	d, ok := parseIPv6(packet)
	if !ok {
		return fmt.Errorf("send an advert on %s: %d octets that are no packet of IPv6", c.iface, len(packet))
	}
	source := unix.PktInfo6(&unix.Inet6Pktinfo{Addr: d.src.As16(), Ifindex: uint32(c.index)})
	return c.write(packet, source, &unix.SockaddrInet6{Addr: dst.As16(), ZoneId: uint32(c.index)})
}
