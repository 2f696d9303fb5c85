package proxytest

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/rule"
)

func forwarded(t *testing.T, start Start) {
	here, elsewhere := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("7.0.0.0/8")}, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	all := proxy.Forwarded{For: proxy.ForwardedForAppend, Proto: true, RealIP: true, Host: true, Port: true, Standard: true}
	const told = "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 8.8.8.8, 7.7.7.7\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 1.1.1.1\r\n" +
		"X-Forwarded-Host: told.example\r\nX-Forwarded-Port: 8443\r\nForwarded: for=9.9.9.9\r\n"
	only := func(f proxy.ForwardedFor) proxy.Forwarded { return proxy.Forwarded{For: f} }
	for _, tt := range []struct {
		name      string
		forwarded proxy.Forwarded
		trusted   []netip.Prefix
		sent      string
		want      map[string]string // the fields of a name, each in brackets
	}{
		{"append to nothing", only(proxy.ForwardedForAppend), nil, "", map[string]string{"X-Forwarded-For": "[127.0.0.1]"}},
		{"nobody is trusted", all, nil, told, map[string]string{
			"X-Forwarded-For": "[127.0.0.1]", "X-Forwarded-Proto": "[http]", "X-Real-IP": "[127.0.0.1]", "X-Forwarded-Host": "[Example.com:81]", "X-Forwarded-Port": "[PORT]",
			"Forwarded": `[for=127.0.0.1;proto=http;host="Example.com:81"]`,
		}},
		{"others are trusted", all, elsewhere, told, map[string]string{
			"X-Forwarded-For": "[127.0.0.1]", "X-Forwarded-Proto": "[http]", "X-Real-IP": "[127.0.0.1]", "X-Forwarded-Host": "[Example.com:81]", "X-Forwarded-Port": "[PORT]",
			"Forwarded": `[for=127.0.0.1;proto=http;host="Example.com:81"]`,
		}},
		{"trusted", all, here, told, map[string]string{
			"X-Forwarded-For": "[9.9.9.9, 8.8.8.8, 7.7.7.7, 127.0.0.1]", "X-Forwarded-Proto": "[https]", "X-Real-IP": "[8.8.8.8]",
			"X-Forwarded-Host": "[told.example]", "X-Forwarded-Port": "[8443]", "Forwarded": `[for=9.9.9.9, for=127.0.0.1;proto=http;host="Example.com:81"]`,
		}},
		{"trusted, and tells no scheme", all, here, "X-Forwarded-Proto: gopher\r\nX-Forwarded-For: junk\r\nX-Forwarded-Port: 0\r\n", map[string]string{
			"X-Forwarded-For": "[junk, 127.0.0.1]", "X-Forwarded-Proto": "[http]", "X-Real-IP": "[127.0.0.1]", "X-Forwarded-Host": "[Example.com:81]", "X-Forwarded-Port": "[PORT]",
			"Forwarded": `[for=127.0.0.1;proto=http;host="Example.com:81"]`,
		}},
		{"replace", only(proxy.ForwardedForReplace), here, told, map[string]string{
			"X-Forwarded-For": "[127.0.0.1]", "X-Forwarded-Proto": "[https]", "X-Real-IP": "[1.1.1.1]", "X-Forwarded-Host": "[told.example]", "X-Forwarded-Port": "[8443]",
			"Forwarded": "[for=9.9.9.9]",
		}},
		{"if none, and there is one", only(proxy.ForwardedForIfNone), here, "X-Forwarded-For: 9.9.9.9\r\n", map[string]string{"X-Forwarded-For": "[9.9.9.9]"}},
		{"if none, and there is none", only(proxy.ForwardedForIfNone), here, "", map[string]string{"X-Forwarded-For": "[127.0.0.1]"}},
		{"if none, not believed", only(proxy.ForwardedForIfNone), nil, "X-Forwarded-For: 9.9.9.9\r\n", map[string]string{"X-Forwarded-For": "[127.0.0.1]"}},
		{"excepted", proxy.Forwarded{Except: here}, nil, "X-Forwarded-For: 9.9.9.9\r\n", map[string]string{"X-Forwarded-For": "[9.9.9.9]"}},
		{"off", only(proxy.ForwardedForOff), nil, "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: gopher\r\nX-Real-IP: 1.1.1.1\r\n", map[string]string{
			"X-Forwarded-For": "[9.9.9.9]", "X-Forwarded-Proto": "[gopher]", "X-Real-IP": "[1.1.1.1]",
		}},
		{"named in Connection", proxy.Forwarded{RealIP: true}, nil, "Connection: X-Real-IP, X-Forwarded-For\r\n", map[string]string{
			"X-Forwarded-For": "[127.0.0.1]", "X-Real-IP": "[127.0.0.1]",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := serve(t, "app1", says("ok"))
			c := site(app)
			c.Backends[0].Forwarded, c.Frontends[0].TrustedProxies = tt.forwarded, tt.trusted
			at := web(t, start(t, c))
			wantBody(t, ask(t, at, "GET / HTTP/1.1\r\nHost: Example.com:81\r\n"+tt.sent+"\r\n"), "ok")
			head := app.lastHead(t)
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP", "Forwarded"} {
				got := ""
				for _, value := range fields(head, name) {
					got += "[" + value + "]"
				}
				if want := strings.ReplaceAll(tt.want[name], "PORT", at[strings.LastIndexByte(at, ':')+1:]); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			if got := fields(head, "Host"); !slices.Equal(got, []string{"Example.com:81"}) {
				t.Errorf("Host: got %q", got)
			}
		})
	}
}

// forwardedStandard believes trusted proxies what they tell in Forwarded, and nothing that is in other fields: these may be the client's.
func forwardedStandard(t *testing.T, start Start) {
	here := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	all := proxy.Forwarded{For: proxy.ForwardedForAppend, Proto: true, RealIP: true, Host: true, Standard: true}
	const told = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: gopher\r\nX-Forwarded-Host: evil.example\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=9.9.9.9;proto=https;host=told.example\r\n"
	for _, tt := range []struct {
		name      string
		forwarded proxy.Forwarded
		trusted   []netip.Prefix
		want      map[string]string
	}{
		{"append", all, here, map[string]string{
			"X-Forwarded-For": "[9.9.9.9, 127.0.0.1]", "X-Forwarded-Proto": "[https]", "X-Forwarded-Host": "[told.example]", "X-Real-IP": "[9.9.9.9]",
			"Forwarded": `[for=9.9.9.9;proto=https;host=told.example, for=127.0.0.1;proto=http;host="Example.com:81"]`,
		}},
		{"if none", proxy.Forwarded{For: proxy.ForwardedForIfNone, Proto: true, Host: true, RealIP: true}, here, map[string]string{
			"X-Forwarded-For": "[9.9.9.9]", "X-Forwarded-Proto": "[https]", "X-Forwarded-Host": "[told.example]", "X-Real-IP": "[9.9.9.9]",
			"Forwarded": "[for=9.9.9.9;proto=https;host=told.example]",
		}},
		{"replace", proxy.Forwarded{For: proxy.ForwardedForReplace, Proto: true, Host: true, RealIP: true}, here, map[string]string{
			"X-Forwarded-For": "[127.0.0.1]", "X-Forwarded-Proto": "[https]", "X-Forwarded-Host": "[told.example]", "X-Real-IP": "[9.9.9.9]",
			"Forwarded": "[for=9.9.9.9;proto=https;host=told.example]",
		}},
		{"nobody is trusted", all, nil, map[string]string{
			"X-Forwarded-For": "[127.0.0.1]", "X-Forwarded-Proto": "[http]", "X-Forwarded-Host": "[Example.com:81]", "X-Real-IP": "[127.0.0.1]",
			"Forwarded": `[for=127.0.0.1;proto=http;host="Example.com:81"]`,
		}},
	} {
		app := serve(t, "app1", says("ok"))
		c := site(app)
		c.Backends[0].Forwarded, c.Frontends[0].TrustedProxies, c.Frontends[0].ByForwarded = tt.forwarded, tt.trusted, true
		wantBody(t, ask(t, web(t, start(t, c)), "GET / HTTP/1.1\r\nHost: Example.com:81\r\n"+told+"\r\n"), "ok")
		head := app.lastHead(t)
		for name, want := range tt.want {
			got := ""
			for _, value := range fields(head, name) {
				got += "[" + value + "]"
			}
			if got != want {
				t.Errorf("%s: %s: got %q, want %q", tt.name, name, got, want)
			}
		}
	}
}

func hopByHop(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) {
		c.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, X-Server-Hop\r\nKeep-Alive: timeout=5\r\n" +
			"X-Server-Hop: 1\r\nX-Kept: 1\r\nProxy-Authenticate: Basic\r\n\r\nok")
	})
	at := web(t, start(t, site(app)))
	r := ask(t, at, "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x-client-hop\r\nX-Client-Hop: 1\r\nKeep-Alive: 300\r\n"+
		"Proxy-Connection: keep-alive\r\nProxy-Authorization: secret\r\nTE: trailers, deflate\r\nHTTP2-Settings: AAMAAABk\r\nX-Kept: 1\r\n\r\n")
	wantBody(t, r, "ok")
	for where, head := range map[string]string{"server": app.lastHead(t), "client": r.head} {
		for _, name := range []string{
			"X-Client-Hop", "X-Server-Hop", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "HTTP2-Settings",
		} {
			if got := fields(head, name); len(got) != 0 {
				t.Errorf("the %s got %s: %q", where, name, got)
			}
		}
		if got := fields(head, "X-Kept"); len(got) != 1 {
			t.Errorf("the %s got X-Kept: %q, want it once", where, got)
		}
	}
	if got := fields(app.lastHead(t), "TE"); !slices.Equal(got, []string{"trailers"}) {
		t.Errorf("the server got TE: %q, want trailers", got)
	}
	for _, name := range []string{"User-Agent", "Accept-Encoding"} { // net/http would add them
		if got := fields(app.lastHead(t), name); len(got) != 0 {
			t.Errorf("the server got %s: %q, which the client did not send", name, got)
		}
	}
}

func responseHeaders(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) {
		c.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-frame-options: ALLOW\r\nX-Frame-Options: MAYBE\r\n\r\nok")
	})
	c := site(app)
	c.Frontends[0].ResponseEdits = []edit.Edit{
		{Name: "X-Frame-Options", Value: "SAMEORIGIN"}, {Name: "x-with-spaces", Value: "a b; c"},
		{Name: "Strict-Transport-Security", Value: "max-age=1"},
	}
	c.Backends = append(c.Backends, pool("empty"))
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{Path: "/503"}, Backend: "empty"},
		{Match: rule.Match{Path: "/302"}, Redirect: &rule.Redirect{Location: "/"}},
		{Match: rule.Match{Path: "/204"}, Respond: &rule.Respond{Status: 204}},
	}
	at := web(t, start(t, c))
	for path, status := range map[string]int{"/": 200, "/503": 503, "/302": 302, "/204": 204, "/%00": 400} {
		r := get(t, at, path)
		wantStatus(t, r, status)
		if got := fields(r.head, "X-Frame-Options"); !slices.Equal(got, []string{"SAMEORIGIN"}) {
			t.Errorf("%s: got X-Frame-Options %q, want SAMEORIGIN once", path, got)
		}
		if got := fields(r.head, "X-With-Spaces"); !slices.Equal(got, []string{"a b; c"}) {
			t.Errorf("%s: got X-With-Spaces %q", path, got)
		}
		if got := fields(r.head, "Strict-Transport-Security"); len(got) != 0 {
			t.Errorf("%s: got Strict-Transport-Security %q without TLS", path, got)
		}
	}
}

func responsesAsSent(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) {
		c.write("HTTP/1.1 " + strings.TrimPrefix(c.req.URL.Path, "/") + " Whatever\r\nContent-Length: 6\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n" +
			"Content-Encoding: gzip\r\nX-Value:  spaced  out\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n<html>")
	})
	at := web(t, start(t, site(app)))
	for _, status := range []string{"200", "201", "299", "404", "418", "500", "503", "599"} {
		r := get(t, at, "/"+status)
		if itoa(r.status) != status || r.body != "<html>" {
			t.Errorf("got %d %q, want %s", r.status, r.body, status)
		}
		for name, want := range map[string][]string{
			"Set-Cookie": {"a=1", "b=2"}, "Content-Encoding": {"gzip"}, "X-Value": {"spaced  out"}, "Content-Type": nil,
			"Date": {"Thu, 01 Jan 1970 00:00:00 GMT"},
		} {
			if got := fields(r.head, name); !slices.Equal(got, want) {
				t.Errorf("%s: got %s %q, want %q", status, name, got, want)
			}
		}
	}
}
