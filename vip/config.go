package vip

import (
	"net/netip"
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

// Config describes the virtual addresses of one instance.
type Config struct {
	Instance  string // the instance's name, for logs and status
	Addresses []Address
	GARP      GARP
	Lease     time.Duration // valid_lft of the addresses: whole seconds, at least 2 s; 0: no lease
}
