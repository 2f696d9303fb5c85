package proxytest

import (
	"net"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// reloadKeeps: the four classes of R49, and a tunnel.
func reloadKeeps(t *testing.T, start Start) {
	release := make(chan struct{})
	app := serve(t, "app1", func(c *call) {
		switch c.req.URL.Path {
		case "/ws":
			echoes(c)
		case "/slow":
			await(release)
			says("slow")(c)
		default:
			says("ok")(c)
		}
	})
	c := site(app)
	b := start(t, c)
	at := web(t, b)
	idle, silent, half, busy, tunnel := dial(t, at), dial(t, at), dial(t, at), dial(t, at), dial(t, at)
	idle.send(getRequest)
	wantBody(t, idle.receive("GET"), "ok")
	half.send("GET / HTTP/1.1\r\nHo")
	busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	switchProtocols(t, tunnel)
	expect(t, tunnel.r, "hello first ")
	eventually(t, "all are there", func() bool { return app.calls() == 3 && b.Snapshot().Frontends[0].Connections == 5 })
	for range 3 {
		b.Reload(t, c)
	}
	if web(t, b) != at {
		t.Fatalf("the bind has moved from %s to %s", at, web(t, b))
	}
	idle.send(getRequest)
	wantBody(t, idle.receive("GET"), "ok")
	silent.send(getRequest)
	wantBody(t, silent.receive("GET"), "ok")
	half.send("st: a\r\n\r\n")
	wantBody(t, half.receive("GET"), "ok")
	close(release)
	wantBody(t, busy.receive("GET"), "slow")
	tunnel.send("ping")
	expect(t, tunnel.r, "ping")
	f := b.Snapshot().Frontends[0]
	if f.Accepted != 5 || f.Faults != 0 {
		t.Errorf("got %d connections, %d faults, want 5 and 0", f.Accepted, f.Faults)
	}
}

func reloadRoutes(t *testing.T, start Start) {
	one, two := serve(t, "one", says("one")), serve(t, "two", says("two"))
	c := site(one)
	b := start(t, c)
	client := dial(t, web(t, b))
	client.send(getRequest)
	wantBody(t, client.receive("GET"), "one")
	next := site(two)
	next.Frontends[0].Rules = []rule.Rule{{Match: rule.Match{Path: "/new"}, Respond: &rule.Respond{Status: 200, Body: "new"}}}
	b.Reload(t, next)
	client.send(getRequest)
	wantBody(t, client.receive("GET"), "two")
	client.send("GET /new HTTP/1.1\r\nHost: a\r\n\r\n")
	wantBody(t, client.receive("GET"), "new")
	if f := b.Snapshot().Frontends[0]; f.Requests < 2 || f.Accepted != 1 {
		t.Errorf("got %d requests on %d connections, want the counters to live on", f.Requests, f.Accepted)
	}
}

func reloadTimeouts(t *testing.T, start Start) {
	c := site(serve(t, "app1", says("ok")))
	b := start(t, c)
	old := dial(t, web(t, b))
	old.send(getRequest)
	wantBody(t, old.receive("GET"), "ok")
	c.Frontends[0].Timeouts.KeepAlive = moment
	b.Reload(t, c)
	young := dial(t, web(t, b))
	young.send(getRequest)
	wantBody(t, young.receive("GET"), "ok")
	young.closed()
	old.send(getRequest)
	wantBody(t, old.receive("GET"), "ok")
}

func reloadRemovesBind(t *testing.T, start Start) {
	release := make(chan struct{})
	app := serve(t, "app1", func(c *call) {
		if c.req.URL.Path == "/slow" {
			await(release)
		}
		says("ok")(c)
	})
	c := site(app)
	c.Frontends[0].Binds = append(c.Frontends[0].Binds, proxy.Bind{Address: anyPort})
	b := start(t, c)
	at := address(t, b, "web", 1)
	idle, busy := dial(t, at), dial(t, at)
	idle.send(getRequest)
	wantBody(t, idle.receive("GET"), "ok")
	busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	eventually(t, "the server has it", func() bool { return app.calls() == 2 })
	c.Frontends[0].Binds = c.Frontends[0].Binds[:1]
	b.Reload(t, c)
	idle.closed()
	if conn, err := net.DialTimeout("tcp4", at, patience); err == nil {
		_ = conn.Close()
		t.Error("the removed bind accepts connections")
	}
	close(release)
	r := busy.receive("GET")
	wantBody(t, r, "ok")
	busy.closed()
	wantBody(t, get(t, web(t, b), "/"), "ok")
}

func counted(t *testing.T, start Start) {
	c := site(serve(t, "app1", says("12345")))
	c.Backends = append(c.Backends, pool("empty"))
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{Path: "/503"}, Backend: "empty"},
		{Match: rule.Match{Path: "/302"}, Redirect: &rule.Redirect{Location: "/"}},
	}
	b := start(t, c)
	client := dial(t, web(t, b))
	for _, path := range []string{"/", "/", "/503", "/302"} {
		client.send("POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		client.receive("POST")
	}
	client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
	client.receive("POST")
	wantStatus(t, get(t, web(t, b), "/%00"), 400)
	eventually(t, "all is counted", func() bool { return b.Snapshot().Frontends[0].Requests == 6 })
	f := b.Snapshot().Frontends[0]
	if want := [5]int64{0, 3, 1, 1, 1}; f.Responses != want || f.Accepted != 2 || f.Faults != 2 || f.Internal != 0 || f.BytesIn != 3 {
		t.Errorf("got %+v, want responses %v, 2 accepted, 2 faults, 3 bytes in", f.Traffic, want)
	}
	if f.BytesOut < 3*5 {
		t.Errorf("got %d bytes out, want 15 and the error pages", f.BytesOut)
	}
	if s := b.Snapshot().Backends[0].Servers[0]; s.Requests != 3 || s.InFlight != 0 {
		t.Errorf("the server: got %d requests, %d in flight, want 3, 0", s.Requests, s.InFlight)
	}
}

// reloadRemovesChangedBind: connections end with their bind also where a reload in between has changed what it gives to later ones.
func reloadRemovesChangedBind(t *testing.T, start Start) {
	c := site(serve(t, "app1", says("ok")))
	c.Frontends[0].Binds = append(c.Frontends[0].Binds, proxy.Bind{Address: anyPort})
	c.Frontends[0].Timeouts.KeepAlive = 10 * patience
	b := start(t, c)
	idle := dial(t, address(t, b, "web", 1))
	idle.send(getRequest)
	wantBody(t, idle.receive("GET"), "ok")
	c.Frontends[0].Binds[1].H2C = true
	b.Reload(t, c)
	c.Frontends[0].Binds = c.Frontends[0].Binds[:1]
	b.Reload(t, c)
	idle.closed()
}
