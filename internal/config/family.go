package config

import (
	"cmp"
	"fmt"
	"net/netip"

	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

// How many IPv6 addresses fit one advert (RFC 9568 section 5.2.5), and one that may have the trailer of HMAC.
const (
	maxAddresses6     = 90
	maxAddresses6HMAC = 89
)

// familyOf returns the family of an address.
func familyOf(a netip.Addr) vrrp.Family {
	if a.Is4() {
		return vrrp.IPv4
	}
	return vrrp.IPv6
}

// family returns the family of an instance, which is that of its first virtual address.
func (b *builder) family(i int) vrrp.Family {
	for _, a := range b.raw.VRRP.Instances[i].Addresses {
		if p, err := parseVirtualAddress(a.Address); err == nil {
			return familyOf(p.Addr())
		}
	}
	return vrrp.IPv4
}

// settleVersions gives instances whose version is not said that of their family, as Keepalived does: version 2 has no IPv6.
func (b *builder) settleVersions() {
	for i := range b.raw.VRRP.Instances {
		usual := vrrp.V2
		if b.family(i) == vrrp.IPv6 {
			usual = vrrp.V3
		}
		raw := &b.raw.VRRP.Instances[i]
		if !b.reported(instancePath(i, "version")) {
			raw.Version = cmp.Or(raw.Version, uint8(usual))
		}
	}
}

// checkFamily reports that one virtual router cannot be of both families, and what IPv6 does not have.
func (b *builder) checkFamily(i int) {
	raw, path := b.raw.VRRP.Instances[i], instancePath(i, "virtual_addresses")
	f := b.family(i)
	for j, a := range raw.Addresses {
		p, err := parseVirtualAddress(a.Address)
		if err != nil {
			continue // reported
		}
		if other := familyOf(p.Addr()); other != f { // all are of one family: RFC 9568 section 5.2.9
			b.errorAt(item(path, j), fmt.Sprintf("%s is %v, and the first one is %v", p.Addr(), other, f), fmt.Sprintf("it in excluded_addresses, or a second instance for %v, which may have the same VRID", other))
		}
	}
	if f == vrrp.IPv6 {
		b.checkIPv6(i)
	}
}

// checkIPv6 reports what an instance of IPv6 cannot be.
func (b *builder) checkIPv6(i int) {
	raw, path := b.raw.VRRP.Instances[i], instancePath(i, "virtual_addresses")
	most := maxAddresses6
	if raw.Authentication != nil && raw.Authentication.Type == "HMAC" {
		most = maxAddresses6HMAC
	}
	if n := len(raw.Addresses); n > most {
		b.errorAt(path, fmt.Sprintf("has %d IPv6 addresses", n), fmt.Sprintf("at most %d, which fit one advert", most))
	}
	if vrrp.Version(raw.Version) == vrrp.V2 {
		b.errorAt(instancePath(i, "version"), "version 2 has no IPv6", "3, or none")
	}
	if raw.BareChecksum {
		b.errorAt(instancePath(i, "v3_checksum_as_v2"), "IPv6 has but one checksum", "it with IPv4 alone")
	}
	// "The first address MUST be the IPv6 link-local address" (RFC 9568 section 5.2.9); Keepalived asks for it in strict mode.
	if first, err := parseVirtualAddress(raw.Addresses[0].Address); err == nil && first.Addr().Is6() && !first.Addr().IsLinkLocalUnicast() {
		b.warnAt(item(path, 0), first.Addr().String()+" comes first and is not link-local, as RFC 9568 wants it: Tandem and Keepalived hear such adverts, others may not", "an address such as fe80::64 before it")
	}
}

// checkHostAddresses reports addresses that a node has twice, or another one too.
func (b *builder) checkHostAddresses(node string, taken *unique) {
	path := join(join("nodes", node), "address")
	seen := map[vrrp.Family]bool{}
	for _, a := range b.raw.Nodes[node].Address {
		if !a.IsValid() {
			continue // reported
		}
		if seen[familyOf(a)] {
			b.errorAt(path, fmt.Sprintf("has more than one %v address", familyOf(a)), "one of each family at most")
			return
		}
		seen[familyOf(a)] = true
		taken.add(a.String(), "address", path)
	}
}

// source returns where the adverts of an instance leave from: to the group of IPv4 from the interface's first address, to that
// of IPv6 from the link-local one, and to peers from the one by which they know the node.
func (b *builder) source(i int, node string) vip.Source {
	raw, f := b.raw.VRRP.Instances[i], b.family(i)
	s := vip.Source{Interface: raw.Interface.on(node)}
	unicast := len(raw.UnicastPeers) > 0
	if unicast {
		s.Prefer = b.raw.Nodes[node].Address.of(f)
	}
	switch {
	case f == vrrp.IPv4:
	case unicast:
		s.Kind = vip.SourceGlobalIPv6
	default:
		s.Kind = vip.SourceLinkLocal
	}
	return s
}
