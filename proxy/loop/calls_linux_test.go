package loop_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/proxy/loop"
)

// pair is two sockets that are connected to each other, and a Loop that has one of them.
func pair(t testing.TB) (l *loop.Loop, r loop.Ref, other int) {
	t.Helper()
	k, err := loop.OpenEpoll()
	if err != nil {
		t.Fatal(err)
	}
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	l = loop.New(k)
	l.Adopt(loop.NewClient(ends[0]), hear(func(_ *loop.Loop, s loop.Ref) { r = s }))
	t.Cleanup(func() { l.End(); _ = unix.Close(ends[1]) })
	return l, r, ends[1]
}

func TestBytesMoveWithoutAllocations(t *testing.T) {
	l, r, other := pair(t)
	head, body := []byte("head"), []byte("body")
	buf := make([]byte, 100)
	p := l.Pipe()
	if got := testing.AllocsPerRun(100, func() {
		if n, st := l.Send2(r, head, body); n != 8 || st != loop.Done {
			t.Fatalf("sent %d, %v", n, st)
		}
		if n, err := unix.Read(other, buf); err != nil || string(buf[:n]) != "headbody" {
			t.Fatalf("read %q, %v", buf[:n], err)
		}
		if _, err := unix.Write(other, head); err != nil {
			t.Fatal(err)
		}
		if err := l.Pass(); err != nil {
			t.Fatal(err)
		}
		if n, st := l.SpliceIn(r, p, 100); n != 4 || st != loop.Done {
			t.Fatalf("spliced %d, %v", n, st)
		}
		if n, st := l.SpliceOut(r, p); n != 4 || st != loop.Done {
			t.Fatalf("spliced %d, %v", n, st)
		}
		if n, err := unix.Read(other, buf); err != nil || string(buf[:n]) != "head" {
			t.Fatalf("read %q, %v", buf[:n], err)
		}
		if n, st := l.Recv(r, buf); n != 0 || st != loop.Blocked {
			t.Fatalf("received %d, %v", n, st)
		}
	}); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}
