package proxytest

import (
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// edits changes heads both ways: those of the frontend come first, then the backend's, then the rule's.
func edits(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) {
		c.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: secret\r\nLocation: http://a/b\r\nX-Twice: a\r\nX-Twice: b\r\n\r\nok")
	})
	c := site(app)
	f := &c.Frontends[0]
	f.RequestEdits = []edit.Edit{
		{Op: edit.Remove, Name: "X-Gone"}, {Name: "X-Order", Value: "frontend"}, {Op: edit.Add, Name: "X-Client", Value: "{client_ip}"},
		{Name: "X-All", Value: "{method} {scheme} {host} {authority} {path} {query} {frontend} {backend} {header:x-in} {cookie:c} {{"},
		{Name: "X-Empty", Value: "{header:x-nothing}"},
	}
	f.ResponseEdits = []edit.Edit{
		{Op: edit.Remove, Name: "Server", ServersOnly: true}, {Op: edit.Replace, Name: "location", Find: "^http://", With: "https://"},
		{Op: edit.Replace, Name: "X-Twice", Find: "a", With: "c"}, {Name: "X-Order", Value: "frontend"}, {Op: edit.Add, Name: "X-Said", Value: "{status} {server}"},
	}
	c.Backends[0].RequestEdits = []edit.Edit{{Op: edit.Add, Name: "X-Order", Value: "backend"}}
	c.Backends[0].ResponseEdits = []edit.Edit{{Name: "X-Order", Value: "backend"}}
	f.Rules = []rule.Rule{
		{Match: rule.Match{Path: "/own"}, Redirect: &rule.Redirect{Location: "http://{host}{path}?{query}"}},
		{
			Match: rule.Match{Path: "/rule"}, Backend: "app",
			RequestEdits:  []edit.Edit{{Op: edit.Replace, Name: "X-Order", Find: "backend", With: "rule"}},
			ResponseEdits: []edit.Edit{{Op: edit.Remove, Name: "X-Order"}, {Op: edit.Add, Name: "X-Order", Value: "rule"}},
		},
	}
	at := web(t, start(t, c))
	request := func(path string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: WWW.example.com:8080\r\nX-Gone: 1\r\nX-In: \tin\r\nCookie: b=1; c=2\r\nX-Order: client\r\n\r\n"
	}
	wants := func(what, head string, want map[string][]string) {
		t.Helper()
		for name, values := range want {
			if got := fields(head, name); !slices.Equal(got, values) {
				t.Errorf("%s: %s: got %q, want %q", what, name, got, values)
			}
		}
	}
	r := ask(t, at, request("/a/../x?y=z"))
	wants("request", app.lastHead(t), map[string][]string{
		"X-Gone": nil, "X-Order": {"frontend", "backend"}, "X-Client": {"127.0.0.1"}, "X-Empty": nil, "Host": {"WWW.example.com:8080"},
		"X-All": {"GET http www.example.com WWW.example.com:8080 /x y=z web app in 2 {"},
	})
	wants("response", r.head, map[string][]string{
		"Server": nil, "Location": {"https://a/b"}, "X-Twice": {"c", "b"}, "X-Order": {"backend"}, "X-Said": {"200 app1"}, "Content-Length": {"2"},
	})
	r = ask(t, at, request("/rule"))
	wants("request of a rule", app.lastHead(t), map[string][]string{"X-Order": {"frontend", "rule"}})
	wants("response of a rule", r.head, map[string][]string{"X-Order": {"rule"}})
	r = ask(t, at, request("/own?q"))
	wants("redirect", r.head, map[string][]string{"Location": {"https://www.example.com/own?q"}, "X-Order": {"frontend"}, "X-Said": {"302"}})
	r = ask(t, at, request("/%00"))
	wants("refusal", r.head, map[string][]string{"X-Order": {"frontend"}, "X-Said": {"400"}})
}

// editsHTTP2 is the same for clients that speak HTTP/2.
func editsHTTP2(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) {
		c.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: secret\r\n\r\nok")
	})
	c := site(app)
	c.Frontends[0].RequestEdits = []edit.Edit{{Op: edit.Remove, Name: "X-Gone"}, {Name: "X-Version", Value: "{tls_version} {sni} {cookie:b}"}}
	c.Frontends[0].ResponseEdits = []edit.Edit{{Op: edit.Remove, Name: "Server"}, {Op: edit.Add, Name: "Set-Cookie", Value: "a={status}"}}
	c.Frontends[0].Rules = []rule.Rule{{Match: rule.Match{Path: "/own"}, Deny: 403}}
	s := &http2Site{start: start, secure: true}
	client := s.client(t, web(t, s.serve(t, c)))
	r := s.do(t, client, "GET", "/", nil, http.Header{"X-Gone": {"1"}, "Cookie": {"a=1; b=2"}})
	head := app.lastHead(t)
	if got := fields(head, "X-Version"); !slices.Equal(got, []string{"TLSv1.3 www.example.com 2"}) || len(fields(head, "X-Gone")) != 0 {
		t.Errorf("the server got %q", head)
	}
	if r.header.Get("Server") != "" || r.header.Get("Set-Cookie") != "a=200" {
		t.Errorf("the client got %v", r.header)
	}
	if r := s.do(t, client, "GET", "/own", nil, nil); r.status != 403 || r.header.Get("Set-Cookie") != "a=403" {
		t.Errorf("of the balancer itself: got %d %v", r.status, r.header)
	}
}

// up2Edits is the same for servers that speak HTTP/2.
func up2Edits(t *testing.T, s *upsite) {
	seen := make(chan *http.Request, 2)
	app := s.serve(t, "app1", func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		w.Header().Set("Server", "secret")
	})
	c := s.site(app)
	c.Frontends[0].RequestEdits = []edit.Edit{{Op: edit.Remove, Name: "X-Gone"}, {Op: edit.Add, Name: "X-Path", Value: "{path}"}, {Op: edit.Add, Name: "X-Path", Value: "2"}}
	c.Frontends[0].ResponseEdits = []edit.Edit{{Op: edit.Remove, Name: "Server"}, {Name: "X-Server", Value: "{server}"}}
	c.Frontends[0].Rules = []rule.Rule{{Backend: "app", Rewrite: &rule.Rewrite{Path: "/v1{path}", Host: "app.internal"}}}
	c.Backends[0].Forwarded = proxy.Forwarded{Host: true, Standard: true}
	for name, client := range s.askers(t, web(t, s.start(t, c))) {
		r := client.do("GET", "/x", nil, http.Header{"X-Gone": {"1"}})
		got := <-seen
		if got.URL.Path != "/v1/x" || got.Host != "app.internal" || got.Header.Get("X-Gone") != "" || !slices.Equal(got.Header["X-Path"], []string{"/x", "2"}) {
			t.Errorf("%s: the server got %s for %s with %v", name, got.URL, got.Host, got.Header)
		}
		if told := got.Header.Get("Forwarded"); got.Header.Get("X-Forwarded-Host") == "" || !strings.HasPrefix(told, "for=127.0.0.1;proto=http") {
			t.Errorf("%s: the server was told %v", name, got.Header)
		}
		if r.header.Get("Server") != "" || r.header.Get("X-Server") != "app1" {
			t.Errorf("%s: the client got %v", name, r.header)
		}
	}
}

// serversAlone leaves what the balancer answers itself as it is.
func serversAlone(t *testing.T, start Start) {
	c := site(serve(t, "app1", says("ok")))
	c.Frontends[0].ResponseEdits = []edit.Edit{{Name: "X-A", Value: "1", ServersOnly: true}}
	c.Frontends[0].Rules = []rule.Rule{{Match: rule.Match{Path: "/own"}, Respond: &rule.Respond{Status: 200}}}
	at := web(t, start(t, c))
	for path, want := range map[string]string{"/": "1", "/own": ""} {
		if got := get(t, at, path).header.Get("X-A"); got != want {
			t.Errorf("%s: got X-A %q, want %q", path, got, want)
		}
	}
}

// rewrites asks servers for another path or host than the client did.
func rewrites(t *testing.T, start Start) {
	app := serve(t, "app1", says("ok"))
	c := site(app)
	for prefix, w := range map[string]rule.Rewrite{
		"/api":   {StripPrefix: "/api"},
		"/old/":  {Find: `^/old/([^/]*)`, With: "/new/$1/x"},
		"/whole": {Path: "/v1{path}", Host: "app.internal:81"},
		"/both":  {StripPrefix: "/both", Path: "/{host}{path}", Host: "{cookie:to}"},
	} {
		c.Frontends[0].Rules = append(c.Frontends[0].Rules, rule.Rule{Match: rule.Match{PathPrefix: prefix}, Rewrite: &w, Backend: "app"})
	}
	at := web(t, start(t, c))
	for _, tt := range []struct{ path, cookie, want, host string }{
		{"/api/x?y", "", "/x?y", "a"}, {"/api", "", "/", "a"}, {"/api../x", "", "/x", "a"}, {"/apix", "", "/x", "a"},
		{"/old/1/2?q=/old/", "", "/new/1/x/2?q=/old/", "a"},
		{"/whole?q", "", "/v1/whole?q", "app.internal:81"},
		{"/both/x", "to=b", "/a/x", "b"},
	} {
		r := ask(t, at, "GET "+tt.path+" HTTP/1.1\r\nHost: a\r\nCookie: "+tt.cookie+"\r\n\r\n")
		wantBody(t, r, "ok")
		head := app.lastHead(t)
		line, _, _ := strings.Cut(head, "\r\n")
		if want := "GET " + tt.want + " HTTP/1.1"; line != want || !slices.Equal(fields(head, "Host"), []string{tt.host}) {
			t.Errorf("%s: got %q for %q, want %q for %q", tt.path, line, fields(head, "Host"), want, tt.host)
		}
	}
	before := app.calls()
	for _, cookie := range []string{"", "to=a b", "to=a/b", "to=a:b"} {
		wantStatus(t, ask(t, at, "GET /both HTTP/1.1\r\nHost: a\r\nCookie: "+cookie+"\r\n\r\n"), 400)
	}
	if app.calls() != before {
		t.Error("a server was asked for what is no host")
	}
}

// splits shares requests out exactly, and by a key the same way each time.
func splits(t *testing.T, start Start) {
	c := site(serve(t, "app1", says("app")))
	c.Backends = append(c.Backends, pool("canary", serve(t, "canary1", says("canary"))))
	shares := []rule.Share{{Backend: "app", Weight: 9}, {Backend: "canary", Weight: 1}}
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{PathPrefix: "/key"}, Split: shares, SplitKey: "{cookie:user}"},
		{Split: shares},
	}
	at := web(t, start(t, c))
	got := map[string]int{}
	for range 30 {
		got[get(t, at, "/").body]++
	}
	if got["app"] != 27 || got["canary"] != 3 {
		t.Errorf("got %v of 30, want 27 and 3", got)
	}
	same := map[string]bool{}
	for range 10 {
		same[ask(t, at, "GET /key HTTP/1.1\r\nHost: a\r\nCookie: user=x\r\n\r\n").body] = true
	}
	if len(same) != 1 {
		t.Errorf("one user got %v", same)
	}
}

// denials refuses, with error pages of the frontend and the backend.
func denials(t *testing.T, start Start) {
	dir := t.TempDir()
	page := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	c := site(serve(t, "app1", says("ok")))
	c.Backends = append(c.Backends, pool("empty"))
	c.Backends[1].ErrorPages = map[int]string{503: page("503.json", `{"error":503}`)}
	c.Frontends[0].ErrorPages = map[int]string{403: page("403.html", "<p>no"), 503: page("503.txt", "later")}
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{Path: "/private", Source: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, Deny: 403},
		{Match: rule.Match{Path: "/429"}, Deny: 429},
		{Match: rule.Match{Path: "/503"}, Deny: 503},
		{Match: rule.Match{Path: "/empty"}, Backend: "empty"},
	}
	at := web(t, start(t, c))
	for _, tt := range []struct {
		path   string
		status int
		kind   string
		body   string
	}{
		{"/private", 403, "text/html; charset=utf-8", "<p>no"},
		{"/429", 429, "text/html", "<html><body><h1>429 Too Many Requests</h1>\n<p>Too many requests came from there.</p></body></html>\n"},
		{"/503", 503, "text/plain; charset=utf-8", "later"},
		{"/empty", 503, "application/json", `{"error":503}`},
	} {
		r := get(t, at, tt.path)
		if r.status != tt.status || r.body != tt.body || !slices.Equal(fields(r.head, "Content-Type"), []string{tt.kind}) ||
			r.header.Get("Cache-Control") != "no-cache" || connection(r) != "" {
			t.Errorf("%s: got %q %q, want %d %q of type %s, and the connection kept", tt.path, r.head, r.body, tt.status, tt.body, tt.kind)
		}
	}
}

// monitors answers before all rules, by the health of a backend.
func monitors(t *testing.T, start Start) {
	c := site(serve(t, "app1", says("ok")))
	f := &c.Frontends[0]
	f.Monitor = &proxy.Monitor{Path: "/health", FailIf: []proxy.TooFew{{Backend: "app", MinUp: 1}}}
	f.Rules = []rule.Rule{{Deny: 403}}
	b := start(t, c)
	at := web(t, b)
	r := get(t, at, "/health")
	wantBody(t, r, "healthy\n")
	if got := fields(r.head, "Content-Type"); !slices.Equal(got, []string{"text/plain"}) {
		t.Errorf("got Content-Type %q, want text/plain once", got)
	}
	wantStatus(t, get(t, at, "/health/"), 403)
	c.Frontends[0].Monitor = &proxy.Monitor{Path: "/health", FailIf: []proxy.TooFew{{Backend: "app", MinUp: 2}}}
	b.Reload(t, c)
	if r := get(t, at, "/health"); r.status != 503 || r.body != "unhealthy\n" {
		t.Errorf("with too few servers: got %d %q, want 503", r.status, r.body)
	}
}

// requestIDs names requests, or takes over the names that trusted proxies have for them.
func requestIDs(t *testing.T, start Start) {
	app := serve(t, "app1", says("ok"))
	for _, trusted := range []bool{false, true} {
		c := site(app)
		c.Frontends[0].RequestID = &proxy.RequestID{Header: "X-Request-ID", Respond: true}
		if trusted {
			c.Frontends[0].TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}
		at := web(t, start(t, c))
		seen := map[string]bool{}
		for _, sent := range []string{"", "X-Request-ID: told-1\r\n", "X-Request-ID: told 2\r\n"} {
			r := ask(t, at, "GET / HTTP/1.1\r\nHost: a\r\n"+sent+"\r\n")
			ids := fields(app.lastHead(t), "X-Request-ID")
			if len(ids) != 1 || seen[ids[0]] || !slices.Equal(fields(r.head, "X-Request-ID"), ids) {
				t.Fatalf("trusted %t, %q: the server got %q, the client %q", trusted, sent, ids, fields(r.head, "X-Request-ID"))
			}
			seen[ids[0]] = true
			if kept := ids[0] == "told-1"; kept != (trusted && strings.Contains(sent, "told-1")) || !kept && (len(ids[0]) != 36 || ids[0][14] != '7') {
				t.Errorf("trusted %t, %q: got %q", trusted, sent, ids[0])
			}
		}
	}
}

// looksUp chooses backends by files, by host and by the longest prefix of the path.
func looksUp(t *testing.T, start Start) {
	dir := t.TempDir()
	hosts, paths := filepath.Join(dir, "hosts"), filepath.Join(dir, "paths")
	for file, text := range map[string]string{hosts: "a.example one\nb.example two\n", paths: "/a/ one\n/a/b/ two\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := site(serve(t, "app1", says("app")))
	c.Backends = append(c.Backends, pool("one", serve(t, "one1", says("one"))), pool("two", serve(t, "two1", says("two"))))
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{PathPrefix: "/a/"}, Map: &rule.Map{File: paths, Key: "{path}", Prefix: true}},
		{Map: &rule.Map{File: hosts, Key: "{host}", Default: "two"}},
	}
	at := web(t, start(t, c))
	for _, tt := range []struct{ host, path, want string }{
		{"A.example:80", "/", "one"}, {"b.example", "/", "two"}, {"c.example", "/", "two"},
		{"c.example", "/a/x", "one"}, {"c.example", "/a/b/x", "two"}, {"c.example", "/a/%62/", "two"}, {"c.example", "/a/bb", "one"},
	} {
		wantBody(t, ask(t, at, "GET "+tt.path+" HTTP/1.1\r\nHost: "+tt.host+"\r\n\r\n"), tt.want)
	}
}

// mapsInVariables has files say what variables stand for, wherever these may be.
func mapsInVariables(t *testing.T, start Start) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	app := serve(t, "app1", func(c *call) {
		says(c.req.Host + " " + c.req.RequestURI + " " + c.req.Header.Get("X-Tenant") + " " + c.req.Header.Get("X-Plan"))(c)
	})
	c := site(app)
	c.Maps = []proxy.Map{
		{Name: "tenant", File: file("tenants", "a.example Tenant A\nb.example B\n"), Key: "{host}", Default: "nobody"},
		{Name: "plan", File: file("plans", "k1 gold\n"), Key: "{header:X-Key}"},
		{Name: "moved", File: file("moved", "/old/ https://new.example/\n/old/a/ /new/\n"), Key: "{path}", Prefix: true},
		{Name: "inside", File: file("inside", "a.example app-a.internal\n"), Key: "{host}", Default: "app.internal"},
	}
	f := &c.Frontends[0]
	f.RequestEdits = []edit.Edit{{Name: "X-Tenant", Value: "{map:tenant}"}, {Name: "X-Plan", Value: "{map:plan}"}}
	f.ResponseEdits = []edit.Edit{{Name: "X-For", Value: "<{map:tenant}>"}}
	f.Rules = []rule.Rule{
		{Match: rule.Match{PathPrefix: "/old/"}, Redirect: &rule.Redirect{Location: "{map:moved}"}},
		{Backend: "app", Rewrite: &rule.Rewrite{Path: "/{map:inside}{path}", Host: "{map:inside}"}},
	}
	at := web(t, start(t, c))
	for _, tt := range []struct{ host, key, path, want, tenant string }{
		{"A.example:80", "k1", "/x", "app-a.internal /app-a.internal/x Tenant A gold", "<Tenant A>"},
		{"b.example", "k2", "/x", "app.internal /app.internal/x B ", "<B>"},
		{"c.example", "", "/x", "app.internal /app.internal/x nobody ", "<nobody>"},
	} {
		r := ask(t, at, "GET "+tt.path+" HTTP/1.1\r\nHost: "+tt.host+"\r\nX-Key: "+tt.key+"\r\n\r\n")
		if wantBody(t, r, tt.want); r.header.Get("X-For") != tt.tenant {
			t.Errorf("%s: got %q", tt.host, r.head)
		}
	}
	for path, want := range map[string]string{"/old/x": "https://new.example/", "/old/a/x": "/new/"} {
		if r := get(t, at, path); r.status != 302 || r.header.Get("Location") != want || r.header.Get("X-For") != "<nobody>" {
			t.Errorf("%s: got %q, want a redirect to %s", path, r.head, want)
		}
	}
}
