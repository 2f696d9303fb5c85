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
	Label     string       // IPv4 address label ("eth0:vip"), at most 15 octets; empty: none
	Scope     Scope
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

// GARP says how gratuitous ARP announces an address. The zero value means the defaults of each field.
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
		switch {
		case !a.Prefix.IsValid():
			return fmt.Errorf("address on %s: no address given", a.Interface)
		case !a.Prefix.Addr().Is4():
			return fmt.Errorf("address %s on %s: IPv6 addresses are not in this version", a.Prefix, a.Interface)
		case a.Interface == "":
			return fmt.Errorf("address %s: no interface given", a.Prefix)
		}
	}
	return nil
}

func (c Config) equal(d Config) bool {
	return c.Instance == d.Instance && c.GARP == d.GARP && c.Lease == d.Lease && slices.Equal(c.Addresses, d.Addresses)
}
