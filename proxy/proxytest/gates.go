package proxytest

import (
	"net/netip"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
)

// Loopback has a whole network of addresses; these stand for virtual ones.
var (
	vip1 = netip.MustParseAddr("127.77.0.1")
	vip2 = netip.MustParseAddr("127.77.0.2")
)

// vips is a site on two virtual addresses and a plain one.
func vips(servers ...*server) proxy.Config {
	c := site(servers...)
	c.Frontends[0].Binds = []proxy.Bind{
		{Address: netip.AddrPortFrom(vip1, 0), VIP: true}, {Address: netip.AddrPortFrom(vip2, 0), VIP: true}, {Address: anyPort},
	}
	return c
}

const getRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// bindsEarly: RFC 5737 gives TEST-NET-1 to nobody, so this node does not have it.
func bindsEarly(t *testing.T, start Start) {
	c := vips(serve(t, "app1", says("ok")))
	c.Frontends[0].Binds[0].Address = netip.MustParseAddrPort("192.0.2.1:0")
	c.Frontends[0].Binds[1].Address = netip.MustParseAddrPort("[2001:db8::1]:0")
	b := start(t, c)
	binds := b.Snapshot().Frontends[0].Binds
	for i, want := range []string{"192.0.2.1", "2001:db8::1"} {
		if got := binds[i]; got.Address.Addr().String() != want || got.Address.Port() == 0 || got.Gate != proxy.Closed || !got.VIP {
			t.Errorf("got %+v, want %s bound and closed", got, want)
		}
	}
}

func gateClosedOpen(t *testing.T, start Start) {
	b := start(t, vips(serve(t, "app1", says("ok"))))
	var waiting []*client
	for range 5 {
		c := dial(t, web(t, b)) // the kernel answers the SYN
		c.send(getRequest)
		waiting = append(waiting, c)
	}
	waiting[0].silent()
	if n := b.Snapshot().Frontends[0].Accepted; n != 0 {
		t.Errorf("accepted %d connections through a closed gate", n)
	}
	wantBody(t, get(t, address(t, b, "web", 2), "/"), "ok") // no virtual address: always
	b.Gate(vip1).Set(proxy.Open)
	for _, c := range waiting {
		wantBody(t, c.receive("GET"), "ok")
	}
}

func gateCloses(t *testing.T, start Start) {
	b := start(t, vips(serve(t, "app1", says("ok"))))
	for range 3 {
		b.Gate(vip1).Set(proxy.Open)
		c := dial(t, web(t, b))
		c.send(getRequest)
		wantBody(t, c.receive("GET"), "ok")
		b.Gate(vip1).Set(proxy.Closed)
		late := dial(t, web(t, b))
		late.send(getRequest)
		late.silent()
		if n := b.EndConnections(vip1); n != 1 {
			t.Fatalf("ended %d connections, want the one that was accepted", n)
		}
		c.closed()
		b.Gate(vip1).Set(proxy.Open)
		wantBody(t, late.receive("GET"), "ok")
		_ = late.conn.Close()
		eventually(t, "it is gone", func() bool { return b.Snapshot().Frontends[0].Connections == 0 })
	}
}

func gateDraining(t *testing.T, start Start) {
	b := start(t, vips(serve(t, "app1", says("ok"))))
	b.Gate(vip1).Set(proxy.Open)
	early := dial(t, web(t, b))
	early.send(getRequest)
	if r := early.receive("GET"); connection(r) != "" {
		t.Errorf("open: got Connection: %q", connection(r))
	}
	b.Gate(vip1).Set(proxy.Draining)
	late := dial(t, web(t, b))
	for name, c := range map[string]*client{"early": early, "late": late} {
		c.send(getRequest)
		r := c.receive("GET")
		wantBody(t, r, "ok")
		if connection(r) != "close" {
			t.Errorf("%s: got Connection: %q, want close", name, connection(r))
		}
		c.closed()
	}
}

// gatesApart is active/active: one address is served here, the other elsewhere.
func gatesApart(t *testing.T, start Start) {
	b := start(t, vips(serve(t, "app1", says("ok"))))
	b.Gate(vip2).Set(proxy.Open)
	closed := dial(t, web(t, b))
	closed.send(getRequest)
	open := dial(t, address(t, b, "web", 1))
	for range 2 {
		open.send(getRequest)
		wantBody(t, open.receive("GET"), "ok")
		if n := b.EndConnections(vip1); n != 0 {
			t.Errorf("ended %d connections of an address that has none", n)
		}
	}
	closed.silent()
}

func endConnections(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) {
		switch c.req.URL.Path {
		case "/ws":
			echoes(c)
		case "/hang":
			hangs(c)
		default:
			says("ok")(c)
		}
	})
	b := start(t, vips(app))
	b.Gate(vip1).Set(proxy.Open)
	at := web(t, b)
	idle, tunnel, busy, silent := dial(t, at), dial(t, at), dial(t, at), dial(t, at)
	idle.send(getRequest)
	wantBody(t, idle.receive("GET"), "ok")
	switchProtocols(t, tunnel)
	expect(t, tunnel.r, "hello first ")
	busy.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
	other := dial(t, address(t, b, "web", 2))
	other.send(getRequest)
	wantBody(t, other.receive("GET"), "ok")
	eventually(t, "all are there", func() bool { return app.calls() == 4 && b.Snapshot().Frontends[0].Connections == 5 })
	b.Gate(vip1).Set(proxy.Closed)
	if n := b.EndConnections(vip1); n != 4 {
		t.Errorf("ended %d connections, want 4", n)
	}
	for _, c := range []*client{idle, tunnel, busy, silent} {
		c.closed()
	}
	eventually(t, "the slots are free", func() bool { return b.Snapshot().Backends[0].Servers[0].InFlight == 0 })
	other.send(getRequest)
	wantBody(t, other.receive("GET"), "ok")
}
