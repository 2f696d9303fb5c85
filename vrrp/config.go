package vrrp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

// Version is the protocol version, the upper four bits of an advert's first byte.
type Version uint8

const (
	// V2 is RFC 3768, the default for IPv4 and what most deployed pairs speak.
	V2 Version = 2
	// V3 is RFC 9568, for IPv4 and IPv6, with intervals below a second.
	V3 Version = 3
)

// maxAddresses6 is how many IPv6 addresses fit with the headers into an Ethernet frame: "the number of addresses ... fits
// one packet" without fragments (RFC 9568 section 5.2.5), whose loss would be the master's silence.
const (
	maxAddresses6       = (ethernetPayload - ipv6Len - headerLen) / 16
	maxAddresses6Sealed = (ethernetPayload - ipv6Len - headerLen - seal.Len) / 16
	ethernetPayload     = 1500
)

// maxDelay is the longest delay that Keepalived takes: a router that waits longer is one that was forgotten.
const maxDelay = 1000 * time.Second

// learnedIntervals bounds the interval that a v3 master may teach, in own ones, where Config.MaxLearnedInterval does not: a
// backup that believed in 40 s would wait two minutes for a dead master.
const learnedIntervals = 10

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
	AdvertInterval time.Duration // v2: whole seconds, 1 s to 255 s; v3: centiseconds, 10 ms to 40.95 s
	NoPreempt      bool          // Preempt_Mode false (RFC 3768 section 6.1)
	Auth           Auth
	// HMAC signs adverts, of either version. In version 2 it goes with AuthNone alone.
	HMAC HMAC
	// Addresses are the advertised virtual addresses, in configured order, all of one family; v2: IPv4. 1 to 255 of IPv4, 1 to
	// 90 of IPv6 (89 with HMAC), the first of which should be a link-local one (RFC 9568 section 5.2.9).
	Addresses []netip.Addr

	// MaxLearnedInterval bounds the advert interval that a v3 backup takes over from the master: adverts with a longer one
	// are dropped. 0: ten times AdvertInterval. At least AdvertInterval.
	MaxLearnedInterval time.Duration
	// PreemptDelay is for how long a backup leaves a master of lower priority alone after it first heard it: the host that
	// comes back may need a while for all else. It concerns failback alone: who is silent, resigns or whose priority fell is
	// replaced without it. 0 to 1000 s; it does nothing for an owner, or with NoPreempt.
	PreemptDelay time.Duration
	// StartupDelay is for how long after Startup the router only listens. 0 to 1000 s.
	StartupDelay time.Duration
	// WarmUp is for how long after Startup or a fault the router only listens while it has heard no other one: a switch
	// may not pass traffic yet on a port that is up. One advert proves the link and ends it. 0 to 1000 s.
	WarmUp time.Duration
	// FlapDamping leaves a live master alone after this node lost or gave up mastership too often. Zero: none.
	FlapDamping FlapDamping
	// UnicastPeers are where adverts go instead of the group, and who may send some. None: multicast.
	UnicastPeers []Peer
	// UnicastTTL is the TTL, or hop limit, of adverts to peers. 0: 255. To the group it is always 255.
	UnicastTTL uint8
	// AnySource accepts unicast adverts of whoever sends them, as Keepalived does by default. It lets anybody who can reach
	// this node take part.
	AnySource bool
	// ChecksumNoPseudoHeader has v3 adverts on IPv4 sent with the checksum of RFC 9568 section 5.2.8, which Cisco and
	// Juniper always had. False: with RFC 5798's pseudo header, as Keepalived and FRRouting send it. Both are accepted.
	ChecksumNoPseudoHeader bool
}

// maxLearned is the longest interval that an advert may have.
func (c *Config) maxLearned() time.Duration {
	if c.MaxLearnedInterval != 0 {
		return c.MaxLearnedInterval
	}
	return learnedIntervals * c.AdvertInterval
}

// Validate says what of c no virtual router can be run with.
func (c *Config) Validate() error {
	switch {
	case c.VRID == 0:
		return fmt.Errorf("instance %s: VRID 0, want 1 to 255", c.Name)
	case c.Version != V2 && c.Version != V3:
		return fmt.Errorf("instance %s: version %d, want 2 or 3", c.Name, c.Version)
	case c.Priority == 0:
		return fmt.Errorf("instance %s: priority 0, want 1 to 255", c.Name)
	}
	if err := c.validateAddresses(); err != nil {
		return err
	}
	if err := c.validateInterval(); err != nil {
		return err
	}
	if err := c.validatePeers(); err != nil {
		return err
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"preempt delay", c.PreemptDelay}, {"startup delay", c.StartupDelay}, {"warm-up", c.WarmUp}} {
		if d.value < 0 || d.value > maxDelay {
			return fmt.Errorf("instance %s: %s of %v, want 0s to %v", c.Name, d.name, d.value, maxDelay)
		}
	}
	if err := c.FlapDamping.validate(c.Name); err != nil {
		return err
	}
	if c.Version == V3 && c.Auth != (Auth{}) {
		// "VRRPv3 does not include any authentication" (RFC 9568 section 9): there is no room for a password.
		return fmt.Errorf("instance %s: a password with version 3, want version 2", c.Name)
	}
	if err := c.HMAC.validate(c); err != nil {
		return err
	}
	return c.Auth.validate(c.Name)
}

func (c *Config) validateAddresses() error {
	f, most := c.Family(), maxAddresses
	switch {
	case f == IPv6 && c.HMAC.signs():
		most = maxAddresses6Sealed
	case f == IPv6:
		most = maxAddresses6
	}
	if n := len(c.Addresses); n == 0 || n > most {
		return fmt.Errorf("instance %s: %d addresses, want 1 to %d", c.Name, n, most)
	}
	for _, a := range c.Addresses {
		switch {
		case c.Version == V2 && !a.Is4():
			return fmt.Errorf("instance %s: address %v with version 2, want IPv4", c.Name, a)
		case !f.of(a):
			return fmt.Errorf("instance %s: address %v, want %v like the first one", c.Name, a, f)
		case a.Zone() != "":
			return fmt.Errorf("instance %s: address %v, want it without a zone", c.Name, a)
		}
	}
	return nil
}

func (c *Config) validateInterval() error {
	switch d := c.AdvertInterval; {
	case c.Version == V2 && (d < time.Second || d > maxIntervalV2 || d%time.Second != 0):
		return fmt.Errorf("instance %s: advert interval %v, want 1 to 255 whole seconds", c.Name, d)
	case c.Version == V3 && (d < centisecond || d > maxIntervalV3 || d%centisecond != 0):
		return fmt.Errorf("instance %s: advert interval %v, want 10ms to 40.95s in steps of 10ms", c.Name, d)
	case c.MaxLearnedInterval != 0 && c.MaxLearnedInterval < d:
		return fmt.Errorf("instance %s: learned interval of at most %v, want at least the own one, %v", c.Name, c.MaxLearnedInterval, d)
	}
	return nil
}

func (a Auth) validate(instance string) error {
	switch n := len(a.Password); {
	case a.Type == AuthNone && n == 0, a.Type == AuthPass && n >= 1 && n <= authLen:
		return nil
	case a.Type == AuthNone:
		return fmt.Errorf("instance %s: a password without authentication type PASS", instance)
	case a.Type == AuthPass:
		return fmt.Errorf("instance %s: a password of %d octets, want 1 to %d", instance, n, authLen)
	default:
		return fmt.Errorf("instance %s: authentication type %d, want 0 or 1", instance, a.Type)
	}
}
