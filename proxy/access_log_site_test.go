package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/proxytest"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// patience bounds what is expected to happen.
const patience = 10 * time.Second

// The times of the sites whose lines are looked at. Nothing here depends on which is shorter, but for that of the head.
const (
	headPatience    = 400 * time.Millisecond
	clientPatience  = 700 * time.Millisecond
	serverPatience  = 600 * time.Millisecond
	connectPatience = 100 * time.Millisecond
)

// origin is a server that misbehaves as the path says. asked gets a word for each /silent.
func origin(t *testing.T) (at netip.AddrPort, asked <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	ended, silent := make(chan struct{}), make(chan struct{}, 8) // more than a test has
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				answer(conn, silent, ended)
			})
		}
	})
	t.Cleanup(func() {
		close(ended)
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().(*net.TCPAddr).AddrPort(), silent
}

// answer serves one request of a connection, or keeps silent until the end.
func answer(conn net.Conn, silent chan<- struct{}, ended <-chan struct{}) {
	_ = conn.SetDeadline(time.Now().Add(patience)) // so that the test ends, whatever goes wrong
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body) // what is missing shows in the line
	say := func(s string) { _, _ = io.WriteString(conn, s) }
	switch path := req.URL.Path; {
	case path == "/cookie":
		say("HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: " + req.Header.Get("X-Set") + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	case path == "/mute":
		<-ended
	case path == "/silent":
		silent <- struct{}{}
		<-ended
	case path == "/close":
	case path == "/junk":
		say("junk junk\r\n\r\n")
	case path == "/cut":
		say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
	case path == "/stall":
		say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
		<-ended
	case path == "/large":
		say("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + strings.Repeat("x", 1<<20))
		for b := strings.Repeat("x", 1<<20); ; {
			if _, err := io.WriteString(conn, b); err != nil {
				return
			}
		}
	default:
		say("HTTP/1.1 200 OK\r\nServer: odd {\"}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
	}
}

// logging is a site with every kind of backend, whose frontends log as log says: f, and k with TLS.
func logging(t *testing.T, log accesslog.Config, good netip.AddrPort) proxy.Config {
	t.Helper()
	dead := proxytest.Nobody(t)
	pair, _ := proxytest.Bundle(t, "localhost")
	one := func(name string, servers ...proxy.Server) proxy.Backend {
		return proxy.Backend{Name: name, Servers: servers, Retries: 1, Redispatch: true, Timeouts: proxy.BackendTimeouts{Connect: connectPatience, Server: serverPatience}}
	}
	at := func(name string, a netip.AddrPort) proxy.Server {
		return proxy.Server{Name: name, Address: a, Weight: 1}
	}
	front := func(name string, b proxy.Bind) proxy.Frontend {
		return proxy.Frontend{
			Name: name, Binds: []proxy.Bind{b}, DefaultBackend: "b", AccessLog: &log,
			Rules: []rule.Rule{
				{Match: rule.Match{Path: "/moved"}, Redirect: &rule.Redirect{Location: "/there"}},
				{Match: rule.Match{Path: "/health"}, Respond: &rule.Respond{Status: 200, Body: "healthy\n", ContentType: "text/plain"}, NoLog: true},
				{Match: rule.Match{Path: "/dead"}, Backend: "dead"},
				{Match: rule.Match{Path: "/two"}, Backend: "two"},
			},
			Timeouts: proxy.FrontendTimeouts{HTTPRequest: headPatience, Client: clientPatience, KeepAlive: patience, Tunnel: patience},
		}
	}
	local := netip.MustParseAddrPort("127.0.0.1:0")
	return proxy.Config{
		Frontends: []proxy.Frontend{
			front("f", proxy.Bind{Address: local}),
			front("k", proxy.Bind{Address: local, TLS: &certs.Config{Certificates: certs.Bundles(pair)}}),
		},
		Backends: []proxy.Backend{one("b", at("s1", good)), one("dead", at("d1", dead)), one("two", at("d1", dead), at("s1", good))},
	}
}

// fileLog has lines in a file of their own.
func fileLog(t *testing.T, c accesslog.Config) (accesslog.Config, string) {
	path := filepath.Join(t.TempDir(), "access.log")
	c.Outputs = []accesslog.Output{{Kind: accesslog.File, Address: path}}
	return c, path
}

// site is a balancer, whoever made it.
type site struct {
	plain, tls string          // where its frontends listen
	asked      <-chan struct{} // of its origin
	lines      func(t *testing.T, n int) []string
}

// tandem starts one that logs to a file.
func tandem(t *testing.T, log accesslog.Config) site {
	t.Helper()
	log, path := fileLog(t, log)
	good, asked := origin(t)
	b := run(t, logging(t, log, good), proxy.Options{Drain: 1, Threads: 1})
	f := b.Snapshot().Frontends
	return site{f[0].Binds[0].Address.String(), f[1].Binds[0].Address.String(), asked, func(t *testing.T, n int) []string { return linesOf(t, path, n) }}
}

// at is where the first frontend of a balancer is.
func at(b balancer) site { return site{plain: b.Snapshot().Frontends[0].Binds[0].Address.String()} }

// linesOf waits until a file has n lines, and returns all.
func linesOf(t *testing.T, path string, n int) []string {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		if len(b) > 0 && len(lines) >= n {
			return lines
		}
		if n == 0 || time.Now().After(end) {
			if n > 0 {
				t.Errorf("waited in vain for %d lines, got %q", n, b)
			}
			return nil
		}
	}
}
