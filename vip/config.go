package vip

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Address is one virtual address and where it goes.
type Address struct {
	Prefix    netip.Prefix // the address with its prefix length, host bits kept: 192.168.1.100/24
	Interface string       // the interface that gets it
	Label     string       // address label ("eth0:vip"), at most 15 octets; IPv4 only; empty: none
	Scope     Scope        // IPv4 only: that of an IPv6 address is written in its bits
	Broadcast netip.Addr   // IPv4 only; zero: none, whatever the prefix length, as Keepalived and ip-address(8) have it
	Peer      netip.Addr   // the other end of a point-to-point link, whose the prefix length then is; zero: none
}

// Scope is the kernel's address scope (rtnetlink(7)); the zero value is the universe, as for ip-address(8).
type Scope uint8

// The scopes that a virtual address may have, with the kernel's values.
const (
	ScopeUniverse Scope = 0   // "global"
	ScopeSite     Scope = 200 // "site"
	ScopeLink     Scope = 253 // "link"
	ScopeHost     Scope = 254 // "host"
)

// GARP says how an address is announced: by gratuitous ARP, or by neighbour advertisements when it is IPv6. The zero value means the defaults of each field.
type GARP struct {
	Repeat   int           // announcements per address at takeover, and again after Delay; 1 to 100, 0: 5
	Delay    time.Duration // from takeover to the second burst; 0: 5 s
	Refresh  time.Duration // period of single announcements while held; 0: 30 s, negative: never
	Interval time.Duration // least time between two announcements on one interface; 0: no pacing
}

// What the zero value of each field of GARP stands for, as Keepalived has it but for the refresh, which it leaves out.
const (
	defaultRepeat  = 5
	defaultDelay   = 5 * time.Second
	defaultRefresh = 30 * time.Second // below the five minutes in which switches forget where an address lives
)

func (g GARP) withDefaults() GARP {
	if g.Repeat == 0 {
		g.Repeat = defaultRepeat
	}
	if g.Delay == 0 {
		g.Delay = defaultDelay
	}
	if g.Refresh == 0 {
		g.Refresh = defaultRefresh
	}
	return g
}

// Config describes the virtual addresses of one instance.
type Config struct {
	Instance  string // the instance's name, for logs and status
	Addresses []Address
	GARP      GARP
	Lease     time.Duration // valid_lft of the addresses: whole seconds, at least 2 s; 0: no lease
}

// minLease is the shortest lease: the kernel counts whole seconds, and a renewal that came late by one must not end it.
const minLease = 2 * time.Second

// check says what a Set cannot hold. internal/config says it better and earlier.
func (c Config) check() error {
	if c.Lease != 0 && (c.Lease < minLease || c.Lease%time.Second != 0) {
		return fmt.Errorf("lease %v: want 0, or whole seconds, at least %v", c.Lease, minLease)
	}
	for _, a := range c.Addresses {
		if err := a.check(); err != nil {
			return err
		}
	}
	return nil
}

func (a Address) check() error {
	addr := a.Prefix.Addr()
	why := ""
	switch {
	case !a.Prefix.IsValid():
		return fmt.Errorf("address on %s: no address given", a.Interface)
	case a.Interface == "":
		return fmt.Errorf("address %s: no interface given", a.Prefix)
	case addr.Is4In6() || a.Peer.Is4In6() || a.Broadcast.Is4In6():
		why = "IPv4 in IPv6 is no address of an interface"
	case addr.Is6() && a.Label != "":
		why = "IPv6 addresses have no labels"
	case addr.Is6() && a.Scope != ScopeUniverse:
		why = "the scope of an IPv6 address is given by its bits"
	case a.Broadcast.IsValid() && !(addr.Is4() && a.Broadcast.Is4()):
		why = "only IPv4 has broadcast addresses"
	case a.Peer.IsValid() && a.Peer.Is4() != addr.Is4():
		why = "its peer is of the other family"
	default:
		return nil
	}
	return fmt.Errorf("address %s on %s: %s", a.Prefix, a.Interface, why)
}

func (c Config) equal(d Config) bool {
	return c.Instance == d.Instance && c.GARP == d.GARP && c.Lease == d.Lease && slices.Equal(c.Addresses, d.Addresses)
}
