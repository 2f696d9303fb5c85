package config

import (
	"cmp"
	"crypto/tls"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tandem-lb/tandem/proxy/certs"
)

type rawTLS struct {
	Certificates []rawCertificate `yaml:"certificates"`
	StrictSNI    bool             `yaml:"strict_sni"`
	MinVersion   string           `yaml:"min_version"`
	MaxVersion   string           `yaml:"max_version"`
	CipherSuites []string         `yaml:"cipher_suites"`
	Curves       []string         `yaml:"curves"`
	ALPN         []string         `yaml:"alpn"`
	Clients      *struct {
		Mode string   `yaml:"mode"`
		CA   []string `yaml:"ca"`
	} `yaml:"client_certificates"`
}

type rawCertificate struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// UnmarshalYAML reads a section, or the path of a bundle or directory alone.
func (c *rawCertificate) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&c.Certificate)
	}
	type section rawCertificate
	return n.Decode((*section)(c))
}

// config returns how a bind terminates TLS.
func (raw *rawTLS) config() *certs.Config {
	c := &certs.Config{
		Certificates: raw.paths(),
		StrictSNI:    raw.StrictSNI,
		MinVersion:   tlsVersion(raw.MinVersion),
		MaxVersion:   tlsVersion(raw.MaxVersion),
		ALPN:         raw.ALPN,
	}
	for _, name := range raw.CipherSuites {
		id, _ := certs.CipherSuite(name)
		c.CipherSuites = append(c.CipherSuites, id)
	}
	for _, name := range raw.Curves {
		c.Curves = append(c.Curves, certs.Curve(name))
	}
	if raw.Clients != nil {
		c.Clients = certs.Clients{Mode: certs.ClientRequired, CAs: raw.Clients.CA}
		if raw.Clients.Mode == "optional" {
			c.Clients.Mode = certs.ClientOptional
		}
	}
	return c
}

type rawServerTLS struct {
	Verify      bool     `yaml:"verify"`
	CA          []string `yaml:"ca"`
	ServerName  string   `yaml:"server_name"`
	Certificate string   `yaml:"certificate"`
	Key         string   `yaml:"key"`
	MinVersion  string   `yaml:"min_version"`
}

// config returns how the servers of a backend are spoken to; nil: plain.
func (raw *rawServerTLS) config() *certs.ServerConfig {
	if raw == nil {
		return nil
	}
	return &certs.ServerConfig{
		CAs: raw.CA, Insecure: !raw.Verify, Certificate: certs.Path{Certificate: raw.Certificate, Key: raw.Key},
		MinVersion: tlsVersion(raw.MinVersion),
	}
}

// nameOf returns what a server is verified by: its own name, that of all, or what its address says. Empty without TLS, and for a service, whose records
// say it; a Unix socket has to have one.
func (raw *rawServerTLS) nameOf(s rawServer) string {
	if raw == nil {
		return ""
	}
	name := strings.TrimSuffix(s.Address.Name, ".")
	switch {
	case s.Address.service() || s.Address.Path != "":
		name = ""
	case name == "":
		name = s.Address.Address.Addr().WithZone("").String()
	}
	return cmp.Or(s.ServerName, raw.ServerName, name)
}

// checkServerTLS reports what does not fit together in the TLS to the servers of a backend.
func (b *builder) checkServerTLS(i int) {
	raw := b.raw.Proxy.Backends[i]
	for j, s := range raw.Servers {
		if raw.TLS == nil && raw.Check.tls() == nil && s.ServerName != "" {
			b.errorAt(item(backendPath(i, "servers"), j)+".server_name", "does nothing without tls in the backend", "tls there")
		}
	}
	b.checkUnixServers(i)
	b.checkLinkTLS(backendPath(i, "tls"), raw.TLS)
	b.checkLinkTLS(backendPath(i, "health_check.tls"), raw.Check.tls())
}

// checkUnixServers reports what does not fit servers that are Unix sockets.
func (b *builder) checkUnixServers(i int) {
	raw := b.raw.Proxy.Backends[i]
	for j, s := range raw.Servers {
		if s.Address.Path == "" {
			continue
		}
		path := item(backendPath(i, "servers"), j)
		if raw.TLS != nil && raw.TLS.nameOf(s) == "" || raw.Check.tls() != nil && raw.Check.tls().nameOf(s) == "" {
			b.errorAt(path, "a Unix socket has no address to be verified by", "server_name")
		}
		if raw.Check.port() != 0 {
			b.errorAt(path, "a Unix socket has no port for probes", "a health_check without port")
		}
	}
}

func (b *builder) checkLinkTLS(path string, raw *rawServerTLS) {
	if raw == nil || b.reported(path) {
		return
	}
	switch {
	case !raw.Verify && len(raw.CA) > 0:
		b.errorAt(join(path, "ca"), "does nothing with verify: false", "one of them")
	case !raw.Verify:
		b.warnAt(join(path, "verify"), "whoever answers at an address is taken for the server", "ca, with the authority that made the servers' certificates")
	}
	if raw.Key != "" && raw.Certificate == "" {
		b.errorAt(join(path, "key"), "a key without a certificate", "certificate as well")
	}
}

func (raw *rawTLS) paths() []certs.Path {
	var paths []certs.Path
	for _, p := range raw.Certificates {
		paths = append(paths, certs.Path(p))
	}
	return paths
}

// tlsVersion returns the number that a version has in the protocol; 0 for none.
func tlsVersion(word string) uint16 {
	return map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[word]
}

// checkTLS reports what does not fit together in the TLS of a bind.
func (b *builder) checkTLS(path string, raw *rawTLS) {
	if raw == nil {
		return
	}
	if raw.MinVersion == "1.3" && raw.MaxVersion == "1.2" {
		b.errorAt(join(path, "max_version"), "1.2 is below min_version", "1.3")
	}
	var weak []string
	for _, name := range raw.CipherSuites {
		if _, aead := certs.CipherSuite(name); !aead {
			weak = append(weak, name)
		}
	}
	switch {
	case len(raw.CipherSuites) > 0 && raw.MinVersion == "1.3":
		b.warnAt(join(path, "cipher_suites"), "does nothing with min_version 1.3", "it for TLS 1.2 alone")
	case len(weak) > 0:
		b.warnAt(join(path, "cipher_suites"), strings.Join(weak, ", ")+": without AEAD, and broken before now", "suites with GCM or CHACHA20")
	}
	if onlyHybrids(raw.Curves) && raw.MaxVersion == "1.2" {
		b.errorAt(join(path, "curves"), "no key exchange for TLS 1.2 is among them", "one without MLKEM as well")
	}
}

// onlyHybrids reports whether all of a list are key exchanges of TLS 1.3 alone.
func onlyHybrids(curves []string) bool {
	for _, name := range curves {
		if !strings.Contains(name, "MLKEM") {
			return false
		}
	}
	return len(curves) > 0
}
