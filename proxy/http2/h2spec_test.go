package http2

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/h2spectest"
)

// Every case of h2spec passes, on a plain connection and over TLS.
func TestIntegrationH2spec(t *testing.T) {
	for _, tt := range []struct {
		name string
		tls  bool
	}{{"plain", false}, {"TLS", true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			at := l.Addr().(*net.TCPAddr).AddrPort()
			if tt.tls {
				l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}, NextProtos: []string{"h2"}})
			}
			var served sync.WaitGroup
			served.Go(func() { serveAll(l) })
			defer served.Wait()
			defer l.Close()
			h2spectest.Run(t, netip.AddrPortFrom(at.Addr(), at.Port()), tt.tls)
		})
	}
}

// serveAll serves each client until the listener is closed.
func serveAll(l net.Listener) {
	var clients sync.WaitGroup
	defer clients.Wait()
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		clients.Go(func() {
			cfg := DefaultConfig()
			e := &echo{conn: NewConn(&cfg), nc: nc, waiting: map[uint32]*answer{}, greeting: "hello"}
			e.run()
		})
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: start.Add(-time.Hour), NotAfter: start.AddDate(10, 0, 0)}
	cert, err := x509.CreateCertificate(rand.Reader, &form, &form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key}
}
