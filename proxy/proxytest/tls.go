package proxytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/edit"
)

// Bundle writes a PEM bundle as people make them, certificate and key in one file, and returns it with a pool that
// trusts it.
func Bundle(t *testing.T, name string) (file string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	file = filepath.Join(t.TempDir(), name+".pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return file, pool
}

func tlsBind(t *testing.T, start Start) {
	file, trusted := Bundle(t, "www.example.com")
	app := serve(t, "app1", func(c *call) {
		if c.req.URL.Path == "/ws" {
			echoes(c)
			return
		}
		says("ok")(c)
	})
	c := site(app)
	c.Frontends[0].Binds = []proxy.Bind{{Address: anyPort, TLS: &certs.Config{Certificates: certs.Bundles(file)}}}
	c.Frontends[0].ResponseEdits = []edit.Edit{{Name: "Strict-Transport-Security", Value: "max-age=1"}}
	c.Backends[0].Forwarded.Proto = true
	at := web(t, start(t, c))
	secure := func(config *tls.Config) (*client, error) {
		config.RootCAs, config.ServerName = trusted, "www.example.com"
		conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp4", at, config)
		if err != nil {
			return nil, err
		}
		return clientOn(t, conn), nil
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client, err := secure(&tls.Config{MaxVersion: version, NextProtos: []string{"http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		state := client.conn.(*tls.Conn).ConnectionState()
		if state.Version != version || state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("got version %x, protocol %q, want %x, http/1.1", state.Version, state.NegotiatedProtocol, version)
		}
		client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		r := client.receive("GET")
		wantBody(t, r, "ok")
		if got := fields(r.head, "Strict-Transport-Security"); !slices.Equal(got, []string{"max-age=1"}) {
			t.Errorf("got Strict-Transport-Security %q", got)
		}
		if got := fields(app.lastHead(t), "X-Forwarded-Proto"); !slices.Equal(got, []string{"https"}) {
			t.Errorf("the server got X-Forwarded-Proto %q, want https", got)
		}
	}
	if _, err := secure(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
	plain := dial(t, at)
	plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if r, err := plain.tryReceive("GET"); err == nil && r.status != 400 {
		t.Errorf("plain HTTP on a TLS bind: got %d", r.status)
	}
	client, err := secure(&tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	switchProtocols(t, client)
	expect(t, client.r, "hello first ")
	if err := client.conn.(*tls.Conn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expect(t, client.r, "bye")
}
