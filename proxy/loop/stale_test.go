package loop_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/loop"
)

// await lets the Loop run until a condition holds.
func await(t *testing.T, l *loop.Loop, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("no %s within 10 s", what)
		}
		l.SetDeadline(l.Timer(hear(func(l *loop.Loop, s loop.Ref) { l.Close(s, false) })), loop.Tick) // so that a wait ends
		if err := l.Pass(); err != nil {
			t.Fatal(err)
		}
	}
}

// What of a request can't have been processed by a server that closes the connection instead of answering.
func TestUnackedOverSockets(t *testing.T) {
	t.Parallel()
	const request = "POST / HTTP/1.1\r\n\r\n"
	for _, tt := range []struct {
		name   string
		before func(t *testing.T, l *loop.Loop, r loop.Ref, server *net.TCPConn) // the request is sent
		after  func(t *testing.T, l *loop.Loop, r loop.Ref, server *net.TCPConn)
		want   int
		known  bool
		state  loop.State
	}{
		{name: "closed before", want: len(request), known: true, state: loop.Ended,
			before: func(t *testing.T, l *loop.Loop, r loop.Ref, server *net.TCPConn) { _ = server.Close() }},
		{name: "read and closed", want: 0, known: true, state: loop.Ended,
			after: func(t *testing.T, l *loop.Loop, r loop.Ref, server *net.TCPConn) {
				read(t, server, request)
				_ = server.Close()
			}},
		{name: "read and reset", want: 0, known: false, state: loop.Failed,
			after: func(t *testing.T, l *loop.Loop, r loop.Ref, server *net.TCPConn) {
				read(t, server, request)
				_ = server.SetLinger(0)
				_ = server.Close()
			}},
		{name: "closed without reading", want: 0, known: false, state: loop.Failed, // Linux sends a reset
			after: func(t *testing.T, l *loop.Loop, r loop.Ref, server *net.TCPConn) { _ = server.Close() }},
		{name: "ended, but reads on", want: 0, known: true, state: loop.Ended,
			before: func(t *testing.T, l *loop.Loop, r loop.Ref, server *net.TCPConn) { _ = server.CloseWrite() },
			after:  func(t *testing.T, l *loop.Loop, r loop.Ref, server *net.TCPConn) { read(t, server, request) }},
		{name: "own end sent", want: 0, known: false, state: loop.Ended,
			before: func(t *testing.T, l *loop.Loop, r loop.Ref, server *net.TCPConn) { _ = server.Close() },
			after:  func(t *testing.T, l *loop.Loop, r loop.Ref, server *net.TCPConn) { l.CloseWrite(r) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, r, server := connected(t)
			if !l.Idle(r) {
				t.Error("not idle at first")
			}
			if _, known := l.Unacked(r); known {
				t.Error("known of a connection that has not ended")
			}
			if tt.before != nil {
				tt.before(t, l, r, server)
			}
			// Without a pass in between, as if the news came too late.
			if n, st := l.Send(r, []byte(request)); n != len(request) || st != loop.Done {
				t.Fatalf("sent %d, %v", n, st)
			}
			if tt.after != nil {
				tt.after(t, l, r, server)
			}
			await(t, l, "end of the connection", func() bool { return l.HungUp(r) })
			if _, st := l.Recv(r, make([]byte, 1)); st != tt.state {
				t.Errorf("Recv: state %v, want %v", st, tt.state)
			}
			if got, known := l.Unacked(r); got != tt.want || known != tt.known {
				t.Errorf("got %d, %v, want %d, %v", got, known, tt.want, tt.known)
			}
			if l.Idle(r) {
				t.Error("idle though the server has ended")
			}
		})
	}
}

// A server that reads nothing, for it is busy, has acknowledged all that it was sent.
func TestNothingIsOutstandingWhereTheOtherSideHasNoRoom(t *testing.T) {
	t.Parallel()
	l, r, _ := connected(t)
	piece := make([]byte, 64<<10)
	for st := loop.Done; st == loop.Done; {
		_, st = l.Send(r, piece)
	}
	await(t, l, "all of it is acknowledged that has left", func() bool {
		octets, unsent := l.Outstanding(r)
		return octets > 0 && octets == unsent
	})
}

// A pooled connection is known to be of no use in the very pass in which the kernel says so, before its own Handler is called.
func TestIdleOverSockets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(server *net.TCPConn)
	}{
		{"closed", func(server *net.TCPConn) { _ = server.Close() }},
		{"reset", func(server *net.TCPConn) { _ = server.SetLinger(0); _ = server.Close() }},
		{"bytes that nobody asked for", func(server *net.TCPConn) { _, _ = server.Write([]byte("HTTP/1.1 408 Request Timeout\r\n\r\n")) }},
	} {
		l, r, server := connected(t)
		if !l.Idle(r) {
			t.Errorf("%s: not idle before", tt.name)
		}
		tt.do(server)
		await(t, l, "change of "+tt.name, func() bool { return !l.Idle(r) })
	}
}

// connected is a connection of a Loop, which the caller turns, to a server.
func connected(t *testing.T) (l *loop.Loop, r loop.Ref, server *net.TCPConn) {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	k, err := loop.OpenEpoll()
	if err != nil {
		t.Fatal(err)
	}
	l = loop.New(k)
	stands := false
	r, err = l.Connect(listener.Addr().(*net.TCPAddr).AddrPort(), hear(func(l *loop.Loop, s loop.Ref) {
		pending, err := l.Connected(s)
		if err != nil {
			t.Error(err)
		}
		stands = !pending
	}))
	if err != nil {
		t.Fatal(err)
	}
	server, err = listener.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close(); _ = listener.Close(); l.End() })
	await(t, l, "connection", func() bool { return stands })
	return l, r, server
}

func read(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("the server read %q, %v", got, err)
	}
}
