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

// TestCarelessProxiesFail: a judge that lets these pass is blind. A third of the cases is enough to see it.
func TestCarelessProxiesFail(t *testing.T) {
	for name, run := range map[string]func(*testing.T) tally{
		"requests":  func(t *testing.T) tally { return runCases(startPipe(t), third(requests()), runRequest) },
		"responses": func(t *testing.T) tally { return runCases(startPipe(t), third(replies()), runReply) },
		"streams":   func(t *testing.T) tally { return runCases(startTranslator(t), third(streamCases()), runStream) },
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t)
			t.Log(got)
			if bad := got.of[Dangerous] + got.of[Unclean]; bad < got.cases/2 || got.of[Dangerous] < got.cases/10 {
				t.Errorf("got %s, want half of them dangerous or unclean", got)
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

// third returns every third case.
func third[C any](cases []C) []C {
	var some []C
	for i := 0; i < len(cases); i += 3 {
		some = append(some, cases[i])
	}
	return some
}
