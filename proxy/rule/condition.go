package rule

import (
	"regexp"
	"slices"
	"strings"
)

// condition is a Match in the form that is evaluated.
type condition struct {
	host, sni name
	path      string
	prefix    string
	regexp    *regexp.Regexp
	methods   []string
	tests     []test
	source    *Networks // nil: any
	tls       *bool
	all, any  []condition
	not       *condition
}

// name is a host name, or where suffix says so every name that ends with it: ".example.com".
type name struct {
	text   string // in lower case; empty: any
	suffix bool
}

func nameOf(host string) name {
	if suffix, ok := strings.CutPrefix(host, "*"); ok {
		return name{strings.ToLower(suffix), true}
	}
	return name{strings.ToLower(host), false}
}

// conditionOf compiles a match that has no faults.
func conditionOf(m *Match) condition {
	c := condition{
		host: nameOf(m.Host), sni: nameOf(m.SNI), path: m.Path, prefix: m.PathPrefix,
		methods: slices.Clone(m.Method), source: NewNetworks(m.Source),
	}
	if m.PathRegexp != "" {
		c.regexp = regexp.MustCompile(m.PathRegexp)
	}
	for place, tests := range [...][]Test{inFields: m.Header, inQuery: m.Query, inCookies: m.Cookie} {
		for _, t := range tests {
			c.tests = append(c.tests, testOf(place, t))
		}
	}
	if m.TLS != nil {
		tls := *m.TLS
		c.tls = &tls
	}
	for i := range m.All {
		c.all = append(c.all, conditionOf(&m.All[i]))
	}
	for i := range m.Any {
		c.any = append(c.any, conditionOf(&m.Any[i]))
	}
	if m.Not != nil {
		not := conditionOf(m.Not)
		c.not = &not
	}
	return c
}

// holds reports whether every part of c does, the cheap ones first.
func (c *condition) holds(r *asked) bool {
	return (c.host.text == "" || c.host.is(r.host)) &&
		(c.path == "" || r.Path == c.path) &&
		strings.HasPrefix(r.Path, c.prefix) &&
		(c.tls == nil || r.TLS == *c.tls) &&
		(c.methods == nil || slices.Contains(c.methods, r.Method)) &&
		c.holdsBeyond(r)
}

// holdsBeyond is the rest of holds, which most rules have nothing of.
func (c *condition) holdsBeyond(r *asked) bool {
	if c.sni.text != "" && !c.sni.isFolded(r.SNI) || c.source != nil && !c.source.Has(r.Client) {
		return false
	}
	for i := range c.tests {
		if !c.tests[i].holds(r.Request) {
			return false
		}
	}
	if c.regexp != nil && !c.regexp.MatchString(r.Path) {
		return false
	}
	for i := range c.all {
		if !c.all[i].holds(r) {
			return false
		}
	}
	if c.not != nil && c.not.holds(r) {
		return false
	}
	for i := range c.any {
		if c.any[i].holds(r) {
			return true
		}
	}
	return len(c.any) == 0
}

// asksSNI reports whether some part of c is about the name of a handshake.
func (c condition) asksSNI() bool {
	return c.sni.text != "" || slices.ContainsFunc(c.all, (condition).asksSNI) || slices.ContainsFunc(c.any, (condition).asksSNI) ||
		c.not != nil && c.not.asksSNI()
}

// is reports whether a name in lower case is n.
func (n *name) is(host []byte) bool {
	if !n.suffix {
		return string(host) == n.text
	}
	return len(host) > len(n.text) && string(host[len(host)-len(n.text):]) == n.text
}

// isFolded is like is for a name in any case.
func (n *name) isFolded(host string) bool {
	host = strings.TrimSuffix(host, ".")
	if n.suffix {
		if len(host) <= len(n.text) {
			return false
		}
		host = host[len(host)-len(n.text):]
	}
	return equalsLower(host, n.text)
}

// equalsLower reports whether s in lower case is lower. It folds ASCII alone; strings.EqualFold would take U+212A for a k.
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
