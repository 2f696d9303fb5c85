package load

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tandem-lb/tandem/internal/bench/origin"
	"github.com/tandem-lb/tandem/internal/bench/poll"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newLoop returns a loop with an origin on it, and where that listens.
func newLoop(t *testing.T) (*poll.Loop, netip.AddrPort) {
	t.Helper()
	l, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	o, err := origin.Open(l, 1)
	if err != nil {
		t.Fatal(err)
	}
	return l, o.Addrs()[0]
}

// short is a measurement of a moment, during which 3 ms of CPU time pass.
func short(rate float64) Timing {
	reads := 0
	return Timing{Warmup: 20 * time.Millisecond, Duration: 100 * time.Millisecond, Rate: rate, CPU: func() (time.Duration, error) {
		reads++
		return time.Duration(reads) * 3 * time.Millisecond, nil
	}}
}

// long is one that a busy machine has time for.
func long() Timing {
	t := short(0)
	t.Duration = time.Second
	return t
}

// untilErrors is one that only errors end.
func untilErrors() Timing {
	t := short(0)
	t.Duration = time.Minute
	return t
}

func TestRunAsksAndCounts(t *testing.T) {
	t.Parallel()
	l, to := newLoop(t)
	for _, c := range []Config{
		{Path: "/1k", Length: 1 << 10, Connections: 3},
		{Path: "/64k", Length: 64 << 10, Connections: 3},
		{Path: "/chunk", Length: 1 << 10, Connections: 3},
		{Path: "/1k", Length: 1 << 10, Connections: 3, PerRequest: true},
		{Path: "/1m", Length: 1 << 20, Connections: 3, Upload: 1 << 20},
	} {
		c.To = to
		r, err := Run(t.Context(), l, c, long())
		if err != nil || r.Err != nil || r.Requests < 3 || r.CPU != 3*time.Millisecond || r.Elapsed < 50*time.Millisecond || len(r.Times) > 0 {
			t.Errorf("%+v: got %+v, %v, want answers, 3 ms of CPU time, no times", c, r, err)
		}
	}
}

func TestRunAtARate(t *testing.T) {
	t.Parallel()
	l, to := newLoop(t)
	began := time.Now()
	r, err := Run(t.Context(), l, Config{To: to, Path: "/1k", Length: 1 << 10, Connections: 8}, short(1000))
	whole := time.Since(began)
	if err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	least, most := int(r.Elapsed/time.Millisecond)-1, int(whole/time.Millisecond)+1 // those that fell due while it warmed up may be answered late
	if n := len(r.Times); n < least || n > most {
		t.Errorf("got %d times in %v of %v, want %d to %d: one for each request that fell due", n, r.Elapsed, whole, least, most)
	}
}

// A server that stops answering is charged for all requests that fell due since.
func TestSilenceCounts(t *testing.T) {
	t.Parallel()
	l, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	ln, err := poll.Listen()
	if err != nil {
		t.Fatal(err)
	}
	l.Accept(ln, func(c *poll.Conn) { _, _ = c.Discard(1 << 20); _, _ = c.Discard(1); _ = c.Close() }, func(err error) { t.Error(err) })
	r, err := Run(t.Context(), l, Config{To: ln.Addr(), Path: "/1k", Length: 1 << 10, Connections: 2}, short(20))
	if err != nil || r.Requests > 0 {
		t.Fatalf("got %d answers, %v, want none", r.Requests, err)
	}
	// One request falls due each 50 ms. Two wait for an answer, and the third for a connection.
	if n := len(r.Times); n < 3 || slices.Max(r.Times) < 120*time.Millisecond {
		t.Errorf("got %v, want three at least, the longest from the beginning on", r.Times)
	}
	if r, err = Run(t.Context(), l, Config{To: ln.Addr(), Path: "/1k", Length: 1 << 10, Connections: 2}, short(0)); err != nil {
		t.Fatal(err)
	}
	if want := "2 of 2 connections had no answer in 120ms"; r.Err == nil || r.Err.Error() != want {
		t.Errorf("in a closed loop: got %v, want %s", r.Err, want)
	}
}

func TestWrongAnswersCount(t *testing.T) {
	t.Parallel()
	l, to := newLoop(t)
	closes, err := poll.Listen()
	if err != nil {
		t.Fatal(err)
	}
	l.Accept(closes, func(c *poll.Conn) { _, _ = c.Discard(1 << 10); _ = c.Close() }, func(err error) { t.Error(err) })
	for _, c := range []struct {
		name string
		c    Config
		want string
	}{
		{"status", Config{To: to, Path: "/nothing", Length: 1 << 10}, `got "HTTP/1.1 404 Not Found", want HTTP/1.1 200`},
		{"length", Config{To: to, Path: "/1k", Length: 1 << 11}, "a Content-Length of 1024, want 2048"},
		{"the end instead", Config{To: closes.Addr(), Path: "/1k", Length: 1 << 10}, "read an answer: EOF"},
		{"no TLS there", Config{To: closes.Addr(), Path: "/1k", Length: 1 << 10, TLS: true}, "handshake: EOF"},
		{"nobody there", Config{To: netip.MustParseAddrPort("127.0.0.1:1"), Path: "/1k", Length: 1 << 10}, "connection refused"},
	} {
		c.c.Connections = 2
		r, err := Run(t.Context(), l, c.c, untilErrors())
		if err != nil || r.Err == nil || !strings.HasSuffix(r.Err.Error(), c.want) || r.Errors < maxErrors || r.Errors > maxErrors+1 {
			t.Errorf("%s: got %+v, %v, want %d times %s", c.name, r, err, maxErrors, c.want)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l, to := newLoop(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	timing := short(0)
	timing.CPU = func() (time.Duration, error) { cancel(errors.New("enough")); return 0, nil }
	_, err := Run(ctx, l, Config{To: to, Path: "/1k", Length: 1 << 10, Connections: 1}, timing)
	if want := "broken off: enough"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	timing.CPU = func() (time.Duration, error) { return 0, errors.New("no clock") }
	_, err = Run(t.Context(), l, Config{To: to, Path: "/1k", Length: 1 << 10, Connections: 1}, timing)
	if want := "read the proxy's CPU time: no clock"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestHold(t *testing.T) {
	t.Parallel()
	l, to := newLoop(t)
	looked := 0
	c := Config{To: to, Path: "/1k", Length: 1 << 10, Connections: 200}
	if err := Hold(t.Context(), l, c, 10*time.Millisecond, func() error { looked++; return nil }); err != nil || looked != 1 {
		t.Errorf("got %v, looked %d times, want <nil>, once", err, looked)
	}
	want := "cannot look"
	if err := Hold(t.Context(), l, c, 0, func() error { return errors.New(want) }); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	c.PerRequest = true // the origin closes
	want = "an idle connection: EOF"
	if err := Hold(t.Context(), l, c, time.Minute, func() error { return nil }); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
