package proxytest

import (
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/rule"
)

func routes(t *testing.T, start Start) {
	app, api, static := serve(t, "app1", says("app")), serve(t, "api1", says("api")), serve(t, "static1", says("static"))
	c := site(app)
	c.Backends = append(c.Backends, pool("api", api), pool("static", static))
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{Host: "api.example.com", PathPrefix: "/v2/"}, Backend: "api"},
		{Match: rule.Match{Path: "/favicon.ico"}, Backend: "static"},
		{Match: rule.Match{PathPrefix: "/static/"}, Backend: "static"},
	}
	at := web(t, start(t, c))
	for _, tt := range []struct{ host, path, want string }{
		{"example.com", "/", "app"},
		{"api.example.com", "/v2/x", "api"},
		{"API.Example.com:8080", "/v2/x", "api"},
		{"api.example.com", "/v1/x", "app"},
		{"example.com", "/v2/x", "app"},
		{"unknown", "/favicon.ico", "static"},
		{"unknown", "/favicon.ico/", "app"},
		{"unknown", "/static/a", "static"},
		{"unknown", "/x/../static/a", "static"},
		{"unknown", "/%73tatic/a", "static"},
	} {
		r := ask(t, at, "GET "+tt.path+" HTTP/1.1\r\nHost: "+tt.host+"\r\n\r\n")
		if r.status != 200 || r.body != tt.want {
			t.Errorf("%s%s: got %d %q, want %q", tt.host, tt.path, r.status, r.body, tt.want)
		}
	}
}

func redirects(t *testing.T, start Start) {
	app := serve(t, "app1", says("app"))
	c := site(app)
	plain := false
	acme := &rule.Match{PathPrefix: "/.well-known/acme-challenge/"}
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{Path: "/old"}, Redirect: &rule.Redirect{Code: 308, Location: "https://new.example.com/"}},
		{Match: rule.Match{Path: "/older"}, Redirect: &rule.Redirect{Code: 301, Location: "https://new.example.com/"}},
		{Match: rule.Match{TLS: &plain, Not: acme}, Redirect: &rule.Redirect{Scheme: "https"}},
	}
	at := web(t, start(t, c))
	for _, tt := range []struct {
		host, target string
		status       int
		location     string
	}{
		{"example.com", "/", 302, "https://example.com/"},
		{"example.com:8080", "/a/b?c=d&e", 302, "https://example.com/a/b?c=d&e"}, // the port goes: it spoke HTTP
		{"[::1]:8080", "/a", 302, "https://[::1]/a"},
		{"example.com", "/old", 308, "https://new.example.com/"},
		{"example.com", "/older", 301, "https://new.example.com/"},
	} {
		r := ask(t, at, "GET "+tt.target+" HTTP/1.1\r\nHost: "+tt.host+"\r\n\r\n")
		if r.status != tt.status || r.header.Get("Location") != tt.location {
			t.Errorf("%s%s: got %d to %q, want %d to %q", tt.host, tt.target, r.status, r.header.Get("Location"), tt.status, tt.location)
		}
		caching := "no-cache"
		if tt.status == 301 || tt.status == 308 { // HAProxy says nothing there either: it is for good
			caching = ""
		}
		if r.header.Get("Content-Length") != "0" || r.header.Get("Cache-Control") != caching || r.body != "" {
			t.Errorf("%s%s: got head %q, want no body and Cache-Control %q", tt.host, tt.target, r.head, caching)
		}
	}
	if app.calls() != 0 {
		t.Errorf("the server got %d requests, want none", app.calls())
	}
	r := ask(t, at, "POST /a HTTP/1.1\r\nHost: example.com\r\nContent-Length: 100\r\n\r\n")
	if r.status != 302 || connection(r) != "close" {
		t.Errorf("with an unread body: got %q, want 302 and Connection: close", r.head)
	}
	wantBody(t, get(t, at, "/.well-known/acme-challenge/x"), "app")
}

func responds(t *testing.T, start Start) {
	c := site()
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{Path: "/health"}, Respond: &rule.Respond{Status: 200, Body: "healthy\n", ContentType: "text/plain"}},
		{Match: rule.Match{Path: "/bare"}, Respond: &rule.Respond{Status: 403, Body: "<html>"}},
		{Match: rule.Match{Path: "/nothing"}, Respond: &rule.Respond{Status: 204}},
	}
	at := web(t, start(t, c))
	r := get(t, at, "/health")
	wantBody(t, r, "healthy\n")
	if got := fields(r.head, "Content-Type"); len(got) != 1 || got[0] != "text/plain" {
		t.Errorf("got Content-Type %q, want text/plain once", got)
	}
	if r = get(t, at, "/bare"); r.status != 403 || r.body != "<html>" || len(fields(r.head, "Content-Type")) != 0 {
		t.Errorf("got %q %q, want 403 without a Content-Type", r.head, r.body)
	}
	if r = get(t, at, "/nothing"); r.status != 204 || r.body != "" || len(fields(r.head, "Content-Length")) != 0 {
		t.Errorf("got %q, want a bare 204", r.head)
	}
	if r = ask(t, at, "HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n"); r.status != 200 || r.header.Get("Content-Length") != "8" || r.body != "" {
		t.Errorf("HEAD: got %q %q, want 200 with the length of the body and no body", r.head, r.body)
	}
}

// targets: what servers see is the canonical path, the query byte for byte.
func targets(t *testing.T, start Start) {
	app := serve(t, "app1", says("ok"))
	at := web(t, start(t, site(app)))
	for _, tt := range []struct{ target, want string }{
		{"/", "/"},
		{"/a//b", "/a//b"},
		{"//a", "//a"},
		{"/a/./b/../c", "/a/c"},
		{"/%41%2a", "/A%2A"},
		{"/a?x=1;y=2&z=%zz&&a=b=c?d/../e", "/a?x=1;y=2&z=%zz&&a=b=c?d/../e"},
		{"/a?", "/a?"},
		{"/!$&'()*+,;=:@", "/!$&'()*+,;=:@"},
		{"http://other.example/b?q", "/b?q"},
		{"http://other.example", "/"},
	} {
		wantBody(t, ask(t, at, "GET "+tt.target+" HTTP/1.1\r\nHost: other.example\r\n\r\n"), "ok")
		line, _, _ := strings.Cut(app.lastHead(t), "\r\n")
		if want := "GET " + tt.want + " HTTP/1.1"; line != want {
			t.Errorf("%s: got %q, want %q", tt.target, line, want)
		}
	}
	wantBody(t, ask(t, at, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "ok")
	if line, _, _ := strings.Cut(app.lastHead(t), "\r\n"); line != "OPTIONS * HTTP/1.1" {
		t.Errorf("OPTIONS *: got %q", line)
	}
}

func refuses(t *testing.T, start Start) {
	app := serve(t, "app1", says("ok"))
	at := web(t, start(t, site(app)))
	for _, tt := range []struct {
		name, request string
		status        int
	}{
		{"encoded slash", "GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"encoded NUL", "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"bad escape", "GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"backslash", "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"asterisk", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
		{"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501},
		{"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
		{"unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
	} {
		c := dial(t, at)
		c.send(tt.request)
		r := c.receive("GET")
		if r.status != tt.status || connection(r) != "close" {
			t.Errorf("%s: got %q, want %d and Connection: close", tt.name, r.head, tt.status)
		}
		c.closed()
	}
	if app.calls() != 0 {
		t.Errorf("the server got %d requests, want none", app.calls())
	}
}
