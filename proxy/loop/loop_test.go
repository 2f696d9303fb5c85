package loop_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// Everything comes back whole, however the kernel cuts and delays it.
func TestEcho(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 100)
	check := func(t *testing.T, n *looptest.Net) {
		a, b := n.Dial(here), n.Dial(here)
		a.Say("hello")
		n.Step()
		a.Say(" world")
		b.Say(long)
		n.Step()
		a.CloseWrite()
		b.CloseWrite()
		n.Step()
		if got := string(a.Received()); got != "hello world" || !a.Closed() || a.WasReset() {
			t.Errorf("got %q, closed %v by reset %v", got, a.Closed(), a.WasReset())
		}
		if got := string(b.Received()); got != long || !b.Closed() {
			t.Errorf("got %d octets, closed %v", len(got), b.Closed())
		}
	}
	for _, split := range []int{0, 1, 3, 99, 100, 101} {
		n, _ := one(t, 0, echoes)
		n.Split = split
		check(t, n)
	}
	for seed := range uint64(200) {
		n, _ := one(t, 1+seed, echoes)
		check(t, n)
	}
}

// A client that ends with its last bytes is answered whole, though a read that came short ends the reading otherwise.
func TestEndWithTheLastBytes(t *testing.T) {
	t.Parallel()
	n, _ := one(t, 0, echoes)
	c := n.Dial(here)
	c.Say("bye")
	c.CloseWrite()
	n.Step()
	if string(c.Received()) != "bye" || !c.Closed() {
		t.Errorf("got %q, closed %v", c.Received(), c.Closed())
	}
}

// A read that came short is not followed by one that would find nothing.
func TestDrainedByAShortRead(t *testing.T) {
	t.Parallel()
	n, _ := one(t, 0, echoes)
	c := n.Dial(here)
	n.Step()
	before := n.Calls[looptest.OpRecv]
	c.Say("hello")
	n.Step()
	if got := n.Calls[looptest.OpRecv] - before; got != 1 {
		t.Errorf("took %d calls to receive, want 1", got)
	}
}

func TestBackpressure(t *testing.T) {
	t.Parallel()
	n, _ := one(t, 0, echoes)
	c := n.Dial(here)
	c.Window(150)
	n.Step()
	c.Say(strings.Repeat("x", 1000))
	n.Step()
	if got := len(c.Received()); got != 150 {
		t.Errorf("%d octets came, want 150 while the client takes no more", got)
	}
	calls := n.Calls[looptest.OpRecv]
	c.Say("y")
	n.Step()
	if got := n.Calls[looptest.OpRecv]; got != calls {
		t.Errorf("received %d times meanwhile", got-calls)
	}
	c.Window(-1)
	n.Step()
	if got := len(c.Received()); got != 1001 {
		t.Errorf("got %d octets, want 1001", got)
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	c := n.Dial(here)
	n.Step()
	c.Reset()
	n.Step()
	if !c.Closed() || l.Sockets() != 0 {
		t.Errorf("closed %v, %d sockets", c.Closed(), l.Sockets())
	}
}

// Events of a socket that is closed in the same pass do not reach who has its descriptor and its row now.
func TestDescriptorUsedAgain(t *testing.T) {
	t.Parallel()
	var old, young loop.Ref
	var told []loop.Ref
	n, l := one(t, 0, func(l *loop.Loop, c loop.Client) {
		l.Adopt(c, hear(func(l *loop.Loop, s loop.Ref) { young = s; told = append(told, s) }))
	})
	server := n.Serve(there)
	closer, err := l.Connect(there, hear(func(l *loop.Loop, s loop.Ref) {
		if l.CanRecv(s) {
			l.Close(old, false)
			l.Close(s, false)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	n.Step()
	old, err = l.Connect(there, hear(func(l *loop.Loop, s loop.Ref) {
		if l.CanRecv(s) {
			t.Error("told of a socket that was closed before")
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	n.Step()
	server.Accept().Say("x") // the closer's
	n.Dial(here)             // accepted between the two
	server.Accept().Say("x")
	n.Step()
	n.Step()
	if young == (loop.Ref{}) || slices.ContainsFunc(told, func(r loop.Ref) bool { return r != young }) || young == old || young == closer {
		t.Errorf("the new socket is %v and was told of %v; the closed ones were %v and %v", young, told, closer, old)
	}
	if want := 1; len(told) > 2 || l.Sockets() != want {
		t.Errorf("the new socket was told %d times, and there are %d sockets, want %d", len(told), l.Sockets(), want)
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	e := &echo{idle: time.Second}
	n, _ := one(t, 0, func(l *loop.Loop, c loop.Client) { l.Adopt(c, e) })
	c := n.Dial(here)
	c.Say("a")
	n.Advance(500 * time.Millisecond)
	c.Say("b") // moves the deadline on
	n.Advance(999 * time.Millisecond)
	if e.expired != 0 || c.Closed() {
		t.Errorf("expired %d times by %v, closed %v", e.expired, n.Now(), c.Closed())
	}
	n.Advance(1*time.Millisecond + loop.Tick)
	if e.expired != 1 || !c.Closed() {
		t.Errorf("expired %d times by %v, closed %v, want once", e.expired, n.Now(), c.Closed())
	}
	if string(c.Received()) != "ab" {
		t.Errorf("got %q", c.Received())
	}
}

// dialer connects and then is an echo.
type dialer struct {
	echo
	result []error
}

func (d *dialer) Ready(l *loop.Loop, s loop.Ref) {
	pending, err := l.Connected(s)
	if pending {
		return
	}
	d.result = append(d.result, err)
	if err != nil {
		l.Close(s, false)
		return
	}
	l.SetHandler(s, &d.echo)
}

func TestConnect(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		n, l := one(t, seed, echoes)
		server := n.Serve(there)
		good, bad, silent := &dialer{}, &dialer{}, &dialer{}
		connect := func(d *dialer) (s loop.Ref) {
			s, err := l.Connect(there, d)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		connect(good)
		server.Err = syscall.EHOSTUNREACH
		connect(bad)
		server.Silent = true
		s := connect(silent)
		l.SetDeadline(s, time.Second)
		if pending, err := l.Connected(s); !pending || err != nil || l.Idle(s) {
			t.Errorf("pending %v, %v, idle %v at first", pending, err, l.Idle(s))
		}
		n.Step()
		p := server.Accept()
		p.Say("hello")
		n.Step()
		p.CloseWrite()
		n.Step()
		if string(p.Received()) != "hello" || !p.Closed() || !slices.Equal(good.result, []error{nil}) {
			t.Errorf("got %q, closed %v, %v", p.Received(), p.Closed(), good.result)
		}
		if !slices.Equal(bad.result, []error{syscall.EHOSTUNREACH}) || l.Sockets() != 1 {
			t.Errorf("got %v, %d sockets, want the refusal, and its socket closed", bad.result, l.Sockets())
		}
		n.Advance(2 * time.Second)
		if len(silent.result) != 0 || silent.expired != 1 {
			t.Errorf("got %v, expired %d times, want the deadline", silent.result, silent.expired)
		}
		n.Fail(looptest.OpConnect, syscall.EADDRNOTAVAIL)
		if s, err := l.Connect(there, &dialer{}); err != syscall.EADDRNOTAVAIL || s != (loop.Ref{}) {
			t.Errorf("got %v, %v", s, err)
		}
		n.Fail(looptest.OpWatch, syscall.ENOSPC)
		if s, err := l.Connect(there, &dialer{}); err != syscall.ENOSPC || s != (loop.Ref{}) || l.Sockets() != 0 {
			t.Errorf("got %v, %v, %d sockets", s, err, l.Sockets())
		}
	}
}

// A client whose socket the kernel will not watch is not left in the dark.
func TestAdoptWithoutWatch(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	n.Fail(looptest.OpWatch, syscall.ENOSPC)
	c := n.Dial(here)
	c.Say("x")
	n.Step()
	if l.Sockets() != 1 || string(c.Received()) != "x" {
		t.Errorf("%d sockets, got %q", l.Sockets(), c.Received())
	}
}

func TestPost(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	called := 0
	posted := make(chan bool)
	go func() {
		posted <- l.Post(func(l *loop.Loop) {
			called++
			l.Post(func(*loop.Loop) { called++ })
		})
	}()
	if !n.Await(func() bool { return called == 2 }) || !<-posted {
		t.Errorf("got %d calls, want 2", called)
	}
	l.Post(func(l *loop.Loop) { called++ })
	l.End()
	if called != 3 {
		t.Errorf("got %d calls, want 3: what was posted before the end is called", called)
	}
	if l.Post(func(*loop.Loop) {}) {
		t.Error("a loop that has ended took a call")
	}
}

// Run serves until its context ends.
func TestRun(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	c := n.Dial(here)
	c.Say("x")
	ctx, cancel := context.WithCancel(t.Context())
	l.SetDeadline(l.Timer(hear(func(*loop.Loop, loop.Ref) { cancel() })), time.Hour)
	l.AfterEach(func(*loop.Loop) { n.Take(time.Hour) })
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(c.Received(), []byte("x")) || !c.Closed() || l.Sockets() != 0 {
		t.Errorf("got %q, closed %v, %d sockets", c.Received(), c.Closed(), l.Sockets())
	}
}

// A Ref whose socket is closed names nothing.
func TestClosedRef(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	n.Serve(there)
	r, err := l.Connect(there, &dialer{})
	if err != nil {
		t.Fatal(err)
	}
	l.Close(r, false)
	l.Close(r, true)
	l.CloseWrite(r)
	l.SetDeadline(r, time.Second)
	l.SetHandler(r, &echo{})
	l.Again(r)
	l.Settle(r)
	if _, st := l.Recv(r, make([]byte, 1)); st != loop.Failed {
		t.Errorf("Recv: got %v", st)
	}
	if _, st := l.Send(r, []byte("x")); st != loop.Failed {
		t.Errorf("Send: got %v", st)
	}
	if pending, err := l.Connected(r); pending || err != syscall.ENOTCONN {
		t.Errorf("Connected: got %v, %v", pending, err)
	}
	if _, known := l.Unacked(r); known || l.CanRecv(r) || l.Idle(r) || !l.HungUp(r) || (loop.Ref{}) == r {
		t.Error("a closed socket has something to receive, or is idle")
	}
}

// The longest pass is remembered, with how many calls it took; the Loop's own sleep is none.
func TestLag(t *testing.T) {
	t.Parallel()
	n, l := one(t, 0, echoes)
	took := []time.Duration{3 * time.Millisecond, 5 * time.Millisecond, time.Millisecond}
	for _, d := range took {
		l.Post(func(l *loop.Loop) { n.Take(d) })
		l.Post(func(l *loop.Loop) { n.Take(d) })
		n.Step()
		n.Advance(time.Minute)
	}
	if got, want := l.Lag(), (loop.Lag{Pass: 10 * time.Millisecond, Calls: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := l.Lag(); got != (loop.Lag{}) {
		t.Errorf("got %+v when asked again", got)
	}
}

// What a Handler keeps of the scratch memory is spoilt when the next one is called: the harness finds it out.
func TestScratchIsSpoilt(t *testing.T) {
	t.Parallel()
	var kept []byte
	n, _ := one(t, 0, func(l *loop.Loop, c loop.Client) {
		l.Adopt(c, hear(func(l *loop.Loop, s loop.Ref) {
			if n, st := l.Recv(s, l.Scratch()); st == loop.Done {
				kept = l.Scratch()[:n]
			}
		}))
	})
	n.Dial(here).Say("secret")
	n.Step()
	if string(kept) == "secret" || len(kept) != 6 {
		t.Errorf("the scratch memory still holds %q", kept)
	}
}
