package proxytest

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// up2Aborted: a server that gives up a response costs that one alone.
func up2Aborted(t *testing.T, s *upsite) {
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/before":
			panic(http.ErrAbortHandler)
		case "/length":
			w.Header().Set("Content-Length", "10")
			fallthrough
		case "/unsized":
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "ok")
	})
	b := s.start(t, s.site(app))
	clients := s.askers(t, web(t, b))
	for name, client := range clients {
		wantPage(t, client.get("/before"), 502)
		for _, path := range []string{"/length", "/unsized"} {
			r, err := client.send(client.request("GET", path, nil, nil))
			if err == nil && (r.err == nil || !strings.HasPrefix("half", r.body)) {
				t.Errorf("%s %s: got %d %q and a clean end", name, path, r.status, r.body)
			}
		}
		wantBody(t, client.get("/"), "ok")
	}
	eventually(t, "the failures are counted", func() bool {
		v := b.Snapshot().Backends[0].Servers[0]
		return v.ResponseFailures == 6 && v.InFlight == 0
	})
	if n := app.opened.Load(); n > 2 {
		t.Errorf("got %d connections, want one for each loop at most", n)
	}
}

// up2Silent: a server that does not answer one request, while it does others.
func up2Silent(t *testing.T, s *upsite) {
	left := make(chan struct{}, 2)
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/silent" {
			<-r.Context().Done()
			left <- struct{}{}
			return
		}
		_, _ = io.WriteString(w, "ok")
	})
	c := s.site(app)
	c.Backends[0].Timeouts.Server = calm
	b := s.start(t, c)
	for _, client := range s.askers(t, web(t, b)) {
		wantBody(t, client.get("/"), "ok")
		answered := make(chan response, 1)
		go func() {
			r, _ := client.send(client.request("GET", "/silent", nil, nil)) // an error has no status
			answered <- r
		}()
		for done := false; !done; {
			select {
			case r := <-answered:
				wantPage(t, r, 504)
				done = true
			case <-time.After(moment):
				wantBody(t, client.get("/"), "ok")
			}
		}
		soon(t, "the server knows", left)
	}
	if n := app.opened.Load(); n > 2 {
		t.Errorf("got %d connections, want one for each loop at most", n)
	}
	if v := b.Snapshot().Backends[0].Servers[0]; v.ResponseFailures != 2 {
		t.Errorf("got %d failures, want 2", v.ResponseFailures)
	}
}

func up2ClientLeaves(t *testing.T, s *upsite) {
	here, left := make(chan struct{}, 1), make(chan struct{}, 1)
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			return
		case "/begun":
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
		case "/uploading":
			_, _ = io.ReadFull(r.Body, make([]byte, 3))
		}
		here <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	})
	b := s.start(t, s.site(app))
	for _, client := range s.askers(t, web(t, b)) {
		for _, path := range []string{"/waiting", "/begun", "/uploading"} {
			ctx, leave := context.WithCancel(t.Context())
			r := client.request("GET", path, nil, nil)
			body, w := io.Pipe()
			if path == "/uploading" {
				r = client.request("POST", path, body, nil)
				go func() { _, _ = io.WriteString(w, "abc") }()
			}
			over := make(chan struct{})
			go func() {
				defer close(over)
				_, _ = client.send(r.WithContext(ctx))
			}()
			soon(t, "the server has the request", here)
			leave()
			_ = w.Close()
			soon(t, "the server knows that nobody waits", left)
			<-over
		}
		wantStatus(t, client.get("/"), 200)
	}
	eventually(t, "all is counted", func() bool {
		v := b.Snapshot().Backends[0].Servers[0]
		return v.InFlight == 0 && v.ResponseFailures == 0
	})
	if n := app.opened.Load(); n > 2 {
		t.Errorf("got %d connections, want one for each loop at most", n)
	}
}

// up2Room: what clients leave unread counts no more, or the connection would come to a halt.
func up2Room(t *testing.T, s *upsite) {
	held := make(chan struct{}, 1)
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			_, _ = io.WriteString(w, noise(1<<20))
			return
		}
		_, _ = io.WriteString(w, noise(96_000)) // the client's window, and half of that of the stream to the server
		_ = http.NewResponseController(w).Flush()
		held <- struct{}{}
		<-r.Context().Done()
	})
	client := s.askers(t, web(t, s.start(t, s.site(app))))["HTTP/2"]
	for range 600 { // times 30 KB are more than the connection has room for
		ctx, leave := context.WithCancel(t.Context())
		resp, err := client.Do(client.request("GET", "/left", nil, nil).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		soon(t, "the response is held", held)
		leave()
		_ = resp.Body.Close()
	}
	wantBody(t, client.get("/"), noise(1<<20))
	if n := app.opened.Load(); n != 1 {
		t.Errorf("got %d connections, want 1", n)
	}
}

// up2StalledClient: clients that take nothing of large responses, on the same connection to the server as others.
func up2StalledClient(t *testing.T, s *upsite) {
	var sent atomic.Int64
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			for part := range slices.Chunk([]byte(noise(8<<20)), 16<<10) {
				n, _ := w.Write(part) // a client that leaves shows elsewhere
				sent.Add(int64(n))
			}
			return
		}
		_, _ = io.WriteString(w, noise(100_000))
	})
	b := s.start(t, s.site(app))
	client := s.askers(t, web(t, b))["HTTP/2"] // one connection, and so one loop
	var stalled []*http.Response
	for range 10 {
		resp, err := client.Do(client.request("GET", "/large", nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		stalled = append(stalled, resp)
	}
	for range 5 {
		wantBody(t, client.get("/"), noise(100_000))
	}
	if n := app.opened.Load(); n != 1 {
		t.Errorf("got %d connections, want 1", n)
	}
	time.Sleep(moment)
	if n := sent.Load(); n > 10*(512<<10) {
		t.Errorf("%d bytes were taken in for 10 clients that take nothing", n)
	}
	whole, err := io.ReadAll(stalled[3].Body)
	if err != nil || string(whole) != noise(8<<20) {
		t.Errorf("a client that goes on got %d bytes, %v", len(whole), err)
	}
}

// up2StalledServer: a server that reads nothing of large requests holds those alone, and not much of them is taken in.
func up2StalledServer(t *testing.T, s *upsite) {
	here, release := make(chan struct{}, 1), make(chan struct{})
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stalled" {
			here <- struct{}{}
			<-release
		}
		echo(w, r)
	})
	at := web(t, s.start(t, s.site(app)))
	for name, client := range s.askers(t, at) {
		large := &watched{from: strings.NewReader(noise(8 << 20))}
		answered := make(chan response, 1)
		go func() {
			req := client.request("POST", "/stalled", large, nil)
			req.ContentLength = 8 << 20
			r, _ := client.send(req) // an error has no status
			answered <- r
		}()
		soon(t, "the server has the request", here)
		for range 5 {
			wantBody(t, client.post("/", "payload"), "payload")
		}
		time.Sleep(moment)
		if name == "HTTP/2" && large.n.Load() > 2<<20 { // of HTTP/1 the kernel takes some in
			t.Errorf("%d of 8 MiB were taken in for a server that reads nothing", large.n.Load())
		}
		release <- struct{}{}
		if r := <-answered; r.body != noise(8<<20) {
			t.Errorf("%s: got %d %d bytes, %v", name, r.status, len(r.body), r.err)
		}
	}
}

// watched is a body of which others see how much was read.
type watched struct {
	from io.Reader
	n    atomic.Int64
}

func (c *watched) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func up2OneRefuses(t *testing.T, s *upsite) {
	live := s.serve(t, "live", echo)
	b := s.start(t, s.site(&server2{server: refusing(t, "dead")}, live))
	for _, client := range s.askers(t, web(t, b)) {
		for range 10 {
			wantBody(t, client.post("/", "payload"), "payload")
			wantBody(t, client.do("POST", "/", unsized("abc"), nil), "abc")
		}
	}
	if f := b.Snapshot().Frontends[0]; f.Retries == 0 || f.Redispatch != f.Retries {
		t.Errorf("got %d retries, %d redispatched", f.Retries, f.Redispatch)
	}
}

// up2Stale: servers that end idle connections, without a word about it.
func up2Stale(t *testing.T, s *upsite) {
	app := s.serve(t, "app1", echo)
	for name, client := range s.askers(t, web(t, s.start(t, s.site(app)))) {
		for i := range 30 {
			r, err := client.send(client.request("GET", "/", nil, nil))
			if i%2 == 1 {
				r, err = client.send(client.request("POST", "/", strings.NewReader("x"), nil))
			}
			if err != nil || r.status != 200 {
				t.Fatalf("%s, request %d: got %d, %v", name, i, r.status, err)
			}
			app.drop()
		}
	}
}

// up2Reload: what changes is how new connections are made; what is under way goes on.
func up2Reload(t *testing.T, s *upsite) {
	here, release := make(chan struct{}, 1), make(chan struct{})
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			here <- struct{}{}
			await(release)
		}
		_, _ = io.WriteString(w, r.Proto)
	})
	c := s.site(app)
	b := s.start(t, c)
	client := s.askers(t, web(t, b))["HTTP/2"]
	wantBody(t, client.get("/"), "HTTP/2.0")
	answered := make(chan response, 1)
	go func() {
		r, _ := client.send(client.request("GET", "/slow", nil, nil))
		answered <- r
	}()
	soon(t, "the server has the request", here)
	b.Reload(t, c)
	wantBody(t, client.get("/"), "HTTP/2.0")
	if n := app.opened.Load(); n != 1 {
		t.Errorf("after a reload that changes nothing: got %d connections, want 1", n)
	}
	c.Backends[0].HTTP2, c.Backends[0].Retries = false, 0
	b.Reload(t, c)
	if r := client.get("/"); r.status < 500 {
		t.Errorf("HTTP/1 to a server that has none: got %d %q", r.status, r.body)
	}
	one := site(serve(t, "app2", says("HTTP/1.1")))
	c.Backends[0] = one.Backends[0]
	b.Reload(t, c)
	wantBody(t, client.get("/"), "HTTP/1.1")
	close(release)
	wantBody(t, <-answered, "HTTP/2.0")
}
