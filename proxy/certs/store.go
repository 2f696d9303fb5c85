package certs

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Store holds the certificates of a list of paths. It is immutable and safe for concurrent use: a renewed certificate
// comes with a new Store.
type Store struct {
	infos    []Info // of the certificates in the order they were named; the first is the default
	warnings []string

	// Certificates by host name in lower case, the preferred one first. wildcards has "example.com" for "*.example.com".
	// Those of exact end with those of a wildcard that fits as well, so that no handshake has to put them together.
	exact     map[string][]*tls.Certificate
	wildcards map[string][]*tls.Certificate
	defaults  []*tls.Certificate // the default, with those that share its first name
}

// Info describes one certificate for status and metrics.
type Info struct {
	File      string   // where it was read
	Names     []string // the host names and addresses it is for, wildcards as "*.example.com"
	Key       string   // "ECDSA P-256", "RSA 2048"
	NotBefore time.Time
	NotAfter  time.Time
	Stapled   time.Time // until when an OCSP response goes along; zero: none does
}

// newStore returns a store of what is good of files, or nil where nothing is.
func newStore(files []*file, now time.Time) *Store {
	s := &Store{exact: map[string][]*tls.Certificate{}, wildcards: map[string][]*tls.Certificate{}}
	have := map[string]bool{}
	var first *tls.Certificate
	for _, f := range files {
		if f.cert == nil || have[string(f.cert.Leaf.Raw)] {
			continue
		}
		have[string(f.cert.Leaf.Raw)] = true
		if first == nil {
			first = f.cert
		}
		s.add(f, now)
	}
	if first == nil {
		return nil
	}
	s.prefer()
	s.defaults = s.like(first)
	return s
}

// add files a certificate under each of its names.
func (s *Store) add(f *file, now time.Time) {
	leaf := f.cert.Leaf
	s.infos = append(s.infos, Info{
		File: f.path.Certificate, Names: namesOf(leaf), Key: keyName(f.cert),
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Stapled: f.staple.until,
	})
	for _, w := range f.pair.warnings {
		s.warnings = append(s.warnings, f.path.Certificate+": "+w)
	}
	for _, w := range []string{dueText(leaf, now), f.staple.fault} {
		if w != "" {
			s.warnings = append(s.warnings, f.path.Certificate+": "+w)
		}
	}
	for _, name := range leaf.DNSNames {
		names, name := s.exact, strings.ToLower(name)
		if parent, ok := strings.CutPrefix(name, "*."); ok {
			names, name = s.wildcards, parent
		}
		if name != "" { // "*." would match a client that names nothing
			names[name] = append(names[name], f.cert)
		}
	}
}

// prefer puts the certificates of each name in order. Those with an RSA key come last: the others cost a fraction of the
// time to sign with. Apart from that the one named first is preferred, and one for exactly a name before a wildcard.
func (s *Store) prefer() {
	for _, names := range []map[string][]*tls.Certificate{s.exact, s.wildcards} {
		for _, certs := range names {
			slices.SortStableFunc(certs, func(a, b *tls.Certificate) int { return rsaLast(a) - rsaLast(b) })
		}
	}
	for name, certs := range s.exact {
		if _, parent, _ := strings.Cut(name, "."); len(s.wildcards[parent]) > 0 {
			s.exact[name] = slices.Concat(certs, s.wildcards[parent])
		}
	}
}

func rsaLast(c *tls.Certificate) int {
	if _, ok := c.PrivateKey.(*rsa.PrivateKey); ok {
		return 1
	}
	return 0
}

// like returns a certificate with those that share its first name.
func (s *Store) like(c *tls.Certificate) []*tls.Certificate {
	if names := c.Leaf.DNSNames; len(names) > 0 {
		name := strings.ToLower(names[0])
		if parent, ok := strings.CutPrefix(name, "*."); ok && parent != "" {
			return s.wildcards[parent]
		} else if !ok {
			return s.exact[name]
		}
	}
	return []*tls.Certificate{c}
}

// keyName words the kind of a certificate's key.
func keyName(c *tls.Certificate) string {
	switch key := c.PrivateKey.(type) {
	case *rsa.PrivateKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PrivateKey:
		return "ECDSA " + key.Params().Name
	}
	return c.Leaf.PublicKeyAlgorithm.String()
}

// named returns the certificates for the name that a client asks for: those for exactly it, then those for a wildcard of
// it (one label, RFC 6125 section 6.4.3). It is empty for a name that nobody has a certificate for.
func (s *Store) named(hello *tls.ClientHelloInfo) []*tls.Certificate {
	name := strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
	if exact := s.exact[name]; len(exact) > 0 {
		return exact
	}
	_, parent, _ := strings.Cut(name, ".")
	return s.wildcards[parent]
}

// get chooses for a handshake: of the certificates for the client's name, or for no name it has one for the default and
// what shares the default's first name, the first that the client supports. A client that supports none gets the
// first, and the handshake says what is missing.
func (s *Store) get(hello *tls.ClientHelloInfo) *tls.Certificate {
	if certs := s.named(hello); len(certs) > 0 {
		return choose(hello, certs)
	}
	return choose(hello, s.defaults)
}

// getStrict is get without a default: nil for a name that nobody has a certificate for, and for a client that names none.
func (s *Store) getStrict(hello *tls.ClientHelloInfo) *tls.Certificate {
	if certs := s.named(hello); len(certs) > 0 {
		return choose(hello, certs)
	}
	return nil
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

// Warnings says what was put right or is doubtful, each with its file.
func (s *Store) Warnings() []string { return slices.Clone(s.warnings) }
