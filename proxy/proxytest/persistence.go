package proxytest

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/edit"
	check "github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/proxy/persist"
)

// sticky is a site with the servers a and b, which are called A and B in the cookie S. Each response of theirs has the fields of extra.
func sticky(t *testing.T, c persist.Config, extra string) (proxy.Config, [2]*server) {
	t.Helper()
	var servers [2]*server
	for i, name := range []string{"a", "b"} {
		servers[i] = serve(t, name, func(c *call) {
			c.write("HTTP/1.1 200 OK\r\n" + extra + "Content-Length: 1\r\n\r\n" + name)
		})
	}
	config := site(servers[:]...)
	c.Name = "S"
	config.Backends[0].Cookie = &proxy.Cookie{Config: c}
	config.Backends[0].Servers[0].Cookie, config.Backends[0].Servers[1].Cookie = "A", "B"
	return config, servers
}

// visit sends a cookie, none if it is empty, and wants a server to answer that sets these cookies.
func visit(t *testing.T, at, cookie, server string, set ...string) response {
	t.Helper()
	if cookie != "" {
		cookie = "Cookie: " + cookie + "\r\n"
	}
	r := ask(t, at, "GET / HTTP/1.1\r\nHost: a\r\n"+cookie+"\r\n")
	if r.status != 200 || r.body != server || !slices.Equal(fields(r.head, "Set-Cookie"), set) {
		t.Errorf("%s: got %d of %s with %q, want %s with %q", cookie, r.status, r.body, fields(r.head, "Set-Cookie"), server, set)
	}
	return r
}

func cookieInserted(t *testing.T, start Start) {
	c, servers := sticky(t, persist.Config{Indirect: true, HTTPOnly: true, SameSite: "Lax"}, "Set-Cookie: S=server\r\nSet-Cookie: o=1\r\n")
	at := web(t, start(t, c))
	const attributes = "; path=/; HttpOnly; SameSite=Lax"
	visit(t, at, "", "a", "o=1", "S=A"+attributes)
	visit(t, at, "", "b", "o=1", "S=B"+attributes)
	for range 3 {
		visit(t, at, "a=1; S=B; c=2", "b", "o=1")
		if got := fields(servers[1].lastHead(t), "Cookie"); !slices.Equal(got, []string{"a=1; c=2"}) {
			t.Errorf("the server sees %q", got)
		}
	}
	visit(t, at, "S=Z", "a", "o=1", "S=A"+attributes)
	visit(t, at, "S=A", "a", "o=1")
	if got := fields(servers[0].lastHead(t), "Cookie"); len(got) != 0 {
		t.Errorf("the server sees %q", got)
	}
	r := ask(t, at, "GET / HTTP/1.1\r\nHost: a\r\nCookie: x=1\r\nCookie: S=B; y=2\r\nCookie: S=A\r\n\r\n")
	if got := fields(servers[1].lastHead(t), "Cookie"); r.body != "b" || !slices.Equal(got, []string{"x=1", "y=2"}) {
		t.Errorf("several fields: %s sees %q", r.body, got)
	}
}

func cookieOfServers(t *testing.T, start Start) {
	for _, tt := range []struct {
		mode           persist.Mode
		cookie         string
		set, sees, raw string
	}{
		{persist.Rewrite, "S=B", "S=B; HttpOnly", "S=B", "S=A; HttpOnly"},
		{persist.Prefix, "S=B~session", "S=B~v; HttpOnly", "S=session", "S=A~v; HttpOnly"},
	} {
		c, servers := sticky(t, persist.Config{Mode: tt.mode}, "Set-Cookie: S=v; HttpOnly\r\n")
		at := web(t, start(t, c))
		visit(t, at, "", "a", tt.raw)
		visit(t, at, tt.cookie, "b", tt.set)
		if got := fields(servers[1].lastHead(t), "Cookie"); !slices.Equal(got, []string{tt.sees}) {
			t.Errorf("mode %d: the server sees %q, want %q", tt.mode, got, tt.sees)
		}
		visit(t, at, tt.cookie, "b", tt.set)
	}
}

// The configuration's edits come first: they cannot make a response cacheable that sets the cookie, nor take that away.
func cookieAndCaches(t *testing.T, start Start) {
	c, _ := sticky(t, persist.Config{NoCache: true}, "Cache-Control: public, max-age=60\r\nSet-Cookie: o=1\r\n")
	at := web(t, start(t, c))
	if got := fields(visit(t, at, "", "a", "o=1", "S=A; path=/").head, "Cache-Control"); !slices.Equal(got, []string{"private, max-age=60"}) {
		t.Errorf("got %q", got)
	}
	if got := fields(visit(t, at, "S=B", "b", "o=1").head, "Cache-Control"); !slices.Equal(got, []string{"public, max-age=60"}) {
		t.Errorf("no cookie is set: got %q", got)
	}
	c.Frontends[0].ResponseEdits = []edit.Edit{{Name: "Cache-Control", Value: "public, s-maxage=9"}, {Op: edit.Remove, Name: "Set-Cookie"}}
	at = web(t, start(t, c))
	if got := fields(visit(t, at, "", "a", "S=A; path=/").head, "Cache-Control"); !slices.Equal(got, []string{"private"}) {
		t.Errorf("edited: got %q", got)
	}
	if got := fields(visit(t, at, "S=B", "b").head, "Cache-Control"); !slices.Equal(got, []string{"public, s-maxage=9"}) {
		t.Errorf("edited, no cookie is set: got %q", got)
	}
}

func cookieOfNobody(t *testing.T, start Start) {
	c, _ := sticky(t, persist.Config{}, "")
	c.Backends[0].Servers[0].Cookie = ""
	at := web(t, start(t, c))
	visit(t, at, "S=Z", "a", "S=; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/")
	visit(t, at, "", "b", "S=B; path=/")
}

// Weight 0 drains a server: who has it keeps it, and nobody else gets it. Who has one that is down gets another one, and a new cookie.
func cookieDrainAndDown(t *testing.T, start Start) {
	c, _ := sticky(t, persist.Config{}, "")
	b := start(t, c)
	visit(t, web(t, b), "S=A", "a")
	c.Backends[0].Servers[0].Weight = 0
	b.Reload(t, c)
	for range 3 {
		visit(t, web(t, b), "S=A", "a")
		visit(t, web(t, b), "", "b", "S=B; path=/")
	}
	c.Backends[0].Servers[0].Weight = 1
	sick := refusing(t, "sick")
	c.Backends[0].Servers = append(c.Backends[0].Servers, proxy.Server{Name: "sick", Address: sick.address, Weight: 1, Cookie: "C"}, proxy.Server{Name: "twin", Address: c.Backends[0].Servers[1].Address, Weight: 0, Cookie: "C"})
	c.Backends[0].Check = &check.Check{Interval: 10 * time.Millisecond, Timeout: patience, Rise: 1, Fall: 1}
	b.Reload(t, c)
	eventually(t, "all are known", func() bool {
		s := b.Snapshot().Backends[0].Servers
		return s[0].Status == hysteresis.Up && s[1].Status == hysteresis.Up && s[2].Status == hysteresis.Down && s[3].Status == hysteresis.Up
	})
	visit(t, web(t, b), "S=C", "b") // its twin, which is called the same
	c.Backends[0].Servers = c.Backends[0].Servers[:3]
	b.Reload(t, c)
	r := ask(t, web(t, b), "GET / HTTP/1.1\r\nHost: a\r\nCookie: S=C\r\n\r\n")
	if want := map[string]string{"a": "S=A; path=/", "b": "S=B; path=/"}[r.body]; !slices.Equal(fields(r.head, "Set-Cookie"), []string{want}) {
		t.Errorf("down: got %s with %q", r.body, fields(r.head, "Set-Cookie"))
	}
}

// A server that refuses keeps its clients until the last retry.
func cookieRedispatch(t *testing.T, start Start) {
	c, _ := sticky(t, persist.Config{}, "")
	dead := refusing(t, "dead")
	c.Backends[0].Servers = append(c.Backends[0].Servers, proxy.Server{Name: "dead", Address: dead.address, Weight: 0, Cookie: "D"})
	c.Backends[0].Timeouts.Connect, c.Backends[0].Retries = 20*time.Millisecond, 3
	b := start(t, c)
	r := ask(t, web(t, b), "GET / HTTP/1.1\r\nHost: a\r\nCookie: S=D\r\n\r\n")
	if got := fields(r.head, "Set-Cookie"); r.status != 200 || len(got) != 1 {
		t.Errorf("got %d with %q, want another server and its cookie", r.status, got)
	}
	if got := b.Snapshot().Backends[0].Servers[2].ConnectFailures; got != 3 {
		t.Errorf("%d attempts, want 3", got)
	}
	c.Backends[0].Redispatch, c.Backends[0].Retries = false, 1
	b.Reload(t, c)
	wantStatus(t, ask(t, web(t, b), "GET / HTTP/1.1\r\nHost: a\r\nCookie: S=D\r\n\r\n"), 503)
	if got := b.Snapshot().Backends[0].Servers[2].ConnectFailures; got != 5 {
		t.Errorf("%d attempts in all, want 2 more", got)
	}
}

// Two nodes with one configuration and one secret know each other's clients.
func cookieOnBothNodes(t *testing.T, start Start) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, bytes.Repeat([]byte{7}, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ := sticky(t, persist.Config{Indirect: true, MaxIdle: time.Hour}, "")
	for _, sealed := range []string{"", secret} {
		c.Backends[0].Cookie = &proxy.Cookie{Config: c.Backends[0].Cookie.Config, SecretFile: sealed}
		one, other := web(t, start(t, c)), web(t, start(t, c))
		for _, want := range []string{"a", "b"} {
			r := get(t, one, "/")
			value, _, _ := strings.Cut(fields(r.head, "Set-Cookie")[0], ";")
			if got, _, _ := strings.Cut(value, "|"); r.body != want || (got == "S="+strings.ToUpper(want)) != (sealed == "") {
				t.Errorf("got %s with %q, want %s", r.body, value, want)
			}
			for range 3 {
				visit(t, other, value, want)
			}
		}
	}
}

// A switch of protocols is a response like others.
func cookieOfUpgrades(t *testing.T, start Start) {
	c := site(serve(t, "a", echoes), serve(t, "b", echoes))
	c.Backends[0].Cookie = &proxy.Cookie{Config: persist.Config{Name: "S"}}
	c.Backends[0].Servers[0].Cookie, c.Backends[0].Servers[1].Cookie = "A", "B"
	client := dial(t, web(t, start(t, c)))
	client.send("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	head, resp, err := client.receiveHead("GET")
	if err != nil || resp.StatusCode != 101 || !slices.Equal(fields(head, "Set-Cookie"), []string{"S=A; path=/"}) {
		t.Errorf("got %v, %q", err, head)
	}
}

func cookieHTTP2(t *testing.T, start Start) {
	c, servers := sticky(t, persist.Config{Indirect: true, NoCache: true}, "Set-Cookie: S=server\r\nCache-Control: public\r\n")
	s := &http2Site{start: start, secure: true}
	client := s.client(t, web(t, s.serve(t, c)))
	r := s.do(t, client, "GET", "/", nil, nil)
	if !slices.Equal(r.header["Set-Cookie"], []string{"S=A; path=/"}) || !slices.Equal(r.header["Cache-Control"], []string{"private"}) {
		t.Errorf("got %v", r.header)
	}
	for range 3 {
		r := s.do(t, client, "GET", "/", nil, http.Header{"Cookie": {"a=1; S=B; c=2"}})
		if r.body != "b" || len(r.header["Set-Cookie"]) != 0 || r.header.Get("Cache-Control") != "public" {
			t.Errorf("got %s with %v", r.body, r.header)
		}
		if got := fields(servers[1].lastHead(t), "Cookie"); !slices.Equal(got, []string{"a=1; c=2"}) {
			t.Errorf("the server sees %q", got)
		}
	}
}

// up2Cookies is the same for servers that speak HTTP/2.
func up2Cookies(t *testing.T, s *upsite) {
	seen := make(chan string, 1)
	handler := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			seen <- strings.Join(r.Header["Cookie"], "; ")
			w.Header().Set("Set-Cookie", "S=server")
			_, _ = io.WriteString(w, name) // an error shows at the client
		}
	}
	c := s.site(s.serve(t, "a", handler("a")), s.serve(t, "b", handler("b")))
	c.Backends[0].Cookie = &proxy.Cookie{Config: persist.Config{Name: "S", Indirect: true}}
	c.Backends[0].Servers[0].Cookie, c.Backends[0].Servers[1].Cookie = "A", "B"
	for name, client := range s.askers(t, web(t, s.start(t, c))) {
		for range 2 {
			r := client.do("GET", "/", nil, http.Header{"Cookie": {"a=1; S=B; c=2"}})
			if got := <-seen; r.body != "b" || len(r.header["Set-Cookie"]) != 0 || got != "a=1; c=2" {
				t.Errorf("%s: %s saw %q, the client %v", name, r.body, got, r.header)
			}
		}
		r := client.do("GET", "/", nil, http.Header{"Cookie": {"S=Z"}})
		if got, want := r.header.Get("Set-Cookie"), "S="+strings.ToUpper(r.body)+"; path=/"; <-seen != "" || got != want {
			t.Errorf("%s: the client got %q, want %q", name, got, want)
		}
	}
}

// sourceAddresses are clients of their own on loopback.
var sourceAddresses = []string{"127.0.0.2", "127.0.0.3", "127.0.0.4"}

// A client keeps its server over requests, connections and reloads, until that is down; then it keeps the next one.
func sourceTable(t *testing.T, start Start) {
	c := site(serve(t, "a", says("a")), serve(t, "b", says("b")), serve(t, "c", says("c")))
	c.Backends[0].Sources = &persist.SourcesConfig{Size: 100, Expire: time.Hour, IPv6Prefix: 64}
	b := start(t, c)
	come := func(client string) string {
		conn := clientOn(t, from(t, client, web(t, b)))
		defer conn.conn.Close()
		conn.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		return conn.receive("GET").body
	}
	had := map[string]string{}
	for _, client := range sourceAddresses {
		had[client] = come(client)
	}
	if len(had) != 3 || had["127.0.0.2"] == had["127.0.0.3"] {
		t.Fatalf("not spread: %v", had)
	}
	keep := func(when string) {
		t.Helper()
		for range 3 {
			for _, client := range sourceAddresses {
				if got := come(client); got != had[client] {
					t.Errorf("%s: %s gets %s, and had %s", when, client, got, had[client])
				}
			}
		}
	}
	keep("at first")
	if got, want := b.Snapshot().Backends[0].Table, (proxy.TableStatus{Size: 100, SourcesStats: persist.SourcesStats{Clients: len(sourceAddresses)}}); got == nil || *got != want {
		t.Errorf("the table: got %+v, want %+v", got, want)
	}
	b.Reload(t, c)
	keep("after a reload")
	c.Backends[0].Sources = &persist.SourcesConfig{Size: 50, Expire: time.Minute, IPv6Prefix: 48}
	c.Backends[0].Balance.Algorithm = "least_conn"
	b.Reload(t, c)
	keep("with another table and pool")
}

func sourceTableTCP(t *testing.T, start Start) {
	var servers []*server
	for _, name := range []string{"a", "b", "c"} {
		servers = append(servers, serveTCP(t, name, func(conn net.Conn) { _, _ = io.WriteString(conn, name) }))
	}
	c := tcpSite(servers...)
	c.Backends[0].Sources = &persist.SourcesConfig{Size: 100, Expire: time.Hour, IPv6Prefix: 64}
	at := web(t, start(t, c))
	come := func(client string) string {
		conn := clientOn(t, from(t, client, at))
		defer conn.conn.Close()
		b, err := io.ReadAll(conn.r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	had := map[string]string{}
	for range 3 {
		for _, client := range sourceAddresses {
			got := come(client)
			if before, ok := had[client]; ok && got != before {
				t.Errorf("%s gets %s, and had %s", client, got, before)
			}
			had[client] = got
		}
	}
	if had["127.0.0.2"] == had["127.0.0.3"] {
		t.Errorf("not spread: %v", had)
	}
}

// Behind a trusted proxy clients are whom that names.
func sourceTold(t *testing.T, start Start) {
	c := site(serve(t, "a", says("a")), serve(t, "b", says("b")))
	c.Frontends[0].TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	c.Backends[0].Sources = &persist.SourcesConfig{Size: 100, Expire: time.Hour, IPv6Prefix: 64}
	at := web(t, start(t, c))
	for _, tt := range []struct{ client, want string }{
		{"9.9.9.1", "a"}, {"9.9.9.2", "b"}, {"9.9.9.2", "b"}, {"9.9.9.1", "a"}, {"9.9.9.1", "a"}, {"2001:db8::1", "a"}, {"9.9.9.3", "b"}, {"2001:db8::2", "a"},
	} {
		wantBody(t, ask(t, at, "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: "+tt.client+"\r\n\r\n"), tt.want)
	}
}
