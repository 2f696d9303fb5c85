package persist

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// Mode says whose cookie it is.
type Mode uint8

// The modes.
const (
	Insert  Mode = iota // the balancer's own
	Rewrite             // the servers', and its value becomes the name of the server
	Prefix              // the servers', and its value gets the name of the server in front
)

// Config says what the cookie is like. Keys below Mode are those of Insert alone, but for Secret.
type Config struct {
	Backend string // that it is of
	Name    string
	Mode    Mode

	Indirect bool // servers do not get to see it
	NoCache  bool // no cache that several clients share keeps a response that sets it
	Preserve bool // a server may set it itself
	Domain   string
	Path     string // empty: /
	HTTPOnly bool
	Secure   bool
	SameSite string        // Strict, Lax or None; empty: the attribute is left out
	MaxIdle  time.Duration // it is good for so long without a request, in whole seconds; 0: for ever
	MaxLife  time.Duration // it is good for so long in all, in whole seconds; 0: for ever

	Secret []byte // that names are sealed with; nil: they are plain
}

// Fault says what is wrong with the Config; nil: nothing.
func (c *Config) Fault() error {
	own := c.Indirect || c.NoCache || c.Preserve || c.Domain != "" || c.Path != "" || c.HTTPOnly || c.Secure || c.SameSite != "" || c.MaxIdle != 0 || c.MaxLife != 0
	switch {
	case !http1.IsToken(c.Name):
		return fmt.Errorf("%q is no name of a cookie", c.Name)
	case c.Mode != Insert && own:
		return fmt.Errorf("cookie %s is the servers', who say themselves what it is like", c.Name)
	case c.MaxIdle < 0 || c.MaxLife < 0 || c.MaxIdle%time.Second != 0 || c.MaxLife%time.Second != 0:
		return fmt.Errorf("cookie %s is good for %v and %v, want whole seconds", c.Name, c.MaxIdle, c.MaxLife)
	case !isAttribute(c.Domain) || !isAttribute(c.Path):
		return fmt.Errorf("cookie %s: domain %q and path %q, want text without blanks and semicolons", c.Name, c.Domain, c.Path)
	case c.Path != "" && c.Path[0] != '/':
		return fmt.Errorf("cookie %s: path %q, want one that begins with /", c.Name, c.Path)
	case c.SameSite != "" && c.SameSite != "Strict" && c.SameSite != "Lax" && c.SameSite != "None":
		return fmt.Errorf("cookie %s: SameSite %s, want Strict, Lax or None", c.Name, c.SameSite)
	case c.SameSite == "None" && !c.Secure:
		return fmt.Errorf("cookie %s: browsers take SameSite=None only with Secure", c.Name)
	}
	return c.prefixFault()
}

// prefixFault is what browsers would not take of a name (RFC 6265bis section 4.1.3).
func (c *Config) prefixFault() error {
	host, secure := hasPrefixFold(c.Name, "__Host-"), hasPrefixFold(c.Name, "__Secure-")
	switch {
	case c.Mode != Insert || !host && !secure:
		return nil
	case !c.Secure:
		return fmt.Errorf("cookie %s: browsers take that name only with Secure", c.Name)
	case host && (c.Domain != "" || c.Path != "" && c.Path != "/"):
		return fmt.Errorf("cookie %s: browsers take that name only with the path / and no domain", c.Name)
	}
	return nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// ValueFault says what keeps a text from being the name of a server in a cookie; nil: nothing. It is made of what cookies may be made of
// (RFC 6265 section 4.1.1, cookie-octet), without the marks that dates and the servers' own values stand behind.
func ValueFault(value string) error {
	switch {
	case value == "":
		return errors.New("the name of a server in a cookie is empty")
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`",;\|~`, r) }):
		return fmt.Errorf("%q as the name of a server in a cookie, want printable ASCII without blanks and \" , ; \\ | ~", value)
	}
	return nil
}

func isAttribute(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ';' })
}
