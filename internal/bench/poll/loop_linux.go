package poll

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrStopped is what a task's waiting ends in when its Loop is closed.
var ErrStopped = errors.New("the loop was closed")

// maxEvents is how many events are taken at once: enough for every connection of a busy run.
const maxEvents = 512

// Loop runs tasks, one at a time, on the goroutine that calls Run. None of its methods may be called from another one.
type Loop struct {
	epoll  int
	tasks  []*Task // by key; nil: a key that is free
	free   []int32 // those keys
	ready  []*Task // to be resumed whatever their sockets say
	spare  []*Task // the memory of ready's other half
	events [maxEvents]unix.EpollEvent
}

// New makes a Loop; the caller must close it.
func New() (*Loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &Loop{epoll: fd}, nil
}

// Close ends all tasks: what they wait for ends in ErrStopped, and they have returned when Close does.
func (l *Loop) Close() error {
	for _, t := range l.tasks {
		if t != nil {
			t.Stop()
		}
	}
	return os.NewSyscallError("close", unix.Close(l.epoll))
}

// Task is a function under way. It may have one socket at a time.
type Task struct {
	loop  *Loop
	key   int32
	yield func(struct{}) bool
	next  func() (struct{}, bool)
	stop  func()
	ready bool // it stands in the Loop's ready

	// What the kernel said of the socket. It may be stale: then a call says EAGAIN.
	readable, writable bool
	ended              bool // nothing will come after what is there, so the kernel will not speak again
}

// Start starts a task at the Loop's next turn.
func (l *Loop) Start(f func(*Task)) *Task {
	t := &Task{loop: l, key: l.slot()}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		f(t)
	})
	l.tasks[t.key] = t
	t.Wake()
	return t
}

// Stop ends the task: what it waits for ends in ErrStopped, and it has returned when Stop does. Not while it runs.
func (t *Task) Stop() {
	t.stop()
	t.loop.forget(t)
}

// forget frees the task's key, which may be another's already.
func (l *Loop) forget(t *Task) {
	if l.tasks[t.key] == t {
		l.tasks[t.key] = nil
		l.free = append(l.free, t.key)
	}
}

func (l *Loop) slot() int32 {
	if n := len(l.free); n > 0 {
		key := l.free[n-1]
		l.free = l.free[:n-1]
		return key
	}
	l.tasks = append(l.tasks, nil)
	return int32(len(l.tasks) - 1)
}

// Park gives way until the task is woken: by news of its socket, or by Wake. It may return without either.
func (t *Task) Park() error {
	if !t.yield(struct{}{}) {
		return ErrStopped
	}
	return nil
}

// Wake resumes the task at the Loop's next turn.
func (t *Task) Wake() {
	if !t.ready {
		t.ready = true
		t.loop.ready = append(t.loop.ready, t)
	}
}

func (l *Loop) resume(t *Task) {
	if _, alive := t.next(); !alive {
		l.forget(t)
	}
}

// Run resumes tasks until turn, which it calls before each look at the sockets, says that it is enough. turn also says
// how long that look may take where nothing happens.
func (l *Loop) Run(turn func() (wait time.Duration, more bool)) error {
	for {
		wait, more := turn()
		if !more {
			return nil
		}
		if len(l.ready) > 0 {
			l.resumeReady()
			wait = 0 // what they did may have been the turn's concern
		}
		n, err := l.look(wait)
		if err != nil {
			return fmt.Errorf("wait for sockets: %w", err)
		}
		for _, e := range l.events[:n] {
			if t := l.tasks[e.Fd]; t != nil {
				t.note(e.Events)
				l.resume(t)
			}
		}
	}
}

func (l *Loop) resumeReady() {
	now := l.ready
	l.ready = l.spare[:0] // those woken meanwhile come in the next turn
	for _, t := range now {
		t.ready = false
		l.resume(t)
	}
	l.spare = now
}

func (t *Task) note(events uint32) {
	const end = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	t.readable = t.readable || events&(unix.EPOLLIN|end) != 0
	t.writable = t.writable || events&(unix.EPOLLOUT|end) != 0
	t.ended = t.ended || events&end != 0
}

// look fills events. A look that cannot block goes past Go's scheduler, which is most of them under load.
func (l *Loop) look(wait time.Duration) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epoll), uintptr(unsafe.Pointer(&l.events[0])), maxEvents, 0, 0, 0)
	if n == 0 && errno == 0 && wait > 0 {
		ts := unix.NsecToTimespec(wait.Nanoseconds())
		n, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(l.epoll), uintptr(unsafe.Pointer(&l.events[0])), maxEvents, uintptr(unsafe.Pointer(&ts)), 0, 0)
	}
	switch errno {
	case 0:
		return int(n), nil
	case unix.EINTR:
		return 0, nil
	}
	return 0, os.NewSyscallError("epoll_pwait2", errno)
}
