package loop_test

import (
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// A Loop that lacks descriptors does not turn in circles over the clients that wait, and takes them when it can.
func TestNoDescriptorForAClient(t *testing.T) {
	t.Parallel()
	n := looptest.New(0)
	l := n.Loop()
	var failures []error
	if err := l.Listen(n.Listen(here), echoes, func(err error) { failures = append(failures, err) }); err != nil {
		t.Fatal(err)
	}
	n.Fail(looptest.OpAccept, syscall.EMFILE, syscall.EMFILE, syscall.EMFILE)
	c := n.Dial(here)
	c.Say("hello")
	n.Advance(3*loop.AcceptPause - 1)
	if want := []error{syscall.EMFILE, syscall.EMFILE, syscall.EMFILE}; !slices.Equal(failures, want) || n.Calls[looptest.OpAccept] != 3 {
		t.Errorf("failed by %v in %d tries, want %v, one in each pause", failures, n.Calls[looptest.OpAccept], want)
	}
	n.Advance(1)
	if string(c.Received()) != "hello" || len(failures) != 3 {
		t.Errorf("got %q after %v, want the client served then", c.Received(), failures)
	}
	n.End()
}

// Clients that give up before they are accepted, and interruptions, are no failures.
func TestAcceptGoesOn(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	n.Fail(looptest.OpAccept, syscall.ECONNABORTED, syscall.EINTR, nil, syscall.EAGAIN)
	n.Dial(here)
	n.Dial(here)
	n.Step()
	if l.Sockets() != 2 {
		t.Errorf("%d clients, want 2", l.Sockets())
	}
}

// A listening socket that can't be watched again after a pause is tried again.
func TestListenFailsAfterAPause(t *testing.T) {
	t.Parallel()
	n := looptest.New(0)
	l := n.Loop()
	failures := 0
	if err := l.Listen(n.Listen(here), echoes, func(err error) { failures++ }); err != nil {
		t.Fatal(err)
	}
	n.Fail(looptest.OpAccept, syscall.EMFILE)
	n.Fail(looptest.OpListen, syscall.ENOMEM)
	n.Dial(here)
	n.Advance(2*loop.AcceptPause - 1)
	if failures != 2 || l.Sockets() != 0 {
		t.Errorf("%d failures, %d clients, want 2 and none", failures, l.Sockets())
	}
	n.Advance(1)
	if l.Sockets() != 1 {
		t.Errorf("%d clients, want 1", l.Sockets())
	}
	n.End()
}

// Two Loops with a common limit leave the rest in the backlog, and take them as others go.
func TestPause(t *testing.T) {
	t.Parallel()
	const limit = 20
	for seed := range uint64(20) {
		n := looptest.New(seed)
		fd := n.Listen(here)
		loops := []*loop.Loop{n.Loop(), n.Loop()}
		clients, most := 0, 0
		gone := func() {
			if clients--; clients != limit-1 {
				return
			}
			for _, l := range loops {
				l.Post(func(l *loop.Loop) { l.Resume(fd) })
			}
		}
		accept := func(l *loop.Loop, c loop.Client) {
			clients++
			most = max(most, clients)
			l.Adopt(c, hear(func(l *loop.Loop, s loop.Ref) {
				if _, st := l.Recv(s, l.Scratch()); st == loop.Ended {
					l.Close(s, false)
					gone()
				}
			}))
			if clients >= limit {
				l.Pause(fd)
			}
		}
		for _, l := range loops {
			if err := l.Listen(fd, accept, func(err error) { t.Error(err) }); err != nil {
				t.Fatal(err)
			}
		}
		var peers []*looptest.Peer
		for range 2 * limit {
			peers = append(peers, n.Dial(here))
		}
		n.Step()
		if clients < limit || clients > limit+len(loops)-1 || n.Backlog(here) != 2*limit-clients {
			t.Fatalf("%d clients, %d in the backlog, want %d, or one more for each other loop", clients, n.Backlog(here), limit)
		}
		for _, p := range peers {
			p.CloseWrite()
			n.Step()
		}
		if clients != 0 || n.Backlog(here) != 0 || most > limit+len(loops)-1 {
			t.Errorf("seed %d: %d clients at the end, %d in the backlog, at most %d at a time", seed, clients, n.Backlog(here), most)
		}
		if left := n.End(); left != 0 {
			t.Errorf("%d descriptors are left", left)
		}
	}
}

// What can be done in an Accept function: it is not called any more afterwards.
func TestStopWithinAccept(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		stop  func(l *loop.Loop, fd int)
		start func(l *loop.Loop, fd int, accept loop.Accept)
	}{
		{"Pause", (*loop.Loop).Pause, func(l *loop.Loop, fd int, _ loop.Accept) { l.Resume(fd) }},
		{"Pause twice", func(l *loop.Loop, fd int) { l.Pause(fd); l.Pause(fd) }, func(l *loop.Loop, fd int, _ loop.Accept) { l.Resume(fd); l.Resume(fd) }},
		{"Unlisten", (*loop.Loop).Unlisten, func(l *loop.Loop, fd int, accept loop.Accept) { _ = l.Listen(fd, accept, nil) }},
	} {
		n := looptest.New(0)
		l := n.Loop()
		fd := n.Listen(here)
		n.Dial(here)
		n.Dial(here)
		n.Dial(here)
		accept := func(l *loop.Loop, c loop.Client) {
			l.Refuse(c)
			tt.stop(l, fd)
		}
		if err := l.Listen(fd, accept, nil); err != nil {
			t.Fatal(err)
		}
		for left := 2; left >= 0; left-- {
			n.Advance(time.Second)
			if got := n.Backlog(here); got != left {
				t.Errorf("%s: %d clients are in the backlog, want %d", tt.name, got, left)
			}
			tt.start(l, fd, accept)
		}
		l.Pause(fd + 1) // where nobody listens
		l.Resume(fd + 1)
		n.End()
	}
}

// Pause ends a pause that the Loop made itself, and Resume does not shorten that.
func TestPauseWhileDescriptorsLack(t *testing.T) {
	t.Parallel()
	n := looptest.New(0)
	l := n.Loop()
	fd := n.Listen(here)
	if err := l.Listen(fd, echoes, func(error) {}); err != nil {
		t.Fatal(err)
	}
	n.Fail(looptest.OpAccept, syscall.EMFILE)
	n.Dial(here)
	n.Step()
	l.Resume(fd)
	n.Step()
	if l.Sockets() != 0 {
		t.Error("a client was taken by Resume, at once")
	}
	l.Pause(fd)
	n.Advance(time.Second)
	if l.Sockets() != 0 {
		t.Error("a client was taken despite Pause")
	}
	l.Resume(fd)
	n.Step()
	if l.Sockets() != 1 {
		t.Error("no client was taken after Resume")
	}
	n.End()
}

// The kernel tells one Loop of a client. If that one pauses, Resume has another one look.
func TestResumeHasASleeperLook(t *testing.T) {
	t.Parallel()
	n := looptest.New(0)
	fd := n.Listen(here)
	a, b := n.Loop(), n.Loop()
	for _, l := range []*loop.Loop{a, b} {
		if err := l.Listen(fd, echoes, nil); err != nil {
			t.Fatal(err)
		}
	}
	n.Step()
	a.Pause(fd)
	n.Dial(here)
	n.Step()
	b.Pause(fd)
	a.Resume(fd)
	n.Dial(here) // a is told
	a.Pause(fd)
	b.Resume(fd)
	b.Resume(fd)
	n.Step()
	if a.Sockets() != 0 || b.Sockets() != 2 {
		t.Errorf("%d and %d clients, want none and 2", a.Sockets(), b.Sockets())
	}
	n.End()
}

// An event of a listening socket that was paused in the same pass takes no client.
func TestPauseWithinThePass(t *testing.T) {
	t.Parallel()
	n := looptest.New(0)
	l := n.Loop()
	other := netip.MustParseAddrPort("192.0.2.2:81")
	fds := []int{n.Listen(here), n.Listen(other)}
	taken := 0
	for _, fd := range fds {
		if err := l.Listen(fd, func(l *loop.Loop, c loop.Client) {
			taken++
			l.Refuse(c)
			for _, fd := range fds {
				l.Pause(fd)
			}
		}, nil); err != nil {
			t.Fatal(err)
		}
	}
	n.Dial(here)
	n.Dial(other)
	n.Step()
	if taken != 1 {
		t.Errorf("%d clients were taken, want 1", taken)
	}
	n.End()
}

// Clients that come one by one are shared evenly by the Loops that say that they share.
func TestShare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ loops, burst int }{{1, 1}, {2, 1}, {4, 1}, {4, 20}} {
		n := looptest.New(0)
		fd := n.Listen(here)
		var loops []*loop.Loop
		for range tt.loops {
			l := n.Loop()
			l.Share()
			if err := l.Listen(fd, echoes, func(err error) { t.Error(err) }); err != nil {
				t.Fatal(err)
			}
			loops = append(loops, l)
		}
		n.Step()
		const each = 100
		for range each * tt.loops / tt.burst {
			for range tt.burst {
				n.Dial(here)
			}
			n.Step()
		}
		for i, l := range loops {
			// Of a burst the harness, which turns one after the other, has the first take more.
			if got := l.Sockets(); tt.burst == 1 && got != each || got < each*3/4 {
				t.Errorf("%d loops, %d clients at a time: loop %d has %d, want %d", tt.loops, tt.burst, i, got, each)
			}
		}
		n.End()
	}
}

// A Loop that shares goes to the end of the queue whether or not it has found out that no more clients wait.
func TestShareBudget(t *testing.T) {
	t.Parallel()
	n := looptest.New(0)
	l := n.Loop()
	l.Share()
	if err := l.Listen(n.Listen(here), echoes, nil); err != nil {
		t.Fatal(err)
	}
	for range loop.SharedBudget {
		n.Dial(here)
	}
	n.Step()
	if got := n.Calls[looptest.OpListen]; got != 2 || l.Sockets() != loop.SharedBudget {
		t.Errorf("listened %d times for %d clients, want 2, %d", got, l.Sockets(), loop.SharedBudget)
	}
	n.End()
}
