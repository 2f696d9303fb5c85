package certs

import (
	"crypto/tls"
	"testing"
)

func TestTLSConfig(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	s := store(t, root.issue(t, ecKey(t), "example.com"), root.issue(t, rsaKey(), "example.com"))
	const ok = ""
	tests := []struct {
		name       string
		minVersion uint16
		client     *tls.Config
		want       string // the client's error
	}{
		{"TLS 1.3", 0, &tls.Config{MinVersion: tls.VersionTLS13}, ok},
		{"TLS 1.2", 0, &tls.Config{MaxVersion: tls.VersionTLS12}, ok},
		{"TLS 1.1", 0, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "remote error: tls: protocol version not supported"},
		{"TLS 1.2 where 1.3 is the least", tls.VersionTLS13, &tls.Config{MaxVersion: tls.VersionTLS12}, "remote error: tls: protocol version not supported"},
		{"CBC", 0, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}}, "remote error: tls: handshake failure"},
		{"no forward secrecy", 0, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, "remote error: tls: handshake failure"},
		{"ChaCha20", 0, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}}, ok},
		{"ALPN http/1.1", 0, &tls.Config{NextProtos: []string{"http/1.1"}}, ok},
		{"ALPN h2", 0, &tls.Config{NextProtos: []string{"h2"}}, ok},
		{"ALPN, two that are offered", 0, &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, ok},
		{"ALPN unknown", 0, &tls.Config{NextProtos: []string{"imap"}}, "remote error: tls: no application protocol"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.client.ServerName = "example.com"
			state, err := handshake(t, s.TLSConfig(tt.minVersion), tt.client)
			switch {
			case tt.want != ok && (err == nil || err.Error() != tt.want):
				t.Errorf("got %v, want %s", err, tt.want)
			case tt.want == ok && err != nil:
				t.Errorf("got %v, want a handshake", err)
			case tt.want == ok && len(tt.client.NextProtos) > 0 && state.NegotiatedProtocol != tt.client.NextProtos[0]:
				t.Errorf("got protocol %q, want %s", state.NegotiatedProtocol, tt.client.NextProtos[0])
			}
		})
	}
}
