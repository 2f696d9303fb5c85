package proxy_test

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/health"
)

// serveUnix runs a server of HTTP on a Unix socket, and returns how it ends.
func serveUnix(t *testing.T, path string, handler http.HandlerFunc) (end func()) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l) // ends with Close
	}()
	end = func() { _ = server.Close(); <-ended }
	t.Cleanup(end)
	return end
}

// unixBackend forwards to Unix sockets, by a bind of TCP.
func unixBackend(t *testing.T, paths ...string) proxy.Config {
	c := backendOf(t, nil)
	c.Backends[0].Servers = nil
	for i, path := range paths {
		c.Backends[0].Servers = append(c.Backends[0].Servers, proxy.Server{Name: "s" + strconv.Itoa(i), Path: path, Weight: 1})
	}
	c.Backends[0].Retries, c.Backends[0].Redispatch = 3, true
	return c
}

// askTCP asks a balancer for the path, on a connection of its own.
func askTCP(t *testing.T, b balancer) (status int, body string) {
	t.Helper()
	conn, r := send(t, b, request)
	defer conn.Close()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// Servers are reached by Unix sockets, with files and without, and probed there.
func TestUnixServers(t *testing.T) {
	for _, path := range []string{filepath.Join(shortDir(t), "a.sock"), "@tandem-test-server-" + strconv.Itoa(os.Getpid())} {
		t.Run(path[:1], func(t *testing.T) {
			seen := make(chan string, 100)
			serveUnix(t, path, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/health" {
					seen <- r.Host
					return
				}
				_, _ = io.WriteString(w, "hello from "+r.Host) // an error shows at the client
			})
			c := unixBackend(t, path)
			c.Backends[0].Check = &health.Check{Kind: &health.HTTP{Path: "/health"}, Interval: 50 * time.Millisecond, Timeout: 10 * time.Second, Rise: 1, Fall: 1}
			b := run(t, c, proxy.Options{})
			if host := <-seen; host != "localhost" {
				t.Errorf("a probe asks %q, want localhost", host)
			}
			for range 3 {
				if status, body := askTCP(t, b); status != 200 || body != "hello from a" {
					t.Errorf("got %d %q", status, body)
				}
			}
			s := b.Snapshot().Backends[0].Servers[0]
			if s.Path != path || s.Address != (netip.AddrPort{}) || s.Requests != 3 || s.ConnectFailures != 0 {
				t.Errorf("got %+v", s)
			}
		})
	}
}

// A server whose socket is gone, or has nobody behind it, costs no request as long as there is another one; its probes find it down.
func TestUnixServersThatAreGone(t *testing.T) {
	dir := shortDir(t)
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "stale"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()
	end := serveUnix(t, filepath.Join(dir, "alive"), func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "alive") })
	c := unixBackend(t, filepath.Join(dir, "none"), filepath.Join(dir, "stale"), filepath.Join(dir, "alive"))
	b := run(t, c, proxy.Options{})
	for range 6 {
		if status, body := askTCP(t, b); status != 200 || body != "alive" {
			t.Errorf("got %d %q", status, body)
		}
	}
	if s := b.Snapshot().Backends[0].Servers; s[0].ConnectFailures == 0 || s[1].ConnectFailures == 0 || s[2].ConnectFailures != 0 {
		t.Errorf("got %+v", s)
	}
	c.Backends[0].Check = &health.Check{Interval: 50 * time.Millisecond, Timeout: 10 * time.Second, Rise: 1, Fall: 1}
	b.Reload(t, c)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		s := b.Snapshot().Backends[0].Servers
		if s[0].Status == hysteresis.Down && s[1].Status == hysteresis.Down && s[2].Status == hysteresis.Up {
			if !strings.Contains(s[0].Text, "no such file") || !strings.Contains(s[1].Text, "refused") {
				t.Errorf("found %q and %q", s[0].Text, s[1].Text)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %+v", s)
		}
	}
	end()
	c.Backends[0].Check, c.Backends[0].Retries = nil, 0
	b.Reload(t, c)
	if status, _ := askTCP(t, b); status != 503 {
		t.Errorf("with nobody left: got %d, want 503", status)
	}
}

// In TCP mode a session goes from one Unix socket to another, with a header of the PROXY protocol that names nobody, and much passes both ways.
func TestUnixServersOfSessions(t *testing.T) {
	dir := shortDir(t)
	l, err := net.Listen("unix", filepath.Join(dir, "server"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	echoed := make(chan struct{})
	go func() {
		defer close(echoed)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.Copy(conn, conn) // what is missing shows at the client
	}()
	c := unixBackend(t, filepath.Join(dir, "server"))
	c.Frontends[0].TCP, c.Backends[0].TCP = true, true
	c.Frontends[0].Binds = []proxy.Bind{{Unix: proxy.Unix{Path: filepath.Join(dir, "bind"), Mode: 0o600}}}
	c.Backends[0].Servers[0].SendProxy = 1
	run(t, c, proxy.Options{})
	conn, err := net.Dial("unix", filepath.Join(dir, "bind"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	text := strings.Repeat("0123456789abcdef", 1<<16)
	go func() {
		_, _ = io.WriteString(conn, text) // as above
		_ = conn.(*net.UnixConn).CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if want := "PROXY UNKNOWN\r\n" + text; err != nil || string(got) != want {
		t.Errorf("got %d octets, %v, want %d", len(got), err, len(want))
	}
	<-echoed
}
