package loop_test

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

func TestTimer(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	type expiry struct {
		name string
		at   time.Duration
	}
	var got []expiry
	note := func(name string) loop.Handler {
		return hear(func(l *loop.Loop, s loop.Ref) { got = append(got, expiry{name, l.Now()}) })
	}
	first, second, closed := l.Timer(note("first")), l.Timer(note("second")), l.Timer(note("closed"))
	l.SetDeadline(first, time.Second)
	l.SetDeadline(second, 3*time.Minute) // beyond a turn of the wheel
	l.SetDeadline(closed, time.Second)
	l.Close(closed, true)
	if n, st := l.Recv(first, make([]byte, 1)); n != 0 || st != loop.Failed {
		t.Errorf("Recv: got %d, %v", n, st)
	}
	if n, st := l.Send(first, []byte("x")); n != 0 || st != loop.Failed {
		t.Errorf("Send: got %d, %v", n, st)
	}
	if _, err := l.Connected(first); err != syscall.ENOTCONN || l.CanRecv(first) || !l.HungUp(first) || l.Idle(first) || l.Sockets() != 0 {
		t.Errorf("connected %v, can receive %v, hung up %v, %d sockets", err, l.CanRecv(first), l.HungUp(first), l.Sockets())
	}
	l.CloseWrite(first)
	l.Each(func(loop.Ref, loop.Handler) { t.Error("Each told of a timer") })
	n.Advance(time.Hour)
	if want := []expiry{{"first", time.Second}, {"second", 3 * time.Minute}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	l.Again(first)
	n.Step()
	if len(got) != 3 {
		t.Error("Again did not call a timer's Handler")
	}
}

// A deadline of nought in the course of an expired one waits for the next pass, so that nobody keeps a pass going.
func TestDeadlineOfNought(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	times := 0
	l.SetDeadline(l.Timer(hear(func(l *loop.Loop, s loop.Ref) {
		if times++; times < 1000 {
			l.SetDeadline(s, 0)
		}
	})), 0)
	n.Advance(3 * loop.Tick)
	if times != 3 {
		t.Errorf("expired %d times within %v, want once a tick", times, n.Now())
	}
}

// More deadlines than a pass sees to are seen to in the next ones, without rest.
func TestManyDeadlines(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	const timers = 3*loop.ExpireBudget + 1
	total := 0
	for range timers {
		l.SetDeadline(l.Timer(hear(func(l *loop.Loop, s loop.Ref) { total++; l.Close(s, false) })), time.Second)
	}
	n.Step()
	n.Take(time.Second)
	for passes := 1; total < timers; passes++ {
		if err := l.Pass(); err != nil {
			t.Fatal(err)
		}
		if want := min(passes*loop.ExpireBudget, timers); total != want {
			t.Fatalf("%d expired in %d passes, want %d", total, passes, want)
		}
	}
}

// A Loop with deadlines sleeps until the first, however far it is, and does not wake for nothing.
func TestRestUntilTheFirstDeadline(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	at := []time.Duration{}
	for _, d := range []time.Duration{20 * time.Millisecond, 700 * time.Millisecond, 40 * time.Second, 81 * time.Second} {
		l.SetDeadline(l.Timer(hear(func(l *loop.Loop, s loop.Ref) { at = append(at, l.Now()) })), d)
	}
	before := n.Calls[looptest.OpWait]
	n.Advance(82 * time.Second)
	if want := []time.Duration{20 * time.Millisecond, 700 * time.Millisecond, 40 * time.Second, 81 * time.Second}; !slices.Equal(at, want) {
		t.Errorf("expired at %v, want %v", at, want)
	}
	// At first, at each of the four, and at the end: a pass that finds nothing, after each a second one to see that; two waits in each.
	if got := n.Calls[looptest.OpWait] - before; got > 24 {
		t.Errorf("waited %d times, want at most 24", got)
	}
}

func TestEach(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	clients := []*looptest.Peer{n.Dial(here), n.Dial(here), n.Dial(here)}
	n.Step()
	l.Timer(&echo{})
	var seen []loop.Ref
	l.Each(func(r loop.Ref, h loop.Handler) {
		if _, ok := h.(*echo); !ok {
			t.Errorf("got a %T", h)
		}
		if seen = append(seen, r); len(seen) == 1 {
			return
		}
		for _, r := range seen {
			l.Close(r, true)
		}
	})
	if l.Sockets() != 0 || len(seen) != 3 {
		t.Errorf("%d sockets are left of %d, want 0 of 3", l.Sockets(), len(seen))
	}
	for _, c := range clients {
		if !c.WasReset() {
			t.Error("a client was not reset")
		}
	}
	l.Each(func(loop.Ref, loop.Handler) { t.Error("told of a socket that is closed") })
}
