package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/tandem-lb/tandem/internal/bench/origin"
	"github.com/tandem-lb/tandem/internal/bench/poll"
)

// site is what all proxies have in common: the origins, on the same thread as the load, so that no time goes into switching
// between the two; a certificate; a directory.
type site struct {
	dir     string
	pair    string // certificate and key
	loop    *poll.Loop
	origins *origin.Origins
	cores   cores
	number  int // of the proxies started so far
}

// newSite makes it. The caller must close it.
func newSite(c cores) (*site, error) {
	l, err := poll.New()
	if err != nil {
		return nil, err
	}
	s := &site{loop: l, cores: c}
	if err := s.fill(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *site) fill() (err error) {
	if s.origins, err = origin.Open(s.loop, 2); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "tandem-bench-"); err != nil {
		return err
	}
	s.pair = filepath.Join(s.dir, "pair.pem")
	return writePair(s.pair)
}

// close ends the origins and removes everything.
func (s *site) close() error {
	err := s.loop.Close()
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// start starts a proxy in a directory and on ports of its own.
func (s *site) start(ctx context.Context, p proxy) (*process, error) {
	s.number++
	at := place{dir: filepath.Join(s.dir, fmt.Sprint(p.name, s.number)), pair: s.pair, origins: s.origins.Addrs()}
	if err := os.Mkdir(at.dir, 0o700); err != nil {
		return nil, err
	}
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	at.plain, at.tls, at.logged, at.tcp = ports[0], ports[1], ports[2], ports[3]
	return start(ctx, p, at, s.cores.proxy)
}

// freePorts finds ports of 127.0.0.1 that nobody has: proxies cannot choose their own.
func freePorts(n int) ([]netip.AddrPort, error) {
	var ports []netip.AddrPort
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }() // it never had a connection
		ports = append(ports, l.Addr().(*net.TCPAddr).AddrPort())
	}
	return ports, nil
}

// writePair writes a certificate of P-256 and its key into one file, as all proxies can read them.
func writePair(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "www.example.com"}, DNSNames: []string{"www.example.com"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	return os.WriteFile(path, text, 0o600)
}
