package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// listenAdverts opens a socket as a daemon's: bound to the interface, a member of the group there and of no other.
func listenAdverts(ctx context.Context, family string, ifi *net.Interface) (*net.IPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, func(fd int) error {
			if err := unix.BindToDevice(fd, ifi.Name); err != nil {
				return os.NewSyscallError("bind to device", err)
			}
			if family == "ip6" {
				return os.NewSyscallError("join group", unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
					&unix.IPv6Mreq{Multiaddr: groupIPv6().As16(), Interface: uint32(ifi.Index)}))
			}
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0); err != nil {
				return os.NewSyscallError("set IP_MULTICAST_ALL", err)
			}
			return os.NewSyscallError("join group", unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
				&unix.IPMreqn{Multiaddr: groupAddr().As4(), Ifindex: int32(ifi.Index)}))
		})
	}}
	any := "0.0.0.0"
	if family == "ip6" {
		any = "::"
	}
	pc, err := lc.ListenPacket(ctx, fmt.Sprintf("%s:%d", family, protocolVRRP), any)
	if err != nil {
		return nil, err
	}
	return pc.(*net.IPConn), nil // what package net makes of ip4 and ip6
}

// readAdverts reads until the deadline. An error ends it too: what was not got by then shows as lost.
func readAdverts(conn *net.IPConn, g got) {
	buf := make([]byte, frameLen)
	for {
		n, from, err := conn.ReadFromIP(buf) // without the IP header
		if err != nil {
			return
		}
		if source, ok := netip.AddrFromSlice(from.IP); ok {
			g.add(source.Unmap(), buf[:n])
		}
	}
}
