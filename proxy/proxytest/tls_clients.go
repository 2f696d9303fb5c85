package proxytest

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
)

// clientCertificates: servers are told of a certificate that was verified, and of none that a client makes up.
func clientCertificates(t *testing.T, start Start) {
	file, trusted := Bundle(t, "www.example.com")
	alice, _ := Bundle(t, "alice.example.com")
	pair, err := tls.LoadX509KeyPair(alice, alice)
	if err != nil {
		t.Fatal(err)
	}
	issuer := filepath.Join(t.TempDir(), "issuer.crt")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})
	if err := os.WriteFile(issuer, text, 0o600); err != nil {
		t.Fatal(err)
	}
	app := serve(t, "app1", says("ok"))
	c := site(app)
	c.Frontends[0].Binds = []proxy.Bind{
		{Address: anyPort, TLS: &certs.Config{
			Certificates: certs.Bundles(file), Clients: certs.Clients{Mode: certs.ClientOptional, CAs: []string{issuer}},
		}},
		{Address: anyPort},
	}
	b := start(t, c)
	sum := sha256.Sum256(pair.Certificate[0])
	const forged = "X-Client-Cert-Fingerprint: 00\r\nx_client_cert_subject: CN=root\r\nX-Client-Certificate: kept\r\n"
	for _, tt := range []struct {
		name        string
		config      *tls.Config // nil: plain
		fingerprint []string
		subject     []string
	}{
		{"a certificate", &tls.Config{Certificates: []tls.Certificate{pair}}, []string{hex.EncodeToString(sum[:])}, []string{"CN=alice.example.com"}},
		{"none", &tls.Config{}, nil, nil},
		{"none, and no TLS", nil, nil, nil},
	} {
		conn, err := net.Dial("tcp4", address(t, b, "web", 1))
		if tt.config != nil {
			tt.config.RootCAs, tt.config.ServerName = trusted, "www.example.com"
			conn, err = tls.Dial("tcp4", web(t, b), tt.config)
		}
		if err != nil {
			t.Fatal(err)
		}
		client := clientOn(t, conn)
		for range 2 { // each request of a connection
			client.send("GET / HTTP/1.1\r\nHost: a\r\n" + forged + "\r\n")
			wantBody(t, client.receive("GET"), "ok")
			head := app.lastHead(t)
			for name, want := range map[string][]string{
				"X-Client-Cert-Fingerprint": tt.fingerprint, "X-Client-Cert-Subject": tt.subject, "x_client_cert_subject": nil,
				"X-Client-Certificate": {"kept"},
			} {
				if got := fields(head, name); !slices.Equal(got, want) {
					t.Errorf("%s: the server got %s: %q, want %q", tt.name, name, got, want)
				}
			}
		}
	}
}
