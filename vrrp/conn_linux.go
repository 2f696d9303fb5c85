package vrrp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// rawConn is a raw IPv4 socket bound to one interface.
type rawConn struct {
	ip    *net.IPConn
	raw   syscall.RawConn
	iface string
	index int // of the interface when it was opened
}

var _ Conn = (*rawConn)(nil)

// Listen opens a socket for adverts on an interface. It needs CAP_NET_RAW. The error wraps ErrNoInterface when there is no
// such interface.
func Listen(iface string) (Conn, error) {
	ifi, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fmt.Errorf("open a VRRP socket on %s: %w (%w)", iface, ErrNoInterface, err)
	}
	c, err := listen(ifi)
	if err != nil {
		return nil, fmt.Errorf("open a VRRP socket on %s: %w", iface, err)
	}
	return c, nil
}

func listen(ifi *net.Interface) (*rawConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, func(fd int) error { return restrict(fd, ifi.Name) })
	}}
	pc, err := lc.ListenPacket(context.Background(), fmt.Sprintf("ip4:%d", protocol), "0.0.0.0")
	if err != nil {
		return nil, err
	}
	ip := pc.(*net.IPConn) // what package net makes of ip4
	raw, err := ip.SyscallConn()
	if err == nil {
		err = join(ip, ifi)
	}
	if err != nil {
		_ = ip.Close() // the first error is the one to tell
		return nil, err
	}
	return &rawConn{ip: ip, raw: raw, iface: ifi.Name, index: ifi.Index}, nil
}

// restrict keeps the socket to one interface: what comes in elsewhere, or for a group that another socket has joined, is
// not for it.
func restrict(fd int, iface string) error {
	if err := unix.BindToDevice(fd, iface); err != nil {
		return os.NewSyscallError("bind to device", err)
	}
	return os.NewSyscallError("set IP_MULTICAST_ALL", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0))
}

// join joins the group of VRRP and lets no packet come back to the node that sent it. The headers are written here
// (IP_HDRINCL), so that the source is the interface's own address whatever the routing table says.
func join(ip *net.IPConn, ifi *net.Interface) error {
	p, err := ipv4.NewRawConn(ip)
	if err != nil {
		return fmt.Errorf("set IP_HDRINCL: %w", err)
	}
	if err := p.JoinGroup(ifi, &net.IPAddr{IP: groupIPv4().AsSlice()}); err != nil {
		return fmt.Errorf("join %v: %w", groupIPv4(), err)
	}
	if err := p.SetMulticastInterface(ifi); err != nil {
		return fmt.Errorf("set IP_MULTICAST_IF: %w", err)
	}
	if err := p.SetMulticastLoopback(false); err != nil {
		return fmt.Errorf("clear IP_MULTICAST_LOOP: %w", err)
	}
	return nil
}

// Await waits in the runtime's poller. Reads go past it (see Read), so all it does is look whether there is something.
func (c *rawConn) Await(ctx context.Context, timeout time.Duration) error {
	if err := c.ip.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return fmt.Errorf("wait for adverts on %s: %w", c.iface, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.ip.SetReadDeadline(time.Unix(1, 0)) }) // fails only when closed
	defer stop()
	var polled error
	err := c.raw.Read(func(fd uintptr) bool {
		var ready bool
		ready, polled = readable(int(fd))
		return ready || polled != nil
	})
	if err = errors.Join(err, polled, context.Cause(ctx)); err != nil {
		return fmt.Errorf("wait for adverts on %s: %w", c.iface, err)
	}
	return nil
}

// readable reports whether a packet, or an error, is waiting.
func readable(fd int) (bool, error) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 0)
		if err != unix.EINTR {
			return n > 0, os.NewSyscallError("poll", err)
		}
	}
}

// Read takes no lock of the poller, so that any goroutine may empty the socket while another is in Await.
func (c *rawConn) Read(b []byte) (n int, ok bool, err error) {
	err = control(c.raw, func(fd int) error {
		for {
			var err error
			n, _, err = unix.Recvfrom(fd, b, unix.MSG_DONTWAIT)
			switch {
			case err == nil:
				ok = true
				return nil
			case errors.Is(err, unix.EAGAIN):
				return nil
			case !errors.Is(err, unix.EINTR):
				return os.NewSyscallError("recvfrom", err)
			}
		}
	})
	if err != nil {
		return 0, false, fmt.Errorf("read an advert on %s: %w", c.iface, err)
	}
	return n, ok, nil
}

// Write sends a packet, or fails at once when the send buffer is full.
func (c *rawConn) Write(packet []byte, dst netip.Addr) error {
	to := unix.SockaddrInet4{Addr: dst.As4()}
	err := control(c.raw, func(fd int) error {
		return os.NewSyscallError("sendto", unix.Sendto(fd, packet, unix.MSG_DONTWAIT, &to))
	})
	if err != nil {
		return fmt.Errorf("send an advert on %s: %w", c.iface, err)
	}
	return nil
}

// Check sees an interface that was made anew under its name: the socket is bound to the old one and hears nothing.
func (c *rawConn) Check() error {
	ifi, err := net.InterfaceByName(c.iface)
	if err != nil {
		return fmt.Errorf("%s: %w (%w)", c.iface, ErrNoInterface, err)
	}
	if ifi.Index != c.index {
		return fmt.Errorf("%s: interface was made anew", c.iface)
	}
	return nil
}

func (c *rawConn) Close() error { return c.ip.Close() }

// control calls f with the descriptor, which stays open meanwhile.
func control(raw syscall.RawConn, f func(fd int) error) error {
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// bootTime is the time since boot, with the time that the host was suspended: Go's monotonic clock leaves that out.
func bootTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0 // no kernel since 2.6.39 lacks it; without it nothing is ever taken for sleep
	}
	return time.Duration(ts.Nano())
}
