package loop_test

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/proxy/loop"
)

// ready is how many sockets of the benchmarks have something to do in each pass.
const ready = 64

// answer is a Handler that receives a message and sends one.
type answer struct{ message []byte }

func (h *answer) Ready(l *loop.Loop, s loop.Ref) {
	if _, st := l.Recv(s, l.Scratch()[:len(h.message)+1]); st == loop.Done {
		l.Send(s, h.message)
		l.SetDeadline(s, time.Minute)
	}
}

func (h *answer) Expired(*loop.Loop, loop.Ref) {}

// free is a Kernel that costs nothing, so that what is measured is the Loop: every socket has a message in each pass.
type free struct {
	events []loop.Event
	last   int
	now    time.Duration
}

func (k *free) Wait(events []loop.Event, _ time.Duration) (int, error) {
	return copy(events, k.events), nil
}
func (k *free) Watch(_ int, key uint64) error {
	k.events = append(k.events, loop.Event{Key: key, What: loop.Readable | loop.Writable})
	return nil
}
func (k *free) Connect(netip.AddrPort) (int, error)                 { k.last++; return k.last, nil }
func (k *free) ConnectUnix(string) (int, error)                     { k.last++; return k.last, nil }
func (k *free) Local(int) netip.AddrPort                            { return netip.AddrPort{} }
func (k *free) Recv(_ int, b []byte) (int, error)                   { return len(b) - 1, nil }
func (k *free) Send(_ int, b []byte, _ bool) (int, error)           { return len(b), nil }
func (k *free) Now() time.Duration                                  { k.now += 10 * time.Microsecond; return k.now }
func (k *free) Wake()                                               {}
func (k *free) Listen(int, uint64) error                            { return nil }
func (k *free) Forget(int) error                                    { return nil }
func (k *free) Accept(int) (int, netip.AddrPort, error)             { return 0, netip.AddrPort{}, unix.EAGAIN }
func (k *free) Error(int) error                                     { return nil }
func (k *free) Send2(_ int, a, b []byte, _ bool) (int, error)       { return len(a) + len(b), nil }
func (k *free) CloseWrite(int) error                                { return nil }
func (k *free) Unacked(int) (int, int, error)                       { return 0, 0, nil }
func (k *free) Close(int, bool) error                               { return nil }
func (k *free) Pipe(size int) (read, write, granted int, err error) { return 0, 0, size, nil }
func (k *free) Splice(_, _, most int) (int, error)                  { return most, nil }
func (k *free) CloseAll() error                                     { return nil }

// passes measures what a pass costs for each socket that has something to do.
func passes(b *testing.B, l *loop.Loop, before func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ReportAllocs()
	start := cpuTime(b)
	for b.Loop() {
		before()
		if err := l.Pass(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime(b)-start)/float64(b.N)/ready, "cpu-ns/socket")
}

// cpuTime is what the thread has used of a processor, whatever else the machine does.
func cpuTime(b *testing.B) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

// What the Loop itself costs.
func BenchmarkPassOfTheLoopAlone(b *testing.B) {
	l := loop.New(&free{})
	for range ready {
		if _, err := l.Connect(there, &answer{message: make([]byte, 100)}); err != nil {
			b.Fatal(err)
		}
	}
	passes(b, l, func() {})
}

// What a pass costs with real sockets, with what the other ends do.
func BenchmarkPassOverSockets(b *testing.B) {
	k, err := loop.OpenEpoll()
	if err != nil {
		b.Fatal(err)
	}
	l := loop.New(k)
	defer l.End()
	others := make([]int, ready)
	message := make([]byte, 100)
	for i := range others {
		ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = unix.Close(ends[1]) }()
		others[i] = ends[1]
		l.Adopt(loop.NewClient(ends[0]), &answer{message: message})
	}
	buf := make([]byte, 200)
	passes(b, l, func() {
		for _, fd := range others {
			_, _ = unix.Read(fd, buf) // there is none at first
			if _, err := unix.Write(fd, message); err != nil {
				b.Fatal(err)
			}
		}
	})
}
