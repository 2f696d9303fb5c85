package poll

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

var _ net.Conn = (*Conn)(nil)

// Conn is a task's connection. Its calls seem to block; only its task may make them.
type Conn struct {
	task *Task
	fd   int
}

// Dial begins to connect; whether that succeeded, the first Read or Write says. A valid from is the address to come
// from: each has ports of its own, which a client that opens thousands of connections a second runs out of otherwise.
func (t *Task) Dial(to netip.AddrPort, from netip.Addr) (*Conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := connect(fd, to, from); err != nil {
		_ = unix.Close(fd) // the first error is the one to tell
		return nil, err
	}
	return t.adopt(fd)
}

// connect begins it. Calls that never block go past Go's scheduler, which otherwise watches each of them.
func connect(fd int, to netip.AddrPort, from netip.Addr) error {
	if from.IsValid() {
		if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		if errno := withAddress(unix.SYS_BIND, fd, netip.AddrPortFrom(from, 0)); errno != 0 {
			return os.NewSyscallError("bind", errno)
		}
	}
	if errno := withAddress(unix.SYS_CONNECT, fd, to); errno != 0 && errno != unix.EINPROGRESS {
		return os.NewSyscallError("connect", errno)
	}
	return nil
}

// withAddress makes a system call that takes a socket and an address.
func withAddress(call uintptr, fd int, at netip.AddrPort) unix.Errno {
	sa := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: at.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&sa.Port))[:], at.Port())
	_, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&sa)), unix.SizeofSockaddrInet4)
	return errno
}

// adopt makes a connection of a socket, which is the task's from now on, or closes it. A first Write waits until the kernel says
// that the connection is there, as over a network: a server that accepts at once finds nothing to read yet.
func (t *Task) adopt(fd int) (*Conn, error) {
	err := os.NewSyscallError("setsockopt", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	if err == nil {
		err = t.watch(fd)
	}
	if err != nil {
		_ = unix.Close(fd) // the first error is the one to tell
		return nil, err
	}
	return &Conn{task: t, fd: fd}, nil
}

// watch registers a socket, once and for all.
func (t *Task) watch(fd int) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: t.key}
	if err := unix.EpollCtl(t.loop.epoll, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	t.readable, t.writable, t.ended = false, false, false
	return nil
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	return c.receive(unsafe.Pointer(unsafe.SliceData(b)), len(b), 0)
}

// Discard throws up to n bytes away without copying them, and returns how many; io.EOF at the end.
func (c *Conn) Discard(n int) (int, error) { return c.receive(nil, n, unix.MSG_TRUNC) }

func (c *Conn) receive(b unsafe.Pointer, size int, flags uintptr) (int, error) {
	t := c.task
	for {
		if !t.readable {
			if err := t.Park(); err != nil {
				return 0, err
			}
			continue
		}
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(c.fd), uintptr(b), uintptr(size), flags, 0, 0)
		switch errno {
		case 0:
			if n == 0 && size > 0 {
				return 0, io.EOF
			}
			t.readable = int(n) == size || t.ended // a short read has drained the socket
			return int(n), nil
		case unix.EAGAIN:
			t.readable = false
		case unix.EINTR:
		default:
			return 0, os.NewSyscallError("recv", errno)
		}
	}
}

// Write implements net.Conn: it returns when the kernel has all of b, or with an error.
func (c *Conn) Write(b []byte) (int, error) {
	t, sent := c.task, 0
	for sent < len(b) {
		if !t.writable {
			if err := t.Park(); err != nil {
				return sent, err
			}
			continue
		}
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(&b[sent])), uintptr(len(b)-sent), unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			sent += int(n)
		case unix.EAGAIN:
			t.writable = false
		case unix.EINTR:
		default:
			return sent, os.NewSyscallError("send", errno)
		}
	}
	return sent, nil
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	_, _, errno := unix.RawSyscall(unix.SYS_CLOSE, uintptr(c.fd), 0, 0)
	if errno != 0 {
		return os.NewSyscallError("close", errno)
	}
	return nil
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return address(unix.Getsockname(c.fd)) }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return address(unix.Getpeername(c.fd)) }

func address(sa unix.Sockaddr, _ error) net.Addr {
	if v4, ok := sa.(*unix.SockaddrInet4); ok {
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), uint16(v4.Port)))
	}
	return &net.TCPAddr{} // a socket that is connected no more has no other
}

// errNoDeadline is what setting a deadline says: whoever measures ends the Loop, not a connection.
var errNoDeadline = errors.New("connections of a poll.Loop have no deadlines")

// SetDeadline implements net.Conn: there are none.
func (c *Conn) SetDeadline(time.Time) error { return errNoDeadline }

// SetReadDeadline implements net.Conn: there are none.
func (c *Conn) SetReadDeadline(time.Time) error { return errNoDeadline }

// SetWriteDeadline implements net.Conn: there are none.
func (c *Conn) SetWriteDeadline(time.Time) error { return errNoDeadline }
