package certs

import (
	"crypto/tls"
	"slices"
	"testing"
)

func TestTLSConfig(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	s := store(t, root.issue(t, ecKey(t), "example.com"), root.issue(t, rsaKey(), "example.com"))
	const (
		ok       = ""
		version  = "remote error: tls: protocol version not supported"
		failure  = "remote error: tls: handshake failure"
		protocol = "remote error: tls: no application protocol"
	)
	only12 := func(suite uint16) *tls.Config {
		return &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}}
	}
	cbc, _ := CipherSuite("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")
	tests := []struct {
		name   string
		bind   Config
		client *tls.Config
		want   string // the client's error
		alpn   string
	}{
		{"TLS 1.3", Config{}, &tls.Config{MinVersion: tls.VersionTLS13}, ok, ""},
		{"TLS 1.2", Config{}, &tls.Config{MaxVersion: tls.VersionTLS12}, ok, ""},
		{"TLS 1.1", Config{}, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, version, ""},
		{"TLS 1.2 where 1.3 is the least", Config{MinVersion: tls.VersionTLS13}, &tls.Config{MaxVersion: tls.VersionTLS12}, version, ""},
		{"TLS 1.3 where 1.2 is the most", Config{MaxVersion: tls.VersionTLS12}, &tls.Config{MinVersion: tls.VersionTLS13}, version, ""},
		{"CBC", Config{}, only12(tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA), failure, ""},
		{"CBC asked for", Config{CipherSuites: []uint16{cbc}}, only12(tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA), ok, ""},
		{"no forward secrecy", Config{}, only12(tls.TLS_RSA_WITH_AES_128_GCM_SHA256), failure, ""},
		{"ChaCha20", Config{}, only12(tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256), ok, ""},
		{"a suite that is not on", Config{CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}}, only12(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), failure, ""},
		{"a hybrid key exchange", Config{}, &tls.Config{CurvePreferences: []tls.CurveID{tls.X25519MLKEM768}}, ok, ""},
		{"a key exchange that is not on", Config{Curves: []tls.CurveID{tls.X25519}}, &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP256}}, failure, ""},
		{"ALPN h2", Config{}, &tls.Config{NextProtos: []string{"h2"}}, ok, "h2"},
		{"ALPN http/1.1", Config{}, &tls.Config{NextProtos: []string{"http/1.1"}}, ok, "http/1.1"},
		{"ALPN h2 where it is not on", Config{ALPN: []string{"http/1.1"}}, &tls.Config{NextProtos: []string{"h2"}}, protocol, ""},
		{"ALPN unknown", Config{}, &tls.Config{NextProtos: []string{"imap"}}, protocol, ""},
		{"ALPN by the server's preference", Config{}, &tls.Config{NextProtos: []string{"http/1.1", "h2"}}, ok, "h2"},
		{"ALPN http/1.1 where h2 is on alone", Config{ALPN: []string{"h2"}}, &tls.Config{NextProtos: []string{"http/1.1"}}, protocol, ""},
		{"ALPN http/1.1 where h2 is on alone, TLS 1.2", Config{ALPN: []string{"h2"}}, &tls.Config{NextProtos: []string{"http/1.1"}, MaxVersion: tls.VersionTLS12}, protocol, ""},
		{"ALPN h2 where it is on alone", Config{ALPN: []string{"h2"}}, &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, ok, "h2"},
		{"no ALPN where h2 is on alone", Config{ALPN: []string{"h2"}}, &tls.Config{}, ok, ""},
		{"no name where it has to be known", Config{StrictSNI: true}, &tls.Config{ServerName: "-"}, "remote error: tls: unrecognized name", ""},
		{"unknown name where it has to be known", Config{StrictSNI: true}, &tls.Config{ServerName: "www.example.com"}, "remote error: tls: unrecognized name", ""},
		{"known name where it has to be known", Config{StrictSNI: true}, &tls.Config{}, ok, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			switch tt.client.ServerName {
			case "":
				tt.client.ServerName = "example.com"
			case "-":
				tt.client.ServerName = ""
			}
			state, err := handshake(t, serving(s, tt.bind), tt.client)
			switch {
			case tt.want != ok && (err == nil || err.Error() != tt.want):
				t.Errorf("got %v, want %s", err, tt.want)
			case tt.want == ok && err != nil:
				t.Errorf("got %v, want a handshake", err)
			case state.NegotiatedProtocol != tt.alpn:
				t.Errorf("got protocol %q, want %q", state.NegotiatedProtocol, tt.alpn)
			}
		})
	}
}

func TestConfigRefused(t *testing.T) {
	t.Parallel()
	_, err := NewKeychain(nil).Plan().Bind("f", Config{MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12})
	if want := "max_version is below min_version"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// An environment that browsers write their keys by must not make a server do it.
func TestKeysAreWrittenNowhere(t *testing.T) {
	t.Setenv("SSLKEYLOGFILE", t.TempDir()+"/keys")
	if w := serving(nil, Config{}).KeyLogWriter; w != nil {
		t.Errorf("got a log of keys: %v", w)
	}
}

// What has a name can be configured, and the other way round.
func TestNames(t *testing.T) {
	t.Parallel()
	suites := CipherSuites()
	for i, name := range suites {
		id, aead := CipherSuite(name)
		if id == 0 || aead != (i < len(secureSuites())) {
			t.Errorf("%s: got %#x, AEAD %v; want those with AEAD first", name, id, aead)
		}
	}
	if len(suites) <= len(secureSuites()) {
		t.Errorf("got %q, want more than those with AEAD", suites)
	}
	if id, _ := CipherSuite("TLS_RSA_WITH_AES_128_GCM_SHA256"); id != 0 {
		t.Error("got a suite without forward secrecy")
	}
	want := []string{"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024", "X25519", "P-256", "P-384", "P-521"}
	if got := Curves(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, name := range want {
		if c := Curve(name); curveName(c) != name {
			t.Errorf("%s: got %v", name, c)
		}
	}
	if Curve("P-224") != 0 {
		t.Error("got a curve that TLS does not have")
	}
}
