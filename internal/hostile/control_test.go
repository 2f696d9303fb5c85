package hostile

import (
	"io"
	"net"
	"sync"
	"testing"
)

// startPipe starts a proxy that passes octets on as they come.
func startPipe(t *testing.T) subject {
	t.Helper()
	s := subject{name: "a pipe", lanes: newLanes(t)}
	for _, l := range s.lanes {
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

// A judge that lets this proxy pass is blind.
func TestPipeFails(t *testing.T) {
	t.Parallel()
	got := runCases(startPipe(t), requests(), runRequest)
	t.Log(got)
	if got.of[Dangerous] < got.cases/3 || got.of[Unclean] < got.cases/10 || got.of[Refused] > 0 {
		t.Errorf("got %s, want a third dangerous, a tenth unclean, and every good request through", got)
	}
}
