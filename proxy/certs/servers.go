package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// ServerConfig says how servers are spoken to over TLS.
type ServerConfig struct {
	CAs         []string // PEM files with the authorities that vouch for the servers; empty: those that the host trusts
	Insecure    bool     // whoever answers is taken for the server: neither its authority nor its name is looked at
	Certificate Path     // what servers are shown that ask for a certificate: a bundle, or a pair; the zero value: nothing
	MinVersion  uint16   // tls.VersionTLS12 or tls.VersionTLS13; 0: TLS 1.2
	ALPN        []string // the protocols offered, the preferred one first; empty: http/1.1
	NoALPN      bool     // none are, whatever ALPN says
}

// Servers is the TLS towards the servers of one backend.
type Servers struct {
	config ServerConfig
	roots  *x509.CertPool // nil: the host's
	own    *collection    // nil: nothing is shown
}

// Servers returns the TLS towards the servers of a backend, the same one as before where nothing about it has changed. The
// certificate that they are shown follows its files, as those of binds do.
func (p *Plan) Servers(backend string, c ServerConfig) (*Servers, error) {
	if c.Insecure && len(c.CAs) > 0 {
		return nil, errors.New("authorities to verify servers by, and verification is off")
	}
	s := &Servers{config: c}
	var digest [sha256.Size]byte
	var err error
	if len(c.CAs) > 0 {
		if s.roots, digest, err = authorities(c.CAs); err != nil {
			return nil, err
		}
	}
	if c.Certificate != (Path{}) {
		if s.own, err = p.collection([]Path{c.Certificate}); err != nil {
			return nil, err
		}
	}
	key := fmt.Sprintf("%q %#v %x", backend, c, digest)
	if old := p.k.liveServers(key); old != nil {
		s = old
	}
	p.servers[key] = s
	return s, nil
}

// TLSConfig returns the configuration for one server, whose name goes out as SNI and is what its certificate has to be for;
// an address is verified, and never sent (RFC 6066 section 3). It is a new one each time, and remembers the session with
// one server: whoever connects to that server keeps it.
func (s *Servers) TLSConfig(name string) *tls.Config {
	t := &tls.Config{
		ServerName:         name,
		RootCAs:            s.roots,
		InsecureSkipVerify: s.config.Insecure,
		MinVersion:         Config{MinVersion: s.config.MinVersion}.minVersion(),
		CipherSuites:       secureSuites(),
		NextProtos:         s.config.ALPN,
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	switch {
	case s.config.NoALPN:
		t.NextProtos = nil
	case len(s.config.ALPN) == 0:
		t.NextProtos = []string{protocolHTTP1}
	}
	if s.own != nil {
		t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.own.store().defaults[0], nil }
	}
	return t
}
