package secure

import (
	"crypto/tls"
	"errors"
	"fmt"
	"testing"
)

func TestEveryReasonHasItsWords(t *testing.T) {
	labels := map[string]Reason{}
	for _, r := range Reasons() {
		if r.Label() == "" || r.Error() == "" {
			t.Errorf("reason %d has no label or no text", r)
		}
		if other, ok := labels[r.Label()]; ok {
			t.Errorf("reasons %d and %d are both called %s", other, r, r.Label())
		}
		labels[r.Label()] = r
	}
}

func TestFailedHandshakesTellWhy(t *testing.T) {
	for _, tt := range []struct {
		name           string
		change         func(server, client *tls.Config)
		server, client Reason // 0: this side does not fail
	}{
		{"unknown ALPN", func(_, c *tls.Config) { c.NextProtos = []string{"ftp"} }, UnknownALPN, PeerRefused},
		{"unknown ALPN, TLS 1.2", func(_, c *tls.Config) { c.NextProtos, c.MaxVersion = []string{"ftp"}, tls.VersionTLS12 }, UnknownALPN, PeerRefused},
		{"no version", func(s, c *tls.Config) { s.MinVersion, c.MaxVersion = tls.VersionTLS13, tls.VersionTLS12 }, NoVersion, PeerRefused},
		{"no key exchange", func(s, c *tls.Config) {
			s.CurvePreferences, c.CurvePreferences = []tls.CurveID{tls.CurveP256}, []tls.CurveID{tls.X25519}
		}, NoCipher, PeerRefused},
		{"no cipher suite", func(s, c *tls.Config) {
			c.MaxVersion = tls.VersionTLS12
			s.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}
			c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
		}, NoCipher, PeerRefused},
		{"no certificate for the name", func(s, _ *tls.Config) { s.Certificates = nil }, UnknownName, PeerRefused},
		{"server not trusted", func(_, c *tls.Config) { c.RootCAs = nil }, PeerRefused, BadCertificate},
		{"server of another name", func(_, c *tls.Config) { c.ServerName = "b.test" }, PeerRefused, BadCertificate},
		{"client not trusted", func(s, c *tls.Config) {
			s.ClientAuth = tls.RequireAndVerifyClientCert
			c.Certificates = s.Certificates
		}, BadCertificate, 0},
		{"client without certificate", func(s, _ *tls.Config) {
			s.ClientAuth = tls.RequestClientCert
			s.VerifyConnection = func(cs tls.ConnectionState) error {
				if len(cs.PeerCertificates) == 0 {
					return fmt.Errorf("frontend web: %w", NoCertificate)
				}
				return nil
			}
		}, NoCertificate, 0},
		{"fault of a callback", func(s, _ *tls.Config) {
			s.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("no store") }
			s.Certificates = nil
		}, Internal, PeerRefused},
		{"key log", func(s, _ *tls.Config) { s.KeyLogWriter = t.Output() }, Internal, 0},
		{"renegotiation", func(_, c *tls.Config) { c.Renegotiation = tls.RenegotiateFreelyAsClient }, 0, Internal},
		{"old version", func(s, _ *tls.Config) { s.MinVersion = tls.VersionTLS10 }, Internal, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, client := configs(t)
			tt.change(server, client)
			s, c := start(t, Server(server, &FreeList{})), start(t, Client(client, &FreeList{}))
			shake(s, c, 1<<20)
			check(t, "server", s, tt.server)
			check(t, "client", c, tt.client)
		})
	}
}

func check(t *testing.T, name string, s *side, want Reason) {
	t.Helper()
	var f *Failure
	errors.As(s.err, &f)
	switch {
	case want == 0 && s.err != nil:
		t.Errorf("%s: got %v, want no error", name, s.err)
	case want != 0 && (f == nil || f.Reason != want || !s.done):
		t.Errorf("%s: got %v (done %v), want %q", name, s.err, s.done, want.Error())
	case want != 0 && !errors.Is(s.err, want):
		t.Errorf("%s: errors.Is does not find %q in %v", name, want.Error(), s.err)
	}
}

func TestWhatIsNoHandshakeFailsAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		bytes string
		want  Reason
	}{
		"HTTP":            {"GET / HTTP/1.1\r\n", NotTLS},
		"SSLv2":           {"\x80\x2e\x01\x00\x02", NoVersion},
		"SSH":             {"SSH-2.0-x\r\n", NotTLS},
		"too long":        {"\x16\x03\x01\xff\xff", BadMessage},
		"alert":           {"\x15\x03\x01\x00\x02\x02\x28", PeerRefused},
		"empty handshake": {"\x16\x03\x01\x00\x00", BadMessage},
		"no hello":        {"\x16\x03\x01\x00\x04\x02\x00\x00\x00", BadMessage},
		"empty record":    {"\x16\x03\x01\x00\x02\x01\x00\x16\x03\x01\x00\x00", BadMessage},
		"data":            {"\x17\x03\x03\x00\x01x", NotTLS},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := configs(t)
			s := start(t, Server(server, &FreeList{}))
			s.Feed([]byte(tt.bytes))
			s.take()
			check(t, "server", s, tt.want)
		})
	}
}

func TestClientThatGoesIsGone(t *testing.T) {
	server, client := configs(t)
	c := start(t, Client(client, &FreeList{}))
	hello := c.take()
	for name, n := range map[string]int{"at once": 0, "in the hello": 20, "after it": len(hello)} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Server(server, &FreeList{}))
			s.Feed(hello[:n])
			s.take()
			s.End()
			if n < len(hello) { // which is no work for a worker
				if s.done, s.err = s.Poll(); !s.done {
					t.Error("not over at once")
				}
			}
			s.take()
			check(t, "server", s, Gone)
		})
	}
	c.End()
	c.take()
	check(t, "client", c, Gone)
}
