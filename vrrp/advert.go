package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// PriorityResign is advertised once by a master that gives up (RFC 3768 section 5.3.4).
	PriorityResign = 0
	// PriorityOwner is the priority of the router that owns the addresses. No tracker changes it.
	PriorityOwner = 255

	// maxTracked and minTracked bound a priority that trackers moved: 0 and 255 have meanings of their own.
	minTracked, maxTracked = 1, 254
)

// Advert is what one VRRP packet says, whatever the version.
type Advert struct {
	Version   Version
	VRID      uint8         // 1 to 255
	Priority  uint8         // 0 resigns, 255 is the owner
	Interval  time.Duration // of the sender's adverts; v2: whole seconds, 0 to 255 s; v3: centiseconds, 10 ms to 40.95 s
	AuthType  AuthType      // v2; as it stands in the packet, also a value that nobody defined
	AuthData  [authLen]byte // v2; zero for AuthNone
	Addresses []netip.Addr  // in the order of the packet, at most 255, of the packet's family

	// Sealed: an HMAC trailer follows the message, seal.Len octets that count for nothing here.
	Sealed bool
	// BareChecksum: v3 on IPv4: the checksum leaves the pseudo header out, as RFC 9568 section 5.2.8 has it.
	BareChecksum bool
}

// clone is a that shares no memory with it.
func (a *Advert) clone() Advert {
	c := *a
	c.Addresses = slices.Clone(a.Addresses)
	return c
}

// advert is what a router of this configuration advertises at a priority.
func (c *Config) advert(priority uint8) Advert {
	return Advert{
		Version:      c.Version,
		VRID:         c.VRID,
		Priority:     priority,
		Interval:     c.AdvertInterval,
		AuthType:     c.Auth.Type,
		AuthData:     c.Auth.data(),
		Addresses:    c.Addresses,
		Sealed:       c.HMAC.signs(),
		BareChecksum: c.ChecksumNoPseudoHeader,
	}
}
