package loop_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/proxy/loop"
)

// listen opens a listening socket that loops can share, and returns its address.
func listen(t testing.TB) (fd int, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close(); _ = l.Close() })
	fd = int(file.Fd()) // which makes it block
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	return fd, l.Addr().String()
}

// start runs loops that share a listening socket and echo what they receive.
func start(t *testing.T, loops int) (address string) {
	t.Helper()
	fd, address := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); wg.Wait() })
	for range loops {
		k, err := loop.OpenEpoll()
		if err != nil {
			t.Fatal(err)
		}
		l := loop.New(k)
		if err := l.Listen(fd, func(l *loop.Loop, c loop.Client) { l.Adopt(c, &echo{}) }, func(err error) { t.Error(err) }); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	return address
}

// What many clients send comes back whole, whichever loop has them.
func TestEchoOverSockets(t *testing.T) {
	t.Parallel()
	address := start(t, 4)
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			sent := make([]byte, 1+n*n*100)
			random := rand.NewChaCha8([32]byte{byte(n)})
			_, _ = random.Read(sent)
			go func() {
				_, _ = c.Write(sent) // what is missing shows below
				_ = c.(*net.TCPConn).CloseWrite()
			}()
			if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("client %d: %d octets came back of %d, %v", n, len(got), len(sent), err)
			}
		})
	}
	wg.Wait()
}

// Clients that come one by one are shared by the loops, and do not all stay with the first.
func TestShareOverSockets(t *testing.T) {
	t.Parallel()
	const clients = 200
	fd, address := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	counts := make([]int, 2) // each of one loop
	for i := range counts {
		k, err := loop.OpenEpoll()
		if err != nil {
			t.Fatal(err)
		}
		l := loop.New(k)
		l.Share()
		if err := l.Listen(fd, func(l *loop.Loop, c loop.Client) {
			counts[i]++
			l.Adopt(c, hear(func(l *loop.Loop, s loop.Ref) { l.Send(s, []byte("x")) }))
		}, func(err error) { t.Error(err) }); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	for range clients {
		if _, err := io.ReadFull(dial(t, address), make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	wg.Wait()
	if counts[0]+counts[1] != clients || min(counts[0], counts[1]) < clients/4 {
		t.Errorf("the loops have %v of %d clients, want about half each", counts, clients)
	}
}

// caller connects and tells what came of it.
type caller struct{ result chan error }

func (c *caller) Ready(l *loop.Loop, s loop.Ref) {
	if pending, err := l.Connected(s); !pending {
		c.result <- err
		l.Close(s, false)
	}
}

func (c *caller) Expired(l *loop.Loop, s loop.Ref) {
	c.result <- context.DeadlineExceeded
	l.Close(s, false)
}

func TestConnectOverSockets(t *testing.T) {
	t.Parallel()
	address := start(t, 1)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	_ = closed.Close()
	k, err := loop.OpenEpoll()
	if err != nil {
		t.Fatal(err)
	}
	l := loop.New(k)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	for _, tt := range []struct {
		to   string
		want error
	}{{address, nil}, {nobody, unix.ECONNREFUSED}} {
		c := &caller{result: make(chan error, 2)}
		to, err := net.ResolveTCPAddr("tcp", tt.to)
		if err != nil {
			t.Fatal(err)
		}
		l.Post(func(l *loop.Loop) {
			r, err := l.Connect(to.AddrPort(), c)
			if err != nil {
				c.result <- err
				return
			}
			l.SetDeadline(r, 10*time.Second)
		})
		if got := <-c.result; got != tt.want {
			t.Errorf("connect to %s: got %v, want %v", tt.to, got, tt.want)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A message there and back, with the client on another thread.
func BenchmarkEcho(b *testing.B) {
	fd, address := listen(b)
	k, err := loop.OpenEpoll()
	if err != nil {
		b.Fatal(err)
	}
	l := loop.New(k)
	if err := l.Listen(fd, func(l *loop.Loop, c loop.Client) { l.Adopt(c, &echo{}) }, func(err error) { b.Error(err) }); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = l.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	buf := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, buf); err != nil {
			b.Fatal(err)
		}
	}
}

// What a connection ends with takes the end along: one packet less for each connection that carries one response.
func TestCorkedEndIsOneSegment(t *testing.T) {
	t.Parallel()
	for _, corked := range []bool{true, false} {
		fd, address := listen(t)
		k, err := loop.OpenEpoll()
		if err != nil {
			t.Fatal(err)
		}
		l := loop.New(k)
		answer := hear(func(l *loop.Loop, s loop.Ref) {
			if corked {
				l.Cork(s)
			}
			l.Send(s, []byte("answer"))
			l.Close(s, false)
		})
		if err := l.Listen(fd, func(l *loop.Loop, c loop.Client) { l.Adopt(c, answer) }, func(err error) { t.Error(err) }); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := l.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		got, segments := hearAll(t, address)
		cancel()
		wg.Wait()
		// The handshake's, the answer, and its end.
		if want := map[bool]uint32{true: 2, false: 3}[corked]; got != "answer" || segments != want {
			t.Errorf("corked %v: got %q in %d segments, want %d", corked, got, segments, want)
		}
	}
}

// hearAll connects and returns what comes until the end, and in how many segments everything came.
func hearAll(t *testing.T, address string) (got string, segments uint32) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info *unix.TCPInfo
	if cerr := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	return string(b), info.Segs_in
}
