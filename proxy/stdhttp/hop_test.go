package stdhttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// What any engine must do is in proxy/proxytest; here is what only this one does.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs an engine's server before one server of a backend; records gets the accounts.
func serve(t *testing.T, address netip.AddrPort) (client net.Addr, records <-chan exchange.Record) {
	t.Helper()
	s := upstream.NewServer(upstream.Key{Backend: "app", Name: "s1", Address: address})
	s.SetHealth(upstream.Health{Status: hysteresis.Up})
	pool, err := upstream.NewPool("", []upstream.Member{{Server: s, Weight: 1}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := rule.Compile(nil)
	if err != nil {
		t.Fatal(err)
	}
	frontend := &exchange.Frontend{
		Name: "web", Rules: table, Client: time.Minute, Tunnel: time.Minute,
		Default: &exchange.Backend{Name: "app", Servers: pool, Connect: time.Minute, Server: time.Minute},
	}
	accounts := make(chan exchange.Record, 100) // more than a test has
	engine := New(hclog.NewNullLogger())
	server := engine.NewServer(Bind{
		Frontend: func() *exchange.Frontend { return frontend },
		Draining: func() bool { return false },
		Account:  func(r *exchange.Record) { accounts <- *r },
	})
	l := listen(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
		server.Drain()
		server.Wait()
		engine.CloseIdle()
	})
	return l.Addr(), accounts
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestSecondRequestNeedsAnotherConnection: the server closes each connection when a second request comes, as servers do
// that have just decided to close an idle one. GET is sent again by net/http; POST never meets a connection that idled.
func TestSecondRequestNeedsAnotherConnection(t *testing.T) {
	l := listen(t)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body) // what is missing shows in the response
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				_, _ = r.ReadByte() // of the second request, which gets no answer
			}()
		}
	}()
	address, records := serve(t, l.Addr().(*net.TCPAddr).AddrPort())
	conn, err := net.Dial("tcp4", address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for _, request := range strings.Split(strings.Repeat("GET POST ", 10)+"GET GET POST POST", " ") {
		_, _ = io.WriteString(conn, request+" / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n") // an error shows in the response
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); resp.StatusCode != 200 || string(body) != "ok" {
			t.Fatalf("%s: got %d %q, %v", request, resp.StatusCode, body, err)
		}
		if got := <-records; got.Termination.String() != "--" || got.Status != 200 || got.Retries != 0 {
			t.Errorf("%s: got %+v, want nothing to be told of it", request, got)
		}
	}
}

// TestPanicIsAccountedFor: a bug costs one connection, is logged, and leaves a record and no slot taken.
func TestPanicIsAccountedFor(t *testing.T) {
	var log strings.Builder
	engine := New(hclog.New(&hclog.LoggerOptions{Output: &log}))
	pool, err := upstream.NewPool("", nil)
	if err != nil {
		t.Fatal(err)
	}
	table, err := rule.Compile(nil)
	if err != nil {
		t.Fatal(err)
	}
	frontend := &exchange.Frontend{Name: "web", Rules: table, Default: &exchange.Backend{Name: "app", Servers: pool}}
	var records []exchange.Record
	server := engine.NewServer(Bind{
		Frontend: func() *exchange.Frontend { return frontend },
		Draining: func() bool { panic("a bug") },
		Account:  func(r *exchange.Record) { records = append(records, *r) },
	})
	l := listen(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(l)
	}()
	conn, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") // an error shows below
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("got %v, want the connection closed", err)
	}
	_ = l.Close()
	<-ended
	server.Wait()
	if len(records) != 1 || records[0].Termination.Cause != exchange.Internal {
		t.Errorf("got %+v, want one record of an internal fault", records)
	}
	if !strings.Contains(log.String(), "request ended in a panic") || !strings.Contains(log.String(), "a bug") {
		t.Errorf("got the log %q, want the panic in it", log.String())
	}
}
