package proxytest

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

const upgradeRequest = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"

// echoes switches protocols and sends everything back; at the end it says so.
func echoes(c *call) {
	c.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: y\r\n\r\nhello ")
	_, _ = io.Copy(c.conn, c.r) // an error shows at the client
	c.write("bye")
	_ = c.conn.(interface{ CloseWrite() error }).CloseWrite()
}

// switchProtocols asks for the upgrade and reads the 101.
func switchProtocols(t *testing.T, c *client) {
	t.Helper()
	c.send(upgradeRequest)
	head, resp, err := c.receiveHead("GET")
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "websocket" || resp.Header.Get("Sec-WebSocket-Accept") != "y" ||
		!strings.EqualFold(resp.Header.Get("Connection"), "upgrade") {
		t.Fatalf("got %q, want the server's 101", head)
	}
	c.send("first ")
}

// expect reads exactly s.
func expect(t *testing.T, r *bufio.Reader, s string) {
	t.Helper()
	b := make([]byte, len(s))
	n, err := io.ReadFull(r, b)
	if string(b[:n]) != s {
		t.Fatalf("got %q, %v, want %q", b[:n], err, s)
	}
}

func upgrade(t *testing.T, start Start) {
	app := serve(t, "app1", echoes)
	b := start(t, site(app))
	c := dial(t, web(t, b))
	switchProtocols(t, c)
	expect(t, c.r, "hello first ")
	for range 3 {
		c.send("ping")
		expect(t, c.r, "ping")
	}
	if s := b.Snapshot().Backends[0].Servers[0]; s.InFlight != 1 {
		t.Errorf("got %d in flight, want the tunnel", s.InFlight) // R28
	}
	if err := c.conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expect(t, c.r, "bye")
	if _, err := c.r.ReadByte(); err != io.EOF {
		t.Errorf("after the server's end: got %v, want EOF", err)
	}
	if got := fields(app.lastHead(t), "Upgrade"); len(got) != 1 || got[0] != "websocket" {
		t.Errorf("the server got Upgrade: %q", got)
	}
	eventually(t, "the tunnel is counted", func() bool {
		f, s := b.Snapshot().Frontends[0], b.Snapshot().Backends[0].Servers[0]
		return f.Responses[0] == 1 && f.Faults == 0 && f.Connections == 0 && s.InFlight == 0
	})
}

func upgradeTimeout(t *testing.T, start Start) {
	c := site(serve(t, "app1", echoes))
	c.Frontends[0].Timeouts.Tunnel = 6 * moment
	c.Backends[0].Timeouts.Server = moment / 2 // which is not that of a tunnel
	b := start(t, c)
	client := dial(t, web(t, b))
	switchProtocols(t, client)
	expect(t, client.r, "hello first ")
	client.silent()
	client.send("ping")
	expect(t, client.r, "ping")
	client.closed()
	eventually(t, "the slot is free", func() bool { return b.Snapshot().Backends[0].Servers[0].InFlight == 0 })
}

// upgradeH2C: what follows would get past the rules.
func upgradeH2C(t *testing.T, start Start) {
	app := serve(t, "app1", says("plain"))
	at := web(t, start(t, site(app)))
	r := ask(t, at, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
	wantBody(t, r, "plain")
	for _, name := range []string{"Upgrade", "HTTP2-Settings"} {
		if got := fields(app.lastHead(t), name); len(got) != 0 {
			t.Errorf("the server got %s: %q", name, got)
		}
	}
	if got := strings.Join(fields(app.lastHead(t), "Connection"), ","); strings.Contains(strings.ToLower(got), "upgrade") {
		t.Errorf("the server got Connection: %q", got)
	}
}
