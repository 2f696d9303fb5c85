package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
)

// maxPeers bounds the peers of an instance: each one costs a packet at every interval.
const maxPeers = 64

// Peer is a router that adverts are sent to by itself, where the network between them passes no multicast.
type Peer struct {
	Addr netip.Addr
	// MinTTL and MaxTTL bound the TTL, or hop limit, of its adverts: the routers between take one each. MaxTTL 0: 255. Both 0:
	// any TTL, as Keepalived has it.
	MinTTL, MaxTTL uint8
}

func (p Peer) maxTTL() uint8 {
	if p.MaxTTL == 0 {
		return advertTTL
	}
	return p.MaxTTL
}

// unicast reports whether adverts go to peers and not to the group.
func (c *Config) unicast() bool { return len(c.UnicastPeers) > 0 }

// destinations is where adverts go.
func (c *Config) destinations() []netip.Addr {
	if !c.unicast() {
		return []netip.Addr{c.Family().group()}
	}
	all := make([]netip.Addr, len(c.UnicastPeers))
	for i, p := range c.UnicastPeers {
		all[i] = p.Addr
	}
	return all
}

// sendTTL is the TTL of adverts sent. To the group no other than 255 counts.
func (c *Config) sendTTL() uint8 {
	if c.unicast() && c.UnicastTTL != 0 {
		return c.UnicastTTL
	}
	return advertTTL
}

// peer is the peer of an address.
func (c *Config) peer(a netip.Addr) (Peer, bool) {
	i := slices.IndexFunc(c.UnicastPeers, func(p Peer) bool { return p.Addr == a })
	if i < 0 {
		return Peer{}, false
	}
	return c.UnicastPeers[i], true
}

// near reports whether an advert came from as near as it has to: "MUST verify that the IP TTL is 255" (RFC 3768 section 7.1)
// is what keeps multicast to one LAN. A peer has a range of its own. Who is none is not asked here.
func (c *Config) near(from netip.Addr, ttl uint8) bool {
	if !c.unicast() {
		return ttl == advertTTL
	}
	p, known := c.peer(from)
	return !known || p.MinTTL <= ttl && ttl <= p.maxTTL()
}

// addressed judges the way of an advert. What is sent to this node alone, or to a group that others joined, is not the
// LAN's election; and the LAN's is not that of peers.
func (c *Config) addressed(from, to netip.Addr) DropReason {
	if !c.unicast() {
		if to != c.Family().group() {
			return DropDestination
		}
		return accepted
	}
	if to.IsMulticast() {
		return DropDestination
	}
	if _, known := c.peer(from); !known && !c.AnySource {
		return DropNotPeer
	}
	return accepted
}

func (c *Config) validatePeers() error {
	if n := len(c.UnicastPeers); n > maxPeers {
		return fmt.Errorf("instance %s: %d unicast peers, want at most %d", c.Name, n, maxPeers)
	}
	f := c.Family()
	for i, p := range c.UnicastPeers {
		switch {
		case !f.of(p.Addr) || p.Addr.IsMulticast() || p.Addr.IsUnspecified() || p.Addr.Zone() != "":
			return fmt.Errorf("instance %s: unicast peer %v, want an %v address of one host", c.Name, p.Addr, f)
		case slices.Contains(c.Addresses, p.Addr):
			return fmt.Errorf("instance %s: unicast peer %v is a virtual address", c.Name, p.Addr)
		case p.MinTTL > p.maxTTL():
			return fmt.Errorf("instance %s: unicast peer %v: TTL %d to %d, want the smaller one first", c.Name, p.Addr, p.MinTTL, p.MaxTTL)
		}
		if first := slices.IndexFunc(c.UnicastPeers, func(q Peer) bool { return q.Addr == p.Addr }); first != i {
			return fmt.Errorf("instance %s: unicast peer %v stands there twice", c.Name, p.Addr)
		}
	}
	return nil
}
