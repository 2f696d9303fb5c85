package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/tandem-lb/tandem/internal/keyfile"
)

// ClientMode says whether clients are asked for a certificate.
type ClientMode uint8

// The modes. A certificate that a client shows is verified in both of the last two.
const (
	ClientNone     ClientMode = iota // they are not asked
	ClientOptional                   // they may have one
	ClientRequired                   // they are refused without one
)

func (m ClientMode) auth() tls.ClientAuthType {
	switch m {
	case ClientOptional:
		return tls.VerifyClientCertIfGiven
	case ClientRequired:
		return tls.RequireAndVerifyClientCert
	}
	return tls.NoClientCert
}

// Clients says whose certificates a bind asks for.
type Clients struct {
	Mode ClientMode
	CAs  []string // PEM files with the authorities that may have issued them
}

// CheckAuthorities says what keeps files from being Clients.CAs; nil: nothing.
func CheckAuthorities(files []string) error {
	_, _, err := authorities(files)
	return err
}

// authorities reads the certificates of authorities from PEM files. digest stands for all of them.
func authorities(files []string) (pool *x509.CertPool, digest [sha256.Size]byte, err error) {
	pool = x509.NewCertPool()
	all := sha256.New()
	var faults []error
	for _, file := range files {
		certs, err := readAuthorities(file)
		if err != nil {
			faults = append(faults, err)
		}
		for _, c := range certs {
			pool.AddCert(c)
			all.Write(c.Raw)
		}
	}
	if len(files) == 0 {
		faults = append(faults, errors.New("no certificate authorities, want a PEM file of them"))
	}
	return pool, [sha256.Size]byte(all.Sum(nil)), errors.Join(faults...)
}

// readAuthorities returns the certificates of a PEM file. Text around them, as distributions write it, is left out.
func readAuthorities(file string) ([]*x509.Certificate, error) {
	f, err := keyfile.Read(file, maxFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate authorities: %w", err)
	}
	var certs []*x509.Certificate
	for data := bytes.TrimSpace(f.Data); ; {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%s: holds a block %q, want certificates alone", file, block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: parse certificate: %w", file, err)
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%s: no PEM certificate", file)
	}
	return certs, nil
}
