package proxytest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
)

// aheadSite has its one server take one request at a time, and its responses held.
func aheadSite(c proxy.Config) proxy.Config {
	c.Backends[0].Servers[0].MaxConnections = 1
	c.Backends[0].HoldResponses = 32 << 20
	c.MaxHeld = 64 << 20
	return c
}

// wantFree waits until the server has nothing to do.
func wantFree(t *testing.T, b Balancer) {
	t.Helper()
	eventually(t, "the server is free", func() bool { return b.Snapshot().Backends[0].Servers[0].InFlight == 0 })
}

// readsAhead: a server that takes one request at a time serves others while slow clients take what it has said before.
func readsAhead(t *testing.T, start Start) {
	page := prose(12 << 20) // more than the kernel takes for a client that takes nothing
	app := serve(t, "app1", func(c *call) {
		switch c.req.URL.Path {
		case "/length":
			says(page)(c)
		case "/chunks":
			c.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + hexLen(page) + "\r\n" + page + "\r\n0\r\n\r\n")
		case "/end":
			c.write("HTTP/1.1 200 OK\r\n\r\n" + page)
			_ = c.conn.Close()
		default:
			says("quick")(c)
		}
	})
	b := start(t, aheadSite(site(app)))
	at := web(t, b)
	var slow []*client
	for _, path := range []string{"/length", "/chunks", "/end"} {
		c := dial(t, at)
		c.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := c.r.Peek(1); err != nil {
			t.Fatal(err)
		}
		wantFree(t, b)
		wantBody(t, get(t, at, "/"), "quick")
		slow = append(slow, c)
	}
	eventually(t, "the quick requests have ended, and no others", func() bool { return b.Snapshot().Frontends[0].Requests == 3 })
	for _, c := range slow {
		if r := c.receive("GET"); r.status != 200 || r.body != page || r.err != nil {
			t.Errorf("got %d with %d octets, %v, want the %d that were sent", r.status, len(r.body), r.err, len(page))
		}
	}
}

// readsAheadBounded: nothing is held beyond what all may take together.
func readsAheadBounded(t *testing.T, start Start) {
	page := prose(12 << 20)
	c := aheadSite(site(serve(t, "app1", says(page))))
	c.MaxHeld = 1 << 20
	b := start(t, c)
	client := dial(t, web(t, b))
	client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := client.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	time.Sleep(moment)
	if n := b.Snapshot().Backends[0].Servers[0].InFlight; n != 1 {
		t.Errorf("%d requests hold a slot of the server, want 1: there is no room for its response", n)
	}
	if r := client.receive("GET"); r.body != page {
		t.Errorf("got %d octets, want the %d that were sent", len(r.body), len(page))
	}
	wantFree(t, b)
}

// h2ReadsAhead is about clients of HTTP/2, one of whose streams is slow.
func h2ReadsAhead(t *testing.T, s *http2Site) {
	page := prose(2 << 20) // more than the client's windows
	b := s.serve(t, aheadSite(site(serve(t, "app1", func(c *call) {
		if c.req.URL.Path == "/" {
			says("quick")(c)
			return
		}
		says(page)(c)
	}))))
	client := s.client(t, web(t, b))
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.url("/page"), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	wantFree(t, b)
	wantBody(t, s.do(t, client, "GET", "/", nil, nil), "quick")
	if got, err := io.ReadAll(resp.Body); string(got) != page {
		t.Errorf("got %d octets, %v, want the %d that were sent", len(got), err, len(page))
	}
}

// up2ReadsAhead is about servers of HTTP/2.
func up2ReadsAhead(t *testing.T, s *upsite) {
	page := prose(12 << 20)
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.Copy(w, strings.NewReader(page)) // the client tells
		w.Header().Set("X-Sum", "1")
	})
	c := aheadSite(s.site(app))
	b := s.start(t, c)
	client := dial(t, web(t, b))
	client.send("GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
	if _, err := client.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	wantFree(t, b)
	if r := client.receive("GET"); r.body != page || r.trailer.Get("X-Sum") != "1" {
		t.Errorf("got %d octets with the trailers %v, want the %d that were sent, and theirs", len(r.body), r.trailer, len(page))
	}
}
