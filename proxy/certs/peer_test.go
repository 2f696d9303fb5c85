package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestPeerHeaders(t *testing.T) {
	t.Parallel()
	if got := PeerHeaders(nil); got != nil {
		t.Errorf("got %v for no certificate, want nothing", got)
	}
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	c := issue(t, nil, x509.Certificate{
		Subject:   pkix.Name{CommonName: "Zoë\r\nX-Admin: 1 100%", Organization: []string{"a, b"}},
		NotBefore: time.Now(), NotAfter: end,
	}, ecKey(t)).cert
	digest := sha256.Sum256(c.Raw)
	got := map[string]string{}
	for _, h := range PeerHeaders(c) {
		got[h.Name] = h.Value
		if strings.ContainsFunc(h.Value, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%s: %q has octets that no header may have", h.Name, h.Value)
		}
		if !IsPeerHeader([]byte(h.Name)) {
			t.Errorf("%s passes for a client's", h.Name)
		}
	}
	for name, want := range map[string]string{
		"X-Client-Cert-Subject":     `CN=Zo%C3%AB%0D%0AX-Admin: 1 100%25,O=a\, b`,
		"X-Client-Cert-Fingerprint": hex.EncodeToString(digest[:]),
		"X-Client-Cert-Serial":      hex.EncodeToString(c.SerialNumber.Bytes()),
		"X-Client-Cert-Not-After":   end.UTC().Format(time.RFC3339),
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	for name, decode := range map[string]func(string) (string, error){"as a path": url.PathUnescape, "as a form": url.QueryUnescape} {
		text, err := decode(got["X-Client-Cert"])
		block, _ := pem.Decode([]byte(text))
		if err != nil || block == nil || string(block.Bytes) != string(c.Raw) {
			t.Errorf("%s: got %q, %v; want the certificate", name, text, err)
		}
	}
}

func TestIsPeerHeader(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"X-Client-Cert":              true,
		"x-client-cert":              true,
		"X_CLIENT_CERT_SUBJECT":      true,
		"X-Client-Cert-Of-Tomorrow":  true,
		"X-Client-Cert_Serial":       true,
		"X-Client-Certificate":       false,
		"X-Client-Cer":               false,
		"Client-Cert":                false,
		"":                           false,
		"X-Client-Ip":                false,
		"XX-Client-Cert-Fingerprint": false,
	} {
		if got := IsPeerHeader([]byte(name)); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

// Client certificates are verified where they are asked for, in both versions.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	root, other := newAuthority(t, nil, "root"), newAuthority(t, nil, "other")
	dir := t.TempDir()
	file := bundle(t, dir, "x.pem", root.issue(t, ecKey(t), "example.com"))
	ca := write(t, dir, "ca.crt", join([]byte("# our clients\n"), certPEM(root.cert)))
	client := func(a *authority, template x509.Certificate) *tls.Certificate {
		template.Subject, template.ExtKeyUsage = pkix.Name{CommonName: "client"}, append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
		c := issue(t, a, template, ecKey(t))
		return &tls.Certificate{Certificate: [][]byte{c.cert.Raw}, PrivateKey: c.key}
	}
	good, stranger := client(root, x509.Certificate{}), client(other, x509.Certificate{})
	expired := client(root, x509.Certificate{NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(-time.Minute)})
	server := issue(t, root, x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, ecKey(t))
	const (
		ok      = ""
		unknown = "remote error: tls: unknown certificate authority"
		badCert = "remote error: tls: bad certificate"
		gone    = "remote error: tls: expired certificate"
	)
	for _, tt := range []struct {
		name  string
		mode  ClientMode
		shown *tls.Certificate
		want  string // of TLS 1.3
		old   string // of TLS 1.2, where it is not want
	}{
		{"required, good", ClientRequired, good, ok, ok},
		{"required, none", ClientRequired, nil, "remote error: tls: certificate required", "remote error: tls: handshake failure"},
		{"required, a stranger's", ClientRequired, stranger, unknown, unknown},
		{"required, expired", ClientRequired, expired, gone, gone},
		{"required, of a server", ClientRequired, &tls.Certificate{Certificate: [][]byte{server.cert.Raw}, PrivateKey: server.key}, badCert, badCert},
		{"optional, good", ClientOptional, good, ok, ok},
		{"optional, none", ClientOptional, nil, ok, ok},
		{"optional, a stranger's", ClientOptional, stranger, unknown, unknown},
		{"not asked", ClientNone, stranger, ok, ok},
	} {
		for version, want := range map[uint16]string{tls.VersionTLS12: tt.old, tls.VersionTLS13: tt.want} {
			t.Run(tt.name+", "+tls.VersionName(version), func(t *testing.T) {
				t.Parallel()
				bind := node(t, "web", "", Config{Certificates: Bundles(file), Clients: Clients{Mode: tt.mode, CAs: []string{ca}}})
				config := &tls.Config{ServerName: "example.com", MaxVersion: version}
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if tt.shown == nil {
						return &tls.Certificate{}, nil
					}
					return tt.shown, nil
				}
				_, err := handshake(t, bind, config)
				if got := errorText(err); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAuthoritiesRefused(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	dir := t.TempDir()
	empty := write(t, dir, "empty", []byte("no certificate"))
	key := write(t, dir, "key", keyPEM(t, root.key))
	junk := write(t, dir, "junk", pemBlock("CERTIFICATE", nil, []byte{1}))
	for name, tt := range map[string]struct {
		files []string
		want  string
	}{
		"none":    {nil, "no certificate authorities, want a PEM file of them"},
		"empty":   {[]string{empty}, empty + ": no PEM certificate"},
		"a key":   {[]string{key}, key + `: holds a block "PRIVATE KEY", want certificates alone`},
		"junk":    {[]string{junk}, junk + ": parse certificate: x509: malformed certificate"},
		"missing": {[]string{dir + "/no"}, "read certificate authorities: stat " + dir + "/no: no such file or directory"},
		"two":     {[]string{empty, junk}, empty + ": no PEM certificate\n" + junk + ": parse certificate: x509: malformed certificate"},
	} {
		if err := CheckAuthorities(tt.files); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
		if _, err := NewKeychain(nil).Plan().Bind("f", Config{Clients: Clients{Mode: ClientRequired, CAs: tt.files}}); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v of the bind, want %s", name, err, tt.want)
		}
	}
}
