package doctor

import (
	"fmt"
	"net/netip"
	"strings"
)

// Link is the interface as the kernel has it.
type Link struct {
	Err       string // why it could not be looked at; empty: it could
	MAC       MAC
	Ethernet  bool // it has a MAC
	Up        bool
	Carrier   bool
	Multicast bool // its flag
	NoARP     bool
	MTU       int // octets
	Addresses []netip.Prefix
	Master    string // that it is a port of; empty: of none
	MasterIs  string // the kind of Master: bridge, bond, team, vrf
	Default   string // the interface of the default route; empty: none
}

// usable says whether one can listen on the interface at all.
func (l Link) usable() bool { return l.Err == "" && l.Up && !l.enslaved() }

// enslaved says whether another interface gets the packets that arrive.
func (l Link) enslaved() bool { return l.Master != "" && l.MasterIs != "vrf" }

// own returns the IPv4 addresses of the interface that are none of the plan's virtual ones.
func (l Link) own(p Plan) []netip.Prefix {
	var own []netip.Prefix
	for _, a := range l.Addresses {
		if a.Addr().Is4() && !p.isVIP(a.Addr()) {
			own = append(own, a)
		}
	}
	return own
}

// inSubnet says whether an address is in a subnet of the interface that is there without the virtual addresses.
func (l Link) inSubnet(p Plan, a netip.Addr) bool {
	for _, own := range l.own(p) {
		if own.Contains(a) {
			return true
		}
	}
	return false
}

// linkLocal says whether the interface has a link-local IPv6 address that is none of the plan's virtual ones.
func (l Link) linkLocal(p Plan) bool {
	for _, a := range l.Addresses {
		if a.Addr().Is6() && a.Addr().IsLinkLocalUnicast() && !p.isVIP(a.Addr()) {
			return true
		}
	}
	return false
}

// has says whether the interface holds an address now.
func (l Link) has(a netip.Addr) bool {
	for _, p := range l.Addresses {
		if p.Addr() == a {
			return true
		}
	}
	return false
}

func judgeLink(f *Facts, in *Interface) []Finding {
	l := in.Link
	switch {
	case l.Err != "":
		return []Finding{wrong(l.Err, "adverts are sent, and virtual addresses held, on this interface", "ip -brief link, and name one of those in the configuration")}
	case l.enslaved():
		return []Finding{wrong(fmt.Sprintf("it is a port of %s (%s)", l.Master, l.MasterIs), "what arrives at a port is handed to "+l.Master+": a socket on the port hears nothing, an address there answers nobody", "use "+l.Master+" in the configuration")}
	case !l.Up:
		return []Finding{wrong("it is down", "an instance on it is in FAULT", "ip link set "+in.Name+" up")}
	}
	var found []Finding
	if !l.Carrier {
		found = append(found, wrong("no carrier", "an instance on it is in FAULT", "look at the cable, the switch's port and ethtool "+in.Name))
	}
	if !l.Ethernet {
		found = append(found, wrong("it has no Ethernet address", "virtual addresses are announced by ARP, which is Ethernet's", "use an Ethernet interface"))
	}
	if l.NoARP {
		found = append(found, wrong("ARP is switched off", "nobody could find the virtual addresses", "ip link set "+in.Name+" arp on"))
	}
	found = append(found, judgeAddresses(f, in)...)
	found = append(found, judgeMTU(f, in)...)
	if len(found) == 0 {
		return []Finding{fine(fmt.Sprintf("up, with carrier, MTU %d, own IPv4 address %s", l.MTU, orNone(joined(texts(l.own(f.Plan))))))}
	}
	return found
}

// judgeAddresses looks for addresses of the node's own, and whether virtual ones are in its subnets.
func judgeAddresses(f *Facts, in *Interface) []Finding {
	const why = "adverts are sent from it, and the higher one wins where priorities are equal: without it an instance is in FAULT"
	own := in.Link.own(f.Plan)
	var found []Finding
	if len(own) == 0 && f.Plan.speaksIPv4(in.Name) {
		found = append(found, wrong("it has no IPv4 address of its own", why, "ip addr add ADDRESS/LENGTH dev "+in.Name+", and in the host's network configuration"))
	}
	if f.Plan.speaksIPv6(in.Name) && !in.Link.linkLocal(f.Plan) {
		found = append(found, wrong("it has no link-local IPv6 address of its own", why, "sysctl -w net/ipv6/conf/"+in.Name+"/disable_ipv6=0, and addr_gen_mode=0 beside it"))
	}
	if len(own) == 0 {
		return found
	}
	var outside []string
	for _, v := range f.Plan.vipsOn(in.Name) {
		if v.Addr().Is4() && !in.Link.inSubnet(f.Plan, v.Addr()) {
			outside = append(outside, v.String())
		}
	}
	if len(outside) > 0 {
		found = append(found, warn(fmt.Sprintf("%s: in no subnet of its own addresses (%s)", joined(outside), joined(texts(own))),
			"neighbours ask by ARP only for addresses of their own subnets; others need a route to them by a node's own address, which does not move", "choose a virtual address in "+own[0].Masked().String()))
	}
	return found
}

// Octets of an advert besides its addresses: the longest IPv4 header, VRRP's own, the authentication of version 2, the trailer of
// HMAC.
const (
	advertOverhead = 60 + 8 + 8 + 28
	leastMTU       = 576 // what every IPv4 link carries, if need be in fragments (RFC 791 section 3.2)
)

// judgeMTU looks whether each advert fits one packet: a fragment that is lost takes the advert with it.
func judgeMTU(f *Facts, in *Interface) []Finding {
	if in.Link.MTU < leastMTU {
		return []Finding{wrong(fmt.Sprintf("MTU %d", in.Link.MTU), "packets of usual length do not pass", "ip link set "+in.Name+" mtu 1500")}
	}
	var long []string
	for _, r := range f.Plan.routersOn(in.Name) {
		if advertOverhead+len(r.Addresses)*octets(r.family()) > in.Link.MTU {
			long = append(long, r.Name)
		}
	}
	if len(long) == 0 {
		return nil
	}
	return []Finding{wrong(fmt.Sprintf("MTU %d is less than an advert of %s has octets", in.Link.MTU, strings.Join(long, " or ")), "an advert in fragments is lost with any of them", "ip link set "+in.Name+" mtu 1500, or divide the addresses between instances")}
}

// octets of an address.
func octets(family int) int {
	if family == 6 {
		return 16
	}
	return 4
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
