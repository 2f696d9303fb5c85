package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// listen binds a socket. The backlog is the kernel's net.core.somaxconn: where connections wait for a gate, more is
// better.
func listen(address netip.AddrPort, vip bool) (*net.TCPListener, error) {
	network := "tcp6" // IPv6 alone (IPV6_V6ONLY)
	switch addr := address.Addr(); {
	case addr.Is4():
		network = "tcp4"
	case addr.IsUnspecified():
		network = "tcp" // both families
	}
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if control := raw.Control(func(fd uintptr) { err = prepare(int(fd), network, vip) }); control != nil {
			return control
		}
		return err
	}}
	config.SetMultipathTCP(false) // its sockets neither splice nor reset as those of TCP do
	l, err := config.Listen(context.Background(), network, address.String())
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return nil, errno // what net adds, the caller knows
	}
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil
}

// prepare sets what must be set before bind: connections of a former process must not keep the address (SO_REUSEADDR),
// and a virtual address is bound before the node has it (ip(7), IP_FREEBIND).
func prepare(fd int, network string, vip bool) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	switch {
	case !vip:
		return nil
	case network == "tcp4":
		return unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_FREEBIND, 1)
	default:
		return unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_FREEBIND, 1)
	}
}
