package vrrp

import (
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// conn4 is a raw socket of IPv4.
type conn4 struct{ *rawConn }

var _ Conn = conn4{}

// restrict4 keeps the socket to one interface: what comes in elsewhere, or for a group that another socket has joined, is
// not for it. It joins the group of VRRP and lets no packet come back to the node that sent it. The headers are written
// here (IP_HDRINCL), so that the source is the interface's own address whatever the routing table says.
func restrict4(fd int, ifi *net.Interface) error {
	if err := unix.BindToDevice(fd, ifi.Name); err != nil {
		return os.NewSyscallError("bind to device", err)
	}
	if err := setOptions(fd, []option{
		{"IP_HDRINCL", unix.IPPROTO_IP, unix.IP_HDRINCL, 1},
		{"IP_MULTICAST_ALL", unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0},
		{"IP_MULTICAST_LOOP", unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0},
	}); err != nil {
		return err
	}
	group := &unix.IPMreqn{Multiaddr: groupIPv4().As4(), Ifindex: int32(ifi.Index)}
	if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, group); err != nil {
		return os.NewSyscallError("set IP_MULTICAST_IF", err)
	}
	return os.NewSyscallError("join the group", unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, group))
}

// Read implements Conn: a raw socket of IPv4 delivers headers.
func (c conn4) Read(b []byte) (n int, ok bool, err error) {
	return c.read(func(fd int) (int, error) {
		n, _, err := unix.Recvfrom(fd, b, unix.MSG_DONTWAIT)
		return n, err
	})
}

// Write implements Conn.
func (c conn4) Write(packet []byte, dst netip.Addr) error {
	return c.write(packet, nil, &unix.SockaddrInet4{Addr: dst.As4()})
}
