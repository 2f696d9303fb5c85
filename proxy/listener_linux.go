package proxy

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// socket is a listening one.
type socket struct {
	fd      int
	address netip.AddrPort // what it is bound to; for port 0 the one that the kernel chose

	unix Unix        // in its place; the zero value: it is no Unix socket
	file os.FileInfo // of that; nil: it has none
}

// backlog is more than any kernel allows, which takes net.core.somaxconn instead: where connections wait for a gate, more
// is better.
const backlog = 1<<16 - 1

// listen binds a socket. Only that of the unspecified IPv6 address takes both families.
func listen(address netip.AddrPort, vip bool) (*socket, error) {
	family := unix.AF_INET6
	if address.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return nil, err
	}
	s := &socket{fd: fd}
	if err := s.bind(family, address, vip); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *socket) bind(family int, address netip.AddrPort, vip bool) error {
	if err := s.prepare(family, address.Addr().IsUnspecified(), vip); err != nil {
		return err
	}
	to, err := sockaddr(address)
	if err != nil {
		return err
	}
	if err := unix.Bind(s.fd, to); err != nil {
		return err
	}
	if err := unix.Listen(s.fd, backlog); err != nil {
		return err
	}
	bound, err := unix.Getsockname(s.fd)
	if err != nil {
		return err
	}
	switch a := bound.(type) {
	case *unix.SockaddrInet4:
		s.address = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		s.address = netip.AddrPortFrom(netip.AddrFrom16(a.Addr).WithZone(address.Addr().Zone()), uint16(a.Port))
	}
	return nil
}

// prepare sets what must be set before bind: connections of a former process must not keep the address (SO_REUSEADDR),
// and a virtual address is bound before the node has it (ip(7), IP_FREEBIND). Accepted connections inherit TCP_NODELAY: what
// they send leaves whole, and waiting for more of it costs 40 ms (tcp(7)).
func (s *socket) prepare(family int, anyAddress, vip bool) error {
	err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	err = errors.Join(err, unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	if family == unix.AF_INET6 {
		only := 1
		if anyAddress {
			only = 0
		}
		err = errors.Join(err, unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only))
	}
	switch {
	case !vip:
	case family == unix.AF_INET:
		err = errors.Join(err, unix.SetsockoptInt(s.fd, unix.SOL_IP, unix.IP_FREEBIND, 1))
	default:
		err = errors.Join(err, unix.SetsockoptInt(s.fd, unix.SOL_IPV6, unix.IPV6_FREEBIND, 1))
	}
	return err
}

func sockaddr(a netip.AddrPort) (unix.Sockaddr, error) {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}, nil
	}
	to := &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
	if zone := a.Addr().Zone(); zone != "" {
		i, err := net.InterfaceByName(zone)
		if err != nil {
			return nil, err
		}
		to.ZoneId = uint32(i.Index)
	}
	return to, nil
}

// String is what it is bound to.
func (s *socket) String() string {
	if s.unix.Path != "" {
		return s.unix.Path
	}
	return s.address.String()
}

// close closes the socket: clients that wait to be accepted get a reset.
func (s *socket) close() {
	s.unlink()
	_ = unix.Close(s.fd) // nothing is unsent on it
}
