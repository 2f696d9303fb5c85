package poll

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newLoop(t *testing.T) *Loop {
	t.Helper()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// runUntil runs the loop until something holds.
func runUntil(t *testing.T, l *Loop, holds func() bool) {
	t.Helper()
	end := time.Now().Add(20 * time.Second)
	if err := l.Run(func() (time.Duration, bool) { return 10 * time.Millisecond, !holds() && time.Now().Before(end) }); err != nil {
		t.Fatal(err)
	}
	if !holds() {
		t.Fatal("it did not come to hold in 20 s")
	}
}

// serving has the loop serve with a function, and returns where.
func serving(t *testing.T, l *Loop, serve func(*Conn)) netip.AddrPort {
	t.Helper()
	ln, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	l.Accept(ln, serve, func(err error) { t.Errorf("accept: %v", err) })
	return ln.Addr()
}

// echo sends everything back.
func echo(c *Conn) {
	_, _ = io.Copy(c, struct{ io.Reader }{c})
	_ = c.Close()
}

// Much more than a socket takes at once comes back unchanged, on several connections at a time.
func TestBytesComeThrough(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	at := serving(t, l, echo)
	sent := make([]byte, 20<<20)
	for i := range sent {
		sent[i] = byte(i * 7 >> 3)
	}
	const clients = 3
	done := 0
	for range clients {
		l.Start(func(task *Task) {
			c, err := task.Dial(at, netip.Addr{})
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			got := make([]byte, 1<<20)
			for left := sent; len(left) > 0; left = left[len(got):] {
				if _, err := c.Write(left[:len(got)]); err != nil {
					t.Error(err)
				}
				if _, err := io.ReadFull(c, got); err != nil {
					t.Error(err)
				}
				if !bytes.Equal(got, left[:len(got)]) {
					t.Error("other bytes came back")
				}
			}
			done++
		})
	}
	runUntil(t, l, func() bool { return done == clients })
}

// One Write of more than sockets hold, thrown away but for its end.
func TestDiscard(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	at := serving(t, l, func(c *Conn) {
		_, _ = c.Write(append(make([]byte, 64<<20), "end"...))
		_ = c.Close()
	})
	var rest []byte
	var err error
	done := false
	l.Start(func(task *Task) {
		defer func() { done = true }()
		var c *Conn
		if c, err = task.Dial(at, netip.MustParseAddr("127.0.0.2")); err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		for n, left := 0, 64<<20; left > 0 && err == nil; left -= n {
			n, err = c.Discard(left)
		}
		if err == nil {
			rest, err = io.ReadAll(c)
		}
	})
	runUntil(t, l, func() bool { return done })
	if err != nil || string(rest) != "end" {
		t.Errorf("got %q, %v, want end", rest, err)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	var err error
	done := false
	l.Start(func(task *Task) {
		defer func() { done = true }()
		var c *Conn
		if c, err = task.Dial(netip.MustParseAddrPort("127.0.0.1:1"), netip.Addr{}); err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		_, err = c.Write([]byte("anybody?"))
	})
	runUntil(t, l, func() bool { return done })
	if want := "connection refused"; err == nil || !bytes.HasSuffix([]byte(err.Error()), []byte(want)) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Tasks that wait for nothing take turns, in order, and a turn of the loop comes between. Those that one of them starts come
// after it, and push nobody aside.
func TestTurns(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	var said []string
	say := func(name string) func(*Task) { return func(*Task) { said = append(said, name) } }
	for _, name := range []string{"a", "b"} {
		l.Start(func(task *Task) {
			for range 2 {
				said = append(said, name)
				if name == "a" {
					l.Start(say("c"))
					l.Start(say("d"))
				}
				task.Wake()
				if task.Park() != nil {
					return
				}
			}
		})
	}
	runUntil(t, l, func() bool { said = append(said, "turn"); return len(said) > 11 })
	if want := []string{"turn", "a", "b", "turn", "c", "d", "a", "b", "turn", "c", "d"}; !slices.Equal(said[:11], want) {
		t.Errorf("got %q, want %q first", said, want)
	}
}

func TestStopAndClose(t *testing.T) {
	t.Parallel()
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	at := serving(t, l, echo)
	ended := map[string]error{}
	wait := func(name string) func(*Task) {
		return func(task *Task) {
			c, err := task.Dial(at, netip.Addr{})
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			_, err = c.Read(make([]byte, 1))
			ended[name] = err
		}
	}
	stopped := l.Start(wait("stopped"))
	l.Start(wait("closed"))
	turns := 0
	runUntil(t, l, func() bool { turns++; return turns > 3 })
	stopped.Stop()
	if len(ended) != 1 || !errors.Is(ended["stopped"], ErrStopped) {
		t.Errorf("after Stop: got %v, want one that was stopped", ended)
	}
	l.Start(func(*Task) { t.Error("a task began after the loop's end") })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if len(ended) != 2 || !errors.Is(ended["closed"], ErrStopped) {
		t.Errorf("after Close: got %v, want both stopped", ended)
	}
}

// A request and its answer cost no memory.
func TestNoAllocations(t *testing.T) {
	l := newLoop(t)
	at := serving(t, l, func(c *Conn) {
		b := make([]byte, 100)
		for {
			n, err := c.Read(b)
			if err != nil {
				_ = c.Close()
				return
			}
			if _, err := c.Write(b[:n]); err != nil {
				return
			}
		}
	})
	answers := 0
	l.Start(func(task *Task) {
		c, err := task.Dial(at, netip.Addr{})
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.Close() }()
		b := make([]byte, 100)
		for {
			if _, err := c.Write(b); err != nil {
				return
			}
			if _, err := c.Read(b); err != nil {
				return
			}
			answers++
		}
	})
	n := testing.AllocsPerRun(100, func() {
		before := answers
		if err := l.Run(func() (time.Duration, bool) { return time.Millisecond, answers < before+100 }); err != nil {
			t.Fatal(err)
		}
	})
	if n > 10 {
		t.Errorf("got %v allocations for 100 answers, want hardly any", n)
	}
}
