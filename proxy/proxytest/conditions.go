package proxytest

import (
	"crypto/tls"
	"net"
	"net/netip"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// conditions has requests taken by whatever they show.
func conditions(t *testing.T, start Start) {
	app := serve(t, "app1", says("app"))
	c := site(app)
	takes := func(name string, m rule.Match) {
		c.Frontends[0].Rules = append(c.Frontends[0].Rules, rule.Rule{Match: m, Respond: &rule.Respond{Status: 200, Body: name}})
	}
	takes("cookie", rule.Match{Cookie: []rule.Test{{Name: "group", Op: rule.HasPrefix, Value: "beta"}}})
	takes("header", rule.Match{Header: []rule.Test{{Name: "X-Canary", Value: "1"}}})
	takes("query", rule.Match{Query: []rule.Test{{Name: "v", Op: rule.Matches, Value: "^[0-9]+$"}}})
	takes("method", rule.Match{Method: []string{"OPTIONS"}})
	takes("below", rule.Match{Host: "*.example.com"})
	takes("expression", rule.Match{PathRegexp: `[.]php$`})
	takes("elsewhere", rule.Match{PathPrefix: "/net", Source: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	takes("here", rule.Match{PathPrefix: "/net", Source: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	takes("either", rule.Match{Any: []rule.Match{{Path: "/a"}, {Path: "/b"}}, Not: &rule.Match{Host: "not"}})
	at := web(t, start(t, c))
	for _, tt := range []struct{ request, want string }{
		{"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b; group=beta2\r\n\r\n", "cookie"},
		{"GET / HTTP/1.1\r\nHost: a\r\nx-canary: 0\r\nx-canary: 1\r\n\r\n", "header"},
		{"GET /?x&%76=%31 HTTP/1.1\r\nHost: a\r\n\r\n", "query"},
		{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "method"},
		{"GET / HTTP/1.1\r\nHost: WWW.example.com:80\r\n\r\n", "below"},
		{"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", "app"},
		{"GET /a/../b.%70hp?x HTTP/1.1\r\nHost: a\r\n\r\n", "expression"},
		{"GET /net HTTP/1.1\r\nHost: a\r\n\r\n", "here"},
		{"GET /b HTTP/1.1\r\nHost: a\r\n\r\n", "either"},
		{"GET /b HTTP/1.1\r\nHost: not\r\n\r\n", "app"},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "app"},
	} {
		if r := ask(t, at, tt.request); r.status != 200 || r.body != tt.want {
			t.Errorf("%q: got %d %q, want %q", tt.request, r.status, r.body, tt.want)
		}
	}
}

// serverNames has requests taken by the name of their handshake, whatever Host they name.
func serverNames(t *testing.T, start Start) {
	file, trusted := Bundle(t, "www.example.com")
	c := site(serve(t, "app1", says("app")))
	c.Frontends[0].Binds = []proxy.Bind{{Address: anyPort, TLS: &certs.Config{Certificates: certs.Bundles(file)}}}
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{SNI: "*.example.org"}, Respond: &rule.Respond{Status: 200, Body: "org"}},
		{Match: rule.Match{SNI: "www.example.com"}, Respond: &rule.Respond{Status: 200, Body: "com"}},
	}
	at := web(t, start(t, c))
	for name, want := range map[string]string{"www.example.com": "com", "a.example.org": "org", "example.org": "app", "": "app"} {
		config := &tls.Config{RootCAs: trusted, ServerName: name, NextProtos: []string{"http/1.1"}, InsecureSkipVerify: name != "www.example.com"}
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp4", at, config)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		client := clientOn(t, conn)
		for range 2 { // of one connection
			client.send("GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
			if r := client.receive("GET"); r.body != want {
				t.Errorf("%s: got %q, want %q", name, r.body, want)
			}
		}
	}
}
