package certs

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"slices"
	"testing"
	"time"
)

// F3 and R18 of the design: what people concatenate is put right to leaf and intermediates in order, each once.
func TestF3_BundlesArePutRight(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	upper := newAuthority(t, root, "upper")
	lower := newAuthority(t, upper, "lower")
	other := newAuthority(t, nil, "other")
	leaf := lower.issue(t, ecKey(t), "example.com")
	key := keyPEM(t, leaf.key)
	full := certPEM(leaf.cert, lower.cert, upper.cert)
	chain := certPEM(lower.cert, upper.cert)
	self := issue(t, nil, x509.Certificate{Subject: pkix.Name{CommonName: "self"}, DNSNames: []string{"self"}}, ecKey(t))

	tests := []struct {
		name     string
		data     []byte
		want     []*x509.Certificate
		warnings []string
	}{
		{"cat fullchain privkey", join(full, key), []*x509.Certificate{leaf.cert, lower.cert, upper.cert}, nil},
		{"key first", join(key, full), []*x509.Certificate{leaf.cert, lower.cert, upper.cert}, nil},
		{"key in the middle", join(certPEM(leaf.cert), key, chain), []*x509.Certificate{leaf.cert, lower.cert, upper.cert}, nil},
		{"chain in any order", join(certPEM(upper.cert, lower.cert, leaf.cert), key), []*x509.Certificate{leaf.cert, lower.cert, upper.cert}, nil},
		{"leaf alone", join(certPEM(leaf.cert), key), []*x509.Certificate{leaf.cert}, nil},
		{"signed by itself", join(certPEM(self.cert), keyPEM(t, self.key)), []*x509.Certificate{self.cert}, nil},
		{"cat live/*.pem", join(certPEM(leaf.cert), chain, full, key), []*x509.Certificate{leaf.cert, lower.cert, upper.cert},
			[]string{"3 blocks stand there twice, left out"}},
		{"key twice", join(full, key, key), []*x509.Certificate{leaf.cert, lower.cert, upper.cert}, []string{"1 blocks stand there twice, left out"}},
		{"with the root", join(full, certPEM(root.cert), key), []*x509.Certificate{leaf.cert, lower.cert, upper.cert},
			[]string{"the root certificate is not sent"}},
		{"with a stranger", join(full, certPEM(other.cert), key), []*x509.Certificate{leaf.cert, lower.cert, upper.cert},
			[]string{"1 certificates do not belong to the chain, left out"}},
		{"a gap in the chain", join(certPEM(leaf.cert, upper.cert), key), []*x509.Certificate{leaf.cert},
			[]string{"1 certificates do not belong to the chain, left out"}},
		{"with Diffie-Hellman parameters", join(full, pemBlock("DH PARAMETERS", nil, []byte{1}), key), []*x509.Certificate{leaf.cert, lower.cert, upper.cert},
			[]string{`a block "DH PARAMETERS" is no part of a bundle, left out`}},
		{"with curve parameters, as openssl writes them", join(full, pemBlock("EC PARAMETERS", nil, []byte{1}), sec1(t, leaf)),
			[]*x509.Certificate{leaf.cert, lower.cert, upper.cert}, nil},
		{"with text around", join([]byte("subject=example.com\n"), full, []byte("\nkey:\n"), key, []byte("end")),
			[]*x509.Certificate{leaf.cert, lower.cert, upper.cert}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseBundle(tt.data, wantBundle)
			if err != nil {
				t.Fatal(err)
			}
			var want [][]byte
			for _, c := range tt.want {
				want = append(want, c.Raw)
			}
			if !slices.EqualFunc(got.cert.Certificate, want, bytes.Equal) {
				t.Errorf("got a chain of %d certificates, want %d: leaf and intermediates in order", len(got.cert.Certificate), len(want))
			}
			if !slices.Equal(got.warnings, tt.warnings) {
				t.Errorf("got warnings %q, want %q", got.warnings, tt.warnings)
			}
		})
	}
}

func pemBlock(kind string, headers map[string]string, data []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Headers: headers, Bytes: data})
}

// sec1 encodes a key as "openssl ecparam -genkey" does.
func sec1(t testing.TB, c issued) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(c.key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	return pemBlock("EC PRIVATE KEY", nil, der)
}

func TestBundleOfRSA(t *testing.T) {
	t.Parallel()
	c := newAuthority(t, nil, "root").issue(t, rsaKey(), "example.com")
	pkcs1 := pemBlock("RSA PRIVATE KEY", nil, x509.MarshalPKCS1PrivateKey(rsaKey().(*rsa.PrivateKey)))
	for name, key := range map[string][]byte{"PKCS 1": pkcs1, "PKCS 8": keyPEM(t, rsaKey())} {
		if got, err := parseBundle(join(certPEM(c.cert), key), wantBundle); err != nil || !got.cert.Leaf.Equal(c.cert) {
			t.Errorf("%s: got %v, %v; want the certificate", name, got, err)
		}
	}
}

func TestBundleOfARenewedCertificate(t *testing.T) {
	t.Parallel()
	root, key := newAuthority(t, nil, "root"), ecKey(t)
	template := x509.Certificate{Subject: pkix.Name{CommonName: "a"}, DNSNames: []string{"a"}, NotBefore: time.Now().Add(-time.Hour)}
	template.NotAfter = time.Now().Add(time.Hour)
	old := issue(t, root, template, key)
	template.NotAfter = time.Now().Add(48 * time.Hour)
	renewed := issue(t, root, template, key)
	got, err := parseBundle(join(certPEM(old.cert, renewed.cert), keyPEM(t, key)), wantBundle)
	if err != nil || !got.cert.Leaf.Equal(renewed.cert) {
		t.Errorf("got %v, want the certificate that is valid longest", err)
	}
}

func TestBundleRefused(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	leaf := root.issue(t, ecKey(t), "example.com")
	key, cert := keyPEM(t, leaf.key), certPEM(leaf.cert)
	agreement, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := x509.MarshalPKCS8PrivateKey(agreement)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "no PEM certificate and no key, want a certificate, its chain and its key in one file"},
		{"DER", leaf.cert.Raw, "no PEM certificate and no key, want a certificate, its chain and its key in one file"},
		{"certificate alone", cert, "no private key, want a certificate, its chain and its key in one file"},
		{"key alone", key, "no certificate, want a certificate, its chain and its key in one file"},
		{"key cut short", join(cert, key[:len(key)/2]), "no private key, want a certificate, its chain and its key in one file"},
		{"key of another", join(cert, keyPEM(t, ecKey(t))), "private key does not belong to the certificate of example.com"},
		{"key of another kind", join(cert, keyPEM(t, rsaKey())), "private key does not belong to the certificate of example.com"},
		{"two keys", join(cert, key, keyPEM(t, ecKey(t))), "two different private keys, want one bundle a file"},
		{"encrypted key", join(cert, pemBlock("ENCRYPTED PRIVATE KEY", nil, []byte{1})),
			"private key is encrypted, want a plain one (openssl pkey -in KEY -out PLAIN)"},
		{"encrypted key, the old way", join(cert, pemBlock("RSA PRIVATE KEY", map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, []byte{1})),
			"private key is encrypted, want a plain one (openssl pkey -in KEY -out PLAIN)"},
		{"junk for a certificate", join(pemBlock("CERTIFICATE", nil, []byte{1}), key), "parse certificate: x509: malformed certificate"},
		{"junk for a key", join(cert, pemBlock("PRIVATE KEY", nil, nil)), "parse private key: asn1: syntax error: sequence truncated"},
		{"a key that cannot sign", join(cert, pemBlock("PRIVATE KEY", nil, x25519)), "private key is a *ecdh.PrivateKey, want RSA, ECDSA or Ed25519"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseBundle(tt.data, wantBundle); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// Certificates that issued each other must not send the chain round in circles.
func TestBundleOfACircle(t *testing.T) {
	t.Parallel()
	a, b := newAuthority(t, nil, "a"), newAuthority(t, nil, "b")
	cross := func(subject, issuer *authority) *x509.Certificate {
		return issue(t, issuer, x509.Certificate{Subject: subject.cert.Subject, IsCA: true, BasicConstraintsValid: true}, subject.key).cert
	}
	leaf := a.issue(t, ecKey(t), "example.com")
	got, err := parseBundle(join(certPEM(leaf.cert, cross(a, b), cross(b, a)), keyPEM(t, leaf.key)), wantBundle)
	if err != nil || len(got.cert.Certificate) != 3 {
		t.Errorf("got %v, %v; want a chain of 3", got, err)
	}
}

func FuzzParseBundle(f *testing.F) {
	root := newAuthority(f, nil, "root")
	leaf := newAuthority(f, root, "lower").issue(f, ecKey(f), "example.com")
	good := join(certPEM(leaf.cert, root.cert), keyPEM(f, leaf.key))
	f.Add(good)
	f.Add(join(good, good, []byte("-----BEGIN X-----\n-----END X-----\n")))
	f.Add(sec1(f, leaf))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := parseBundle(data, wantBundle)
		if err != nil {
			if got != nil {
				t.Fatalf("got a certificate beside %v", err)
			}
			return
		}
		cert := got.cert
		if got.issuer != nil && !bytes.Equal(got.issuer.RawSubject, cert.Leaf.RawIssuer) {
			t.Fatal("the issuer is another's")
		}
		if !bytes.Equal(cert.Certificate[0], cert.Leaf.Raw) {
			t.Fatal("the chain does not start with the leaf")
		}
		for i, a := range cert.Certificate {
			for _, b := range cert.Certificate[i+1:] {
				if bytes.Equal(a, b) {
					t.Fatal("a certificate stands twice in the chain")
				}
			}
		}
	})
}
