package proxytest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
)

// tcpCases are those of TCP mode.
func tcpCases(t *testing.T, start Start) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Start)
	}{
		{"R21_R66_bytes_both_ways", tcpBytes},
		{"TLS_on_both_sides", tcpTLS},
		{"ends_are_passed_on", tcpEnds},
		{"resets_are_passed_on", tcpResets},
		{"one_refusing_server_costs_no_session", tcpOneRefuses},
		{"R28_slots_are_held_as_long_as_sessions_last", tcpSlots},
		{"sessions_outlive_a_reload", tcpReload},
		{"mode_changes", tcpModeChanges},
		{"silent_sessions_end", tcpSilent},
		{"TLS_passes_through_by_name", passThrough},
		{"TLS_passes_through_by_a_file_of_names", passThroughByMap},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, start)
		})
	}
}

// tcpSite is a site in TCP mode.
func tcpSite(servers ...*server) proxy.Config {
	c := site(servers...)
	c.Frontends[0].TCP, c.Backends[0].TCP = true, true
	return c
}

// echoTCP sends everything back, and says so at the end.
func echoTCP(conn net.Conn) {
	_, _ = io.Copy(conn, conn) // an error shows at the client
	_, _ = io.WriteString(conn, "bye")
}

// halfCloser is a connection whose directions end one by one.
type halfCloser interface{ CloseWrite() error }

// exchangeTCP sends a text, ends, and wants it back with a bye.
func exchangeTCP(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	go func() {
		_, _ = io.WriteString(conn, text) // what is missing does not come back
		_ = conn.(halfCloser).CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, []byte(text+"bye")) {
		t.Errorf("sent %d octets, got %d back, %v", len(text), len(got), err)
	}
}

func tcpBytes(t *testing.T, start Start) {
	b := start(t, tcpSite(serveTCP(t, "app1", echoTCP)))
	sizes := []int{0, 1, 100_000, 8 << 20}
	for _, size := range sizes {
		exchangeTCP(t, dial(t, web(t, b)).conn, noise(size))
	}
	eventually(t, "all sessions are counted", func() bool { return b.Snapshot().Frontends[0].Requests == int64(len(sizes)) })
	if f := b.Snapshot().Frontends[0]; f.BytesIn != 100_001+8<<20 || f.BytesOut != f.BytesIn+12 || f.Faults+f.Unanswered+f.Internal != 0 {
		t.Errorf("got %+v", f.Traffic)
	}
}

func tcpTLS(t *testing.T, start Start) {
	ca := newAuthority(t)
	l, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*ca.named(appName)}})
	if err != nil {
		t.Fatal(err)
	}
	app := attend(t, "app1", l, func(_ *server, conn net.Conn) {
		defer conn.Close()
		echoTCP(conn)
	})
	c := tcpSite(app)
	file, trusted := Bundle(t, "db.example.com")
	c.Frontends[0].Binds[0].TLS = &certs.Config{Certificates: certs.Bundles(file)}
	c.Backends[0].TLS = &certs.ServerConfig{CAs: []string{ca.file}}
	c.Backends[0].Servers[0].ServerName = appName
	b := start(t, c)
	for _, offered := range [][]string{nil, {"postgresql"}} {
		conn, err := tls.Dial("tcp4", web(t, b), &tls.Config{RootCAs: trusted, ServerName: "db.example.com", NextProtos: offered})
		if err != nil {
			t.Fatalf("offering %v: %v", offered, err)
		}
		exchangeTCP(t, clientOn(t, conn).conn, noise(1<<20))
	}
}

func tcpEnds(t *testing.T, start Start) {
	heard := make(chan string, 1)
	b := start(t, tcpSite(serveTCP(t, "app1", func(conn net.Conn) {
		_, _ = io.WriteString(conn, "220 hello\n")
		_ = conn.(halfCloser).CloseWrite()
		rest, _ := io.ReadAll(conn) // what is missing shows
		heard <- string(rest)
	})))
	c := dial(t, web(t, b))
	if got, err := io.ReadAll(c.r); string(got) != "220 hello\n" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	c.send("still here")
	_ = c.conn.(halfCloser).CloseWrite()
	if got := <-heard; got != "still here" {
		t.Errorf("after its end the server has heard %q", got)
	}
}

func tcpResets(t *testing.T, start Start) {
	broken := make(chan error, 1)
	b := start(t, tcpSite(serveTCP(t, "app1", func(conn net.Conn) {
		var word [5]byte
		_, _ = io.ReadFull(conn, word[:])
		if string(word[:]) == "reset" {
			_ = conn.(*net.TCPConn).SetLinger(0)
			return
		}
		_, err := conn.Read(word[:])
		broken <- err
	})))
	c := dial(t, web(t, b))
	c.send("reset")
	if _, err := c.r.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client got %v, want a reset", err)
	}
	c = dial(t, web(t, b))
	c.send("hello")
	eventually(t, "the server has it", func() bool { return b.Snapshot().Frontends[0].Connections == 1 })
	_ = c.conn.(*net.TCPConn).SetLinger(0)
	_ = c.conn.Close()
	if err := <-broken; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server got %v, want a reset", err)
	}
}

func tcpOneRefuses(t *testing.T, start Start) {
	b := start(t, tcpSite(serveTCP(t, "app1", echoTCP), refusing(t, "app2")))
	for range 10 {
		exchangeTCP(t, dial(t, web(t, b)).conn, "hello")
	}
	eventually(t, "all are counted", func() bool { return b.Snapshot().Frontends[0].Requests == 10 })
	if f := b.Snapshot().Frontends[0]; f.Redispatch == 0 || f.Faults != 0 {
		t.Errorf("got %+v", f.Traffic)
	}
}

func tcpSlots(t *testing.T, start Start) {
	b := start(t, tcpSite(serveTCP(t, "app1", echoTCP)))
	var all []*client
	for range 3 {
		c := dial(t, web(t, b))
		c.send("hi")
		expect(t, c.r, "hi")
		all = append(all, c)
	}
	if got := b.Snapshot().Backends[0].Servers[0].InFlight; got != 3 {
		t.Errorf("got %d in flight, want 3", got)
	}
	for _, c := range all {
		_ = c.conn.Close()
	}
	eventually(t, "all slots are free", func() bool { return b.Snapshot().Backends[0].Servers[0].InFlight == 0 })
}

func tcpReload(t *testing.T, start Start) {
	c := tcpSite(serveTCP(t, "app1", echoTCP))
	b := start(t, c)
	client := dial(t, web(t, b))
	client.send("one")
	expect(t, client.r, "one")
	c.Backends = append(c.Backends, pool("other", serveTCP(t, "app2", func(conn net.Conn) { _, _ = io.WriteString(conn, "other") })))
	c.Backends[1].TCP = true
	c.Frontends[0].DefaultBackend = "other"
	b.Reload(t, c)
	expect(t, dial(t, web(t, b)).r, "other")
	client.send("two")
	expect(t, client.r, "two")
	c.Frontends = nil
	b.Reload(t, c)
	client.send("three")
	expect(t, client.r, "three")
}

// tcpModeChanges: connections keep what they began with, and new ones get what the frontend speaks now.
func tcpModeChanges(t *testing.T, start Start) {
	c := site(serve(t, "app1", says("ok")))
	b := start(t, c)
	at, idle := web(t, b), dial(t, web(t, b))
	idle.send(getRequest)
	wantBody(t, idle.receive("GET"), "ok")
	next := tcpSite(serveTCP(t, "app2", echoTCP))
	next.Frontends[0].Binds[0] = c.Frontends[0].Binds[0]
	b.Reload(t, next)
	if _, err := idle.r.ReadByte(); err != io.EOF {
		t.Errorf("a connection that waits for a request: got %v, want its end", err)
	}
	if web(t, b) != at {
		t.Fatalf("the bind has moved from %s to %s", at, web(t, b))
	}
	exchangeTCP(t, dial(t, at).conn, "GET / ")
}

func tcpSilent(t *testing.T, start Start) {
	c := tcpSite(serveTCP(t, "app1", echoTCP))
	c.Frontends[0].Timeouts.Tunnel = 200 * time.Millisecond
	b := start(t, c)
	client := dial(t, web(t, b))
	began := time.Now()
	client.send("hi")
	expect(t, client.r, "hi")
	if _, err := client.r.ReadByte(); !errors.Is(err, syscall.ECONNRESET) || time.Since(began) < 200*time.Millisecond {
		t.Errorf("got %v after %v, want a reset after 200ms", err, time.Since(began))
	}
}
