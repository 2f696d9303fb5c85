package certs

import (
	"crypto/tls"
	"slices"
)

// CipherSuites returns the names of the cipher suites that Config.CipherSuites may have: those of TLS 1.2 with forward
// secrecy. The ones with AEAD come first.
func CipherSuites() []string {
	var aead, others []string
	for _, s := range tls.CipherSuites() {
		switch {
		case !slices.Contains(s.SupportedVersions, tls.VersionTLS12):
		case slices.Contains(secureSuites(), s.ID):
			aead = append(aead, s.Name)
		default:
			others = append(others, s.Name)
		}
	}
	return append(aead, others...)
}

// CipherSuite returns the number of a cipher suite in the protocol, 0 for a name that CipherSuites does not have, and whether it
// has AEAD.
func CipherSuite(name string) (id uint16, aead bool) {
	for _, s := range tls.CipherSuites() {
		if s.Name == name && slices.Contains(s.SupportedVersions, tls.VersionTLS12) {
			return s.ID, slices.Contains(secureSuites(), s.ID)
		}
	}
	return 0, false
}

// curves are the key exchanges by name; hybrids with ML-KEM first.
func curves() []tls.CurveID {
	return []tls.CurveID{tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024, tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}
}

// Curves returns the names of the key exchanges that Config.Curves may have.
func Curves() []string {
	var names []string
	for _, c := range curves() {
		names = append(names, curveName(c))
	}
	return names
}

// Curve returns the number of a key exchange in the protocol, 0 for a name that Curves does not have.
func Curve(name string) tls.CurveID {
	for _, c := range curves() {
		if curveName(c) == name {
			return c
		}
	}
	return 0
}

// curveName is the name of the TLS registry; NIST's curves have shorter ones that everybody uses.
func curveName(c tls.CurveID) string {
	switch c {
	case tls.CurveP256:
		return "P-256"
	case tls.CurveP384:
		return "P-384"
	case tls.CurveP521:
		return "P-521"
	}
	return c.String()
}
