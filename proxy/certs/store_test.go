package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
)

// store loads one bundle for each certificate, in order.
func store(t testing.TB, certs ...issued) *Store {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i, c := range certs {
		paths = append(paths, bundle(t, dir, string(rune('a'+i))+".pem", c))
	}
	s, err := Load(Bundles(paths...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serving returns the configuration of a bind with these certificates.
func serving(s *Store, c Config) *tls.Config { return c.tlsConfig(func() *Store { return s }, nil) }

// handshake shakes hands in memory and returns what the client saw. An octet from the server ends it, behind which the session
// tickets of TLS 1.3 have come.
func handshake(t testing.TB, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	a, b := pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s := tls.Server(a, server)
		_, _ = s.Write([]byte{1}) // the client's error is the one that is judged
		_ = a.Close()
	}()
	client.InsecureSkipVerify = true
	c := tls.Client(b, client)
	_, err := c.Read(make([]byte, 1))
	_ = b.Close()
	<-done
	return c.ConnectionState(), err
}

// R18: the certificate follows the name that the client asks for, else the default.
func TestR18_CertificateByName(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	first := root.issue(t, ecKey(t), "first.example", "www.first.example")
	second := root.issue(t, ecKey(t), "Second.example")
	wild := root.issue(t, ecKey(t), "*.wild.example")
	exact := root.issue(t, ecKey(t), "exact.wild.example")
	config := serving(store(t, first, second, wild, exact), Config{})
	for name, want := range map[string]issued{
		"":                   first,
		"first.example":      first,
		"www.first.example":  first,
		"second.example":     second,
		"SECOND.EXAMPLE":     second,
		"a.wild.example":     wild,
		"exact.wild.example": exact,
		"a.b.wild.example":   first, // a wildcard stands for one label
		"wild.example":       first,
		"unknown.example":    first,
		"localhost":          first,
	} {
		state, err := handshake(t, config, &tls.Config{ServerName: name})
		if err != nil {
			t.Errorf("name %q: %v", name, err)
			continue
		}
		if got := state.PeerCertificates[0]; !got.Equal(want.cert) {
			t.Errorf("name %q: got the certificate of %s, want %s", name, title(got), title(want.cert))
		}
	}
}

func TestNameWithAFinalDot(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	s := store(t, root.issue(t, ecKey(t), "first.example"), root.issue(t, ecKey(t), "second.example"))
	got := s.get(&tls.ClientHelloInfo{ServerName: "second.example."})
	if title(got.Leaf) != "second.example" {
		t.Errorf("got the certificate of %s, want second.example", title(got.Leaf))
	}
}

// onlyRSA is a client of TLS 1.2 that knows no ECDSA.
func onlyRSA(name string) *tls.Config {
	return &tls.Config{ServerName: name, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}
}

// A name may have an ECDSA and an RSA certificate: whoever can gets the cheaper one, and nobody is turned away.
func TestCertificateByWhatTheClientSupports(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	rsaCert, ecCert := root.issue(t, rsaKey(), "example.com"), root.issue(t, ecKey(t), "example.com")
	wildRSA, exactEC := root.issue(t, rsaKey(), "*.example.com"), root.issue(t, ecKey(t), "www.example.com")
	config := serving(store(t, rsaCert, ecCert, wildRSA, exactEC), Config{})
	tests := []struct {
		name   string
		client *tls.Config
		want   issued
	}{
		{"modern", &tls.Config{ServerName: "example.com"}, ecCert},
		{"RSA only", onlyRSA("example.com"), rsaCert},
		{"modern, no name", &tls.Config{}, ecCert},
		{"RSA only, no name", onlyRSA(""), rsaCert},
		{"RSA only, unknown name", onlyRSA("unknown.example"), rsaCert},
		{"modern, exact before wildcard", &tls.Config{ServerName: "www.example.com"}, exactEC},
		{"RSA only, wildcard where exact will not do", onlyRSA("www.example.com"), wildRSA},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state, err := handshake(t, config, tt.client)
			if err != nil {
				t.Fatal(err)
			}
			if got := state.PeerCertificates[0]; !got.Equal(tt.want.cert) {
				t.Errorf("got the %v certificate of %s, want %v of %s", got.PublicKeyAlgorithm, title(got),
					tt.want.cert.PublicKeyAlgorithm, title(tt.want.cert))
			}
		})
	}
}

func TestDefaultWithoutAName(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	for name, template := range map[string]x509.Certificate{
		"no name":             {Subject: pkix.Name{CommonName: "just a name"}},
		"wildcard":            {DNSNames: []string{"*.example.com"}},
		"wildcard of nothing": {DNSNames: []string{"*."}},
	} {
		first := issue(t, root, template, ecKey(t))
		s := store(t, first, root.issue(t, ecKey(t), "second.example"))
		if got := s.get(&tls.ClientHelloInfo{}); !got.Leaf.Equal(first.cert) {
			t.Errorf("%s: got the certificate of %s, want the first", name, title(got.Leaf))
		}
	}
}

// Who is handed the list cannot change the store.
func TestCertificatesAreACopy(t *testing.T) {
	t.Parallel()
	s := store(t, newAuthority(t, nil, "root").issue(t, ecKey(t), "example.com"))
	s.Certificates()[0].Names[0] = "changed"
	if got := s.Certificates()[0].Names[0]; got != "example.com" {
		t.Errorf("got name %q, want example.com", got)
	}
}

func BenchmarkChoice(b *testing.B) {
	root := newAuthority(b, nil, "root")
	s := store(b, root.issue(b, rsaKey(), "example.com"), root.issue(b, ecKey(b), "example.com"), root.issue(b, ecKey(b), "single.example"))
	for _, name := range []string{"single.example", "example.com", "unknown.example"} {
		b.Run(name, func(b *testing.B) {
			hello := &tls.ClientHelloInfo{
				ServerName:        name,
				CipherSuites:      []uint16{tls.TLS_AES_128_GCM_SHA256},
				SupportedVersions: []uint16{tls.VersionTLS13},
				SignatureSchemes:  []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
				SupportedCurves:   []tls.CurveID{tls.CurveP256},
			}
			b.ReportAllocs()
			for b.Loop() {
				if s.get(hello) == nil {
					b.Fatal("no certificate")
				}
			}
		})
	}
}

func TestWildcardOfNothingTakesNobody(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	first := root.issue(t, ecKey(t), "first.example")
	s := store(t, first, root.issue(t, ecKey(t), "*.", "second.example"))
	for _, name := range []string{"", "localhost"} {
		if got := s.get(&tls.ClientHelloInfo{ServerName: name}); !got.Leaf.Equal(first.cert) {
			t.Errorf("name %q: got the certificate of %s, want the first", name, title(got.Leaf))
		}
	}
}
