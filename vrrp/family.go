package vrrp

import (
	"fmt"
	"net/netip"
)

// Family is the version of IP that adverts travel in. The virtual addresses are of the same one (RFC 9568 section 5.2.9), so
// a pair with addresses of both runs two virtual routers. They may have the same VRID.
type Family uint8

// The families. IPv4 is the zero value.
const (
	IPv4 Family = iota
	IPv6
)

// String is the family as users write it.
func (f Family) String() string {
	if f == IPv6 {
		return "IPv6"
	}
	return "IPv4"
}

// of reports whether an address is of the family.
func (f Family) of(a netip.Addr) bool {
	if f == IPv6 {
		return a.Is6() && !a.Is4In6()
	}
	return a.Is4()
}

// group is where adverts of the family go.
func (f Family) group() netip.Addr {
	if f == IPv6 {
		return groupIPv6()
	}
	return groupIPv4()
}

// groupIPv4 is 224.0.0.18 (RFC 3768 section 5.2.2).
func groupIPv4() netip.Addr { return netip.AddrFrom4([4]byte{224, 0, 0, 18}) }

// groupIPv6 is ff02::12 (RFC 9568 section 5.1.2.2).
func groupIPv6() netip.Addr { return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x12}) }

// Family is the one of the first virtual address; all of a valid configuration are of it.
func (c *Config) Family() Family {
	if len(c.Addresses) > 0 && !c.Addresses[0].Is4() {
		return IPv6
	}
	return IPv4
}

// linkLocal reports whether adverts are sent from a link-local address: "the sending interface's IPv6 link-local address"
// (RFC 9568 section 5.1.2.1). Peers beyond a router could not answer one.
func (c *Config) linkLocal() bool { return c.Family() == IPv6 && !c.unicast() }

// source returns the address to send from that a, of the interface, gives, or the zero Addr.
func (c *Config) source(a netip.Addr) netip.Addr {
	if !c.Family().of(a) || c.linkLocal() && !a.IsLinkLocalUnicast() {
		return netip.Addr{}
	}
	return a.WithZone("") // no part of the address where two of them are compared
}

// sourcelessReason says why an instance without a source does not take part.
func (c *Config) sourcelessReason() string {
	if c.linkLocal() {
		return fmt.Sprintf("interface %s has no link-local address to send from", c.Interface)
	}
	return fmt.Sprintf("interface %s has no address to send from", c.Interface)
}

// wantSource says what source wants.
func (c *Config) wantSource() string {
	if c.linkLocal() {
		return "a link-local IPv6 address"
	}
	return fmt.Sprintf("an %v address", c.Family())
}
