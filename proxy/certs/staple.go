package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// staple is the OCSP response that lies beside a certificate. The zero value is for none.
type staple struct {
	file  string    // where it is
	seen  identity  // of that file when it was read
	fresh bool      // as in file
	leaf  []byte    // the certificate that der is for
	der   []byte    // what handshakes send; nil: nothing
	until time.Time // when der ends to be of use
	fault string    // why what the file holds is not sent; empty: it is
	since time.Time // of fault
}

// checkStaple returns until when a response may be sent with a certificate. It has to come from the certificate's
// issuer, be about that certificate, say good, and be of today (RFC 6960 section 3.2).
func checkStaple(der []byte, leaf, issuer *x509.Certificate, now time.Time) (until time.Time, err error) {
	if issuer == nil {
		return time.Time{}, errors.New("cannot be checked: the certificate's issuer is not in its file")
	}
	r, err := ocsp.ParseResponseForCert(der, leaf, issuer)
	if err != nil {
		return time.Time{}, fmt.Errorf("not a response for this certificate: %w", err)
	}
	if c := r.Certificate; c != nil && !c.Equal(issuer) && !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) {
		return time.Time{}, errors.New("signed by a certificate that is not for signing OCSP responses") // RFC 6960 section 4.2.2.2
	}
	switch {
	case r.Status == ocsp.Revoked:
		return time.Time{}, fmt.Errorf("the certificate was revoked at %s", instant(r.RevokedAt))
	case r.Status != ocsp.Good:
		return time.Time{}, errors.New("the issuer does not know the certificate")
	case now.Before(r.ThisUpdate):
		return time.Time{}, fmt.Errorf("not valid before %s", instant(r.ThisUpdate))
	case r.NextUpdate.IsZero():
		return time.Time{}, errors.New("does not say until when it is valid")
	case !now.Before(r.NextUpdate):
		return time.Time{}, fmt.Errorf("expired at %s", instant(r.NextUpdate))
	}
	return r.NextUpdate, nil
}

// stapled returns a certificate that is sent with a response, if any.
func stapled(c *tls.Certificate, s staple) *tls.Certificate {
	if s.der == nil {
		return c
	}
	with := *c
	with.OCSPStaple = s.der
	return &with
}

// instant words a time for people and machines.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
