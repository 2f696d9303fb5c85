package proxytest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
)

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

func h2NoServer(t *testing.T, s *http2Site) {
	client := s.client(t, web(t, s.serve(t, site())))
	for range 2 { // and the connection goes on
		wantPage(t, s.do(t, client, "GET", "/", nil, nil), 503)
	}
}

func h2BrokenServers(t *testing.T, s *http2Site) {
	for name, answer := range map[string]string{
		"closed":             "",
		"closed in the head": "HTTP/1.1 200 OK\r\nContent-",
		"no HTTP":            "SSH-2.0-OpenSSH\r\n\r\n",
		"101":                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			app := serve(t, "app1", func(c *call) {
				c.write(answer)
				_ = c.conn.Close()
			})
			wantPage(t, s.do(t, s.client(t, web(t, s.serve(t, site(app)))), "GET", "/", nil, nil), 502)
		})
	}
}

// h2BrokenBodies: nobody may take half a response for a whole one, and what else the connection carries goes on.
func h2BrokenBodies(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) {
		const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
		switch c.req.URL.Path {
		case "/length":
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
		case "/chunked":
			c.write(chunked)
		case "/chunks":
			c.write(chunked + "zz\r\n")
		case "/silent":
			c.write(chunked)
			hangs(c)
		default:
			says("ok")(c)
			return
		}
		_ = c.conn.Close()
	})
	c := site(app)
	c.Backends[0].Timeouts.Server = calm
	b := s.serve(t, c)
	client := s.client(t, web(t, b))
	for _, path := range []string{"/length", "/chunked", "/chunks", "/silent"} {
		r := s.do(t, client, "GET", path, nil, nil)
		if r.status != 200 || r.err == nil || !strings.HasPrefix("half", r.body) || !strings.Contains(r.err.Error(), "INTERNAL_ERROR") {
			t.Errorf("%s: got %d %q, %v, want 200, at most %q and INTERNAL_ERROR", path, r.status, r.body, r.err, "half")
		}
		wantBody(t, s.do(t, client, "GET", "/", nil, nil), "ok")
	}
	eventually(t, "the failures are counted", func() bool {
		f, s := b.Snapshot().Frontends[0], b.Snapshot().Backends[0].Servers[0]
		return f.Faults == 4 && f.Accepted == 1 && s.ResponseFailures == 4 && s.InFlight == 0
	})
}

func h2OneRefuses(t *testing.T, s *http2Site) {
	live := serve(t, "live", func(c *call) { says(c.body())(c) })
	client := s.client(t, web(t, s.serve(t, site(refusing(t, "dead"), live))))
	for range 20 {
		wantBody(t, s.do(t, client, "GET", "/", nil, nil), "")
		wantBody(t, s.do(t, client, "POST", "/", strings.NewReader("payload"), nil), "payload")
		wantBody(t, s.do(t, client, "POST", "/", io.MultiReader(strings.NewReader("abc")), nil), "abc")
	}
}

func h2ClientLeaves(t *testing.T, s *http2Site) {
	noticed := make(chan struct{}, 2)
	app := serve(t, "app1", func(c *call) {
		switch c.req.URL.Path {
		case "/":
			says("ok")(c)
			return
		case "/begun":
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
		}
		hangs(c)
		noticed <- struct{}{}
	})
	b := s.serve(t, site(app))
	client := s.client(t, web(t, b))
	for _, path := range []string{"/silent", "/begun"} {
		ctx, leave := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "GET", s.url(path), nil)
		if err != nil {
			t.Fatal(err)
		}
		left := make(chan struct{})
		before := app.calls()
		go func() {
			defer close(left)
			if resp, err := client.Do(req); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		}()
		eventually(t, "the server has the request", func() bool { return app.calls() > before })
		leave()
		<-left
		select {
		case <-noticed:
		case <-time.After(patience / 2):
			t.Fatal("the server still works for a client that has left")
		}
	}
	wantBody(t, s.do(t, client, "GET", "/", nil, nil), "ok")
	f, server := b.Snapshot().Frontends[0], b.Snapshot().Backends[0].Servers[0]
	if f.Faults != 2 || f.Accepted != 1 || server.ResponseFailures != 0 {
		t.Errorf("got %d faults, %d connections, %d failures of the server, want 2, 1, 0", f.Faults, f.Accepted, server.ResponseFailures)
	}
}

// h2SilentClient: the client stops in the midst of its body, which costs it one stream.
func h2SilentClient(t *testing.T, s *http2Site) {
	app := serve(t, "app1", says("ok"))
	c := site(app)
	c.Frontends[0].Timeouts.Client = 2 * moment
	b := s.serve(t, c)
	client := s.client(t, web(t, b))
	r, w := io.Pipe()
	defer w.Close()
	go func() { _, _ = io.WriteString(w, "abc") }()
	wantPage(t, s.do(t, client, "POST", "/", r, nil), 408)
	wantBody(t, s.do(t, client, "GET", "/", nil, nil), "ok")
	if n := b.Snapshot().Frontends[0].Accepted; n != 1 {
		t.Errorf("got %d connections, want 1", n)
	}
}

// h2Stalled: a client that takes nothing of one response gets others, and loses that one in the end.
func h2Stalled(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) {
		if c.req.URL.Path == "/large" {
			says(noise(1 << 20))(c)
			return
		}
		says("ok")(c)
	})
	c := site(app)
	c.Frontends[0].Timeouts.Client = 5 * moment
	b := s.serve(t, c)
	client := s.client(t, web(t, b))
	resp, err := client.Get(s.url("/large"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for range 10 {
		wantBody(t, s.do(t, client, "GET", "/", nil, nil), "ok")
	}
	eventually(t, "the stalled request is ended", func() bool {
		f, s := b.Snapshot().Frontends[0], b.Snapshot().Backends[0].Servers[0]
		return f.Faults == 1 && s.InFlight == 0
	})
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("the stalled response came to a clean end")
	}
	wantBody(t, s.do(t, client, "GET", "/", nil, nil), "ok")
}

// h2TakesNothing: the client grants windows without end and reads nothing.
func h2TakesNothing(t *testing.T, s *http2Site) {
	app := serve(t, "app1", says(strings.Repeat("x", 4<<20)))
	c := site(app)
	c.Frontends[0].Timeouts.Client = 3 * moment
	b := s.serve(t, c)
	client := s.connect(t, web(t, b))
	client.send(http2Preface + frame(settingsFrame, 0, 0, "\x00\x04"+uint32Text(1<<31-1)) + frame(windowUpdateFrame, 0, 0, uint32Text(1<<30)))
	for id := uint32(1); id < 10; id += 2 {
		client.send(frame(headersFrame, 5, id, getBlock))
	}
	eventually(t, "the requests are there", func() bool { return app.calls() == 5 })
	eventually(t, "the connection is ended", func() bool {
		f, s := b.Snapshot().Frontends[0], b.Snapshot().Backends[0].Servers[0]
		return f.Connections == 0 && f.Faults == 5 && s.InFlight == 0 && s.ResponseFailures == 0
	})
}

func h2Begins(t *testing.T, s *http2Site) {
	c := site(serve(t, "app1", says("ok")))
	c.Frontends[0].Timeouts.HTTPRequest = 2 * moment
	b := s.serve(t, c)
	for name, begin := range map[string]string{"nothing": "", "half a preface": http2Preface[:18], "no SETTINGS": http2Preface[:24], "half of SETTINGS": http2Preface[:28]} {
		if name == "half a preface" && !s.secure {
			continue // it may become a request of HTTP/1
		}
		client := s.connect(t, web(t, b))
		client.send(begin)
		if name == "nothing" && !s.secure { // nobody knows what it would have become
			if r, err := client.tryReceive("GET"); err == nil && r.status != 408 {
				t.Errorf("%s: got %d", name, r.status)
			}
			continue
		}
		client.ends()
	}
	eventually(t, "they are gone", func() bool { return b.Snapshot().Frontends[0].Connections == 0 })
}

// h2HalfHead: a field block that is begun and not ended.
func h2HalfHead(t *testing.T, s *http2Site) {
	c := site(serve(t, "app1", says("ok")))
	c.Frontends[0].Timeouts.HTTPRequest = 2 * moment
	b := s.serve(t, c)
	for name, rest := range map[string]string{
		"frame":  frame(headersFrame, 5, 1, getBlock)[:12],
		"header": frame(headersFrame, 5, 1, getBlock)[:4],
		"block":  frame(headersFrame, 1, 1, getBlock[:3]),
	} {
		client := s.connect(t, web(t, b))
		client.send(http2Preface + rest)
		if f := client.ends(); f.kind != goAwayFrame || f.number(4) != 0xb {
			t.Errorf("%s: got GOAWAY %q, want ENHANCE_YOUR_CALM", name, f.payload)
		}
	}
	if f := b.Snapshot().Frontends[0]; f.Faults != 3 {
		t.Errorf("got %d faults, want 3", f.Faults)
	}
}

// h2Idle: a connection that is not used ends in order.
func h2Idle(t *testing.T, s *http2Site) {
	app := serve(t, "app1", says("ok"))
	c := site(app)
	c.Frontends[0].Timeouts.KeepAlive = 5 * moment
	b := s.serve(t, c)
	client := s.connect(t, web(t, b))
	client.send(http2Preface + frame(pingFrame, 0, 0, "12345678"))
	if f := client.await(pingFrame); f.flags != 1 || f.payload != "12345678" {
		t.Errorf("got PING %x %q, want it answered", f.flags, f.payload)
	}
	client.send(frame(headersFrame, 5, 1, getBlock))
	if f := client.await(dataFrame); f.payload != "ok" || f.flags != 1 {
		t.Errorf("got DATA %x %q, want the end and ok", f.flags, f.payload)
	}
	if f := client.ends(); f.kind != goAwayFrame || f.number(0) != 1 || f.number(4) != 0 {
		t.Errorf("got GOAWAY %q, want the last stream 1 and NO_ERROR", f.payload)
	}
}

// h2Malformed: what is no request costs its stream, and is answered where that makes sense.
func h2Malformed(t *testing.T, s *http2Site) {
	app := serve(t, "app1", says("ok"))
	b := s.serve(t, site(app))
	client := s.connect(t, web(t, b))
	client.send(http2Preface + frame(headersFrame, 5, 1, "\x82\x86\x84") + // no :authority
		frame(headersFrame, 5, 3, getBlock+"\x00\x06expect\x01x") +
		largeHead(5))
	for _, want := range []struct {
		stream uint32
		block  string // the beginning
		reset  int    // the code; below 0: the response ends
	}{{1, "\x8c", 1}, {3, "\x08\x03417", -1}, {5, "\x08\x03431", -1}, {7, "\x88", -1}} {
		head := client.await(headersFrame)
		if head.stream != want.stream || !strings.HasPrefix(head.payload, want.block) {
			t.Errorf("got stream %d %q, want %d %q", head.stream, head.payload, want.stream, want.block)
		}
		if want.stream == 5 {
			client.send(frame(headersFrame, 5, 7, getBlock)) // and the connection goes on
		}
		body := client.await(dataFrame)
		if ended := body.flags&1 != 0; ended != (want.reset < 0) {
			t.Errorf("stream %d: got its end %v", body.stream, ended)
		}
		if want.reset < 0 {
			continue
		}
		if f := client.await(rstFrame); f.stream != want.stream || int(f.number(0)) != want.reset {
			t.Errorf("got RST_STREAM %d %q, want %d", f.stream, f.payload, want.reset)
		}
	}
	if n := app.calls(); n != 1 {
		t.Errorf("the server got %d requests, want 1", n)
	}
}

// largeHead is a request whose fields are more than are taken: 17 of 4000 octets.
func largeHead(id uint32) string {
	block := getBlock + strings.Repeat("\x00\x01x\x7f\xa1\x1e"+strings.Repeat("x", 4000), 17)
	kind, flags := byte(headersFrame), byte(1)
	var b strings.Builder
	for ; len(block) > 1<<14; block = block[1<<14:] {
		b.WriteString(frame(kind, flags, id, block[:1<<14]))
		kind, flags = continuationFrame, 0
	}
	return b.String() + frame(kind, flags|4, id, block)
}

// h2Draining: the client is told in two steps, so that no request is lost.
func h2Draining(t *testing.T, s *http2Site) {
	release := make(chan struct{})
	app := serve(t, "app1", func(c *call) {
		if c.req.URL.Path != "/" {
			await(release)
		}
		says("ok")(c)
	})
	b := s.serve(t, vips(app))
	gate := b.Gate(vip1)
	gate.Set(proxy.Open)
	at := web(t, b)
	client := s.connect(t, at)
	client.send(http2Preface + frame(headersFrame, 5, 1, getBlock))
	client.await(dataFrame)
	gate.Set(proxy.Draining)
	client.send(frame(headersFrame, 5, 3, "\x82\x86\x04\x05/slow\x01\x01a"))
	if f := client.await(goAwayFrame); f.number(0) != 1<<31-1 || f.number(4) != 0 {
		t.Errorf("got GOAWAY %q, want no last stream yet", f.payload)
	}
	ping := client.await(pingFrame)
	client.send(frame(headersFrame, 5, 5, getBlock) + // before it knew
		frame(pingFrame, 1, 0, ping.payload) +
		frame(headersFrame, 5, 7, getBlock)) // after that
	if f := client.await(goAwayFrame); f.number(0) != 5 || f.number(4) != 0 {
		t.Errorf("got GOAWAY %q, want the last stream 5", f.payload)
	}
	if f := client.await(dataFrame); f.stream != 5 {
		t.Errorf("got DATA of %d, want 5", f.stream)
	}
	close(release)
	if f := client.await(dataFrame); f.stream != 3 || f.payload != "ok" {
		t.Errorf("got DATA of %d %q, want 3", f.stream, f.payload)
	}
	client.ends()
	if n := app.calls(); n != 3 {
		t.Errorf("the server got %d requests, want 3", n)
	}

	late := s.client(t, at)
	for range 3 {
		wantBody(t, s.do(t, late, "GET", "/", nil, nil), "ok")
	}
	quiet := s.connect(t, at) // one that answers no PING
	quiet.send(http2Preface + frame(headersFrame, 5, 1, getBlock))
	quiet.ends()
}

func h2Ends(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) { hangs(c) })
	b := s.serve(t, vips(app))
	b.Gate(vip1).Set(proxy.Open)
	client := s.connect(t, web(t, b))
	client.send(http2Preface + frame(headersFrame, 5, 1, getBlock) + frame(headersFrame, 5, 3, getBlock))
	idle := s.connect(t, web(t, b))
	idle.send(http2Preface)
	eventually(t, "all are there", func() bool { return app.calls() == 2 && b.Snapshot().Frontends[0].Connections == 2 })
	b.Gate(vip1).Set(proxy.Closed)
	if n := b.EndConnections(vip1); n != 2 {
		t.Errorf("ended %d connections, want 2", n)
	}
	client.ends()
	idle.ends()
	eventually(t, "the slots are free", func() bool {
		f, s := b.Snapshot().Frontends[0], b.Snapshot().Backends[0].Servers[0]
		return s.InFlight == 0 && f.Faults == 2
	})
}

// h2Removed: a bind goes, and what is under way on it is finished.
func h2Removed(t *testing.T, s *http2Site) {
	release := make(chan struct{})
	app := serve(t, "app1", func(c *call) {
		await(release)
		says("ok")(c)
	})
	c := site(app)
	c.Frontends[0].Binds = append(c.Frontends[0].Binds, proxy.Bind{Address: anyPort})
	b := s.serve(t, c)
	at := address(t, b, "web", 1)
	busy, idle := s.connect(t, at), s.connect(t, at)
	busy.send(http2Preface + frame(headersFrame, 5, 1, getBlock))
	idle.send(http2Preface)
	idle.await(settingsFrame)
	eventually(t, "all are there", func() bool { return app.calls() == 1 && b.Snapshot().Frontends[0].Connections == 2 })
	c.Frontends[0].Binds = c.Frontends[0].Binds[:1]
	b.Reload(t, c)
	for _, client := range []*client{busy, idle} {
		client.await(goAwayFrame)
		client.send(frame(pingFrame, 1, 0, client.await(pingFrame).payload))
	}
	idle.ends()
	close(release)
	if f := busy.await(dataFrame); f.payload != "ok" {
		t.Errorf("got %q, want ok", f.payload)
	}
	busy.ends()
}
