package vrrp

import (
	"net/netip"
	"time"
)

// Version is the protocol version, the upper four bits of an advert's first byte.
type Version uint8

// V2 is RFC 3768, the default for IPv4 and what most deployed pairs speak.
const V2 Version = 2

// AuthType is the v2 authentication type as it stands in the packet (RFC 3768 section 5.3.6).
type AuthType uint8

const (
	// AuthNone is type 0: the eight authentication octets are zero on send and ignored on receive.
	AuthNone AuthType = 0
	// AuthPass is RFC 2338's type 1, a simple text password. RFC 3768 removed it; Keepalived's users rely on it.
	AuthPass AuthType = 1
)

// Auth says how the adverts of an instance are authenticated. The zero value is AuthNone.
type Auth struct {
	Type     AuthType
	Password string // AuthPass: 1 to 8 octets, zero padded on the wire
}

// Config describes one virtual router on one interface, as this node runs it.
type Config struct {
	Name           string // the instance's name in configuration, logs and status: unique on a node
	Interface      string // the interface adverts are sent and received on
	VRID           uint8  // virtual router identifier, 1 to 255
	Version        Version
	Priority       uint8         // configured priority, 1 to 255; 255 is the address owner, whom no tracker changes
	AdvertInterval time.Duration // v2: whole seconds, 1 s to 255 s
	NoPreempt      bool          // Preempt_Mode false (RFC 3768 section 6.1)
	Auth           Auth
	Addresses      []netip.Addr // advertised virtual addresses, in configured order; IPv4, 1 to 255
}
