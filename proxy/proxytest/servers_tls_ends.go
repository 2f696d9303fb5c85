package proxytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
)

// authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its own certificate, in PEM
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, file: filepath.Join(t.TempDir(), "ca.crt"), pool: x509.NewCertPool()}
	own := a.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	a.cert, a.key = own.Leaf, own.PrivateKey.(*ecdsa.PrivateKey)
	a.pool.AddCert(a.cert)
	a.write(a.file, own.Certificate[0], nil)
	return a
}

// issue makes a certificate, the first one its own.
func (a *authority) issue(template *x509.Certificate) *tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = time.Now().Add(-time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a *authority) named(name string) *tls.Certificate {
	return a.issue(&x509.Certificate{DNSNames: []string{name}})
}

// write writes a PEM file.
func (a *authority) write(file string, cert []byte, key *ecdsa.PrivateKey) {
	a.t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	if key != nil {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			a.t.Fatal(err)
		}
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// bundle writes a certificate with its key to a file.
func (a *authority) bundle(c *tls.Certificate) string {
	file := filepath.Join(a.t.TempDir(), "own.pem")
	a.write(file, c.Certificate[0], c.PrivateKey.(*ecdsa.PrivateKey))
	return file
}

// secureServer is a server behind TLS.
type secureServer struct {
	*server
	handshakes atomic.Int64                        // that have begun
	hello      atomic.Pointer[tls.ClientHelloInfo] // of the last one
}

// shows is a server's TLS with that certificate.
func shows(c *tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{*c}} }

// serveTLS is serve behind TLS.
func serveTLS(t *testing.T, name string, config *tls.Config, answer func(*call)) *secureServer {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &secureServer{}
	config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		s.handshakes.Add(1)
		s.hello.Store(h)
		return nil, nil
	}
	s.server = serveOn(t, name, tls.NewListener(l, config), answer)
	return s
}

// notTLS returns a server that has no TLS, and says so.
func notTLS(t *testing.T, name string) *server {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(patience))
			// What goes wrong shows at the other side.
			_, _ = io.ReadFull(conn, make([]byte, 5))
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn) // a reset would overtake it
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return &server{name: name, address: l.Addr().(*net.TCPAddr).AddrPort()}
}

// secureSite is a site whose servers are spoken to over TLS, by a name.
func secureSite(config certs.ServerConfig, name string, servers ...*server) proxy.Config {
	c := site(servers...)
	c.Backends[0].TLS = &config
	for i := range c.Backends[0].Servers {
		c.Backends[0].Servers[i].ServerName = name
	}
	return c
}
