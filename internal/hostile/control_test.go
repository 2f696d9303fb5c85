package hostile

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// startPipe starts a proxy that passes octets on as they come.
func startPipe(t *testing.T) subject {
	t.Helper()
	s := subject{name: "a pipe", lanes: newLanes(t)}
	for _, l := range s.lanes {
		l.limit = time.Second // it has no timeouts to wait for
		l.dial = tcp(serveConns(t, func(conn net.Conn) {
			server, err := net.Dial("tcp4", l.origin.address())
			if err != nil {
				return
			}
			defer server.Close()
			var ways sync.WaitGroup
			ways.Go(func() { pour(server, conn) })
			ways.Go(func() { pour(conn, server) })
			ways.Wait()
		}))
	}
	return s
}

// pour copies one way, with its end.
func pour(to, from net.Conn) {
	_, _ = io.Copy(to, from) // an end is an end
	_ = to.(*net.TCPConn).CloseWrite()
}

// serveConns accepts connections until the test ends, and returns where.
func serveConns(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	conns := map[net.Conn]bool{} // guarded by mu
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[conn] = true
			mu.Unlock()
			all.Go(func() {
				serve(conn)
				_ = conn.Close()
				mu.Lock()
				delete(conns, conn)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return l.Addr().String()
}

// A judge that lets these proxies pass is blind.
func TestCarelessProxiesFail(t *testing.T) {
	for name, tt := range map[string]struct {
		start              func(*testing.T) subject
		run                func(subject) tally
		dangerous, unclean int // at least so many
	}{
		"requests":  {startPipe, func(s subject) tally { return runCases(s, requests(), runRequest) }, 400, 400},
		"responses": {startPipe, func(s subject) tally { return runCases(s, replies(), runReply) }, 200, 100},
		"streams":   {startTranslator, func(s subject) tally { return runCases(s, streamCases(), runStream) }, 80, 150},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tt.run(tt.start(t))
			t.Log(got)
			if got.of[Dangerous] < tt.dangerous || got.of[Unclean] < tt.unclean {
				t.Errorf("got %s, want %d dangerous and %d unclean", got, tt.dangerous, tt.unclean)
			}
			for _, f := range got.worse {
				v := f.faults.verdict()
				if v == Refused || v == Altered && f.name != "good/cookies" { // which have to be joined
					t.Errorf("it is said to refuse or alter: %s: %s\n\t%s", f.name, f.faults, f.story)
				}
			}
		})
	}
}
