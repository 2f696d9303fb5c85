package loop

import (
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

var _ Kernel = (*Epoll)(nil)

// Epoll is the Kernel of Linux: epoll(7), edge-triggered, with one registration for the life of a socket.
type Epoll struct {
	fd, wake int
	awake    atomic.Bool // a wake-up is on its way, so that many need one write
	events   [maxEvents]unix.EpollEvent
}

// wakeKey is the key of the descriptor that wakes: no Ref and no listening socket has it.
const wakeKey = ^uint64(0)

// OpenEpoll opens a Kernel for a Loop, which closes it.
func OpenEpoll() (*Epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(fd) // the first error is the one to tell
		return nil, os.NewSyscallError("eventfd2", err)
	}
	k := &Epoll{fd: fd, wake: wake}
	if err := k.control(unix.EPOLL_CTL_ADD, wake, unix.EPOLLIN|unix.EPOLLET, wakeKey); err != nil {
		_ = k.CloseAll()
		return nil, fmt.Errorf("watch the wake-up descriptor: %w", err)
	}
	return k, nil
}

// CloseAll implements Kernel.
func (k *Epoll) CloseAll() error {
	_ = unix.Close(k.wake) // nobody reads it any more
	return os.NewSyscallError("close", unix.Close(k.fd))
}

func (k *Epoll) control(op, fd int, what uint32, key uint64) error {
	ev := unix.EpollEvent{Events: what, Fd: int32(uint32(key)), Pad: int32(uint32(key >> 32))}
	return unix.EpollCtl(k.fd, op, fd, &ev)
}

// Watch implements Kernel.
func (k *Epoll) Watch(fd int, key uint64) error {
	return k.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET, key)
}

// Listen implements Kernel. EPOLLEXCLUSIVE wakes one Loop for a client, and not all that share the socket.
func (k *Epoll) Listen(fd int, key uint64) error {
	return k.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN|unix.EPOLLEXCLUSIVE, key)
}

// Forget implements Kernel.
func (k *Epoll) Forget(fd int) error { return unix.EpollCtl(k.fd, unix.EPOLL_CTL_DEL, fd, nil) }

// Wait implements Kernel. The call that only looks goes past Go's scheduler; one that may block must not.
func (k *Epoll) Wait(events []Event, timeout time.Duration) (int, error) {
	n, err := k.look(min(len(events), maxEvents))
	if n == 0 && err == nil && timeout != 0 {
		n, err = unix.EpollWait(k.fd, k.events[:min(len(events), maxEvents)], milliseconds(timeout))
	}
	if err != nil {
		return 0, err
	}
	filled := 0
	for i := range k.events[:n] {
		e := &k.events[i]
		key := uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32
		if key == wakeKey {
			k.calm()
			continue
		}
		events[filled] = Event{Key: key, What: what(e.Events)}
		filled++
	}
	return filled, nil
}

func (k *Epoll) look(most int) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(k.fd), uintptr(unsafe.Pointer(&k.events[0])), uintptr(most), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// milliseconds rounds up, so that a Loop does not turn in circles for the rest of one.
func milliseconds(d time.Duration) int {
	if d < 0 {
		return -1
	}
	return int(min((d+time.Millisecond-1)/time.Millisecond, 1<<30))
}

// what converts epoll's flags. An error is told with all of them, so that whoever looks finds it.
func what(flags uint32) (w What) {
	if flags&unix.EPOLLIN != 0 {
		w |= Readable
	}
	if flags&unix.EPOLLOUT != 0 {
		w |= Writable
	}
	if flags&unix.EPOLLRDHUP != 0 {
		w |= Readable | HungUp
	}
	if flags&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		w |= Readable | Writable | HungUp
	}
	return w
}

// Wake implements Kernel.
func (k *Epoll) Wake() {
	if k.awake.Swap(true) {
		return
	}
	one := [8]byte{1, 0, 0, 0, 0, 0, 0, 1} // above 0 in either byte order
	_, _ = unix.Write(k.wake, one[:])      // it can only be full, and wakes then too
}

func (k *Epoll) calm() {
	var count [8]byte
	_, _ = unix.Read(k.wake, count[:]) // edge-triggered: an error changes nothing
	k.awake.Store(false)
}

// Accept implements Kernel.
func (k *Epoll) Accept(fd int) (int, netip.AddrPort, error) {
	var from unix.RawSockaddrAny
	size := uint32(unsafe.Sizeof(from))
	n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&from)), uintptr(unsafe.Pointer(&size)),
		unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return 0, netip.AddrPort{}, errno
	}
	// What clients send is answered at once, and answers leave whole: waiting for more of them costs 40 ms (tcp(7)).
	_ = unix.SetsockoptInt(int(n), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // a unix socket has none
	return int(n), addrPort(&from), nil
}

// addrPort converts a socket address; the zero value stands for one that is of neither family.
func addrPort(a *unix.RawSockaddrAny) netip.AddrPort {
	switch a.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(a))
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), swap(in.Port))
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(a))
		return netip.AddrPortFrom(netip.AddrFrom16(in.Addr).Unmap(), swap(in.Port))
	}
	return netip.AddrPort{}
}

// swap reads a number in network byte order.
func swap(n uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&n))
	return uint16(b[0])<<8 | uint16(b[1])
}

// Connect implements Kernel.
func (k *Epoll) Connect(to netip.AddrPort) (int, error) {
	family, address := unix.AF_INET, unix.Sockaddr(nil)
	if to.Addr().Is4() {
		address = &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}
	} else {
		family, address = unix.AF_INET6, &unix.SockaddrInet6{Addr: to.Addr().As16(), Port: int(to.Port())}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // as in Accept
	if err := unix.Connect(fd, address); err != nil && err != unix.EINPROGRESS {
		_ = unix.Close(fd) // the first error is the one to tell
		return 0, err
	}
	return fd, nil
}

// Error implements Kernel.
func (k *Epoll) Error(fd int) error {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && n != 0 {
		err = syscall.Errno(n)
	}
	return err
}

// Recv implements Kernel. It never blocks, so it goes past Go's scheduler.
func (k *Epoll) Recv(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Send implements Kernel.
func (k *Epoll) Send(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// CloseWrite implements Kernel.
func (k *Epoll) CloseWrite(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) }

// Close implements Kernel.
func (k *Epoll) Close(fd int, reset bool) error {
	if reset {
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}) // without it the end is orderly
	}
	return unix.Close(fd)
}

// Now implements Kernel.
func (k *Epoll) Now() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // it has no error for a clock that there is
	return time.Duration(t.Nano())
}
