package proxytest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/rule"
)

func h2Routes(t *testing.T, s *http2Site) {
	app, api := serve(t, "app1", says("app")), serve(t, "api1", says("api"))
	c := site(app)
	c.Backends = append(c.Backends, pool("api", api))
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{Host: "api.example.com", PathPrefix: "/v2/"}, Backend: "api"},
		{Match: rule.Match{Path: "/old"}, Redirect: &rule.Redirect{Code: 308, Location: "/new"}},
		{Match: rule.Match{Path: "/health"}, Respond: &rule.Respond{Status: 200, Body: "healthy\n", ContentType: "text/plain"}},
		{Match: rule.Match{Path: "/empty"}, Respond: &rule.Respond{Status: 204}},
	}
	client := s.client(t, web(t, s.serve(t, c)))
	for _, tt := range []struct {
		host, path string
		status     int
		body       string
	}{
		{"www.example.com", "/", 200, "app"},
		{"API.example.com:8080", "/v2/x", 200, "api"},
		{"api.example.com", "/v2/../x", 200, "app"},
		{"api.example.com", "/%762/x?y", 200, "api"},
		{"www.example.com", "/old", 308, ""},
		{"www.example.com", "/health", 200, "healthy\n"},
		{"www.example.com", "/empty", 204, ""},
	} {
		r := s.do(t, client, "GET", tt.path, nil, http.Header{"Host": {tt.host}})
		if r.status != tt.status || r.body != tt.body {
			t.Errorf("%s%s: got %d %q, want %d %q", tt.host, tt.path, r.status, r.body, tt.status, tt.body)
		}
	}
	wantStatus(t, s.do(t, client, "OPTIONS", "*", nil, nil), 200)
	if head := app.lastHead(t); !strings.HasPrefix(head, "OPTIONS * HTTP/1.1\r\n") {
		t.Errorf("the server got %q, want OPTIONS *", head)
	}
	wantStatus(t, s.do(t, client, "TRACE", "/", nil, nil), 501)
}

func h2Forwarded(t *testing.T, s *http2Site) {
	app := serve(t, "app1", says("ok"))
	c := site(app)
	c.Backends[0].Forwarded = proxy.Forwarded{For: proxy.ForwardedForAppend, Proto: true, RealIP: true}
	client := s.client(t, web(t, s.serve(t, c)))
	wantBody(t, s.do(t, client, "POST", "/a?b=c&d", nil, http.Header{
		"Host": {"Example.com:81"}, "X-Forwarded-For": {"9.9.9.9"}, "X-Forwarded-Proto": {"gopher"}, "Te": {"trailers"},
		"Cookie": {"a=1", "b=2"}, "X-Twice": {"1", "2"}, "Proxy-Authorization": {"secret"},
	}), "ok")
	head := app.lastHead(t)
	if want := "POST /a?b=c&d HTTP/1.1\r\nHost: Example.com:81\r\n"; !strings.HasPrefix(head, want) {
		t.Errorf("the server got %q, want it to begin %q", head, want)
	}
	proto := "http"
	if s.secure {
		proto = "https"
	}
	for _, f := range []struct {
		name string
		want []string
	}{
		{"X-Forwarded-For", []string{"127.0.0.1"}},
		{"X-Forwarded-Proto", []string{proto}},
		{"X-Real-IP", []string{"127.0.0.1"}},
		{"Cookie", []string{"a=1; b=2"}},
		{"X-Twice", []string{"1", "2"}},
		{"TE", []string{"trailers"}},
		{"Connection", []string{"TE"}},
		{"Proxy-Authorization", nil},
		{"Content-Length", []string{"0"}},
		{"Transfer-Encoding", nil},
	} {
		if got := fields(head, f.name); !slices.Equal(got, f.want) {
			t.Errorf("the server got %s: %q, want %q", f.name, got, f.want)
		}
	}
	wantBody(t, s.do(t, client, "GET", "/", nil, nil), "ok")
	if got := fields(app.lastHead(t), "Content-Length"); len(got) != 0 {
		t.Errorf("GET: the server got Content-Length: %q, want none", got)
	}
}

func h2ResponseFields(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) {
		c.write("HTTP/1.1 " + strings.TrimPrefix(c.req.URL.Path, "/") + " Whatever\r\nContent-Length: 6\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n" +
			"Connection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nProxy-Authenticate: Basic\r\nX-Frame-Options: ALLOW\r\n" +
			"X-Value:  spaced  out\r\n\r\n<html>")
	})
	c := site(app)
	c.Frontends[0].ResponseEdits = []edit.Edit{
		{Name: "X-Frame-Options", Value: "SAMEORIGIN"}, {Name: "Strict-Transport-Security", Value: "max-age=1"},
	}
	c.Frontends[0].Rules = []rule.Rule{{Match: rule.Match{Path: "/204"}, Respond: &rule.Respond{Status: 204}}}
	client := s.client(t, web(t, s.serve(t, c)))
	hsts := []string{"max-age=1"}
	if !s.secure {
		hsts = nil
	}
	for _, status := range []string{"200", "204", "404", "418", "599"} {
		r := s.do(t, client, "GET", "/"+status, nil, nil)
		if itoa(r.status) != status {
			t.Errorf("got %d, want %s", r.status, status)
		}
		wanted := map[string][]string{"X-Frame-Options": {"SAMEORIGIN"}, "Strict-Transport-Security": hsts, "Connection": nil}
		if status != "204" {
			wanted["Set-Cookie"], wanted["X-Value"], wanted["Content-Length"] = []string{"a=1", "b=2"}, []string{"spaced  out"}, []string{"6"}
			for _, name := range []string{"Keep-Alive", "X-Hop", "Proxy-Authenticate"} {
				wanted[name] = nil
			}
		}
		for name, want := range wanted {
			if got := r.header[name]; !slices.Equal(got, want) {
				t.Errorf("%s: got %s %q, want %q", status, name, got, want)
			}
		}
	}
}

func h2Bodies(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) {
		b := c.body()
		c.write("HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(b)) + "\r\nX-Digest: " + digest(b) + "\r\n\r\n" + b)
	})
	client := s.client(t, web(t, s.serve(t, site(app))))
	for _, size := range []int{0, 1, 16 << 10, 16<<10 + 1, 1<<20 + 7} {
		sent := noise(size)
		for _, known := range []bool{true, false} {
			var body io.Reader = bytes.NewReader([]byte(sent))
			if !known {
				body = io.MultiReader(body)
			}
			r := s.do(t, client, "POST", "/", body, nil)
			if r.status != 200 || r.err != nil || r.header.Get("X-Digest") != digest(sent) || digest(r.body) != digest(sent) {
				t.Errorf("%d bytes: got %d, %v, %d bytes back", size, r.status, r.err, len(r.body))
			}
		}
	}
}

func h2Trailers(t *testing.T, s *http2Site) {
	got := make(chan http.Header, 1) // from the server, once a request
	app := serve(t, "app1", func(c *call) {
		b := c.body()
		got <- c.req.Trailer
		c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
		if len(b) > 0 {
			c.write(hexLen(b) + "\r\n" + b + "\r\n")
		}
		c.write("0\r\nX-Sum: " + digest(b) + "\r\n\r\n")
	})
	client := s.client(t, web(t, s.serve(t, site(app))))
	for _, size := range []int{0, 1, 1 << 20} { // the last one has to wait for windows
		sent := noise(size)
		req, err := http.NewRequestWithContext(t.Context(), "POST", s.url("/"), io.MultiReader(strings.NewReader(sent)))
		if err != nil {
			t.Fatal(err)
		}
		req.Trailer = http.Header{"X-Client": {"end"}}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || string(body) != sent || resp.Trailer.Get("X-Sum") != digest(sent) {
			t.Errorf("%d bytes: got %d bytes, %v, trailers %v", size, len(body), err, resp.Trailer)
		}
		if trailer := <-got; trailer.Get("X-Client") != "end" {
			t.Errorf("%d bytes: the server got the trailers %v, want the client's X-Client", size, trailer)
		}
	}
}

// h2Streams: what either side has sent reaches the other before it sends more.
func h2Streams(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) {
		b := make([]byte, 5)
		c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for {
			n, err := io.ReadFull(c.req.Body, b)
			if err != nil {
				break
			}
			c.write(hexLen(string(b[:n])) + "\r\n" + string(b[:n]) + "\r\n")
		}
		c.write("0\r\n\r\n")
	})
	client := s.client(t, web(t, s.serve(t, site(app))))
	r, w := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url("/"), r)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b := make([]byte, 5)
	for _, part := range []string{"first", "other", "third"} {
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != part {
			t.Fatalf("got %q, %v, want %q", b, err, part)
		}
	}
	_ = w.Close()
	if rest, err := io.ReadAll(resp.Body); len(rest) != 0 || err != nil {
		t.Errorf("after the end: got %q, %v", rest, err)
	}
}

func h2Bodiless(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) {
		switch c.req.URL.Path {
		case "/204":
			c.write("HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n")
		case "/304":
			c.write("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n")
		case "/0":
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		case "/chunked":
			c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		default:
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nContent-Type: text/css\r\n\r\n")
		}
	})
	c := site(app)
	c.Backends = append(c.Backends, pool("empty"))
	c.Frontends[0].Rules = []rule.Rule{{Match: rule.Match{Path: "/503"}, Backend: "empty"}}
	client := s.client(t, web(t, s.serve(t, c)))
	for _, tt := range []struct {
		method, path string
		status       int
		length       []string
	}{
		{"HEAD", "/", 200, []string{"1234"}}, {"GET", "/204", 204, nil}, {"GET", "/304", 304, nil}, {"GET", "/0", 200, []string{"0"}},
		{"HEAD", "/chunked", 200, nil}, {"HEAD", "/503", 503, []string{"114"}},
	} {
		r := s.do(t, client, tt.method, tt.path, nil, nil)
		if r.status != tt.status || r.body != "" || r.err != nil || !slices.Equal(r.header["Content-Length"], tt.length) {
			t.Errorf("%s %s: got %d %q %q, %v", tt.method, tt.path, r.status, r.header, r.body, r.err)
		}
	}
}

func h2Interim(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) {
		c.write("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n")
		c.write("HTTP/1.1 102 Processing\r\n\r\n")
		says("ok")(c)
	})
	client := s.client(t, web(t, s.serve(t, site(app))))
	var got []string
	trace := httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
		got = append(got, itoa(code)+header.Get("Link")+header.Get("X-Hop"))
		return nil
	}}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &trace), "GET", s.url("/"), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if want := []string{"103</a.css>; rel=preload", "102"}; resp.StatusCode != 200 || !slices.Equal(got, want) {
		t.Errorf("got %d after %q, want 200 after %q", resp.StatusCode, got, want)
	}
}

// h2ExpectContinue: the client waits for a 100 for ever.
func h2ExpectContinue(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) {
		switch c.req.URL.Path {
		case "/no":
			c.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
			_ = c.conn.Close()
			return
		case "/yes":
			c.write("HTTP/1.1 100 Continue\r\n\r\n")
		}
		says(c.body())(c)
	})
	client := s.client(t, web(t, s.serve(t, site(app))))
	expects := http.Header{"Expect": {"100-continue"}}
	for _, path := range []string{"/yes", "/silent"} {
		wantBody(t, s.do(t, client, "POST", path, strings.NewReader("body"), expects), "body")
	}
	wantStatus(t, s.do(t, client, "POST", "/no", strings.NewReader("body"), expects), 403)
	if got := fields(app.lastHead(t), "Expect"); !slices.Equal(got, []string{"100-continue"}) {
		t.Errorf("the server got Expect: %q", got)
	}
}

// h2Early: the server answers, and closes, before it has the whole request.
func h2Early(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) {
		c.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		hangs(c)
	})
	client := s.client(t, web(t, s.serve(t, site(app))))
	for range 20 { // the windows of the connection do not leak away
		r, w := io.Pipe()
		go func() {
			_, _ = io.Copy(w, strings.NewReader(strings.Repeat("x", 1<<20))) // ends with the request
		}()
		got := s.do(t, client, "POST", "/", r, nil)
		if got.status != 413 || got.body != "big" || got.err != nil {
			t.Errorf("got %d %q, %v, want the 413", got.status, got.body, got.err)
		}
		_ = r.Close()
	}
}

// h2Many: as many streams at once as there may be, or nearly so, on one connection.
func h2Many(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) {
		b := c.body()
		c.write("HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(b)) + "\r\n\r\n" + b)
	})
	b := s.serve(t, site(app))
	client := s.client(t, web(t, b))
	wantBody(t, s.do(t, client, "GET", "/", nil, nil), "")
	var all sync.WaitGroup
	open := make(chan struct{}, 95) // as many as are under way; nobody closes it
	for i := range 300 {
		open <- struct{}{}
		all.Go(func() {
			defer func() { <-open }()
			sent := noise(i * 100)
			r, err := s.try(t, client, "POST", "/", strings.NewReader(sent), nil)
			if err != nil || r.status != 200 || r.err != nil || r.body != sent {
				t.Errorf("request %d: %v, %d, %v, %d bytes", i, err, r.status, r.err, len(r.body))
			}
		})
	}
	all.Wait()
	if n := b.Snapshot().Frontends[0].Accepted; n != 1 {
		t.Errorf("got %d connections, want 1", n)
	}
}
