package certs

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
)

// The header fields that tell a server of a verified client certificate. Values are printable ASCII: what a certificate
// may have beyond that is percent-encoded, as the percent sign itself.
const (
	PeerSubject     = "X-Client-Cert-Subject"     // the distinguished name (RFC 4514)
	PeerFingerprint = "X-Client-Cert-Fingerprint" // SHA-256 of the certificate, 64 lower-case hexadecimal digits
	PeerSerial      = "X-Client-Cert-Serial"      // lower-case hexadecimal digits, two for each octet
	PeerNotAfter    = "X-Client-Cert-Not-After"   // RFC 3339, UTC: 2026-11-21T12:00:00Z
	PeerCertificate = "X-Client-Cert"             // PEM, percent-encoded but for letters, digits and -._~
)

// Header is a header field.
type Header struct{ Name, Value string }

// PeerHeaders returns what a server is told of the certificate that a client has shown and that was verified; nothing for
// none. It is the same for all requests of a connection.
func PeerHeaders(c *x509.Certificate) []Header {
	if c == nil {
		return nil
	}
	digest := sha256.Sum256(c.Raw)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	return []Header{
		{PeerSubject, escape(c.Subject.String(), isHeaderText)},
		{PeerFingerprint, hex.EncodeToString(digest[:])},
		{PeerSerial, hex.EncodeToString(c.SerialNumber.Bytes())},
		{PeerNotAfter, instant(c.NotAfter)},
		{PeerCertificate, escape(string(text), isUnreserved)},
	}
}

// IsPeerHeader reports whether a header field of a request could pass for one of PeerHeaders, and so must never be passed on
// from a client: X-Client-Cert and all names that begin with it, in upper or lower case. An underscore counts as a
// hyphen, for many servers make the same variable of both (RFC 3875 section 4.1.18).
func IsPeerHeader(name []byte) bool {
	const prefix = "x-client-cert"
	if len(name) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		c := name[i]
		switch {
		case c == '_':
			c = '-'
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		if c != prefix[i] {
			return false
		}
	}
	return len(name) == len(prefix) || name[len(prefix)] == '-' || name[len(prefix)] == '_'
}

// escape percent-encodes all octets of a text that are not kept.
func escape(text string, keep func(byte) bool) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; keep(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// isHeaderText is for what may stand in a header field's value, but for the percent sign.
func isHeaderText(c byte) bool { return ' ' <= c && c <= '~' && c != '%' }

// isUnreserved is for what nobody decodes (RFC 3986 section 2.3). The plus sign is not among it: some take it for a blank.
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
