package proxytest

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// peer is a server's end of an HTTP/2 connection, frame by frame.
type peer struct {
	*client
	number int // of the connection, from 0
}

// script runs a server of frames: f is called for each connection, after the client's preface and with the server's SETTINGS sent.
func (s *upsite) script(t *testing.T, settings string, f func(p *peer)) *server2 {
	t.Helper()
	l := s.listen(t)
	v := &server2{server: &server{name: "app1", address: l.Addr().(*net.TCPAddr).AddrPort()}}
	if s.secure {
		l = tls.NewListener(l, s.tls())
	}
	var all sync.WaitGroup
	v.conns = map[net.Conn]bool{}
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			v.mu.Lock()
			v.conns[conn] = true
			v.mu.Unlock()
			p := &peer{client: clientOn(t, conn), number: int(v.opened.Add(1)) - 1}
			all.Go(func() {
				defer conn.Close()
				if _, err := io.ReadFull(p.r, make([]byte, 24)); err != nil {
					return
				}
				p.write(frame(settingsFrame, 0, 0, settings))
				f(p)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		v.drop()
		all.Wait()
	})
	return v
}

// reset ends the connection with a reset.
func (p *peer) reset() {
	conn := p.conn
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// write sends frames; that the other side is gone shows elsewhere.
func (p *peer) write(frames string) { _, _ = io.WriteString(p.conn, frames) }

// next returns the next frame of one of these types; false: the connection has ended.
func (p *peer) next(kinds ...byte) (h2Frame, bool) {
	for {
		f, err := p.frame()
		if err != nil {
			return f, false
		}
		if slices.Contains(kinds, f.kind) {
			return f, true
		}
	}
}

// respond answers with 200 and a body.
func (p *peer) respond(stream uint32, body string) {
	p.write(frame(headersFrame, 4, stream, "\x88") + frame(dataFrame, 1, stream, body))
}

// up2Bounded: a server takes one request on a connection at once; there are as many connections as it takes, and they are used again.
func up2Bounded(t *testing.T, s *upsite) { bounded(t, s, true) }

// up2BoundedLate: the same where the requests have come before the server could say so.
func up2BoundedLate(t *testing.T, s *upsite) { bounded(t, s, false) }

func bounded(t *testing.T, s *upsite, known bool) {
	const requests = 5
	var here, busy, most atomic.Int64
	all := make(chan struct{})
	app := s.script(t, "\x00\x03"+uint32Text(1), func(p *peer) {
		for {
			f, ok := p.next(headersFrame)
			if !ok {
				return
			}
			if n := busy.Add(1); n > most.Load() {
				most.Store(n)
			}
			if strings.Contains(f.payload, "/all") {
				if here.Add(1) == requests {
					close(all)
				}
				await(all)
			}
			busy.Add(-1)
			p.respond(f.stream, "ok")
		}
	})
	client := s.askers(t, web(t, s.start(t, s.site(app))))["HTTP/2"]
	if known {
		wantBody(t, client.get("/"), "ok")
	}
	var askers sync.WaitGroup
	for range requests {
		askers.Go(func() {
			if r, err := client.send(client.request("GET", "/all", nil, nil)); err != nil || r.body != "ok" {
				t.Errorf("got %d %q, %v", r.status, r.body, err)
			}
		})
	}
	askers.Wait()
	for range 10 {
		wantBody(t, client.get("/"), "ok")
	}
	if n := app.opened.Load(); n != requests || most.Load() != requests {
		t.Errorf("got %d connections, %d requests at once, want %d", n, most.Load(), requests)
	}
}

// up2GoAway: a connection ends in the midst of requests. Those that the server takes up are answered on it, the others elsewhere.
func up2GoAway(t *testing.T, s *upsite) {
	ended := make(chan struct{}, 2)
	app := s.script(t, "", func(p *peer) {
		defer func() { ended <- struct{}{} }()
		var first uint32
		for {
			f, ok := p.next(headersFrame)
			switch {
			case !ok:
				return
			case p.number > 0:
				p.respond(f.stream, "later")
			case first == 0:
				first = f.stream
			default: // the second one is not taken up
				p.write(frame(goAwayFrame, 0, 0, uint32Text(first)+uint32Text(0)))
				p.respond(first, "first")
			}
		}
	})
	b := s.start(t, s.site(app))
	client := s.askers(t, web(t, b))["HTTP/2"]
	answers := make(chan string, 2)
	for _, body := range []string{"", "held"} {
		go func() {
			r, _ := client.send(client.request("POST", "/", strings.NewReader(body), nil))
			answers <- r.body
		}()
	}
	got := []string{<-answers, <-answers}
	slices.Sort(got)
	if !slices.Equal(got, []string{"first", "later"}) {
		t.Errorf("got %q, want both answered", got)
	}
	soon(t, "the first connection is ended", ended)
	wantBody(t, client.get("/"), "later")
	if f, v := b.Snapshot().Frontends[0], b.Snapshot().Backends[0].Servers[0]; f.Faults != 0 || v.ResponseFailures != 0 || app.opened.Load() != 2 {
		t.Errorf("got %d faults, %d failures, %d connections, want 0, 0, 2", f.Faults, v.ResponseFailures, app.opened.Load())
	}
}

// up2Refused: a request that a server has not looked at is sent again, as long as all of it is held, and not for ever.
func up2Refused(t *testing.T, s *upsite) {
	var refusals atomic.Int64
	app := s.script(t, "", func(p *peer) {
		bodies := map[uint32]string{}
		refused, last := false, uint32(0)
		for {
			f, ok := p.next(headersFrame, dataFrame)
			switch {
			case !ok:
				return
			case f.stream == last: // it was on its way
				continue
			}
			if f.kind == dataFrame {
				bodies[f.stream] += f.payload
				p.write(frame(windowUpdateFrame, 0, 0, uint32Text(uint32(max(len(f.payload), 1)))))
			}
			always := f.kind == headersFrame && strings.Contains(f.payload, "/always")
			switch {
			case always, f.flags&1 != 0 && !refused, len(bodies[f.stream]) == 60_000 && !refused:
				refused, last = !always, f.stream
				refusals.Add(1)
				p.write(frame(rstFrame, 0, f.stream, uint32Text(7)))
			case f.flags&1 != 0:
				p.respond(f.stream, bodies[f.stream]+"!")
				refused = false
			}
		}
	})
	b := s.start(t, s.site(app))
	for name, client := range s.askers(t, web(t, b)) {
		wantBody(t, client.get("/"), "!")
		wantBody(t, client.post("/", "payload"), "payload!")
		wantBody(t, client.do("POST", "/", unsized("payload"), nil), "payload!")
		if n := refusals.Swap(0); n != 3 {
			t.Errorf("%s: %d were refused, want 3", name, n)
		}
		wantPage(t, client.get("/always"), 502)
		if n := refusals.Swap(0); n != 4 {
			t.Errorf("%s: a server that always refuses was asked %d times, want 4", name, n)
		}
		large := noise(60_000)
		if r, err := client.send(client.request("POST", "/", strings.NewReader(large), nil)); err == nil && r.status != 502 {
			t.Errorf("%s: a body that is not held: got %d, %d bytes", name, r.status, len(r.body))
		}
		wantBody(t, client.do("POST", "/", strings.NewReader("x"), nil), "x!")
		refusals.Store(0)
	}
}

func up2Malformed(t *testing.T, s *upsite) {
	for name, answer := range map[string]string{
		"no status":         frame(headersFrame, 5, 1, "\x00\x01a\x01b"),
		"upper case":        frame(headersFrame, 5, 1, "\x88\x00\x01A\x01b"),
		"connection":        frame(headersFrame, 5, 1, "\x88\x00\x0aconnection\x05close"),
		"101":               frame(headersFrame, 4, 1, "\x08\x03101"),
		"data before":       frame(dataFrame, 1, 1, "abc"),
		"broken block":      frame(headersFrame, 5, 1, "\xff\xff\xff\xff\xff\xff"),
		"frame too large":   "\x7f\xff\xff" + frame(dataFrame, 0, 1, "")[3:],
		"another stream":    frame(headersFrame, 5, 7, "\x88"),
		"pushed":            frame(5, 4, 1, uint32Text(2)+getBlock),
		"HTTP/1":            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
		"no end of length":  frame(headersFrame, 5, 1, "\x88\x0f\x0d\x0210"),
		"settings that lie": frame(settingsFrame, 0, 0, "\x00\x04"+uint32Text(1<<31)),
	} {
		app := s.script(t, "", func(p *peer) {
			if _, ok := p.next(headersFrame); ok {
				p.write(answer)
				p.next(255) // until the other side ends it
			}
		})
		b := s.start(t, s.site(app))
		wantPage(t, get(t, web(t, b), "/"), 502)
		if v := b.Snapshot().Backends[0].Servers[0]; v.ResponseFailures != 1 || v.InFlight != 0 {
			t.Errorf("%s: got %d response failures, %d in flight, want 1, 0", name, v.ResponseFailures, v.InFlight)
		}
	}
}

// up2Dead: a server that has vanished answers nothing; what comes after the first request that it has let down goes elsewhere.
func up2Dead(t *testing.T, s *upsite) {
	app := s.script(t, "", func(p *peer) {
		for {
			f, ok := p.next(headersFrame)
			if !ok {
				return
			}
			if p.number > 0 || !strings.Contains(f.payload, "/lost") {
				p.respond(f.stream, "ok")
				continue
			}
			_, _ = p.next(255) // it is never heard of again
		}
	})
	c := s.site(app)
	c.Backends[0].Timeouts.Server = 3 * moment
	client := s.askers(t, web(t, s.start(t, c)))["HTTP/2"]
	wantBody(t, client.get("/"), "ok")
	wantPage(t, client.get("/lost"), 504)
	wantBody(t, client.get("/"), "ok") // on the dead connection it would be a 504
	if n := app.opened.Load(); n != 2 {
		t.Errorf("got %d connections, want another one", n)
	}
}

// up2Disagrees: a server that speaks HTTP/1, or something else.
func up2Disagrees(t *testing.T, s *upsite) {
	app, status := &server2{server: serve(t, "app1", says("never"))}, 502
	if s.secure {
		app, status = &server2{server: serveTLS(t, "app1", shows(s.ca.named(appName)), says("never")).server}, 503
	}
	c := s.site(app)
	c.Backends[0].Retries = 0
	b := s.start(t, c)
	wantPage(t, get(t, web(t, b), "/"), status)
	v := b.Snapshot().Backends[0].Servers[0]
	if s.secure && (v.HandshakeFailures["alpn"] != 1 || v.ConnectFailures != 1) || v.InFlight != 0 {
		t.Errorf("got %+v, want a failure for want of a protocol in common", v)
	}
}

// up2Lost: a connection that is reset in the midst of a request. One that may be sent twice is.
func up2Lost(t *testing.T, s *upsite) {
	app := s.script(t, "", func(p *peer) {
		for {
			f, ok := p.next(headersFrame)
			if !ok {
				return
			}
			if p.number%2 == 0 && strings.Contains(f.payload, "/lost") {
				p.reset()
				return
			}
			p.respond(f.stream, "ok")
		}
	})
	client := s.askers(t, web(t, s.start(t, s.site(app))))["HTTP/2"]
	wantBody(t, client.get("/"), "ok")
	wantBody(t, client.get("/lost"), "ok") // the second connection
	app.opened.Store(2)
	app.drop()
	wantBody(t, client.get("/"), "ok") // the third
	wantPage(t, client.post("/lost", ""), 502)
	if n := app.opened.Load(); n != 3 {
		t.Errorf("got %d connections, want 3", n)
	}
	app.opened.Store(4)
	wantPage(t, client.get("/lost"), 502) // a connection that has brought nothing before
}

// up2Apart: what a client still sends after its response is read while other responses are in the same piece of what the server has sent.
func up2Apart(t *testing.T, s *upsite) {
	var joint atomic.Bool
	body := noise(10_000)
	app := s.script(t, "", func(p *peer) {
		upload, started := uint32(0), false
		for {
			f, ok := p.next(headersFrame, dataFrame)
			switch {
			case !ok:
				return
			case f.kind == dataFrame:
				started = true
			case f.flags&1 == 0:
				upload = f.stream
			case !started:
				p.respond(f.stream, body)
			default: // one read of all this
				joint.Store(true)
				started = false
				p.write(frame(headersFrame, 4, upload, "\x88") + frame(dataFrame, 1, upload, "enough") + strings.Repeat(frame(pingFrame, 0, 0, "12345678"), 20) +
					frame(headersFrame, 4, f.stream, "\x88") + frame(dataFrame, 1, f.stream, body))
			}
		}
	})
	at := web(t, s.start(t, s.site(app)))
	for end := time.Now().Add(patience); !joint.Load() && time.Now().Before(end); {
		upload := dial(t, at)
		upload.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc")
		stop := make(chan struct{})
		var sender sync.WaitGroup
		sender.Go(func() { // more than windows take, so that there is something to be read
			for i := 0; i < 900; i++ {
				if _, err := io.WriteString(upload.conn, strings.Repeat("z", 1000)); err != nil {
					break
				}
			}
			<-stop
		})
		for range 8 { // of some the loop is the same
			r := get(t, at, "/")
			if r.body != body || r.err != nil {
				t.Errorf("got %d, %v, %d bytes, want what the server has sent", r.status, r.err, len(r.body))
			}
			if joint.Load() {
				break
			}
		}
		close(stop)
		_ = upload.conn.Close()
		sender.Wait()
	}
	if !joint.Load() {
		t.Error("no two requests came to be on one connection")
	}
}

// up2LargeHead: a server says how large heads may be.
func up2LargeHead(t *testing.T, s *upsite) {
	app := s.script(t, "\x00\x06"+uint32Text(1000), func(p *peer) {
		for {
			f, ok := p.next(headersFrame)
			if !ok {
				return
			}
			if strings.Contains(f.payload, "/empty") {
				p.write(frame(headersFrame, 5, f.stream, "\x88"))
				continue
			}
			p.respond(f.stream, "ok")
		}
	})
	for name, client := range s.askers(t, web(t, s.start(t, s.site(app)))) {
		wantBody(t, client.get("/"), "ok")
		if r := client.get("/empty"); r.body != "" || (r.header["Content-Length"] == nil) != (name == "HTTP/2") {
			t.Errorf("%s: got %v %q, want a length that the server has not said where there has to be one", name, r.header, r.body)
		}
		r := client.do("GET", "/", nil, map[string][]string{"X-Large": {strings.Repeat("x", 2000)}})
		if r.status != 431 {
			t.Errorf("%s: got %d, want 431", name, r.status)
		}
		wantBody(t, client.get("/"), "ok")
	}
}
