package proxytest

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/rule"
)

// wantPage checks an error page.
func wantPage(t *testing.T, r response, status int) {
	t.Helper()
	if r.status != status || r.header.Get("Cache-Control") != "no-cache" || r.header.Get("Content-Type") != "text/html" ||
		!strings.Contains(r.body, itoa(status)) || r.err != nil {
		t.Errorf("got %q %q, %v, want the page for %d", r.head, r.body, r.err, status)
	}
}

func noServer(t *testing.T, start Start) {
	c := site()
	c.Backends = append(c.Backends, pool("drained", serve(t, "d1", says("never"))))
	c.Backends[1].Servers[0].Weight = 0
	c.Frontends[0].Rules = []rule.Rule{{Match: rule.Match{Path: "/drained"}, Backend: "drained"}}
	b := start(t, c)
	client := dial(t, web(t, b))
	for _, path := range []string{"/", "/drained"} { // and the connection goes on
		client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
		wantPage(t, client.receive("GET"), 503)
	}
	c.Frontends[0].DefaultBackend = ""
	b.Reload(t, c)
	wantPage(t, get(t, web(t, b), "/"), 503)
}

func refusedEverywhere(t *testing.T, start Start) {
	c := site(refusing(t, "dead1"))
	c.Backends[0].Timeouts.Connect = moment
	c.Backends[0].Retries = 2
	b := start(t, c)
	began := time.Now()
	wantPage(t, get(t, web(t, b), "/"), 503)
	if took := time.Since(began); took < 2*moment {
		t.Errorf("took %v, want a wait of %v before each retry of the same server", took, moment)
	}
	s := b.Snapshot().Backends[0].Servers[0]
	if s.Requests != 3 || s.ConnectFailures != 3 || s.InFlight != 0 {
		t.Errorf("got %d requests, %d connect failures, %d in flight, want 3, 3, 0", s.Requests, s.ConnectFailures, s.InFlight)
	}
}

func connectTimeout(t *testing.T, start Start) {
	c := site(unreachable(t, "far1"))
	c.Backends[0].Timeouts.Connect = moment
	c.Backends[0].Retries = 1
	b := start(t, c)
	began := time.Now()
	wantPage(t, get(t, web(t, b), "/"), 503)
	if took := time.Since(began); took < 2*moment || took > 20*moment {
		t.Errorf("took %v, want two attempts of %v", took, moment)
	}
}

func silentServer(t *testing.T, start Start) {
	app := serve(t, "app1", hangs)
	c := site(app, serve(t, "app2", hangs))
	c.Backends[0].Timeouts.Server = moment
	b := start(t, c)
	wantPage(t, get(t, web(t, b), "/"), 504)
	r := ask(t, web(t, b), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
	wantPage(t, r, 504)
	if f := b.Snapshot().Frontends[0]; f.Retries != 0 {
		t.Errorf("got %d retries of requests that servers have had", f.Retries)
	}
}

func brokenServers(t *testing.T, start Start) {
	for name, answer := range map[string]string{
		"closed":                     "",
		"closed in the head":         "HTTP/1.1 200 OK\r\nContent-",
		"no HTTP":                    "SSH-2.0-OpenSSH\r\n\r\n",
		"101 that nobody asked for":  "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
		"contradicting lengths":      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"field without a colon":      "HTTP/1.1 200 OK\r\nX-Broken\r\n\r\n",
		"length that is no number":   "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
		"head without end too large": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := serve(t, "app1", func(c *call) {
				c.write(answer)
				_ = c.conn.Close()
			})
			b := start(t, site(app))
			wantPage(t, ask(t, web(t, b), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), 502)
			if app.calls() != 1 {
				t.Errorf("the server got the request %d times, want once", app.calls())
			}
			if s := b.Snapshot().Backends[0].Servers[0]; s.ResponseFailures != 1 || s.InFlight != 0 {
				t.Errorf("got %d response failures, %d in flight, want 1, 0", s.ResponseFailures, s.InFlight)
			}
		})
	}
}

// brokenBodies: a client must not take half a response for a whole one.
func brokenBodies(t *testing.T, start Start) {
	for name, answer := range map[string]func(*call){
		"length, closed early": func(c *call) {
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
			_ = c.conn.Close()
		},
		"length, reset": func(c *call) {
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
			_ = c.conn.(*net.TCPConn).SetLinger(0)
			time.Sleep(moment / 10) // a reset overtakes what was sent before it
			_ = c.conn.Close()
		},
		"length, silent": func(c *call) {
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
			hangs(c)
		},
		"chunked, closed early": func(c *call) {
			c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
			_ = c.conn.Close()
		},
		"chunked, broken": func(c *call) {
			c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n")
			_ = c.conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := site(serve(t, "app1", answer))
			c.Backends[0].Timeouts.Server = 3 * moment
			b := start(t, c)
			r := get(t, web(t, b), "/")
			if r.status != 200 || r.err == nil || !strings.HasPrefix("half", r.body) {
				t.Errorf("got %d %q, %v, want 200, at most %q and no clean end", r.status, r.body, r.err, "half")
			}
			eventually(t, "the failure is counted", func() bool {
				f, s := b.Snapshot().Frontends[0], b.Snapshot().Backends[0].Servers[0]
				return f.Faults == 1 && s.ResponseFailures == 1 && s.InFlight == 0
			})
		})
	}
}

func oneRefuses(t *testing.T, start Start) {
	live := serve(t, "live", func(c *call) { says(c.body())(c) })
	b := start(t, site(refusing(t, "dead"), live))
	client := dial(t, web(t, b))
	for range 20 {
		client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		wantBody(t, client.receive("GET"), "")
		client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\npayload")
		wantBody(t, client.receive("POST"), "payload")
		client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
		wantBody(t, client.receive("POST"), "abc")
	}
	eventually(t, "all is counted", func() bool { return b.Snapshot().Frontends[0].Requests == 60 })
	f := b.Snapshot().Frontends[0]
	if f.Responses[1] != 60 || f.Retries == 0 || f.Redispatch != f.Retries {
		t.Errorf("got %d good responses, %d retries, %d redispatched, want 60 and every retry redispatched",
			f.Responses[1], f.Retries, f.Redispatch)
	}
}

// restarts: the only server refuses for a moment, as while it is restarted.
func restarts(t *testing.T, start Start) {
	app := serve(t, "app1", says("first"))
	b := start(t, site(app))
	c := dial(t, web(t, b))
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	wantBody(t, c.receive("GET"), "first")
	app.stop()
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
	eventually(t, "it was refused", func() bool { return b.Snapshot().Backends[0].Servers[0].ConnectFailures > 0 })
	l, err := net.Listen("tcp4", app.address.String())
	if err != nil {
		t.Skipf("somebody else has taken the port meanwhile: %v", err)
	}
	serveOn(t, "app1", l, says("second"))
	wantBody(t, c.receive("POST"), "second")
}

// staleConnections: a server that closes idle connections while requests come must not be felt.
func staleConnections(t *testing.T, start Start) {
	app := serve(t, "app1", says("ok"))
	b := start(t, site(app))
	c := dial(t, web(t, b))
	for i := range 50 {
		if i%2 == 0 {
			c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		} else {
			c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
		}
		wantBody(t, c.receive("GET"), "ok")
		app.closeConns()
	}
}

func clientLeaves(t *testing.T, start Start) {
	noticed := make(chan struct{}, 1)
	app := serve(t, "app1", func(c *call) {
		hangs(c)
		noticed <- struct{}{}
	})
	b := start(t, site(app))
	c := dial(t, web(t, b))
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	eventually(t, "the server has the request", func() bool { return app.calls() == 1 })
	_ = c.conn.Close()
	select {
	case <-noticed:
	case <-time.After(patience / 2):
		t.Fatal("the server still works for a client that has left")
	}
	eventually(t, "it is counted", func() bool {
		f, s := b.Snapshot().Frontends[0], b.Snapshot().Backends[0].Servers[0]
		return f.Faults == 1 && f.Unanswered == 1 && f.Connections == 0 && s.ResponseFailures == 0 && s.InFlight == 0
	})
}

// silentClient: the client stops in the midst of its body.
func silentClient(t *testing.T, start Start) {
	c := site(serve(t, "app1", says("never")))
	c.Frontends[0].Timeouts.Client = moment
	b := start(t, c)
	wantPage(t, ask(t, web(t, b), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"), 408)
}

// slowServer: a client that has sent its request is not silent, however long the answer takes.
func slowServer(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) {
		_ = c.body()
		time.Sleep(4 * moment)
		says("at last")(c)
	})
	c := site(app)
	c.Frontends[0].Timeouts.Client = 3 * moment
	client := dial(t, web(t, start(t, c)))
	for range 2 {
		client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
		wantBody(t, client.receive("POST"), "at last")
		client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		wantBody(t, client.receive("GET"), "at last")
	}
	time.Sleep(4 * moment) // nor is one that has nothing to ask
	client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
	wantStatus(t, client.receive("POST"), 100)
	client.send("abc")
	wantBody(t, client.receive("POST"), "at last")
}

// slowClient: a server that waits for the request is not silent.
func slowClient(t *testing.T, start Start) {
	c := site(serve(t, "app1", says("ok")))
	c.Backends[0].Timeouts.Server = moment
	client := dial(t, web(t, start(t, c)))
	client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")
	time.Sleep(3 * moment)
	client.send("bc")
	wantBody(t, client.receive("POST"), "ok")
}
