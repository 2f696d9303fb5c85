package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/health"
)

// backendOf returns a configuration that forwards to a server, which handler is.
func backendOf(t *testing.T, handler http.HandlerFunc) proxy.Config {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l) // ends with Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	c := valid()
	c.Frontends[0].Rules = nil
	c.Frontends[0].DefaultBackend = "app"
	c.Backends[0].Servers[0].Address = l.Addr().(*net.TCPAddr).AddrPort()
	return c
}

// send opens a connection and sends s on it.
func send(t *testing.T, b balancer, s string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp4", b.Snapshot().Frontends[0].Binds[0].Address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, s); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// runUntil runs a Proxy; stop ends its context, and ended gets what Run returns.
func runUntil(t *testing.T, c proxy.Config, drain time.Duration) (b balancer, stop func(), ended chan error) {
	t.Helper()
	b = balancer{proxy.New(proxy.Options{Drain: drain})}
	b.Reload(t, c)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	ended = make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	return b, cancel, ended
}

func TestRunDrains(t *testing.T) {
	busy, release := make(chan struct{}), make(chan struct{})
	c := backendOf(t, func(w http.ResponseWriter, r *http.Request) {
		close(busy)
		<-release
		_, _ = io.WriteString(w, "late") // an error shows at the client
	})
	b, stop, ended := runUntil(t, c, 10*time.Second)
	_, silent := send(t, b, "")
	_, waiting := send(t, b, request)
	<-busy
	address := b.Snapshot().Frontends[0].Binds[0].Address.String()
	stop()
	if _, err := silent.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a silent connection: got %v, want its end", err)
	}
	if conn, err := net.Dial("tcp4", address); err == nil {
		_ = conn.Close()
		t.Error("connections are still accepted")
	}
	close(release)
	resp, err := http.ReadResponse(waiting, nil)
	if err != nil {
		t.Fatalf("the request under way: %v", err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != "late" || !resp.Close {
		t.Errorf("got %q, close %t, want the response and Connection: close", body, resp.Close)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestRunDrainsNoLongerThanItSays(t *testing.T) {
	busy := make(chan struct{})
	c := backendOf(t, func(w http.ResponseWriter, r *http.Request) {
		close(busy)
		<-r.Context().Done()
	})
	b, stop, ended := runUntil(t, c, 50*time.Millisecond)
	_, waiting := send(t, b, request)
	<-busy
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := waiting.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want the end of the connection", err)
	}
	plan, err := b.Plan(c)
	if err != nil {
		t.Fatal(err)
	}
	b.Apply(plan) // nothing is started, as goleak would tell
	if err := b.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "it has been run before") {
		t.Errorf("a second Run: got %v", err)
	}
}

// round is what WatchBackend reports.
type round struct {
	healthy, total int
	known          bool
}

// watch returns the reports on a backend, as they come.
func watch(t *testing.T, b balancer, name string) <-chan round {
	t.Helper()
	rounds := make(chan round, 16) // more than a test causes
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.WatchBackend(ctx, name, func(healthy, total int, known bool) { rounds <- round{healthy, total, known} })
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return rounds
}

func next(t *testing.T, rounds <-chan round, want round) {
	t.Helper()
	select {
	case got := <-rounds:
		if got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing was reported, want %+v", want)
	}
}

// probedBackend has a server whose probes each wait for the status that they get.
func probedBackend(t *testing.T) (c proxy.Config, probes chan<- int) {
	statuses, done := make(chan int), make(chan struct{})
	c = backendOf(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case status := <-statuses:
			w.WriteHeader(status)
		case <-r.Context().Done():
		case <-done:
		}
	})
	t.Cleanup(func() { close(done) })
	return c, statuses
}

func TestWatchBackend(t *testing.T) {
	c, probes := probedBackend(t)
	c.Backends[0].Check = &health.Check{
		Kind: &health.HTTP{}, Interval: 5 * time.Millisecond, Timeout: 10 * time.Second, Rise: 2, Fall: 3,
	}
	b := run(t, c, proxy.Options{Drain: 1})
	rounds, other := watch(t, b, "app"), watch(t, b, "other")
	next(t, rounds, round{0, 1, false})
	next(t, other, round{0, 0, false})
	probes <- 200 // the first one decides
	next(t, rounds, round{1, 1, true})
	probes <- 500
	b.Reload(t, c) // neither counts, nor forgets, nor tells anything
	probes <- 500
	probes <- 200
	if s := b.Snapshot().Backends[0].Servers[0]; s.Status.String() != "up" {
		t.Errorf("after a reload and two failures: got %+v, want it up", s)
	}
	for range 3 {
		probes <- 500
	}
	next(t, rounds, round{0, 1, true})

	unchecked := c.Backends[0]
	unchecked.Name, unchecked.Check = "other", nil
	c.Backends = append(c.Backends, unchecked)
	b.Reload(t, c)
	next(t, other, round{1, 1, true}) // without checks it is known at once
	if got := strings.Join(b.Backends(), " "); got != "app other" {
		t.Errorf("got the backends %s", got)
	}
	if s := b.Snapshot().Backends[0].Servers[0]; s.Status.String() != "down" || s.Since.IsZero() {
		t.Errorf("got %+v, want the reload to keep the server down", s)
	}
	c.Backends = c.Backends[:1]
	b.Reload(t, c)
	next(t, other, round{0, 0, false})
	probes <- 200
	probes <- 200
	next(t, rounds, round{1, 1, true})
}

// TestChecksRunBehindClosedGates: a node that takes over knows its servers.
func TestChecksRunBehindClosedGates(t *testing.T) {
	c := backendOf(t, func(http.ResponseWriter, *http.Request) {})
	c.Frontends[0].Binds = []proxy.Bind{{Address: netip.MustParseAddrPort("127.77.0.3:0"), VIP: true}}
	c.Backends[0].Check = &health.Check{Interval: time.Hour, Timeout: 10 * time.Second, Rise: 1, Fall: 1}
	b := run(t, c, proxy.Options{Drain: 1})
	rounds := watch(t, b, "app")
	if got := <-rounds; !got.known {
		next(t, rounds, round{1, 1, true})
	}
	if g := b.Snapshot().Frontends[0].Binds[0].Gate; g != proxy.Closed {
		t.Errorf("got the gate %s, want closed", g)
	}
}

func TestGateStateText(t *testing.T) {
	for state, want := range map[proxy.GateState]string{proxy.Closed: "closed", proxy.Open: "open", proxy.Draining: "draining"} {
		if got, err := state.MarshalText(); string(got) != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

// TestBindBecomesVirtual: the socket and its connections live on when an address becomes a virtual one, and back.
func TestBindBecomesVirtual(t *testing.T) {
	c := valid()
	held, err := net.Listen("tcp4", "127.77.0.4:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Frontends[0].Binds[0].Address = held.Addr().(*net.TCPAddr).AddrPort()
	_ = held.Close()
	b := run(t, c, proxy.Options{Drain: 1})
	ask := func(conn net.Conn, r *bufio.Reader) {
		t.Helper()
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // an error shows in the next response
	}
	old, oldReader := send(t, b, "")
	ask(old, oldReader)
	c.Frontends[0].Binds[0].VIP = true
	b.Reload(t, c)
	ask(old, oldReader)
	conn, r := send(t, b, "")
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := r.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("behind a closed gate: got %v, want silence", err)
	}
	if n := b.Snapshot().Frontends[0].Accepted; n != 1 {
		t.Errorf("%d connections were accepted, want the gate closed", n)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	c.Frontends[0].Binds[0].VIP = false
	b.Reload(t, c)
	ask(conn, r)
}
