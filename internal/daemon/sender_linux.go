package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/keeper"
)

var (
	_ keeper.Sender = sender4(0)
	_ keeper.Sender = sender6{}
)

// OpenSender implements keeper.Effects.
func (e *effects) OpenSender(w keeper.Way) (keeper.Sender, error) {
	ifi, err := net.InterfaceByName(w.Interface)
	if err != nil {
		return nil, fmt.Errorf("find interface %s: %w", w.Interface, err)
	}
	if w.IPv6 {
		fd, err := openSender(unix.AF_INET6, ifi, prepareSender6)
		return sender6{fd, ifi.Index}, err
	}
	fd, err := openSender(unix.AF_INET, ifi, prepareSender4)
	return sender4(fd), err
}

// openSender opens a raw socket that only sends, on one interface, whole packets with their headers: IPPROTO_RAW implies
// IP_HDRINCL, in IPv6 too, and receives nothing (raw(7)).
func openSender(family int, ifi *net.Interface, prepare func(fd int, ifi *net.Interface) error) (fd int, err error) {
	fd, err = unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_RAW)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err = os.NewSyscallError("bind to "+ifi.Name, unix.BindToDevice(fd, ifi.Name)); err == nil {
		err = prepare(fd, ifi)
	}
	if err != nil {
		_ = unix.Close(fd) // the first error is the one to tell
		return -1, err
	}
	return fd, nil
}

// prepareSender4 has multicast leave by the interface, and not come back to this node.
func prepareSender4(fd int, ifi *net.Interface) error {
	mreq := &unix.IPMreqn{Ifindex: int32(ifi.Index)}
	if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, mreq); err != nil {
		return os.NewSyscallError("set IP_MULTICAST_IF", err)
	}
	return os.NewSyscallError("clear IP_MULTICAST_LOOP", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0))
}

// prepareSender6 is prepareSender4 for IPv6.
func prepareSender6(fd int, ifi *net.Interface) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1); err != nil {
		return os.NewSyscallError("set IPV6_FREEBIND", err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, ifi.Index); err != nil {
		return os.NewSyscallError("set IPV6_MULTICAST_IF", err)
	}
	return os.NewSyscallError("clear IPV6_MULTICAST_LOOP", unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_LOOP, 0))
}

// sender4 is a sender of IPv4.
type sender4 int

// Send implements keeper.Sender.
func (s sender4) Send(dst netip.Addr, packet []byte) error {
	return os.NewSyscallError("sendto", unix.Sendto(int(s), packet, 0, &unix.SockaddrInet4{Addr: dst.As4()}))
}

// Close implements keeper.Sender.
func (s sender4) Close() error { return unix.Close(int(s)) }

// sender6 is a sender of IPv6.
type sender6 struct{ fd, index int }

// ipv6Len is the octets of an IPv6 header, sourceAt where its source begins (RFC 8200 section 3).
const (
	ipv6Len  = 40
	sourceAt = 8
)

// Send implements keeper.Sender. A link-local destination means nothing without its interface. The kernel looks for a
// source although the header has one, and refuses to send while the interface has no address that is ready: it is told.
func (s sender6) Send(dst netip.Addr, packet []byte) error {
	if len(packet) < ipv6Len {
		return fmt.Errorf("send to %s: %d octets are no IPv6 packet", dst, len(packet))
	}
	source := unix.PktInfo6(&unix.Inet6Pktinfo{Addr: [16]byte(packet[sourceAt:]), Ifindex: uint32(s.index)})
	to := &unix.SockaddrInet6{Addr: dst.As16(), ZoneId: uint32(s.index)}
	return os.NewSyscallError("sendmsg", unix.Sendmsg(s.fd, packet, source, to, 0))
}

// Close implements keeper.Sender.
func (s sender6) Close() error { return unix.Close(s.fd) }
