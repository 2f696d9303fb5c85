package proxytest

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/certs"
	checks "github.com/tandem-lb/tandem/proxy/health"
)

// appName is what servers are called in their certificates.
const appName = "app.internal"

// serversTLS are the cases of TLS to servers.
func serversTLS(t *testing.T, start Start) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Start)
	}{
		{"requests", overTLSRequests},
		{"verification", overTLSVerification},
		{"names", overTLSNames},
		{"client_certificate", overTLSClientCertificate},
		{"silent_handshake_is_a_connect_timeout", overTLSSilent},
		{"one_refusing_server_costs_no_request", overTLSOneRefuses},
		{"stale_connections_cost_no_request", overTLSStale},
		{"truncated_bodies_abort", overTLSTruncated},
		{"upgrade", overTLSUpgrade},
		{"client_that_leaves_in_the_handshake", overTLSClientLeaves},
		{"reload", overTLSReload},
		{"health", overTLSHealth},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, start)
		})
	}
}

// overTLSRequests: bodies of all sizes both ways, on one connection.
func overTLSRequests(t *testing.T, start Start) {
	ca := newAuthority(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := shows(ca.named(appName))
		config.MaxVersion = version
		app := serveTLS(t, "app1", config, func(c *call) { says(c.body())(c) })
		at := web(t, start(t, secureSite(certs.ServerConfig{CAs: []string{ca.file}}, appName, app.server)))
		client := dial(t, at)
		for _, size := range []int{0, 1, 4096, 16<<10 + 1, 100_000, 4 << 20} {
			sent := noise(size)
			client.push("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + itoa(size) + "\r\n\r\n" + sent)
			if r := client.receive("POST"); r.status != 200 || r.err != nil || digest(r.body) != digest(sent) {
				t.Fatalf("%d bytes: got %d, %v, %d bytes back", size, r.status, r.err, len(r.body))
			}
		}
		client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
		wantBody(t, client.receive("POST"), "abc")
		if n := app.handshakes.Load(); n != 5 { // the four that could not be sent again have connections of their own
			t.Errorf("got %d handshakes, want 5", n)
		}
		hello := app.hello.Load()
		if hello.ServerName != appName || !slices.Equal(hello.SupportedProtos, []string{"http/1.1"}) || slices.Contains(hello.SupportedVersions, tls.VersionTLS11) {
			t.Errorf("the server was asked for %q, %q, versions %x", hello.ServerName, hello.SupportedProtos, hello.SupportedVersions)
		}
	}
}

func overTLSVerification(t *testing.T, start Start) {
	ca, other := newAuthority(t), newAuthority(t)
	good := ca.named(appName)
	expired := ca.issue(&x509.Certificate{DNSNames: []string{appName}, NotAfter: time.Now().Add(-time.Minute)})
	verified := certs.ServerConfig{CAs: []string{ca.file}}
	for _, tt := range []struct {
		name   string
		config certs.ServerConfig
		server *tls.Config // nil: no TLS
		reason string      // empty: it works
	}{
		{"trusted", verified, shows(good), ""},
		{"another authority", certs.ServerConfig{CAs: []string{other.file}}, shows(good), "bad_certificate"},
		{"the host's authorities", certs.ServerConfig{}, shows(good), "bad_certificate"},
		{"another name", verified, shows(ca.named("api.internal")), "bad_certificate"},
		{"expired", verified, shows(expired), "bad_certificate"},
		{"not verified", certs.ServerConfig{Insecure: true}, shows(expired), ""},
		{"no TLS", verified, nil, "not_tls"},
		{"too old", certs.ServerConfig{CAs: []string{ca.file}, MinVersion: tls.VersionTLS13}, &tls.Config{Certificates: []tls.Certificate{*good}, MaxVersion: tls.VersionTLS12}, "peer_alert"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			app := notTLS(t, "app1")
			if tt.server != nil {
				app = serveTLS(t, "app1", tt.server.Clone(), says("ok")).server
			}
			c := secureSite(tt.config, appName, app)
			c.Backends[0].Retries = 0
			b := start(t, c)
			r := get(t, web(t, b), "/")
			got := b.Snapshot().Backends[0].Servers[0]
			if tt.reason == "" {
				wantBody(t, r, "ok")
				if got.HandshakeFailures != nil || got.ConnectFailures != 0 {
					t.Errorf("got %+v, want no failures", got)
				}
				return
			}
			wantPage(t, r, 503)
			if got.HandshakeFailures[tt.reason] != 1 || len(got.HandshakeFailures) != 1 || got.ConnectFailures != 1 || got.InFlight != 0 {
				t.Errorf("got %v and %d connect failures, %d in flight, want one for %s", got.HandshakeFailures, got.ConnectFailures, got.InFlight, tt.reason)
			}
			if app.calls() != 0 {
				t.Error("the server got the request")
			}
		})
	}
}

// overTLSNames: each server has a name of its own, or is its address, which no server is asked for.
func overTLSNames(t *testing.T, start Start) {
	ca := newAuthority(t)
	one := serveTLS(t, "one", shows(ca.named("one.internal")), says("one"))
	two := serveTLS(t, "two", shows(ca.issue(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})), says("two"))
	c := secureSite(certs.ServerConfig{CAs: []string{ca.file}}, "", one.server, two.server)
	c.Backends[0].Servers[0].ServerName, c.Backends[0].Servers[1].ServerName = "one.internal", "127.0.0.1"
	at := web(t, start(t, c))
	bodies := []string{get(t, at, "/").body, get(t, at, "/").body}
	slices.Sort(bodies)
	if !slices.Equal(bodies, []string{"one", "two"}) {
		t.Fatalf("got %q, want both servers", bodies)
	}
	if a, b := one.hello.Load().ServerName, two.hello.Load().ServerName; a != "one.internal" || b != "" {
		t.Errorf("the servers were asked for %q and %q", a, b)
	}
}

func overTLSClientCertificate(t *testing.T, start Start) {
	ca := newAuthority(t)
	own := ca.bundle(ca.named("balancer.internal"))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := shows(ca.named(appName))
		config.MaxVersion, config.ClientAuth, config.ClientCAs = version, tls.RequireAndVerifyClientCert, ca.pool
		app := serveTLS(t, "app1", config, func(c *call) {
			says(c.conn.(*tls.Conn).ConnectionState().PeerCertificates[0].DNSNames[0])(c)
		})
		c := secureSite(certs.ServerConfig{CAs: []string{ca.file}, Certificate: certs.Path{Certificate: own}}, appName, app.server)
		c.Backends[0].Retries = 0
		b := start(t, c)
		wantBody(t, get(t, web(t, b), "/"), "balancer.internal")
		c.Backends[0].TLS = &certs.ServerConfig{CAs: []string{ca.file}}
		b.Reload(t, c)
		// With TLS 1.3 a server says so after the handshake, when the request is on its way.
		if r := get(t, web(t, b), "/"); r.status != 503 && (version == tls.VersionTLS12 || r.status != 502) {
			t.Errorf("%s without a certificate: got %d", tls.VersionName(version), r.status)
		}
	}
}

func overTLSSilent(t *testing.T, start Start) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // the kernel accepts for it, and nobody reads
	c := secureSite(certs.ServerConfig{Insecure: true}, appName, &server{name: "app1", address: l.Addr().(*net.TCPAddr).AddrPort()})
	c.Backends[0].Timeouts.Connect, c.Backends[0].Retries = moment, 1
	b := start(t, c)
	began := time.Now()
	wantPage(t, get(t, web(t, b), "/"), 503)
	if took := time.Since(began); took < 2*moment || took > 20*moment {
		t.Errorf("took %v, want two attempts of %v", took, moment)
	}
	if s := b.Snapshot().Backends[0].Servers[0]; s.HandshakeFailures["timeout"] != 2 || s.ConnectFailures != 2 || s.InFlight != 0 {
		t.Errorf("got %+v, want two handshakes that timed out", s)
	}
}

// overTLSOneRefuses: a server that is not trusted is one that cannot be connected to.
func overTLSOneRefuses(t *testing.T, start Start) {
	ca, other := newAuthority(t), newAuthority(t)
	bad := serveTLS(t, "bad", shows(other.named(appName)), says("never"))
	good := serveTLS(t, "good", shows(ca.named(appName)), func(c *call) { says(c.body())(c) })
	b := start(t, secureSite(certs.ServerConfig{CAs: []string{ca.file}}, appName, bad.server, good.server))
	client := dial(t, web(t, b))
	for range 10 {
		client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\npayload")
		wantBody(t, client.receive("POST"), "payload")
	}
	if f := b.Snapshot().Frontends[0]; f.Redispatch == 0 || f.Redispatch != f.Retries {
		t.Errorf("got %d retries, %d redispatched", f.Retries, f.Redispatch)
	}
}

// overTLSStale: servers that end idle connections, in order or not, must not be felt.
func overTLSStale(t *testing.T, start Start) {
	ca := newAuthority(t)
	for name, end := range map[string]func(*secureServer){
		"in order": func(s *secureServer) { s.closeConns() },
		"without close_notify": func(s *secureServer) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for c := range s.conns {
				_ = c.(*tls.Conn).NetConn().Close()
			}
		},
	} {
		app := serveTLS(t, "app1", shows(ca.named(appName)), says("ok"))
		c := dial(t, web(t, start(t, secureSite(certs.ServerConfig{CAs: []string{ca.file}}, appName, app.server))))
		for i := range 30 {
			if i%2 == 0 {
				c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			} else {
				c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
			}
			if r := c.receive("GET"); r.status != 200 {
				t.Fatalf("%s: request %d: got %d", name, i, r.status)
			}
			end(app)
		}
	}
}

// overTLSTruncated: the end of a connection is the end of a body only where the server says so.
func overTLSTruncated(t *testing.T, start Start) {
	ca := newAuthority(t)
	app := serveTLS(t, "app1", shows(ca.named(appName)), func(c *call) {
		c.write("HTTP/1.1 200 OK\r\n\r\nall there is")
		if c.req.URL.Path == "/cut" {
			_ = c.conn.(*tls.Conn).NetConn().Close()
		}
		_ = c.conn.Close()
	})
	b := start(t, secureSite(certs.ServerConfig{CAs: []string{ca.file}}, appName, app.server))
	wantBody(t, get(t, web(t, b), "/"), "all there is")
	if r := get(t, web(t, b), "/cut"); r.status != 200 || r.err == nil || !strings.HasPrefix("all there is", r.body) {
		t.Errorf("cut: got %d %q, %v, want no clean end", r.status, r.body, r.err)
	}
	eventually(t, "the failure is counted", func() bool {
		f, s := b.Snapshot().Frontends[0], b.Snapshot().Backends[0].Servers[0]
		return f.Faults == 1 && s.ResponseFailures == 1 && s.InFlight == 0
	})
}

func overTLSUpgrade(t *testing.T, start Start) {
	ca := newAuthority(t)
	app := serveTLS(t, "app1", shows(ca.named(appName)), echoes)
	client := dial(t, web(t, start(t, secureSite(certs.ServerConfig{CAs: []string{ca.file}}, appName, app.server))))
	switchProtocols(t, client)
	expect(t, client.r, "hello first ")
	sent := noise(1 << 20)
	client.push(sent)
	expect(t, client.r, sent)
	if err := client.conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expect(t, client.r, "bye")
	if _, err := client.r.ReadByte(); err != io.EOF {
		t.Errorf("got %v, want a clean end", err)
	}
}

func overTLSClientLeaves(t *testing.T, start Start) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := start(t, secureSite(certs.ServerConfig{Insecure: true}, appName, &server{name: "app1", address: l.Addr().(*net.TCPAddr).AddrPort()}))
	client := dial(t, web(t, b))
	client.send(getRequest)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
		t.Fatalf("no handshake: %v", err)
	}
	_ = client.conn.Close()
	if _, err := io.Copy(io.Discard, conn); err != nil && isTimeout(err) {
		t.Error("the handshake goes on for a client that has left")
	}
	eventually(t, "the slot is free", func() bool { return b.Snapshot().Backends[0].Servers[0].InFlight == 0 })
}

// overTLSReload: connections are used as long as nothing about the TLS that they were made with changes.
func overTLSReload(t *testing.T, start Start) {
	ca, other := newAuthority(t), newAuthority(t)
	app := serveTLS(t, "app1", shows(ca.named(appName)), says("ok"))
	c := secureSite(certs.ServerConfig{CAs: []string{ca.file}}, appName, app.server)
	c.Backends[0].Retries = 0
	b := start(t, c)
	client := dial(t, web(t, b))
	ask := func() response {
		t.Helper()
		client.send(getRequest)
		return client.receive("GET")
	}
	for range 3 {
		wantBody(t, ask(), "ok")
		same := *c.Backends[0].TLS
		c.Backends[0].TLS = &same
		b.Reload(t, c)
	}
	if n := app.handshakes.Load(); n != 1 {
		t.Errorf("got %d handshakes, want 1", n)
	}
	if s := b.Snapshot().Backends[0].Servers[0]; s.Requests != 3 {
		t.Errorf("got %d requests, want those before the reloads too", s.Requests)
	}
	for _, change := range []func(){
		func() { c.Backends[0].TLS = &certs.ServerConfig{CAs: []string{other.file}} },
		func() { c.Backends[0].Servers[0].ServerName = "api.internal" },
		func() { ca.write(ca.file, other.cert.Raw, nil) }, // the same configuration, and another authority in its file
	} {
		trusting := c.Backends[0]
		trusting.Servers = slices.Clone(trusting.Servers)
		wantBody(t, ask(), "ok")
		change()
		b.Reload(t, c)
		wantPage(t, ask(), 503)
		c.Backends[0] = trusting
		b.Reload(t, c)
	}
}

// overTLSHealth: what cannot be spoken to is not healthy.
func overTLSHealth(t *testing.T, start Start) {
	ca, other := newAuthority(t), newAuthority(t)
	good := serveTLS(t, "good", shows(ca.named(appName)), says("ok"))
	bad := serveTLS(t, "bad", shows(other.named(appName)), says("never"))
	plain := notTLS(t, "plain")
	for _, check := range []checks.Check{{}, {Kind: &checks.HTTP{Path: "/health"}}} {
		check.Interval, check.Timeout, check.Rise, check.Fall = moment, patience, 1, 1
		c := secureSite(certs.ServerConfig{CAs: []string{ca.file}}, appName, good.server, bad.server, plain)
		c.Backends[0].Check = &check
		b := start(t, c)
		eventually(t, "all are known", func() bool { return b.Snapshot().Backends[0].Known })
		var texts []string
		for _, s := range b.Snapshot().Backends[0].Servers {
			texts = append(texts, s.Status.String()+" "+s.Text)
		}
		want := []string{"up layer 6 TLS handshake complete", "down layer 6 tls: failed to verify certificate: x509: certificate signed by unknown authority", "down layer 6 tls: first record does not look like a TLS handshake"}
		if check.Kind != nil {
			want[0] = "up HTTP status 200"
		}
		for i := range want {
			if !strings.HasPrefix(texts[i], want[i]) {
				t.Errorf("got %q, want %q", texts[i], want[i])
			}
		}
		for range 4 {
			wantBody(t, get(t, web(t, b), "/"), "ok")
		}
	}
}
