package loop

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

var _ Kernel = (*Epoll)(nil)

// Epoll is the Kernel of Linux: epoll(7), edge-triggered, with one registration for the life of a socket.
type Epoll struct {
	fd, wake int
	awake    atomic.Bool // a wake-up is on its way, so that many need one write
	start    time.Time
	events   [maxEvents]unix.EpollEvent
}

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
	k := &Epoll{fd: fd, wake: wake, start: time.Now()}
	if err := k.control(unix.EPOLL_CTL_ADD, wake, unix.EPOLLIN|unix.EPOLLET, Woken); err != nil {
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
func (k *Epoll) Wait(events []Event, timeout time.Duration) (n int, err error) {
	most := min(len(events), maxEvents)
	if timeout == 0 {
		n, err = k.look(most)
	} else {
		n, err = unix.EpollWait(k.fd, k.events[:most], milliseconds(timeout))
	}
	if err != nil {
		return 0, err
	}
	for i := range k.events[:n] {
		e := &k.events[i]
		key := uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32
		if key == Woken {
			k.calm()
		}
		events[i] = Event{Key: key, What: what(e.Events)}
	}
	return n, nil
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

// Now implements Kernel.
func (k *Epoll) Now() time.Duration {
	return time.Since(k.start) // without a system call
}
