package loop

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// echo sends back what it receives, and closes when the client has ended and everything is sent.
type echo struct {
	unsent  []byte
	ended   bool
	expired int
	idle    time.Duration // deadline after each receipt; 0: none
}

func (e *echo) Ready(l *Loop, s Ref) {
	for {
		if n, st := l.Send(s, e.unsent); st == Failed {
			l.Close(s, true)
			return
		} else if e.unsent = e.unsent[n:]; st == Blocked {
			return // what has not been sent slows the client down
		}
		if e.ended {
			l.Close(s, false)
			return
		}
		n, st := l.Recv(s, l.Scratch()[:100])
		switch st {
		case Blocked:
			return
		case Failed:
			l.Close(s, true)
			return
		case Ended:
			e.ended = true
		}
		e.unsent = append(e.unsent, l.Scratch()[:n]...)
		if e.idle > 0 {
			l.SetDeadline(s, e.idle)
		}
	}
}

func (e *echo) Expired(l *Loop, s Ref) {
	e.expired++
	l.Close(s, false)
}

// run serves until nothing happens any more: then idle is called, and says by true that it made something happen.
func run(t *testing.T, f *fake, setup func(*Loop), idle ...func()) *Loop {
	t.Helper()
	l := New(f)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.onIdle = func() bool {
		if len(idle) == 0 {
			cancel()
			return false
		}
		next := idle[0]
		idle = idle[1:]
		next()
		return true
	}
	setup(l)
	if err := l.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return l
}

// serve has every client that comes get an echo.
func serve(t *testing.T, idle time.Duration) func(*Loop) {
	return func(l *Loop) {
		if err := l.Listen(3, func(l *Loop, c Client) { l.Adopt(c, &echo{idle: idle}) }, func(err error) { t.Error(err) }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEcho(t *testing.T) {
	t.Parallel()
	for _, step := range []int{0, 1, 3, 99, 100, 101} {
		f := newFake(t)
		f.step = step
		long := strings.Repeat("0123456789", 100)
		var a, b *conn
		run(t, f, serve(t, 0), func() {
			a, b = f.dial("hello"), f.dial("")
		}, func() {
			f.send(a, " world")
			f.send(b, long)
		}, func() {
			f.send(a, "")
			f.send(b, "")
		})
		if got := string(a.out); got != "hello world" || !a.closed || a.byReset {
			t.Errorf("in steps of %d: got %q, closed %v by reset %v", step, got, a.closed, a.byReset)
		}
		if got := string(b.out); got != long || !b.closed {
			t.Errorf("in steps of %d: got %d octets, closed %v", step, len(got), b.closed)
		}
	}
}

// A client that ends with its last bytes is answered whole, though a read that came short ends the reading otherwise.
func TestEndWithTheLastBytes(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var c *conn
	run(t, f, serve(t, 0), func() { c = f.dial("bye"); c.ended = true })
	if string(c.out) != "bye" || !c.closed {
		t.Errorf("got %q, closed %v", c.out, c.closed)
	}
}

func TestBackpressure(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var c *conn
	run(t, f, serve(t, 0), func() {
		c = f.dial("")
		c.room = 150
	}, func() {
		f.send(c, strings.Repeat("x", 1000))
	}, func() {
		if len(c.out) != 150 || len(c.in) != 800 {
			t.Errorf("%d octets sent and %d not received, want 150 and 800 while the client does not read", len(c.out), len(c.in))
		}
		f.makeRoom(c, 1<<20)
	})
	if len(c.out) != 1000 {
		t.Errorf("got %d octets, want 1000", len(c.out))
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var c *conn
	run(t, f, serve(t, 0), func() { c = f.dial("") }, func() {
		c.reset = true
		f.tell(c.key, Readable|Writable|HungUp)
	})
	if !c.closed || !c.byReset {
		t.Errorf("closed %v, by reset %v, want both", c.closed, c.byReset)
	}
}

// Events of a socket that was closed in the same pass do not reach who has its descriptor now.
func TestDescriptorUsedAgain(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var first, second *conn
	run(t, f, serve(t, 0), func() { first = f.dial("") }, func() {
		old := first.key
		f.send(first, "")      // ends and is closed
		second = f.dial("new") // gets the same descriptor and row
		f.tell(old, Readable|Writable|HungUp)
	}, func() {
		if first.fd != second.fd || first.key == second.key {
			t.Errorf("descriptors %d and %d, keys %x and %x", first.fd, second.fd, first.key, second.key)
		}
		if second.closed {
			t.Error("the second client was closed by an event of the first one's")
		}
	})
	if string(second.out) != "new" {
		t.Errorf("got %q, want %q", second.out, "new")
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	e := &echo{idle: time.Second}
	c := f.dial("a")
	run(t, f, func(l *Loop) {
		if err := l.Listen(3, func(l *Loop, c Client) { l.Adopt(c, e) }, nil); err != nil {
			t.Fatal(err)
		}
	}, func() {
		f.now += 500 * time.Millisecond
		f.send(c, "b") // moves the deadline on
	}, func() {}, func() {})
	if got, want := f.now, 1500*time.Millisecond; e.expired != 1 || got < want || got > want+2*tick || !c.closed {
		t.Errorf("expired %d times, at %v, closed %v, want once, at %v", e.expired, got, c.closed, want)
	}
	if string(c.out) != "ab" {
		t.Errorf("got %q", c.out)
	}
}

// dialer connects and then is an echo.
type dialer struct {
	echo
	result []error
}

func (d *dialer) Ready(l *Loop, s Ref) {
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
	f := newFake(t)
	good, bad := &dialer{}, &dialer{}
	var server, refusing *conn
	run(t, f, func(l *Loop) {
		for _, d := range []*dialer{good, bad} {
			if _, err := l.Connect(netip.MustParseAddrPort("192.0.2.1:80"), d); err != nil {
				t.Fatal(err)
			}
		}
		server, refusing = f.conns[101], f.conns[102]
		refusing.refused = errors.New("refused")
	}, func() { f.send(server, "hello") }, func() { f.send(server, "") })
	if string(server.out) != "hello" || !slices.Equal(good.result, []error{nil}) {
		t.Errorf("got %q, %v", server.out, good.result)
	}
	if len(bad.result) != 1 || bad.result[0] != refusing.refused || !refusing.closed {
		t.Errorf("got %v, closed %v, want the refusal", bad.result, refusing.closed)
	}
}

func TestPost(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	called := 0
	l := run(t, f, func(l *Loop) {
		l.Post(func(l *Loop) {
			called++
			l.Post(func(*Loop) { called++ })
		})
	})
	if called != 2 {
		t.Errorf("got %d calls, want 2", called)
	}
	if l.Post(func(*Loop) {}) {
		t.Error("a loop that has ended took a call")
	}
}

func TestEndClosesEverything(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var c *conn
	l := run(t, f, serve(t, 0), func() { c = f.dial("x") })
	if !c.closed || l.Sockets() != 0 || f.backlog != 0 {
		t.Errorf("closed %v, %d sockets, listening under %d", c.closed, l.Sockets(), f.backlog)
	}
}

// A Ref whose socket is closed names nothing.
func TestClosedRef(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	run(t, f, func(l *Loop) {
		r, err := l.Connect(netip.MustParseAddrPort("192.0.2.1:80"), &dialer{})
		if err != nil {
			t.Fatal(err)
		}
		l.Close(r, false)
		l.Close(r, true)
		l.CloseWrite(r)
		l.SetDeadline(r, time.Second)
		l.SetHandler(r, &echo{})
		l.Again(r)
		if _, st := l.Recv(r, make([]byte, 1)); st != Failed {
			t.Errorf("Recv: got %v", st)
		}
		if _, st := l.Send(r, []byte("x")); st != Failed {
			t.Errorf("Send: got %v", st)
		}
		if pending, err := l.Connected(r); pending || err != notConnected {
			t.Errorf("Connected: got %v, %v", pending, err)
		}
		if l.CanRecv(r) || !l.HungUp(r) || (Ref{}) == r {
			t.Error("a closed socket has something to receive")
		}
	})
}

// A Loop that lacks descriptors does not turn in circles over the clients that wait, and takes them when it can.
func TestNoDescriptorForAClient(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.lacking = 3
	var failures []error
	var c *conn
	wait := func() {}
	run(t, f, func(l *Loop) {
		if err := l.Listen(3, func(l *Loop, c Client) { l.Adopt(c, &echo{}) }, func(err error) { failures = append(failures, err) }); err != nil {
			t.Fatal(err)
		}
	}, func() { c = f.dial("hello") }, wait, wait, wait)
	if string(c.out) != "hello" || len(failures) != 3 || failures[0] != syscall.EMFILE {
		t.Errorf("got %q after %v, want the client served after three failures", c.out, failures)
	}
	if f.now != 3*acceptPause || f.asked > 5 {
		t.Errorf("asked %d times within %v, want once in each pause of %v", f.asked, f.now, acceptPause)
	}
}
