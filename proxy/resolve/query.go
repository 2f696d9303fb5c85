package resolve

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Family says which addresses of a host are taken. Where it prefers one family the other is for hosts without it: a host that has both is
// one server, and not two.
type Family uint8

// The families.
const (
	PreferIPv4 Family = iota
	PreferIPv6
	IPv4
	IPv6
)

// Families are the words for them, in their order.
var Families = [...]string{"prefer_ipv4", "prefer_ipv6", "ipv4", "ipv6"}

// Query is something that is asked for.
type Query struct {
	// Name is a host's, or a service's where its first label begins with an underscore. Names with a dot at the end are complete.
	Name   string
	Family Family
}

// Service reports whether the query is for a service, whose records name hosts, ports and weights.
func (q Query) Service() bool { return strings.HasPrefix(q.Name, "_") }

// Endpoint is an address that a query was answered with.
type Endpoint struct {
	Address netip.AddrPort // without a port for a host

	// Of a service.
	Target   string // the host, without a dot at the end
	Priority uint16 // the lowest of all is for use, the others are for want of it
	Weight   uint16 // among those of its priority
}

// order sorts endpoints, so that all nodes that get the same answer make the same of it.
func order(a, b Endpoint) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.Address.Compare(b.Address))
}

// tidy sorts the endpoints of an answer, and keeps one for each address.
func tidy(all []Endpoint) []Endpoint {
	slices.SortFunc(all, order)
	seen := map[netip.AddrPort]bool{}
	all = slices.DeleteFunc(all, func(e Endpoint) bool {
		again := seen[e.Address]
		seen[e.Address] = true
		return again
	})
	return all[:min(len(all), maxEndpoints)]
}

// maxEndpoints bounds what is kept of an answer: as many as a backend may well have slots for.
const maxEndpoints = 1000

// Config says how names are asked for.
type Config struct {
	Nameservers []netip.AddrPort // in this order; nil: those of /etc/resolv.conf, with its search list
	Timeout     time.Duration    // how long a nameserver has to answer a question; above 0
	Attempts    int              // how often each is asked, 1 or more

	MinTTL, MaxTTL time.Duration // what an answer is good for, whatever it says itself; MinTTL is a second or more

	// How long what was known is kept against what is said now.
	HoldFailed time.Duration // nobody answers; 0: as long as it takes
	HoldAbsent time.Duration // the answer is that there is no such name, or no address
	HoldGone   time.Duration // an address is missing in an answer that has others
}

// Fault returns what is wrong with the configuration.
func (c *Config) Fault() error {
	switch {
	case c.Timeout <= 0 || c.Attempts < 1:
		return errors.New("resolvers: timeout and attempts, want more than 0")
	case c.MinTTL < time.Second || c.MaxTTL < c.MinTTL:
		return errors.New("resolvers: min_ttl, want a second or more, and no more than max_ttl")
	case c.HoldFailed < 0 || c.HoldAbsent < 0 || c.HoldGone < 0:
		return errors.New("resolvers: hold, want 0 or more")
	}
	return nil
}

// same reports whether two configurations are alike.
func (c *Config) same(o *Config) bool {
	return slices.Equal(c.Nameservers, o.Nameservers) && c.Timeout == o.Timeout && c.Attempts == o.Attempts &&
		c.MinTTL == o.MinTTL && c.MaxTTL == o.MaxTTL &&
		c.HoldFailed == o.HoldFailed && c.HoldAbsent == o.HoldAbsent && c.HoldGone == o.HoldGone
}
