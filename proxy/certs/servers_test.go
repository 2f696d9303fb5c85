package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"strings"
	"testing"
	"time"
)

// dial shakes hands as a client that the configuration is for, and returns both sides' state.
func dial(t *testing.T, client, server *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	a, b := pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s := tls.Server(a, server)
		_, _ = s.Write([]byte{1}) // the client's error is the one that is judged
		_ = a.Close()
	}()
	c := tls.Client(b, client)
	_, err := c.Read(make([]byte, 1))
	_ = b.Close()
	<-done
	return c.ConnectionState(), err
}

func plannedServers(t *testing.T, c ServerConfig) *Servers {
	t.Helper()
	k := NewKeychain(nil)
	p := k.Plan()
	s, err := p.Servers("app", c)
	must(t, err)
	k.Apply(p)
	return s
}

// Servers are verified, by name or address, unless somebody has said otherwise.
func TestServersAreVerified(t *testing.T) {
	t.Parallel()
	root, other := newAuthority(t, nil, "root"), newAuthority(t, nil, "other")
	ca := write(t, t.TempDir(), "ca.crt", certPEM(root.cert))
	present := func(c issued) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{c.cert.Raw}, PrivateKey: c.key}}, NextProtos: []string{"h2", "http/1.1"}}
	}
	byName := present(root.issue(t, ecKey(t), "app.internal"))
	byAddress := present(issue(t, root, x509.Certificate{IPAddresses: []net.IP{net.IPv4(10, 0, 0, 11)}}, ecKey(t)))
	stranger := present(other.issue(t, ecKey(t), "app.internal"))
	expired := present(issue(t, root, x509.Certificate{DNSNames: []string{"app.internal"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(-time.Minute)}, ecKey(t)))
	old := present(root.issue(t, ecKey(t), "app.internal"))
	old.MaxVersion = tls.VersionTLS12
	verified := ServerConfig{CAs: []string{ca}}
	const ok = ""
	for _, tt := range []struct {
		name   string
		config ServerConfig
		server *tls.Config
		sni    string
		want   string // in the error
	}{
		{"name", verified, byName, "app.internal", ok},
		{"another name", verified, byName, "api.internal", "certificate is valid for app.internal, not api.internal"},
		{"address", verified, byAddress, "10.0.0.11", ok},
		{"another address", verified, byAddress, "10.0.0.12", "certificate is valid for 10.0.0.11, not 10.0.0.12"},
		{"a stranger's", verified, stranger, "app.internal", "certificate signed by unknown authority"},
		{"expired", verified, expired, "app.internal", "certificate has expired or is not yet valid"},
		{"by the host's authorities", ServerConfig{}, byName, "app.internal", "certificate signed by unknown authority"},
		{"not verified", ServerConfig{Insecure: true}, stranger, "whoever", ok},
		{"too old", ServerConfig{CAs: []string{ca}, MinVersion: tls.VersionTLS13}, old, "app.internal", "protocol version not supported"},
		{"h2", ServerConfig{CAs: []string{ca}, ALPN: []string{"h2"}}, byName, "app.internal", ok},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state, err := dial(t, plannedServers(t, tt.config).TLSConfig(tt.sni), tt.server)
			if tt.want == ok && err != nil || !strings.Contains(errorText(err), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			protocol := "http/1.1"
			if tt.config.ALPN != nil {
				protocol = tt.config.ALPN[0]
			}
			if tt.want == ok && state.NegotiatedProtocol != protocol {
				t.Errorf("got protocol %q, want %s", state.NegotiatedProtocol, protocol)
			}
		})
	}
}

// The certificate that servers ask for follows its files, and a server's session is kept.
func TestServersAreShownACertificate(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	dir := t.TempDir()
	ca := write(t, dir, "ca.crt", certPEM(root.cert))
	template := x509.Certificate{Subject: pkix.Name{CommonName: "balancer"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	own := issue(t, root, template, ecKey(t))
	path := Path{write(t, dir, "own.crt", certPEM(own.cert)), write(t, dir, "own.key", keyPEM(t, own.key))}
	server := root.issue(t, ecKey(t), "app.internal")
	var seen *x509.Certificate
	asks := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{server.cert.Raw}, PrivateKey: server.key}}, ClientAuth: tls.RequireAndVerifyClientCert,
		VerifyConnection: func(s tls.ConnectionState) error { seen = s.PeerCertificates[0]; return nil },
	}
	asks.ClientCAs, _, _ = authorities([]string{ca})
	k := NewKeychain(nil)
	plan := func() *Servers {
		p := k.Plan()
		s, err := p.Servers("app", ServerConfig{CAs: []string{ca}, Certificate: path})
		must(t, err)
		k.Apply(p)
		return s
	}
	servers := plan()
	config := servers.TLSConfig("app.internal")
	for i, want := range []bool{false, true} {
		if state, err := dial(t, config, asks); err != nil || !seen.Equal(own.cert) || state.DidResume != want {
			t.Errorf("connection %d: got %v, resumed %v, and the server saw %v; want the certificate, resumed %v", i+1, err, state.DidResume, seen, want)
		}
	}
	renewed := issue(t, root, template, ecKey(t))
	write(t, dir, "own.crt", certPEM(renewed.cert))
	write(t, dir, "own.key", keyPEM(t, renewed.key))
	k.look(time.Now())
	if _, err := dial(t, servers.TLSConfig("app.internal"), asks); err != nil || !seen.Equal(renewed.cert) {
		t.Errorf("got %v, and the server saw %v; want the renewed certificate", err, seen)
	}
	if plan() != servers {
		t.Error("got another Servers after a reload without changes")
	}
}

func TestServersRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		config ServerConfig
		want   string
	}{
		{ServerConfig{Insecure: true, CAs: []string{"/ca"}}, "authorities to verify servers by, and verification is off"},
		{ServerConfig{CAs: []string{"/no/ca"}}, "read certificate authorities: stat /no/ca: no such file or directory"},
		{ServerConfig{Certificate: Path{Certificate: "/no/pem"}}, "read certificates: stat /no/pem: no such file or directory"},
	} {
		if _, err := NewKeychain(nil).Plan().Servers("app", tt.config); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}
