package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
)

// Config says how a bind terminates TLS.
type Config struct {
	Certificates []Path
	StrictSNI    bool          // a client that names no host, or one that no certificate is for, is refused instead of getting the default
	MinVersion   uint16        // tls.VersionTLS12 or tls.VersionTLS13; 0: TLS 1.2
	MaxVersion   uint16        // as well; 0: TLS 1.3
	CipherSuites []uint16      // of TLS 1.2, as CipherSuite names them; empty: all with forward secrecy and AEAD
	Curves       []tls.CurveID // key exchanges, as Curve names them; empty: the standard library's choice, hybrids with ML-KEM among them
	ALPN         []string      // the protocols offered, the preferred one first; empty: Protocols
	NoALPN       bool          // no protocols are offered, whatever ALPN says: it is not known what clients will speak
	Clients      Clients       // whose certificates are asked for
}

// Protocols returns what the engine speaks over TLS, by their names in ALPN: what a bind offers unless it says otherwise.
func Protocols() []string { return []string{protocolHTTP2, protocolHTTP1} }

const (
	protocolHTTP1 = "http/1.1"
	protocolHTTP2 = "h2"
)

// secureSuites returns the cipher suites of TLS 1.2 that are on by default: forward secrecy and AEAD only. Of TLS 1.3 there
// are no others. The order is the standard library's choice.
func secureSuites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// check reports what does not fit together.
func (c Config) check() error {
	if c.MaxVersion != 0 && c.MaxVersion < c.minVersion() {
		return errors.New("max_version is below min_version")
	}
	return nil
}

func (c Config) minVersion() uint16 {
	if c.MinVersion == 0 {
		return tls.VersionTLS12
	}
	return c.MinVersion
}

// tlsConfig returns the configuration of a bind. store returns the certificates at each moment; clients are the authorities that
// client certificates are verified against. Keys are written nowhere: there is no KeyLogWriter.
//
// A client that offers protocols by ALPN and none of c's is refused, as RFC 7301 section 3.2 has it.
func (c Config) tlsConfig(store func() *Store, clients *x509.CertPool) *tls.Config {
	get := (*Store).get
	if c.StrictSNI {
		get = (*Store).getStrict
	}
	t := &tls.Config{
		MinVersion: c.minVersion(),
		MaxVersion: c.MaxVersion,
		// Without a certificate and without an error the client is told that its name is unknown (unrecognized_name).
		GetCertificate:   func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return get(store(), hello), nil },
		NextProtos:       c.ALPN,
		CipherSuites:     c.CipherSuites,
		CurvePreferences: c.Curves,
		ClientAuth:       c.Clients.Mode.auth(),
		ClientCAs:        clients,
	}
	switch {
	case c.NoALPN:
		t.NextProtos = nil
	case len(c.ALPN) == 0:
		t.NextProtos = Protocols()
	}
	if len(t.CipherSuites) == 0 {
		t.CipherSuites = secureSuites()
	}
	if slices.Contains(t.NextProtos, protocolHTTP2) && !slices.Contains(t.NextProtos, protocolHTTP1) {
		t.GetConfigForClient = refuseHTTP1()
	}
	return t
}

// refuseHTTP1 refuses clients that offer http/1.1 and not h2. crypto/tls lets them in where h2 is offered alone, as if
// they had named no protocol (golang.org/issue/46310).
func refuseHTTP1() func(*tls.ClientHelloInfo) (*tls.Config, error) {
	nothing := &tls.Config{NextProtos: []string{"none"}, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }}
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		offered := hello.SupportedProtos
		if slices.Contains(offered, protocolHTTP1) && !slices.Contains(offered, protocolHTTP2) {
			return nothing, nil
		}
		return nil, nil
	}
}
