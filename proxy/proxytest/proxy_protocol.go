package proxytest

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
	checks "github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/proxy/proxyproto"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// proxyProtocol are the cases of the PROXY protocol, most with a balancer behind another one.
func proxyProtocol(t *testing.T, start Start) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Start)
	}{
		{"in_a_chain", chained},
		{"trusted_and_others", trustedProxies},
		{"timeout", lateHeader},
		{"version_of_a_server_changes", versionChanges},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, start)
		})
	}
}

// loopback is who the clients and balancers of the tests are.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// dialFrom connects from an address of one's own.
func dialFrom(source, to string) (net.Conn, error) {
	return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}, Timeout: patience}).Dial("tcp4", to)
}

func from(t *testing.T, source, to string) net.Conn {
	t.Helper()
	conn, err := dialFrom(source, to)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// chained: a client of the outer balancer is known to the server behind the inner one, in both versions and modes, under TLS too; the
// outer one's probes are answered and are nobody's.
func chained(t *testing.T, start Start) {
	file, trusted := Bundle(t, "www.example.com")
	app := serve(t, "app1", says("ok"))
	inner := site(app)
	inner.Backends[0].Forwarded = proxy.Forwarded{RealIP: true}
	inner.Frontends[0].Binds = []proxy.Bind{
		{Address: anyPort, Proxies: loopback},
		{Address: anyPort, Proxies: loopback, TLS: &certs.Config{Certificates: certs.Bundles(file)}},
	}
	second := start(t, inner)
	for _, tt := range []struct {
		name    string
		version proxyproto.Version
		tcp     bool
		bind    int
	}{
		{"version 1, HTTP", proxyproto.V1, false, 0}, {"version 2, HTTP", proxyproto.V2, false, 0},
		{"version 1, TCP", proxyproto.V1, true, 0}, {"version 2, TLS passed on", proxyproto.V2, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			outer := site()
			outer.Backends[0].Servers = []proxy.Server{{
				Name: "inner", Address: netip.MustParseAddrPort(address(t, second, "web", tt.bind)), Weight: 1, SendProxy: tt.version,
			}}
			outer.Frontends[0].TCP, outer.Backends[0].TCP = tt.tcp, tt.tcp
			outer.Backends[0].Check = &checks.Check{Kind: &checks.HTTP{Path: "/health"}, Interval: moment, Timeout: patience, Rise: 1, Fall: 1}
			if tt.bind == 1 { // probes have no reason to trust its certificate
				outer.Backends[0].Check = &checks.Check{Interval: moment, Timeout: patience, Rise: 1, Fall: 1}
			}
			first := start(t, outer)
			eventually(t, "the inner balancer is found up", func() bool { return first.Snapshot().Backends[0].Servers[0].Status.String() == "up" })
			for _, source := range []string{"127.0.0.9", "127.0.0.10"} { // the second one is told of anew
				conn := from(t, source, web(t, first))
				if tt.bind == 1 {
					conn = tls.Client(conn, &tls.Config{RootCAs: trusted, ServerName: "www.example.com"})
				}
				c := clientOn(t, conn)
				for range 2 {
					c.send("GET /asked HTTP/1.1\r\nHost: a\r\n\r\n")
					wantBody(t, c.receive("GET"), "ok")
				}
				if got := fields(lastAsked(t, app), "X-Real-Ip"); len(got) != 1 || got[0] != source {
					t.Errorf("the server was told of %q, want %s", got, source)
				}
			}
		})
	}
	for why, n := range second.Snapshot().Frontends[0].Refusals {
		if strings.HasPrefix(why, "proxy_") {
			t.Errorf("%d connections were refused: %s", n, why)
		}
	}
}

// lastAsked returns the last head that was not a probe's.
func lastAsked(t *testing.T, s *server) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.heads) - 1; i >= 0; i-- {
		if strings.HasPrefix(s.heads[i], "GET /asked ") {
			return s.heads[i]
		}
	}
	t.Fatal("nobody has asked")
	return ""
}

// trustedProxies: who is not trusted is refused with a header and without, who is has to send one, and a reload changes who is.
func trustedProxies(t *testing.T, start Start) {
	const header = "PROXY TCP4 198.51.100.7 198.51.100.80 51234 80\r\n"
	app := serve(t, "app1", says("ok"))
	c := site(app)
	c.Frontends[0].Binds[0].Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")}
	b := start(t, c)
	at := web(t, b)
	refusals := func(why string) int64 { return b.Snapshot().Frontends[0].Refusals[why] }
	ask := func(source, text string) string {
		t.Helper()
		conn, err := dialFrom(source, at)
		if err != nil {
			if !errors.Is(err, syscall.ECONNRESET) { // who is refused may be so by now
				t.Fatal(err)
			}
			return ""
		}
		c := clientOn(t, conn)
		_, _ = io.WriteString(conn, text)             // as above
		got, _ := io.ReadAll(io.LimitReader(c.r, 15)) // a reset is an end too
		return string(got)
	}
	if got := ask("127.0.0.9", header+getRequest); got != "HTTP/1.1 200 OK" {
		t.Errorf("who is trusted got %q", got)
	}
	if got := ask("127.0.0.9", getRequest); got != "" || refusals("proxy_absent") != 1 {
		t.Errorf("without a header who is trusted got %q; counted %v", got, b.Snapshot().Frontends[0].Refusals)
	}
	for i, text := range []string{header + getRequest, getRequest} {
		if got := ask("127.0.0.8", text); got != "" || refusals("proxy_untrusted") != int64(i+1) {
			t.Errorf("who is not trusted got %q for %q; counted %v", got, text, b.Snapshot().Frontends[0].Refusals)
		}
	}
	c.Frontends[0].Binds[0].Proxies = loopback
	b.Reload(t, c)
	if got := ask("127.0.0.8", header+getRequest); got != "HTTP/1.1 200 OK" {
		t.Errorf("who is trusted now got %q", got)
	}
	c.Frontends[0].Binds[0].Proxies = nil
	b.Reload(t, c)
	if got := ask("127.0.0.8", getRequest); got != "HTTP/1.1 200 OK" {
		t.Errorf("without PROXY protocol a client got %q", got)
	}
	if app.calls() != 3 {
		t.Errorf("the server was asked %d times, want 3", app.calls())
	}
}

// lateHeader: a header that does not come in time ends the connection.
func lateHeader(t *testing.T, start Start) {
	c := site(serve(t, "app1", says("ok")))
	c.Frontends[0].Binds[0].Proxies = loopback
	c.Frontends[0].Timeouts.HTTPRequest = moment
	b := start(t, c)
	began := time.Now()
	client := dial(t, web(t, b))
	client.send("PROXY TCP4 ")
	if _, err := client.r.ReadByte(); err == nil || time.Since(began) < moment {
		t.Errorf("got %v after %v, want an end after %v", err, time.Since(began), moment)
	}
	if got := b.Snapshot().Frontends[0].Refusals; got["proxy_timeout"] != 1 || len(got) != 1 {
		t.Errorf("counted %v", got)
	}
}

// versionChanges: a reload that changes what a server is told makes connections of the new kind.
func versionChanges(t *testing.T, start Start) {
	heard := make(chan string, 1)
	app := serveTCP(t, "app1", func(conn net.Conn) {
		var head [8]byte
		_, _ = io.ReadFull(conn, head[:]) // what is missing shows
		heard <- string(head[:])
		_, _ = io.Copy(io.Discard, conn) // or else closing is a reset
	})
	c := tcpSite(app)
	b := start(t, c)
	for _, tt := range []struct {
		version proxyproto.Version
		want    string
	}{{0, "hello, s"}, {proxyproto.V1, "PROXY TC"}, {proxyproto.V2, "\r\n\r\n\x00\r\nQ"}, {0, "hello, s"}} {
		c.Backends[0].Servers[0].SendProxy = tt.version
		b.Reload(t, c)
		client := dial(t, web(t, b))
		client.send("hello, server")
		if got := <-heard; got != tt.want {
			t.Errorf("version %d: the server has heard %q, want %q", tt.version, got, tt.want)
		}
		_ = client.conn.(halfCloser).CloseWrite()
		client.closed()
	}
}

// passThrough: TLS that passes through goes to the server whose name is asked for, and ends there.
func passThrough(t *testing.T, start Start) {
	ca := newAuthority(t)
	secureTCP := func(name string) *server {
		l, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*ca.named(name)}})
		if err != nil {
			t.Fatal(err)
		}
		return attend(t, name, l, func(_ *server, conn net.Conn) {
			defer conn.Close()
			_, _ = io.WriteString(conn, name) // an error shows at the client
			echoTCP(conn)
		})
	}
	c := tcpSite(secureTCP("other.test"))
	c.Backends = append(c.Backends, pool("a", secureTCP("a.test")), pool("w", secureTCP("x.w.test")), pool("plain", serveTCP(t, "plain", echoTCP)))
	for i := range c.Backends {
		c.Backends[i].TCP = true
	}
	c.Frontends[0].Rules = []rule.Rule{
		{Match: rule.Match{SNI: "a.test"}, Backend: "a"}, {Match: rule.Match{SNI: "*.w.test"}, Backend: "w"},
		{Match: rule.Match{Source: []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")}}, Backend: "plain"},
	}
	b := start(t, c)
	for name, server := range map[string]string{"a.test": "a.test", "A.Test": "a.test", "x.w.test": "x.w.test", "other.test": "other.test", "": "other.test"} {
		config := &tls.Config{InsecureSkipVerify: true, ServerName: name} // whose certificate it is shows
		conn, err := tls.Dial("tcp4", web(t, b), config)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if got := conn.ConnectionState().PeerCertificates[0].DNSNames; len(got) != 1 || got[0] != server {
			t.Errorf("%q: reached %q, want %s", name, got, server)
		}
		client := clientOn(t, conn)
		expect(t, client.r, server)
		exchangeTCP(t, readFirst{client.conn, client.r}, noise(100_000))
	}
	exchangeTCP(t, from(t, "127.0.0.9", web(t, b)), "what is no TLS")
}

// passThroughByMap is passThrough with a file that says who gets which name.
func passThroughByMap(t *testing.T, start Start) {
	ca := newAuthority(t)
	names := filepath.Join(t.TempDir(), "names")
	if err := os.WriteFile(names, []byte("a.test a\nb.test b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	secureTCP := func(name string) *server {
		l, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*ca.named(name)}})
		if err != nil {
			t.Fatal(err)
		}
		return attend(t, name, l, func(_ *server, conn net.Conn) {
			defer conn.Close()
			echoTCP(conn)
		})
	}
	c := tcpSite(secureTCP("other.test"))
	c.Backends = append(c.Backends, pool("a", secureTCP("a.test")), pool("b", secureTCP("b.test")))
	for i := range c.Backends {
		c.Backends[i].TCP = true
	}
	c.Frontends[0].Rules = []rule.Rule{{Map: &rule.Map{File: names, Key: "{sni}"}}}
	b := start(t, c)
	for name, server := range map[string]string{"a.test": "a.test", "B.Test": "b.test", "c.test": "other.test", "": "other.test"} {
		conn, err := tls.Dial("tcp4", web(t, b), &tls.Config{InsecureSkipVerify: true, ServerName: name}) // whose certificate it is shows
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if got := conn.ConnectionState().PeerCertificates[0].DNSNames; len(got) != 1 || got[0] != server {
			t.Errorf("%q: reached %q, want %s", name, got, server)
		}
		exchangeTCP(t, clientOn(t, conn).conn, noise(1000))
	}
}

// readFirst is a connection of which something has been read ahead.
type readFirst struct {
	net.Conn
	r io.Reader
}

func (c readFirst) Read(b []byte) (int, error) { return c.r.Read(b) }
func (c readFirst) CloseWrite() error          { return c.Conn.(halfCloser).CloseWrite() }
