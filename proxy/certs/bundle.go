package certs

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// pair is a certificate with its key, as read from files.
type pair struct {
	cert     *tls.Certificate  // leaf, chain and key; no OCSP response
	issuer   *x509.Certificate // of the leaf, where it stands in the files; nil: it does not
	warnings []string          // what was left out and what is doubtful about the rest
}

// The errors of parseBundle say what should be there.
const (
	wantBundle = "want a certificate, its chain and its key in one file"
	wantPair   = "want the certificate and its chain in the first file, the key in the second"
)

// parseBundle makes one certificate of PEM blocks, in whatever order they stand. want is what a missing block's error
// asks for.
func parseBundle(data []byte, want string) (*pair, error) {
	var b blocks
	if err := b.read(data, want); err != nil {
		return nil, err
	}
	leaf, err := b.leaf()
	if err != nil {
		return nil, err
	}
	chain := b.chain(leaf)
	p := &pair{cert: &tls.Certificate{PrivateKey: b.key, Leaf: leaf}, issuer: b.issuer(leaf, nil)}
	for _, c := range chain {
		p.cert.Certificate = append(p.cert.Certificate, c.Raw)
	}
	p.warnings = b.warnings(len(chain))
	return p, nil
}

// blocks is what a PEM file holds, each thing once.
type blocks struct {
	certs   []*x509.Certificate
	key     crypto.Signer
	doubles int      // certificates and keys that stood there before
	roots   int      // self-signed certificates, the leaf apart; counted by chain
	ignored []string // types of blocks that are no part of a bundle
}

func (b *blocks) read(data []byte, want string) error {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if err := b.add(block); err != nil {
			return err
		}
	}
	switch {
	case len(b.certs) == 0 && b.key == nil:
		return errors.New("no PEM certificate and no key, " + want)
	case len(b.certs) == 0:
		return errors.New("no certificate, " + want)
	case b.key == nil:
		return errors.New("no private key, " + want)
	}
	return nil
}

func (b *blocks) add(block *pem.Block) error {
	switch t := block.Type; {
	case t == "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("parse certificate: %w", err)
		}
		b.addCert(c)
	case t == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
		return errors.New("private key is encrypted, want a plain one (openssl pkey -in KEY -out PLAIN)")
	case t == "PRIVATE KEY", strings.HasSuffix(t, " PRIVATE KEY"):
		return b.addKey(block.Bytes)
	case t == "EC PARAMETERS": // openssl ecparam writes it before the key, which names its curve itself
	default:
		b.ignored = append(b.ignored, t)
	}
	return nil
}

func (b *blocks) addCert(c *x509.Certificate) {
	for _, have := range b.certs {
		if have.Equal(c) {
			b.doubles++
			return
		}
	}
	b.certs = append(b.certs, c)
}

func (b *blocks) addKey(der []byte) error {
	key, err := parseKey(der)
	if err != nil {
		return err
	}
	switch {
	case b.key == nil:
		b.key = key
	case samePublicKey(b.key.Public(), key.Public()):
		b.doubles++
	default:
		return errors.New("two different private keys, want one bundle a file")
	}
	return nil
}

// parseKey reads a private key in any of the three forms that tools write, whatever its PEM block is called.
func parseKey(der []byte) (crypto.Signer, error) {
	found, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
			return key, nil
		}
		if key, err := x509.ParseECPrivateKey(der); err == nil {
			return key, nil
		}
		return nil, fmt.Errorf("parse private key: %w", err)
	}
	key, ok := found.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("private key is a %T, want RSA, ECDSA or Ed25519", found)
	}
	return key, nil
}

// samePublicKey reports whether a and b are one key. All key types of the standard library have Equal.
func samePublicKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// leaf returns the certificate that the key belongs to; of several (renewed with the same key) the one that is valid
// longest.
func (b *blocks) leaf() (*x509.Certificate, error) {
	var leaf *x509.Certificate
	for _, c := range b.certs {
		if samePublicKey(b.key.Public(), c.PublicKey) && (leaf == nil || c.NotAfter.After(leaf.NotAfter)) {
			leaf = c
		}
	}
	if leaf == nil {
		return nil, fmt.Errorf("private key does not belong to the certificate of %s", title(b.certs[0]))
	}
	return leaf, nil
}

// chain returns leaf and its issuers in order. A root ends it and is left out: a client that trusts it has it, and one
// that does not gains nothing by it.
func (b *blocks) chain(leaf *x509.Certificate) []*x509.Certificate {
	chain := []*x509.Certificate{leaf}
	used := map[*x509.Certificate]bool{leaf: true} // ends circles of certificates that issued each other
	for next := b.issuer(leaf, used); next != nil; next = b.issuer(next, used) {
		used[next] = true
		if isSelfIssued(next) {
			b.roots++
			break
		}
		chain = append(chain, next)
	}
	return chain
}

// issuer returns the certificate that issued c, by name and key identifier. Whether its signature holds is the
// client's to judge.
func (b *blocks) issuer(c *x509.Certificate, used map[*x509.Certificate]bool) *x509.Certificate {
	if isSelfIssued(c) {
		return nil
	}
	for _, i := range b.certs {
		sameKey := len(c.AuthorityKeyId) == 0 || len(i.SubjectKeyId) == 0 || bytes.Equal(c.AuthorityKeyId, i.SubjectKeyId)
		if !used[i] && sameKey && bytes.Equal(c.RawIssuer, i.RawSubject) {
			return i
		}
	}
	return nil
}

func isSelfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

// warnings says what was left out; sent is how many certificates were not.
func (b *blocks) warnings(sent int) []string {
	var w []string
	if b.doubles > 0 {
		w = append(w, fmt.Sprintf("%d blocks stand there twice, left out", b.doubles))
	}
	if b.roots > 0 {
		w = append(w, "the root certificate is not sent")
	}
	if n := len(b.certs) - sent - b.roots; n > 0 {
		w = append(w, fmt.Sprintf("%d certificates do not belong to the chain, left out", n))
	}
	for _, t := range b.ignored {
		w = append(w, fmt.Sprintf("a block %q is no part of a bundle, left out", t))
	}
	return w
}

// title names a certificate for people: its first host name, else its subject.
func title(c *x509.Certificate) string {
	if names := namesOf(c); len(names) > 0 {
		return names[0]
	}
	return fmt.Sprintf("%q", c.Subject.String())
}

// namesOf returns the host names and addresses that a certificate is for. The common name counts for no client of
// today (RFC 9110 section 4.3.4), so it does not here.
func namesOf(c *x509.Certificate) []string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}
