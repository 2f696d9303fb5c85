package proxytest

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/rate"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// clientCases are those of what a client may do, known by its address.
func clientCases(t *testing.T, start Start) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Start)
	}{
		{"rate", clientRate},
		{"rate_over_all_loops", clientRateLoops},
		{"rate_of_a_rule", ruleRate},
		{"rate_behind_a_proxy", clientRateTold},
		{"rate_and_reloads", clientRateReload},
		{"connections", clientConnections},
		{"connections_before_TLS", clientConnectionsTLS},
		{"connections_in_TCP_mode", clientConnectionsTCP},
		{"connections_at_a_pace", clientPace},
		{"connections_behind_a_proxy", clientConnectionsTold},
		{"connections_and_reloads", clientConnectionsReload},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, start)
		})
	}
	plainAndTLS(t, "rate_of_HTTP2", func(t *testing.T, secure bool) { clientRateHTTP2(t, &http2Site{start: start, secure: secure}) })
	plainAndTLS(t, "connections_of_HTTP2", func(t *testing.T, secure bool) { clientConnectionsHTTP2(t, &http2Site{start: start, secure: secure}) })
}

var usualClients = rate.Clients{IPv4Prefix: 32, IPv6Prefix: 64, TableSize: 1000}

// hourly lets a client ask so often, and then once in an hour.
func hourly(burst int) *rate.Requests {
	return &rate.Requests{Pace: rate.Pace{Count: 1, Per: time.Hour, Burst: burst}, Clients: usualClients, Status: 429}
}

// askFrom sends a GET from an address and returns the response.
func askFrom(t *testing.T, source, to, path string) response {
	t.Helper()
	c := clientOn(t, from(t, source, to))
	c.send("GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	return c.receive("GET")
}

// clientRate: a client that asks too often is told when it may again, on whichever connection, and no server hears of it.
func clientRate(t *testing.T, start Start) {
	app := serve(t, "app", says("app"))
	c := site(app)
	c.Frontends[0].ClientRate = hourly(5)
	c.Frontends[0].ClientRate.Exempt = []netip.Prefix{netip.MustParsePrefix("127.0.0.32/28")}
	c.Frontends[0].Monitor = &proxy.Monitor{Path: "/monitor"}
	c.Frontends[0].Rules = []rule.Rule{{Match: rule.Match{Path: "/own"}, Respond: &rule.Respond{Status: 200}}}
	c.Frontends[0].ResponseEdits = []edit.Edit{{Name: "X-Site", Value: "a"}}
	b := start(t, c)
	at := web(t, b)
	for range 4 {
		wantBody(t, get(t, at, "/"), "app")
	}
	wantStatus(t, get(t, at, "/own"), 200)
	conn := dial(t, at)
	for _, request := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"} { // the connection goes on
		conn.send(request)
		r := conn.receive("GET")
		wantPage(t, r, 429)
		if after, site := r.header.Get("Retry-After"), r.header.Get("X-Site"); after != "3600" || site != "a" {
			t.Errorf("got Retry-After %q and X-Site %q, want 3600 and a", after, site)
		}
	}
	wantBody(t, get(t, at, "/monitor"), "healthy\n")
	wantBody(t, askFrom(t, "127.0.0.2", at, "/"), "app")
	for range 10 {
		wantBody(t, askFrom(t, "127.0.0.33", at, "/"), "app")
	}
	if n := app.calls(); n != 15 {
		t.Errorf("the server got %d requests, want 15", n)
	}
	eventually(t, "they are counted", func() bool { return b.Snapshot().Frontends[0].Limited == 2 })
	if f := b.Snapshot().Frontends[0]; f.TurnedAway != 0 || f.Forgotten != 0 || len(f.Refusals) != 0 {
		t.Errorf("got %+v", f)
	}
}

// clientRateLoops: what one client may do it may do over all loops together.
func clientRateLoops(t *testing.T, start Start) {
	c := site(serve(t, "app", says("app")))
	c.Frontends[0].ClientRate = hourly(100)
	b := start(t, c)
	at := web(t, b)
	var served, refused atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			c := dial(t, at)
			for range 10 {
				_, err := io.WriteString(c.conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				r, failed := c.tryReceive("GET")
				switch {
				case err != nil || failed != nil:
					t.Errorf("got %v, %v", err, failed)
					return
				case r.status == 200:
					served.Add(1)
				case r.status == 429:
					refused.Add(1)
				}
			}
		})
	}
	all.Wait()
	if served.Load() != 100 || refused.Load() != 100 {
		t.Errorf("%d were served and %d refused, want 100 each", served.Load(), refused.Load())
	}
}

// ruleRate: a rule's own stands in the place of the frontend's, tighter or not.
func ruleRate(t *testing.T, start Start) {
	app := serve(t, "app", says("app"))
	c := site(app)
	c.Frontends[0].ClientRate = hourly(3)
	login, assets := hourly(2), hourly(7)
	login.Status, login.Pace.Per = 403, time.Minute
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{Path: "/login"}, Backend: "default", Rate: login, ResponseEdits: []edit.Edit{{Name: "X-Rule", Value: "login"}}},
		{Match: rule.Match{PathPrefix: "/assets/"}, Backend: "default", Rate: assets},
		{Match: rule.Match{Path: "/free"}, Backend: "default"},
	}
	c.Backends[0].Name, c.Frontends[0].DefaultBackend = "default", "default"
	at := web(t, start(t, c))
	served := func(path string, want int) {
		t.Helper()
		for range want {
			wantBody(t, get(t, at, path), "app")
		}
	}
	served("/login", 2)
	r := get(t, at, "/login")
	wantPage(t, r, 403)
	if after, rule := r.header.Get("Retry-After"), r.header.Get("X-Rule"); after != "60" || rule != "login" {
		t.Errorf("got Retry-After %q and X-Rule %q, want 60 and login", after, rule)
	}
	served("/assets/a", 7)
	wantPage(t, get(t, at, "/assets/b"), 429)
	served("/free", 2)
	served("/", 1)
	wantPage(t, get(t, at, "/free"), 429)
	wantPage(t, get(t, at, "/"), 429)
	wantPage(t, get(t, at, "/login"), 403)
}

// clientRateTold: behind a trusted proxy clients are whom that names.
func clientRateTold(t *testing.T, start Start) {
	c := site(serve(t, "app", says("app")))
	c.Frontends[0].TrustedProxies = loopback
	c.Frontends[0].ClientRate = hourly(1)
	at := web(t, start(t, c))
	for _, tt := range []struct {
		client string
		status int
	}{
		{"9.9.9.1", 200}, {"9.9.9.2", 200}, {"9.9.9.1", 429}, {"2001:db8::1", 200}, {"2001:db8::2", 429}, {"2001:db8:0:1::1", 200}, {"::ffff:9.9.9.2", 429},
	} {
		wantStatus(t, ask(t, at, "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: "+tt.client+"\r\n\r\n"), tt.status)
	}
}

// clientRateReload: a reload forgets nothing as long as clients are known in the same way.
func clientRateReload(t *testing.T, start Start) {
	c := site(serve(t, "app", says("app")))
	front := &c.Frontends[0]
	front.ClientRate = hourly(2)
	login := rule.Rule{Match: rule.Match{Path: "/login", Method: []string{"GET"}}, Respond: &rule.Respond{Status: 200}, Rate: hourly(1)}
	other := rule.Rule{Match: rule.Match{Path: "/other"}, Respond: &rule.Respond{Status: 200}, Rate: hourly(1)}
	front.Rules = []rule.Rule{login, other}
	b := start(t, c)
	at := web(t, b)
	wantStatus(t, get(t, at, "/"), 200)
	wantStatus(t, get(t, at, "/login"), 200)
	b.Reload(t, c)
	wantStatus(t, get(t, at, "/"), 200)
	wantStatus(t, get(t, at, "/"), 429)
	wantStatus(t, get(t, at, "/login"), 429)

	status := *front.ClientRate
	status.Status = 503
	front.ClientRate = &status
	login.Respond = &rule.Respond{Status: 204}
	front.Rules = []rule.Rule{{Match: rule.Match{Path: "/new"}, Respond: &rule.Respond{Status: 200}, Rate: hourly(1)}, other, login}
	b.Reload(t, c)
	wantStatus(t, get(t, at, "/"), 503)
	wantStatus(t, get(t, at, "/login"), 429)
	wantStatus(t, get(t, at, "/new"), 200)
	wantStatus(t, get(t, at, "/new"), 429)
	wantStatus(t, get(t, at, "/other"), 200)

	front.ClientRate = hourly(2)
	front.ClientRate.IPv4Prefix = 24
	b.Reload(t, c)
	wantStatus(t, get(t, at, "/"), 200)
	wantStatus(t, askFrom(t, "127.0.0.2", at, "/"), 200)
	wantStatus(t, askFrom(t, "127.0.0.3", at, "/"), 429)
	wantStatus(t, askFrom(t, "127.0.1.3", at, "/"), 200)
	front.ClientRate = nil
	b.Reload(t, c)
	wantStatus(t, get(t, at, "/"), 200)
	wantStatus(t, get(t, at, "/login"), 429)
}

// clientRateHTTP2: each stream is a request.
func clientRateHTTP2(t *testing.T, s *http2Site) {
	c := site(serve(t, "app", says("app")))
	c.Frontends[0].ClientRate = hourly(5)
	b := s.serve(t, c)
	client := s.client(t, web(t, b))
	var served, refused atomic.Int64
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			r, err := s.try(t, client, "GET", "/", nil, http.Header{})
			switch {
			case err != nil:
				t.Error(err)
			case r.status == 200 && r.body == "app":
				served.Add(1)
			case r.status == 429 && r.header.Get("Retry-After") == "3600":
				refused.Add(1)
			default:
				t.Errorf("got %d, %q, %v", r.status, r.body, r.header)
			}
		})
	}
	all.Wait()
	if served.Load() != 5 || refused.Load() != 7 {
		t.Errorf("%d were served and %d refused, want 5 and 7", served.Load(), refused.Load())
	}
	eventually(t, "they are counted", func() bool { return b.Snapshot().Frontends[0].Limited == 7 })
}

// turnedAway wants a connection from an address to be reset, which the client may notice when it connects or later.
func turnedAway(t *testing.T, source, to string) {
	t.Helper()
	conn, err := dialFrom(source, to)
	if err != nil {
		return
	}
	c := clientOn(t, conn)
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") // it may be closed by now
	c.closed()
}

func clientConnections(t *testing.T, start Start) {
	app := serve(t, "app", says("app"))
	c := site(app)
	c.Frontends[0].ClientConnections = &rate.Connections{Max: 2, Clients: usualClients, Exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.32/28")}}
	b := start(t, c)
	at := web(t, b)
	first, second := dial(t, at), dial(t, at)
	for _, c := range []*client{first, second} {
		c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		wantBody(t, c.receive("GET"), "app")
	}
	turnedAway(t, "127.0.0.1", at)
	turnedAway(t, "127.0.0.1", at)
	wantBody(t, askFrom(t, "127.0.0.2", at, "/"), "app")
	for range 4 {
		c := clientOn(t, from(t, "127.0.0.33", at))
		c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		wantBody(t, c.receive("GET"), "app")
	}
	f := b.Snapshot().Frontends[0]
	if f.TurnedAway != 2 || f.Limited != 0 || f.Faults != 0 {
		t.Errorf("got %+v", f)
	}
	first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") // who is in stays
	wantBody(t, first.receive("GET"), "app")
	_ = second.conn.Close()
	eventually(t, "one has left", func() bool { return b.Snapshot().Frontends[0].Connections == f.Connections-1 })
	wantBody(t, get(t, at, "/"), "app")
	if n := app.calls(); n != 9 {
		t.Errorf("the server got %d requests, want 9", n)
	}
}

// clientConnectionsTLS: who has too many costs no handshake.
func clientConnectionsTLS(t *testing.T, start Start) {
	c := site(serve(t, "app", says("app")))
	file, trusted := Bundle(t, "www.example.com")
	c.Frontends[0].Binds[0].TLS = &certs.Config{Certificates: certs.Bundles(file)}
	c.Frontends[0].ClientConnections = &rate.Connections{Max: 2, Clients: usualClients}
	b := start(t, c)
	at := web(t, b)
	config := &tls.Config{RootCAs: trusted, ServerName: "www.example.com"}
	var all []net.Conn
	for range 2 { // the second while its handshake has not begun
		all = append(all, dial(t, at).conn)
	}
	if err := tls.Client(all[0], config).Handshake(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are there", func() bool { return b.Snapshot().Frontends[0].Connections == 2 })
	turnedAway(t, "127.0.0.1", at)
	_ = all[1].Close()
	eventually(t, "one has left", func() bool { return b.Snapshot().Frontends[0].Connections == 1 })
	conn, err := tls.Dial("tcp4", at, config)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	_ = all[0].Close()
	eventually(t, "all have left", func() bool { return b.Snapshot().Frontends[0].Connections == 0 })
	wantBody(t, clientOn(t, mustTLS(t, at, config)).exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "app")
}

func mustTLS(t *testing.T, at string, config *tls.Config) net.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp4", at, config)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// exchange sends a GET and returns the response.
func (c *client) exchange(request string) response {
	c.t.Helper()
	c.send(request)
	return c.receive("GET")
}

func clientConnectionsHTTP2(t *testing.T, s *http2Site) {
	c := site(serve(t, "app", says("app")))
	c.Frontends[0].ClientConnections = &rate.Connections{Max: 1, Clients: usualClients}
	b := s.serve(t, c)
	at := web(t, b)
	one := s.client(t, at)
	for range 3 { // on one connection
		if r := s.do(t, one, "GET", "/", nil, http.Header{}); r.status != 200 {
			t.Errorf("got %d, want 200", r.status)
		}
	}
	turnedAway(t, "127.0.0.1", at)
	one.CloseIdleConnections()
	eventually(t, "it has left", func() bool { return b.Snapshot().Frontends[0].Connections == 0 })
	if r := s.do(t, s.client(t, at), "GET", "/", nil, http.Header{}); r.status != 200 {
		t.Errorf("got %d, want 200", r.status)
	}
}

func clientConnectionsTCP(t *testing.T, start Start) {
	c := tcpSite(serveTCP(t, "app", echoTCP))
	c.Frontends[0].ClientConnections = &rate.Connections{Max: 2, Clients: usualClients}
	b := start(t, c)
	at := web(t, b)
	first := dial(t, at)
	first.send("hi")
	expect(t, first.r, "hi")
	second := dial(t, at)
	second.send("hi")
	expect(t, second.r, "hi")
	turnedAway(t, "127.0.0.1", at)
	_ = first.conn.Close()
	_ = second.conn.Close()
	eventually(t, "both have left", func() bool { return b.Snapshot().Frontends[0].Connections == 0 })
	for range 3 {
		exchangeTCP(t, dial(t, at).conn, "hello")
		eventually(t, "it has left", func() bool { return b.Snapshot().Frontends[0].Connections == 0 })
	}
	if f := b.Snapshot().Frontends[0]; f.TurnedAway != 1 || f.Internal != 0 {
		t.Errorf("got %+v", f)
	}
}

func clientPace(t *testing.T, start Start) {
	c := site(serve(t, "app", says("app")))
	c.Frontends[0].ClientConnections = &rate.Connections{Pace: rate.Pace{Count: 1, Per: time.Hour, Burst: 3}, Clients: usualClients}
	b := start(t, c)
	at := web(t, b)
	for range 2 {
		wantBody(t, get(t, at, "/"), "app")
	}
	last := dial(t, at)
	wantBody(t, last.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "app")
	turnedAway(t, "127.0.0.1", at)
	wantBody(t, last.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "app")
	wantBody(t, askFrom(t, "127.0.0.2", at, "/"), "app")
	if f := b.Snapshot().Frontends[0]; f.TurnedAway != 1 {
		t.Errorf("%d were turned away, want 1", f.TurnedAway)
	}
}

// clientConnectionsTold: by the PROXY protocol clients are whom that names. What X-Forwarded-For will name nobody knows of a connection, so those of
// whom is trusted there have no bound.
func clientConnectionsTold(t *testing.T, start Start) {
	c := site(serve(t, "app", says("app")))
	c.Frontends[0].ClientConnections = &rate.Connections{Max: 1, Clients: usualClients}
	c.Frontends[0].Binds[0].Proxies = loopback
	b := start(t, c)
	at := web(t, b)
	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	var in []*client
	for _, address := range []string{"198.51.100.7", "198.51.100.8"} {
		in = append(in, dial(t, at))
		wantBody(t, in[len(in)-1].exchange("PROXY TCP4 "+address+" 198.51.100.80 51234 80\r\n"+request), "app")
	}
	for _, header := range []string{"PROXY UNKNOWN\r\n", "PROXY UNKNOWN\r\n"} { // the proxy's own
		in = append(in, dial(t, at))
		wantBody(t, in[len(in)-1].exchange(header+request), "app")
	}
	late := dial(t, at)
	late.send("PROXY TCP4 198.51.100.8 198.51.100.80 51235 80\r\n")
	late.closed()
	_ = in[1].conn.Close()
	eventually(t, "one has left", func() bool { return b.Snapshot().Frontends[0].Connections == 3 })
	wantBody(t, dial(t, at).exchange("PROXY TCP4 198.51.100.8 198.51.100.80 51236 80\r\n"+request), "app")

	c.Frontends[0].Binds[0].Proxies, c.Frontends[0].TrustedProxies = nil, loopback
	b.Reload(t, c)
	for range 3 {
		wantBody(t, dial(t, at).exchange(request), "app")
	}
}

// clientConnectionsReload: those that are there count by the next configuration too.
func clientConnectionsReload(t *testing.T, start Start) {
	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	c := site(serve(t, "app", says("app")))
	b := start(t, c)
	at := web(t, b)
	wantBody(t, dial(t, at).exchange(request), "app") // nobody counts it
	limit := func(most, bits int) {
		clients := usualClients
		clients.IPv4Prefix = bits
		c.Frontends[0].ClientConnections = &rate.Connections{Max: most, Clients: clients}
		b.Reload(t, c)
	}
	limit(3, 32)
	var in []*client
	for range 3 {
		in = append(in, dial(t, at))
		wantBody(t, in[len(in)-1].exchange(request), "app")
	}
	turnedAway(t, "127.0.0.1", at)
	limit(4, 32)
	in = append(in, dial(t, at))
	wantBody(t, in[3].exchange(request), "app")
	turnedAway(t, "127.0.0.1", at)
	limit(3, 32)
	leave := func() {
		before := b.Snapshot().Frontends[0].Connections
		_ = in[0].conn.Close()
		in = in[1:]
		eventually(t, "one has left", func() bool { return b.Snapshot().Frontends[0].Connections == before-1 })
	}
	leave()
	turnedAway(t, "127.0.0.1", at)
	leave()
	in = append(in, dial(t, at))
	wantBody(t, in[2].exchange(request), "app")

	limit(1, 24) // clients are known in another way: those that are there count for nobody
	wantBody(t, in[0].exchange(request), "app")
	in = append(in, dial(t, at))
	wantBody(t, in[3].exchange(request), "app")
	for range 3 {
		leave()
	}
	turnedAway(t, "127.0.0.2", at)
	leave()
	wantBody(t, dial(t, at).exchange(request), "app")
}
