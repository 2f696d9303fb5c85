package config

import (
	"strings"

	"github.com/tandem-lb/tandem/proxy/certs"
)

// tlsKeys are what a bind with TLS says.
func tlsKeys(in string) []Key {
	const versions = "ssl_min_ver ssl_protocols"
	return []Key{
		{Path: in, Type: section(), Others: "ssl", Absent: "plain", Example: "{certificates: [/etc/tandem/certs/]}", Reload: ReloadNew, Help: "Makes it a TLS listener."},
		{Path: in + ".certificates", Type: list(1, 1000), Required: true, Others: "crt ssl_certificate certificate", Example: "[/etc/tandem/certs/]", Reload: ReloadNew,
			Help: "Where the certificates are; the first one is for clients that name no host or an unknown one. They follow their files without a reload."},
		{Path: in + ".certificates[]", Type: filePath(), Example: "/etc/tandem/certs/example.com.pem", Reload: ReloadNew,
			Help: "A PEM file with certificate, chain and key, or a directory of them (`*.pem`); or a section, for a key in a file of its own. A file with a key that others can read is refused."},
		{Path: in + ".certificates[].certificate", Type: filePath(), Required: true, Others: "ssl_certificate", Example: "/etc/tandem/tls/example.com.crt", Reload: ReloadNew, Help: "A PEM file with certificate and chain."},
		{Path: in + ".certificates[].key", Type: filePath(), Required: true, Others: "ssl_certificate_key", Example: "/etc/tandem/tls/example.com.key", Reload: ReloadNew, Help: "A PEM file with its key."},
		{Path: in + ".strict_sni", Type: boolean(), Default: "false", Example: "true", Reload: ReloadNew, Help: "Whether a client that names no host, or one that no certificate is for, is refused instead of getting the first certificate."},
		{Path: in + ".min_version", Type: oneOf("1.2", "1.3"), Default: `"1.2"`, Others: versions, Example: `"1.3"`, Reload: ReloadNew, Help: "The oldest TLS version accepted."},
		{Path: in + ".max_version", Type: oneOf("1.2", "1.3"), Absent: "1.3", Others: "ssl_max_ver", Example: `"1.3"`, Reload: ReloadNew, Help: "The newest TLS version accepted."},
		{Path: in + ".cipher_suites", Type: list(1, 32), Absent: "those with AEAD", Others: "ciphers ssl_ciphers", Example: "[TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]", Reload: ReloadNew,
			Help: "The cipher suites of TLS 1.2, in no order: the fastest that both sides have is taken. TLS 1.3 has suites of its own, all of them with AEAD."},
		{Path: in + ".cipher_suites[]", Type: oneOf(certs.CipherSuites()...), Example: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Reload: ReloadNew, Help: "A cipher suite."},
		{Path: in + ".curves", Type: list(1, 16), Absent: "all of them", Others: "ecdhe ssl_ecdh_curve", Example: "[X25519MLKEM768, X25519, P-256]", Reload: ReloadNew,
			Help: "The key exchanges, in no order. Those with MLKEM are hybrids, safe from quantum computers to come; they are of TLS 1.3."},
		{Path: in + ".curves[]", Type: oneOf(certs.Curves()...), Example: "X25519", Reload: ReloadNew, Help: "A key exchange."},
		{Path: in + ".alpn", Type: list(1, 2), Default: "[" + strings.Join(certs.Protocols(), ", ") + "]", Others: "http2", Example: "[http/1.1]", Reload: ReloadNew, Help: "The protocols offered, the preferred one first. A client that offers only others is refused."},
		{Path: in + ".alpn[]", Type: oneOf(certs.Protocols()...), Example: "http/1.1", Reload: ReloadNew, Help: "A protocol: HTTP/2 is h2."},
		{Path: in + ".client_certificates", Type: section(), Others: "verify ssl_verify_client", Absent: "clients are not asked for one", Example: "{mode: required, ca: [/etc/tandem/clients.crt]}", Reload: ReloadNew, Help: "Whose certificates clients have to show (mTLS)."},
		{Path: in + ".client_certificates.mode", Type: oneOf("optional", "required"), Default: "required", Example: "optional", Reload: ReloadNew, Help: "`required`: who has none is refused. `optional`: who shows none is served too. One that is shown is verified in any case."},
		{Path: in + ".client_certificates.ca", Type: list(1, 100), Required: true, Others: "ca_file ssl_client_certificate", Example: "[/etc/tandem/clients.crt]", Reload: ReloadNew, Help: "The authorities that may have issued them. Unlike certificates these files are read at the start and at a reload alone."},
		{Path: in + ".client_certificates.ca[]", Type: filePath(), Example: "/etc/tandem/clients.crt", Reload: ReloadNew, Help: "A PEM file of certificates."},
	}
}

// What servers are spoken to in, by the names of ALPN.
const (
	protocolHTTP1 = "http/1.1"
	protocolHTTP2 = "h2"
)

// serverTLSKeys are what a backend says whose servers are spoken to over TLS.
func serverTLSKeys(in string) []Key {
	return []Key{
		{Path: in, Type: section(), Others: "ssl proxy_pass", Absent: "plain", Example: "{server_name: app.internal}", Reload: ReloadAnew, Help: "TLS to the servers, and to their health checks but for one with a port of its own. Sessions are resumed. What changes here, the files of `ca` too, makes new connections to the servers; a certificate that is shown follows its files."},
		{Path: in + ".verify", Type: boolean(), Default: "true", Others: "proxy_ssl_verify", Example: "true", Reload: ReloadAnew, Help: "Whether a server's certificate has to come from one of the authorities and be for its name."},
		{Path: in + ".ca", Type: list(1, 100), Absent: "the host's authorities", Others: "ca_file proxy_ssl_trusted_certificate", Example: "[/etc/tandem/servers.crt]", Reload: ReloadAnew, Help: "The authorities."},
		{Path: in + ".ca[]", Type: filePath(), Example: "/etc/tandem/servers.crt", Reload: ReloadAnew, Help: "A PEM file of certificates."},
		{Path: in + ".server_name", Type: line(255), Absent: "the server's address", Others: "sni verifyhost proxy_ssl_name", Example: "app.internal", Reload: ReloadAnew, Help: "The name that servers are asked for (SNI) and that their certificates have to be for."},
		{Path: in + ".certificate", Type: filePath(), Absent: "none is shown", Others: "crt proxy_ssl_certificate", Example: "/etc/tandem/balancer.pem", Reload: ReloadAnew, Help: "What servers are shown that ask for a certificate: a PEM file with certificate, chain and key, or without the key where `key` is there."},
		{Path: in + ".key", Type: filePath(), Absent: "it is in `certificate`", Others: "proxy_ssl_certificate_key", Example: "/etc/tandem/balancer.key", Reload: ReloadAnew, Help: "A PEM file with the key."},
		{Path: in + ".min_version", Type: oneOf("1.2", "1.3"), Default: `"1.2"`, Others: "ssl_min_ver proxy_ssl_protocols", Example: `"1.3"`, Reload: ReloadAnew, Help: "The oldest TLS version accepted."},
	}
}
