package vrrp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// rawConn is a raw socket bound to one interface. conn4 and conn6 make a Conn of it.
type rawConn struct {
	ip    *net.IPConn
	raw   syscall.RawConn
	iface string
	index int // of the interface when it was opened
}

// Listen opens a socket for adverts of IPv4 on an interface. It needs CAP_NET_RAW. The error wraps ErrNoInterface when
// there is no such interface.
func Listen(iface string) (Conn, error) {
	c, err := listen(iface, "ip4", restrict4)
	if err != nil {
		return nil, err
	}
	return conn4{c}, nil
}

// Listen6 is Listen for adverts of IPv6.
func Listen6(iface string) (Conn, error) {
	c, err := listen(iface, "ip6", restrict6)
	if err != nil {
		return nil, err
	}
	return conn6{c}, nil
}

// listen opens a socket of protocol 112 that restrict keeps to an interface.
func listen(iface, network string, restrict func(fd int, ifi *net.Interface) error) (*rawConn, error) {
	ifi, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fmt.Errorf("open a VRRP socket on %s: %w (%w)", iface, ErrNoInterface, err)
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, func(fd int) error { return restrict(fd, ifi) })
	}}
	pc, err := lc.ListenPacket(context.Background(), fmt.Sprintf("%s:%d", network, protocol), "")
	if err != nil {
		return nil, fmt.Errorf("open a VRRP socket on %s: %w", iface, err)
	}
	ip := pc.(*net.IPConn) // what package net makes of ip4 and ip6
	raw, err := ip.SyscallConn()
	if err != nil {
		_ = ip.Close() // the first error is the one to tell
		return nil, fmt.Errorf("open a VRRP socket on %s: %w", iface, err)
	}
	return &rawConn{ip: ip, raw: raw, iface: iface, index: ifi.Index}, nil
}

// option is a socket option with an integer value.
type option struct {
	name              string
	level, opt, value int
}

func setOptions(fd int, options []option) error {
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.opt, o.value); err != nil {
			return os.NewSyscallError("set "+o.name, err)
		}
	}
	return nil
}

// Await waits in the runtime's poller. Reads go past it (see read), so all it does is look whether there is something.
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

// read calls receive with the descriptor until it finds a packet or there is none. It takes no lock of the poller, so that
// any goroutine may empty the socket while another is in Await.
func (c *rawConn) read(receive func(fd int) (int, error)) (n int, ok bool, err error) {
	err = control(c.raw, func(fd int) error {
		for {
			var err error
			n, err = receive(fd)
			switch {
			case err == nil:
				ok = true
				return nil
			case errors.Is(err, unix.EAGAIN):
				return nil
			case !errors.Is(err, unix.EINTR):
				return os.NewSyscallError("receive", err)
			}
		}
	})
	if err != nil {
		return 0, false, fmt.Errorf("read an advert on %s: %w", c.iface, err)
	}
	return n, ok, nil
}

// write sends a packet with what the kernel is told beside it, or fails at once when the send buffer is full.
func (c *rawConn) write(packet, beside []byte, to unix.Sockaddr) error {
	err := control(c.raw, func(fd int) error {
		return os.NewSyscallError("sendmsg", unix.Sendmsg(fd, packet, beside, to, unix.MSG_DONTWAIT))
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

// Close closes the socket.
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
