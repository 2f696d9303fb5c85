package proxytest

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// smallBodies is a site that takes 10 octets, and at one place 20.
func smallBodies(app *server) proxy.Config {
	c := site(app)
	c.Frontends[0].MaxBody = 10
	c.Frontends[0].Rules = []rule.Rule{{Match: rule.Match{PathPrefix: "/upload"}, Backend: "app", MaxBody: 20}, {Match: rule.Match{Path: "/own"}, Respond: &rule.Respond{Status: 200}}}
	return c
}

// tooLarge refuses bodies that are larger than they may be: at once where the client tells, else when so much has come.
func tooLarge(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) { says(c.body())(c) })
	b := start(t, smallBodies(app))
	at := web(t, b)
	const chunked = "Transfer-Encoding: chunked\r\n\r\n"
	for _, tt := range []struct {
		name, request string
		status        int
	}{
		{"as large as may be", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789", 200},
		{"larger where a rule lets it", "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n01234567890123456789", 200},
		{"in chunks", "POST / HTTP/1.1\r\nHost: a\r\n" + chunked + "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", 200},
		{"too large", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413},
		{"too large for the rule", "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\r\n", 413},
		{"too large in chunks", "POST / HTTP/1.1\r\nHost: a\r\n" + chunked + "5\r\n01234\r\n6\r\n567890\r\n", 413},
		{"of no matter to who reads none", "POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 200},
	} {
		r := ask(t, at, tt.request)
		if r.status != tt.status || r.status == 413 && connection(r) != "close" {
			t.Errorf("%s: got %q, want %d", tt.name, r.head, tt.status)
		}
	}
	eventually(t, "the body that turned out too large is counted", func() bool { return b.Snapshot().Frontends[0].Refusals["body_too_large"] == 1 })
	if r := get(t, at, "/"); r.status != 200 {
		t.Errorf("afterwards: got %d, want 200", r.status)
	}
}

// h2TooLarge is the same over HTTP/2, where the server may not even have been connected to when too much has come.
func h2TooLarge(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) { says(c.body())(c) })
	client := s.client(t, web(t, s.serve(t, smallBodies(app))))
	for _, tt := range []struct {
		name, path string
		body       io.Reader
		status     int
	}{
		{"as large as may be", "/", strings.NewReader("0123456789"), 200},
		{"too large", "/", strings.NewReader("01234567890"), 413},
		{"far too large", "/", bytes.NewReader(make([]byte, 1<<20)), 413},
		{"no length, as large as may be", "/", io.MultiReader(strings.NewReader("0123456789")), 200},
		{"no length, too large", "/", io.MultiReader(strings.NewReader("01234567890")), 413},
		{"no length, far too large", "/", io.MultiReader(bytes.NewReader(make([]byte, 1<<20))), 413},
		{"afterwards", "/upload", strings.NewReader("01234567890123456789"), 200},
	} {
		if r := s.do(t, client, "POST", tt.path, tt.body, nil); r.status != tt.status {
			t.Errorf("%s: got %d, want %d", tt.name, r.status, tt.status)
		}
	}
}
