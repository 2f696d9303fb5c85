package secure

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// issue makes a certificate for a.test that signs itself, good for both sides.
func issue(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return issueFor(t, key)
}

func issueFor(t testing.TB, key crypto.Signer) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a.test"}, DNSNames: []string{"a.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// configs are those of a server and of a client that trusts it.
func configs(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	certificate, pool := issue(t)
	return &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}},
		&tls.Config{RootCAs: pool, ServerName: "a.test", NextProtos: []string{"http/1.1"}}
}

// work does what a Handshaker's worker would do, here and now, so that a test has one goroutine alone.
func work(s *Handshaker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h := s.next(); h != nil; h = s.next() {
		s.serve(h)
	}
}

// side is a Conn with who would own it.
type side struct {
	*Conn
	shaker *Handshaker
	told   int    // calls of notify
	sent   []byte // all of it
	done   bool
	err    error
}

func start(t testing.TB, c *Conn) *side {
	s := idleSide(t, c)
	c.Start(s.shaker, func() { s.told++ })
	return s
}

// startLogged begins a handshake in spite of a KeyLogWriter.
func startLogged(t testing.TB, c *Conn) *side {
	s := idleSide(t, c)
	c.shaker, c.wire.hs = s.shaker, &handshake{tls: c.tls, server: c.server, notify: func() {}}
	s.shaker.start(c.wire.hs)
	return s
}

func idleSide(t testing.TB, c *Conn) *side {
	s := &side{Conn: c, shaker: NewHandshaker(Limits{Workers: 1, Open: 1})}
	t.Cleanup(func() {
		s.Close()
		work(s.shaker)
	})
	return s
}

// take returns what the side wants to send.
func (s *side) take() []byte {
	if !s.done {
		work(s.shaker)
		s.done, s.err = s.Poll()
	}
	b := append([]byte(nil), s.Out()...)
	s.Sent(len(b))
	s.sent = append(s.sent, b...)
	return b
}

// shake carries bytes between both until neither has more to send, n at a time.
func shake(a, b *side, n int) {
	for {
		toB, toA := a.take(), b.take()
		if len(toA)+len(toB) == 0 {
			return
		}
		feed(b, toB, n)
		feed(a, toA, n)
	}
}

// feed gives a side bytes, n at a time; nobody reads.
func feed(s *side, b []byte, n int) {
	for len(b) > 0 {
		part := b[:min(n, len(b))]
		b = b[len(part):]
		s.Feed(part)
		if s.done {
			s.Keep()
		} else {
			work(s.shaker)
			s.done, s.err = s.Poll()
		}
	}
}

// pair is a connection after its handshake.
func pair(t testing.TB, server, client *tls.Config) (s, c *side) {
	t.Helper()
	s, c = start(t, Server(server, &FreeList{})), start(t, Client(client, &FreeList{}))
	shake(s, c, 1<<20)
	if !s.done || s.err != nil || !c.done || c.err != nil {
		t.Fatalf("handshake: server done %v, %v; client done %v, %v", s.done, s.err, c.done, c.err)
	}
	return s, c
}

// readAll reads until there is an error, and returns it.
func readAll(s *side, p []byte) (got []byte, err error) {
	for {
		n, err := s.Read(p)
		got = append(got, p[:n]...)
		if err != nil {
			return got, err
		}
	}
}

// send carries what one side wants to send to the other, which reads it all.
func send(t testing.TB, from, to *side) []byte {
	t.Helper()
	to.Feed(from.take())
	got, err := readAll(to, make([]byte, 16<<10))
	if err != ErrAgain {
		t.Fatalf("read: got %v, want ErrAgain", err)
	}
	return got
}
