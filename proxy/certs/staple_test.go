package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

// respond makes an OCSP response about a certificate, good and of now unless template says otherwise.
func respond(t testing.TB, a *authority, c *x509.Certificate, template ocsp.Response) []byte {
	t.Helper()
	template.SerialNumber = c.SerialNumber
	if template.ThisUpdate.IsZero() {
		template.ThisUpdate = time.Now().Add(-time.Hour)
		if template.NextUpdate.IsZero() {
			template.NextUpdate = time.Now().Add(time.Hour)
		}
	}
	responder := a.cert
	if template.Certificate != nil {
		responder = template.Certificate
	}
	der, err := ocsp.CreateResponse(a.cert, responder, template, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestCheckStaple(t *testing.T) {
	t.Parallel()
	root, other := newAuthority(t, nil, "root"), newAuthority(t, nil, "other")
	leaf, sibling := root.issue(t, ecKey(t), "example.com"), root.issue(t, ecKey(t), "www.example.com")
	delegate := func(usage ...x509.ExtKeyUsage) ([]byte, *authority) {
		d := issue(t, root, x509.Certificate{Subject: pkix.Name{CommonName: "responder"}, ExtKeyUsage: usage}, ecKey(t))
		signer := &authority{cert: root.cert, key: d.key}
		return respond(t, signer, leaf.cert, ocsp.Response{Certificate: d.cert}), signer
	}
	delegated, _ := delegate(x509.ExtKeyUsageOCSPSigning)
	presumed, _ := delegate(x509.ExtKeyUsageServerAuth)
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	at := func(this, next time.Time) []byte {
		return respond(t, root, leaf.cert, ocsp.Response{ThisUpdate: this, NextUpdate: next})
	}
	for _, tt := range []struct {
		name   string
		der    []byte
		issuer *x509.Certificate
		now    time.Time
		want   string // the beginning of the error
	}{
		{"good", respond(t, root, leaf.cert, ocsp.Response{}), root.cert, time.Now(), ""},
		{"from a responder of the issuer", delegated, root.cert, time.Now(), ""},
		{"from somebody whom the issuer certified for other things", presumed, root.cert, time.Now(), "signed by a certificate that is not for signing OCSP responses"},
		{"from another issuer", respond(t, other, leaf.cert, ocsp.Response{}), root.cert, time.Now(), "not a response for this certificate: "},
		{"of another certificate", respond(t, root, sibling.cert, ocsp.Response{}), root.cert, time.Now(), "not a response for this certificate: "},
		{"no issuer to ask", respond(t, root, leaf.cert, ocsp.Response{}), nil, time.Now(), "cannot be checked: the certificate's issuer is not in its file"},
		{"revoked", respond(t, root, leaf.cert, ocsp.Response{Status: ocsp.Revoked, RevokedAt: now}), root.cert, time.Now(), "the certificate was revoked at 2026-06-01T12:00:00Z"},
		{"unknown", respond(t, root, leaf.cert, ocsp.Response{Status: ocsp.Unknown}), root.cert, time.Now(), "the issuer does not know the certificate"},
		{"at its start", at(now, now.Add(time.Hour)), root.cert, now, ""},
		{"before its start", at(now, now.Add(time.Hour)), root.cert, now.Add(-time.Second), "not valid before 2026-06-01T12:00:00Z"},
		{"at its end", at(now.Add(-time.Hour), now), root.cert, now, "expired at 2026-06-01T12:00:00Z"},
		{"without an end", at(now.Add(-time.Hour), time.Time{}), root.cert, now, "does not say until when it is valid"},
		{"junk", []byte("junk"), root.cert, time.Now(), "not a response for this certificate: "},
		{"the issuer is busy", ocsp.TryLaterErrorResponse, root.cert, time.Now(), "not a response for this certificate: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			until, err := checkStaple(tt.der, leaf.cert, tt.issuer, tt.now)
			switch {
			case tt.want == "" && (err != nil || !until.After(tt.now)):
				t.Errorf("got %v, %v; want a time to come", until, err)
			case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)):
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func FuzzCheckStaple(f *testing.F) {
	root := newAuthority(f, nil, "root")
	leaf := issue(f, root, x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"a"}}, ecKey(f))
	good := respond(f, root, leaf.cert, ocsp.Response{})
	f.Add(good)
	f.Add(respond(f, root, leaf.cert, ocsp.Response{Status: ocsp.Revoked, RevokedAt: time.Now()}))
	now := time.Now()
	f.Fuzz(func(t *testing.T, der []byte) {
		until, err := checkStaple(der, leaf.cert, root.cert, now)
		if (err == nil) != until.After(now) {
			t.Fatalf("got %v, %v", until, err)
		}
	})
}

// The response lies beside the certificate under either name, goes along, and expires.
func TestStapleBesideTheCertificate(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	c := root.issue(t, ecKey(t), "example.com")
	der := respond(t, root, c.cert, ocsp.Response{})
	longer := respond(t, root, c.cert, ocsp.Response{NextUpdate: time.Now().Add(48 * time.Hour)})
	for name, beside := range map[string]string{"with the whole name": "x.pem.ocsp", "with the name's stem": "x.ocsp"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := Path{Certificate: bundle(t, dir, "x.pem", c, root.cert)}
			staple := write(t, dir, beside, der)
			now := time.Now()
			look := func(old *file) *file { return lookAt(path, old, now) }
			first := look(nil)
			if got := string(first.cert.OCSPStaple); got != string(der) {
				t.Fatalf("got a response of %d bytes, want %d: %s", len(got), len(der), first.staple.fault)
			}
			if first.pair.cert.OCSPStaple != nil {
				t.Error("the certificate that was read has been changed")
			}
			write(t, dir, beside, []byte("junk"))
			broken := look(first)
			if string(broken.cert.OCSPStaple) != string(der) || !strings.HasPrefix(broken.staple.fault, "OCSP response "+staple+": not a response for this certificate: ") {
				t.Errorf("junk: got a response of %d bytes, %q; want that of before and why", len(broken.cert.OCSPStaple), broken.staple.fault)
			}
			write(t, dir, beside, longer)
			renewed := look(broken)
			if string(renewed.cert.OCSPStaple) != string(longer) || renewed.staple.fault != "" {
				t.Errorf("renewed: got a response of %d bytes, %q; want that of the file", len(renewed.cert.OCSPStaple), renewed.staple.fault)
			}
			now = now.Add(time.Hour)
			settled := look(renewed) // not read again any more
			now = now.Add(48 * time.Hour)
			expired := look(settled)
			if expired.cert.OCSPStaple != nil || !strings.Contains(expired.staple.fault, ": expired at ") {
				t.Errorf("expired: got a response of %d bytes, %q; want none and why", len(expired.cert.OCSPStaple), expired.staple.fault)
			}
			if err := os.Remove(staple); err != nil {
				t.Fatal(err)
			}
			if gone := look(expired); gone.cert.OCSPStaple != nil || gone.staple.fault != "" {
				t.Errorf("gone: got a response of %d bytes, %q; want none, and no word of it", len(gone.cert.OCSPStaple), gone.staple.fault)
			}
		})
	}
}

// lookAt looks at a path once.
func lookAt(path Path, old *file, now time.Time) *file {
	return load([]Path{path}, nil, func(Path) *file { return old }, now).files[0]
}

// A client that asks gets the response in its handshake.
func TestHandshakeHasTheStaple(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	c := root.issue(t, ecKey(t), "example.com")
	dir := t.TempDir()
	file := bundle(t, dir, "x.pem", c, root.cert)
	der := respond(t, root, c.cert, ocsp.Response{})
	write(t, dir, "x.pem.ocsp", der)
	s, err := Load(Bundles(file))
	if err != nil {
		t.Fatal(err)
	}
	state, err := handshake(t, serving(s, Config{}), &tls.Config{ServerName: "example.com"})
	if err != nil || string(state.OCSPResponse) != string(der) {
		t.Errorf("got a response of %d bytes, %v; want %d", len(state.OCSPResponse), err, len(der))
	}
	if got := s.Certificates()[0]; got.Stapled.IsZero() || got.Key != "ECDSA P-256" {
		t.Errorf("got %+v, want until when the response is good", got)
	}
}

// A renewed certificate does not go with the response of the one before.
func TestStapleOfTheOldCertificate(t *testing.T) {
	t.Parallel()
	root := newAuthority(t, nil, "root")
	c := root.issue(t, ecKey(t), "example.com")
	dir := t.TempDir()
	path := Path{Certificate: bundle(t, dir, "x.pem", c, root.cert)}
	write(t, dir, "x.ocsp", respond(t, root, c.cert, ocsp.Response{}))
	old := lookAt(path, nil, time.Now())
	bundle(t, dir, filepath.Base(path.Certificate), root.issue(t, ecKey(t), "example.com"), root.cert)
	next := lookAt(path, old, time.Now())
	if old.cert.OCSPStaple == nil || next.cert.OCSPStaple != nil || !strings.Contains(next.staple.fault, "not a response for this certificate") {
		t.Errorf("got responses of %d and %d bytes, %q; want the first alone", len(old.cert.OCSPStaple), len(next.cert.OCSPStaple), next.staple.fault)
	}
}
