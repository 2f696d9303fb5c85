package proxy_test

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/peers"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/rate"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// What HAProxy and nginx are told: five requests of a client at once, of a rule two, and two connections at a time.
const (
	haproxyBounds = `global
	log UDP len 8192 local0
defaults
	mode http
	log global
	option httplog
	timeout connect 10s
	timeout client 10s
	timeout server 10s
frontend f
	bind RATE
	stick-table type ip size 100k expire 1h store http_req_rate(1h)
	http-request track-sc0 src table login if { path /login }
	http-request deny deny_status 429 if { path /login } { sc0_http_req_rate(login) gt 2 }
	http-request track-sc1 src if !{ path /login }
	http-request deny deny_status 429 if !{ path /login } { sc1_http_req_rate gt 5 }
	default_backend b
frontend c
	bind CONNECTIONS
	stick-table type ip size 100k expire 1h store conn_cur
	tcp-request connection track-sc0 src
	tcp-request connection reject if { sc0_conn_cur gt 2 }
	default_backend b
backend login
	stick-table type ip size 100k expire 1h store http_req_rate(1h)
backend b
	server s1 ORIGIN
`
	nginxBounds = `daemon off;
pid nginx.pid;
events {}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	limit_req_zone $binary_remote_addr zone=all:1m rate=1r/m;
	limit_req_zone $binary_remote_addr zone=login:1m rate=1r/m;
	limit_req_zone $binary_remote_addr zone=quick:1m rate=RATEr/s;
	limit_conn_zone $binary_remote_addr zone=connections:1m;
	limit_req_status 429;
	server {
		listen RATE_AT;
		location / { limit_req zone=all burst=4 nodelay; proxy_pass http://ORIGIN; }
		location /login { limit_req zone=login burst=1 nodelay; proxy_pass http://ORIGIN; }
		location /quick { limit_req zone=quick burst=4 nodelay; proxy_pass http://ORIGIN; }
	}
	server {
		listen CONNECTIONS;
		location / { limit_conn connections 2; proxy_pass http://ORIGIN; }
	}
}
`
)

// bounded is a balancer that bounds its clients, whoever made it.
type bounded struct {
	name        string
	requests    string        // where requests are bounded
	connections string        // and where connections are
	line        func() string // the next line of its log; nil: it has none
}

// perSecond is how often nginx and Tandem let a client ask for /quick, after five at once.
const perSecond = 4

func haproxyWithBounds(t *testing.T, origin string) bounded {
	t.Helper()
	p := peers.NewBalancer(t, "haproxy")
	udp, heard := syslogs(t, "udp", "127.0.0.1:0")
	b := bounded{name: "HAProxy", line: heard}
	var requests, connections string
	b.requests, requests = p.Listens(t)
	b.connections, connections = p.Listens(t)
	p.Run(t, strings.NewReplacer("UDP", udp, "RATE", requests, "CONNECTIONS", connections, "ORIGIN", origin).Replace(haproxyBounds))
	return b
}

func nginxWithBounds(t *testing.T, origin string) bounded {
	t.Helper()
	p := peers.NewBalancer(t, "nginx")
	b := bounded{name: "nginx"}
	b.requests, _ = p.Listens(t)
	b.connections, _ = p.Listens(t)
	p.Run(t, strings.NewReplacer("RATE_AT", b.requests, "CONNECTIONS", b.connections, "ORIGIN", origin, "RATEr", fmt.Sprintf("%dr", perSecond)).Replace(nginxBounds))
	return b
}

func tandemWithBounds(t *testing.T, o *narrowOrigin) bounded {
	t.Helper()
	log, path := fileLog(t, accesslog.Config{Format: "httplog"})
	c := logging(t, log, o.address)
	requests := &c.Frontends[0]
	clients := rate.Clients{IPv4Prefix: 32, IPv6Prefix: 64, TableSize: 1000}
	bound := func(count int, per time.Duration, burst int) *rate.Requests {
		return &rate.Requests{Pace: rate.Pace{Count: count, Per: per, Burst: burst}, Clients: clients, Status: 429}
	}
	requests.ClientRate = bound(5, time.Hour, 5)
	requests.Rules = []rule.Rule{
		{Match: rule.Match{PathPrefix: "/login"}, Backend: "b", Rate: bound(2, time.Hour, 2)},
		{Match: rule.Match{PathPrefix: "/quick"}, Backend: "b", Rate: bound(perSecond, time.Second, 5)},
	}
	connections := c.Frontends[1]
	c.Frontends = append(c.Frontends[:1:1], connections)
	c.Frontends[1].Name, c.Frontends[1].Binds, c.Frontends[1].Rules = "c", slices.Clone(requests.Binds), nil
	c.Frontends[1].ClientConnections = &rate.Connections{Max: 2, Clients: clients}
	for i := range c.Frontends {
		c.Frontends[i].Timeouts.Client, c.Frontends[i].Timeouts.HTTPRequest = patience, patience
	}
	c.Backends = c.Backends[:1]
	c.Backends[0].Timeouts = proxy.BackendTimeouts{Connect: patience, Server: patience}
	s := run(t, c, proxy.Options{Drain: 1, Threads: 4}).Snapshot()
	lines := 0
	return bounded{
		name: "Tandem", requests: s.Frontends[0].Binds[0].Address.String(), connections: s.Frontends[1].Binds[0].Address.String(),
		line: func() string {
			lines++
			return linesOf(t, path, lines)[lines-1]
		},
	}
}

// statusAt asks for a path on a connection of its own, and returns status and Retry-After.
func statusAt(t *testing.T, address, path string) (status int, after string) {
	t.Helper()
	conn, err := net.Dial("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") // an error shows in what comes
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body) // the head is what counts
	return resp.StatusCode, resp.Header.Get("Retry-After")
}

// third has three clients of one address come, each with a request that the server holds, and says what the third one gets.
func (b *bounded) third(t *testing.T, o *narrowOrigin) string {
	t.Helper()
	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	var in []net.Conn
	for range 2 {
		conn, err := net.Dial("tcp4", b.connections)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(conn, request) // an error shows in what comes
		in = append(in, conn)
		o.gets(t)
	}
	got := asksInVain(t, b.connections, request)
	for _, conn := range in {
		o.answers <- struct{}{}
		if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != 200 {
			t.Errorf("%s: one of the two that were there before got %v, %v", b.name, resp, err)
		}
	}
	return got
}

// asksInVain returns what comes of a connection that is one too many.
func asksInVain(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp4", address)
	if errors.Is(err, syscall.ECONNRESET) {
		return "closed"
	}
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(conn, request) // it may be closed by now
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	switch {
	case err == nil:
		return resp.Status[:3]
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrUnexpectedEOF): // HAProxy's may be either
		return "closed"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing"
	}
	return err.Error()
}

// The same bursts to Tandem, HAProxy and nginx: who is served, who is refused and how, what is logged of it.
func TestIntegrationBoundsOfClientsBesidePeers(t *testing.T) {
	t.Parallel()
	o := newNarrowOrigin(t)
	at := o.address.String()
	const want = "200 200 200 200 200 429 429 429, login 200 200 429 429"
	for _, b := range []bounded{tandemWithBounds(t, o), haproxyWithBounds(t, at), nginxWithBounds(t, at)} {
		ask := func(path string, n int) (all []string) {
			for range n {
				o.answers <- struct{}{}
				status, after := statusAt(t, b.requests, path)
				if status == 429 {
					<-o.answers // nobody has taken it
				} else {
					o.gets(t)
				}
				if (after != "") != (status == 429 && b.name == "Tandem") {
					t.Errorf("%s: %d with Retry-After %q", b.name, status, after)
				}
				b.wantLine(t, path, status)
				all = append(all, fmt.Sprint(status))
			}
			return all
		}
		got := strings.Join(ask("/", 8), " ") + ", login " + strings.Join(ask("/login", 4), " ")
		if got != want {
			t.Errorf("%s: got %s, want %s", b.name, got, want)
		}
		ends := map[string]string{"nginx": "503"} // it counts requests that are under way
		if got, want := b.third(t, o), cmp.Or(ends[b.name], "closed"); got != want {
			t.Errorf("%s: the third connection got %s, want %s", b.name, got, want)
		}
	}
}

// wantLine compares the line of a request, which is logged before the next one is made.
func (b *bounded) wantLine(t *testing.T, path string, status int) {
	t.Helper()
	if b.line == nil {
		return
	}
	want := `127.0.0.1:P [D] f b/s1 n/n/n/n/n 200 B - - ---- c/c/0/0/0 0/0 "GET ` + path + ` HTTP/1.1"`
	if status == 429 {
		want = `127.0.0.1:P [D] f f/<NOSRV> n/-1/-1/-1/n 429 B - - PR-- c/c/0/0/0 0/0 "GET ` + path + ` HTTP/1.1"`
	}
	if got := masked(b.line()); got != want {
		t.Errorf("%s logs\n%s, want\n%s", b.name, got, want)
	}
}

// When who was refused may ask again: nginx and Tandem count what they have served, so that a client which goes on asking gets its share. HAProxy counts
// what it has refused too, and such a client gets nothing more.
func TestIntegrationRatesBesideNginx(t *testing.T) {
	t.Parallel()
	o := newNarrowOrigin(t)
	for range cap(o.answers) {
		o.answers <- struct{}{}
	}
	const shares = 4
	for _, b := range []bounded{tandemWithBounds(t, o), nginxWithBounds(t, o.address.String())} {
		began := time.Now()
		served := 0
		for time.Since(began) < shares*time.Second/perSecond+time.Second/perSecond/2 {
			if status, _ := statusAt(t, b.requests, "/quick"); status == 200 {
				o.gets(t)
				served++
			}
		}
		took := time.Since(began) // the last answer may have come late
		if most := 5 + int((took+20*time.Millisecond)*perSecond/time.Second); served < 5+shares || served > most {
			t.Errorf("%s: %d were served in %v, want %d to %d", b.name, served, took, 5+shares, most)
		}
	}
}
