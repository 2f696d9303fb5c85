package rule

import (
	"errors"
	"fmt"
	"strings"
)

// Request is what matching looks at. The engine fills it for each request.
type Request struct {
	Host   string // as the request names it: a port, upper case and a final dot make no difference; empty: none named
	Path   string // from CanonicalPath
	TLS    bool   // the client's connection is TLS
	Method string
}

// Table holds the rules of one frontend in the form that Find reads. It is immutable and safe for concurrent use.
type Table struct {
	rules []Rule // a deep copy, host names in lower case, defaults filled in
}

// Compile checks rules and makes a Table of them. All faults are reported, each with the number of its rule, from 1.
func Compile(rules []Rule) (*Table, error) {
	t := &Table{rules: make([]Rule, len(rules))}
	var faults []error
	for i, r := range rules {
		for _, fault := range faultsOf(r) {
			faults = append(faults, fmt.Errorf("rule %d: %w", i+1, fault))
		}
		t.rules[i] = compiled(r)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return t, nil
}

// Find returns the first rule that matches r; ok is false where none does. The rule is shared: it must not be changed.
// A redirect that was configured without a code has 302.
func (t *Table) Find(r *Request) (found *Rule, ok bool) {
	host := hostname(r.Host)
	for i := range t.rules {
		if t.rules[i].Match.matches(r, host) {
			return &t.rules[i], true
		}
	}
	return nil, false
}

// matches reports whether every condition of m holds. host is r.Host without port and final dot.
func (m *Match) matches(r *Request, host string) bool {
	return (m.Host == "" || equalsLower(host, m.Host)) &&
		(m.Path == "" || r.Path == m.Path) &&
		strings.HasPrefix(r.Path, m.PathPrefix) &&
		(m.TLS == nil || r.TLS == *m.TLS) &&
		(m.Not == nil || !m.Not.matches(r, host))
}

// compiled returns a copy of r that shares nothing with it.
func compiled(r Rule) Rule {
	r.Match = *compiledMatch(&r.Match)
	if r.Redirect != nil {
		c := *r.Redirect
		if c.Code == 0 {
			c.Code = defaultRedirectCode
		}
		r.Redirect = &c
	}
	if r.Respond != nil {
		c := *r.Respond
		r.Respond = &c
	}
	return r
}

func compiledMatch(m *Match) *Match {
	if m == nil {
		return nil
	}
	c := *m
	c.Host = strings.ToLower(c.Host)
	if m.TLS != nil {
		tls := *m.TLS
		c.TLS = &tls
	}
	c.Not = compiledMatch(m.Not)
	return &c
}

// hostname returns a host as requests name it without its port and without the dot that ends a full domain name.
func hostname(host string) string {
	return strings.TrimSuffix(withoutPort(host), ".")
}

// withoutPort cuts the port off; an IPv6 address keeps its brackets.
func withoutPort(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}

// equalsLower reports whether s in lower case is lower. Host names are ASCII (RFC 3986 section 3.2.2), so it folds no
// more than that; strings.EqualFold would take U+212A for a k.
func equalsLower(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
