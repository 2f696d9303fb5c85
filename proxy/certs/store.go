package certs

import (
	"crypto/rsa"
	"crypto/tls"
	"slices"
	"strings"
	"time"
)

// Store holds the certificates of one bind. It is immutable once loaded and safe for concurrent use: a renewed
// certificate comes with a new Store.
type Store struct {
	certs    []*tls.Certificate // in the order they were named; the first is the default
	infos    []Info             // of certs, index by index
	warnings []string

	// Certificates by host name in lower case, the preferred one first. wildcards has "example.com" for "*.example.com".
	exact     map[string][]*tls.Certificate
	wildcards map[string][]*tls.Certificate
}

// Info describes one certificate for status and metrics.
type Info struct {
	File      string   // where it was read
	Names     []string // the host names and addresses it is for, wildcards as "*.example.com"
	NotBefore time.Time
	NotAfter  time.Time
}

func newStore() *Store {
	return &Store{exact: map[string][]*tls.Certificate{}, wildcards: map[string][]*tls.Certificate{}}
}

// index files cert under each of its names. Among certificates of one name those with an RSA key come last: the others
// cost a fraction of the time to sign with. Apart from that the one named first is preferred.
func (s *Store) index(cert *tls.Certificate) {
	for _, name := range cert.Leaf.DNSNames {
		names, name := s.exact, strings.ToLower(name)
		if parent, ok := strings.CutPrefix(name, "*."); ok {
			names, name = s.wildcards, parent
		}
		if name == "" {
			continue // "*." would match a client that names nothing
		}
		names[name] = append(names[name], cert)
		slices.SortStableFunc(names[name], func(a, b *tls.Certificate) int { return rsaLast(a) - rsaLast(b) })
	}
}

func rsaLast(c *tls.Certificate) int {
	if _, ok := c.PrivateKey.(*rsa.PrivateKey); ok {
		return 1
	}
	return 0
}

// GetCertificate chooses for a handshake; it is for tls.Config. Those for exactly the name that the client asks for
// come first, then those for a wildcard of it (one label, RFC 6125 section 6.4.3), then the default and what shares the
// default's first name. Of these the first that the client supports is taken. A client that supports none gets the
// first, and the handshake says what is missing.
func (s *Store) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
	_, parent, _ := strings.Cut(name, ".")
	exact, wildcard := s.exact[name], s.wildcards[parent]
	switch {
	case len(exact)+len(wildcard) == 0:
		return choose(hello, s.defaults()), nil
	case len(wildcard) == 0:
		return choose(hello, exact), nil
	case len(exact) == 0:
		return choose(hello, wildcard), nil
	}
	return choose(hello, slices.Concat(exact, wildcard)), nil
}

// defaults returns the default certificate with those that share its first name.
func (s *Store) defaults() []*tls.Certificate {
	names := s.certs[0].Leaf.DNSNames
	if len(names) == 0 || strings.TrimPrefix(names[0], "*.") == "" {
		return s.certs[:1]
	}
	name := strings.ToLower(names[0])
	if parent, ok := strings.CutPrefix(name, "*."); ok {
		return s.wildcards[parent]
	}
	return s.exact[name]
}

// choose returns the first of certs that the client supports, else the first. certs is not empty.
func choose(hello *tls.ClientHelloInfo, certs []*tls.Certificate) *tls.Certificate {
	if len(certs) == 1 {
		return certs[0]
	}
	anyName := *hello
	anyName.ServerName = "" // names are matched already, and the default need not match
	for _, c := range certs {
		if anyName.SupportsCertificate(c) == nil {
			return c
		}
	}
	return certs[0]
}

// Certificates describes what the store holds, the default first.
func (s *Store) Certificates() []Info {
	infos := slices.Clone(s.infos)
	for i := range infos {
		infos[i].Names = slices.Clone(infos[i].Names)
	}
	return infos
}

// Warnings says what Load put right or found doubtful, each with its file.
func (s *Store) Warnings() []string { return slices.Clone(s.warnings) }
