package poll

import (
	"errors"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// backlog is how many clients may wait to be accepted.
const backlog = 4096

// Listener is a listening socket on 127.0.0.1.
type Listener struct {
	fd   int
	addr netip.AddrPort
}

// Listen opens a listening socket on a free port of 127.0.0.1. Accept closes it.
func Listen() (*Listener, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	addr, err := listen(fd)
	if err != nil {
		_ = unix.Close(fd) // the first error is the one to tell
		return nil, err
	}
	return &Listener{fd: fd, addr: addr}, nil
}

func listen(fd int) (netip.AddrPort, error) {
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, backlog); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("listen", err)
	}
	a, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	return address(a, nil).(*net.TCPAddr).AddrPort(), nil
}

// Addr is where it listens.
func (ln *Listener) Addr() netip.AddrPort { return ln.addr }

// Accept starts a task that gives each client that comes a task of its own, which gets the connection and must close it.
// A client that is gone before it was accepted is passed over; any other error goes to failed, and is the end.
func (l *Loop) Accept(ln *Listener, serve func(*Conn), failed func(error)) {
	l.Start(func(t *Task) {
		defer func() { _ = unix.Close(ln.fd) }() // nothing was written to it
		if err := t.accept(ln.fd, serve); !errors.Is(err, ErrStopped) {
			failed(err)
		}
	})
}

func (t *Task) accept(listening int, serve func(*Conn)) error {
	if err := t.watch(listening); err != nil {
		return err
	}
	for {
		fd, _, err := unix.Accept4(listening, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch err {
		case nil:
			t.loop.Start(func(t *Task) {
				if c, err := t.adopt(fd); err == nil { // else the client is gone already
					serve(c)
				}
			})
		case unix.EAGAIN:
			if err := t.Park(); err != nil {
				return err
			}
		case unix.EINTR, unix.ECONNABORTED:
		default:
			return os.NewSyscallError("accept4", err)
		}
	}
}
