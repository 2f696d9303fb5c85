package certs

import "crypto/tls"

// TLSConfig returns the configuration of a bind that serves these certificates. minVersion is tls.VersionTLS12 or
// tls.VersionTLS13; 0 means TLS 1.2. It is a new one each time: whoever shares one shares its session ticket keys.
//
// A client that offers protocols by ALPN and none of these is refused, as RFC 7301 section 3.2 has it.
func (s *Store) TLSConfig(minVersion uint16) *tls.Config {
	if minVersion == 0 {
		minVersion = tls.VersionTLS12
	}
	return &tls.Config{
		MinVersion:     minVersion,
		GetCertificate: s.GetCertificate,
		NextProtos:     []string{"h2", "http/1.1"},
		// Forward secrecy and AEAD only; of TLS 1.3 there are no others. The order is the standard library's choice.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}
