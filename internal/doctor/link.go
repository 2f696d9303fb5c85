package doctor

import (
	"fmt"
	"net/netip"
	"slices"
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

// own6 is own for IPv6: link-local addresses, or the others.
func (l Link) own6(p Plan, linkLocal bool) []netip.Prefix {
	var own []netip.Prefix
	for _, a := range l.Addresses {
		if a.Addr().Is6() && a.Addr().IsLinkLocalUnicast() == linkLocal && !p.isVIP(a.Addr()) {
			own = append(own, a)
		}
	}
	return own
}

// inSubnet says whether an address is in a subnet of the interface that is there without the virtual addresses.
func (l Link) inSubnet(p Plan, a netip.Addr) bool {
	own := l.own(p)
	if a.Is6() {
		own = l.own6(p, a.IsLinkLocalUnicast())
	}
	return slices.ContainsFunc(own, func(own netip.Prefix) bool { return own.Contains(a) })
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
		return []Finding{fine(fmt.Sprintf("up, with carrier, MTU %d, %s", l.MTU, ownAddresses(f, in)))}
	}
	return found
}

// ownAddresses tells those of the families that are spoken.
func ownAddresses(f *Facts, in *Interface) string {
	var all []string
	if f.Plan.usesIPv4(in.Name) {
		all = append(all, "own IPv4 address "+orNone(joined(texts(in.Link.own(f.Plan)))))
	}
	if f.Plan.speaksIPv6(in.Name) {
		all = append(all, "own link-local address "+orNone(joined(texts(in.Link.own6(f.Plan, true)))))
	}
	return strings.Join(all, ", ")
}

// judgeAddresses looks for addresses of the node's own, and whether virtual ones are in its subnets.
func judgeAddresses(f *Facts, in *Interface) []Finding {
	const why = "adverts are sent from it, and the higher one wins where priorities are equal: without it an instance is in FAULT"
	own := in.Link.own(f.Plan)
	var found []Finding
	if len(own) == 0 && f.Plan.speaksIPv4(in.Name) {
		found = append(found, wrong("it has no IPv4 address of its own", why, "ip addr add ADDRESS/LENGTH dev "+in.Name+", and in the host's network configuration"))
	}
	if f.Plan.speaksIPv6(in.Name) && len(in.Link.own6(f.Plan, true)) == 0 {
		found = append(found, wrong("it has no link-local IPv6 address of its own", why, "sysctl -w net/ipv6/conf/"+in.Name+"/disable_ipv6=0, and addr_gen_mode=0 beside it"))
	}
	found = append(found, judgeSubnets(f, in, own, netip.Addr.Is4)...)
	global := func(a netip.Addr) bool { return a.Is6() && !a.IsLinkLocalUnicast() }
	return append(found, judgeSubnets(f, in, in.Link.own6(f.Plan, false), global)...)
}

// judgeSubnets looks whether virtual addresses of a kind are in the subnets of the interface's own ones of it.
func judgeSubnets(f *Facts, in *Interface, own []netip.Prefix, kind func(netip.Addr) bool) []Finding {
	if len(own) == 0 {
		return nil
	}
	var outside []string
	for _, v := range f.Plan.vipsOn(in.Name) {
		if kind(v.Addr()) && !in.Link.inSubnet(f.Plan, v.Addr()) {
			outside = append(outside, v.String())
		}
	}
	if len(outside) == 0 {
		return nil
	}
	return []Finding{warn(fmt.Sprintf("%s: in no subnet of its own addresses (%s)", joined(outside), joined(texts(own))),
		"neighbours ask only for addresses of their own subnets; others need a route to them by a node's own address, which does not move", "choose a virtual address in "+own[0].Masked().String())}
}

// Octets of an advert besides its addresses and the trailer of HMAC: the longest IPv4 header, VRRP's own, the authentication of
// version 2; and over IPv6, whose header has one length.
const (
	advertOverhead  = 60 + 8 + 8
	advertOverhead6 = 40 + 8
	trailerLen      = 28
	leastMTU        = 576  // what every IPv4 link carries, if need be in fragments (RFC 791 section 3.2)
	leastMTU6       = 1280 // what IPv6 demands (RFC 8200 section 5); Linux switches it off below
)

// judgeMTU looks whether each advert fits one packet: a fragment that is lost takes the advert with it.
func judgeMTU(f *Facts, in *Interface) []Finding {
	if in.Link.MTU < leastMTU {
		return []Finding{wrong(fmt.Sprintf("MTU %d", in.Link.MTU), "packets of usual length do not pass", "ip link set "+in.Name+" mtu 1500")}
	}
	if in.Link.MTU < leastMTU6 && f.Plan.speaksIPv6(in.Name) {
		return []Finding{wrong(fmt.Sprintf("MTU %d is less than IPv6 demands, %d", in.Link.MTU, leastMTU6), "the kernel has no IPv6 on such an interface", "ip link set "+in.Name+" mtu 1500")}
	}
	var long []string
	for _, r := range f.Plan.routersOn(in.Name) {
		if longestAdvert(r) > in.Link.MTU {
			long = append(long, r.Name)
		}
	}
	if len(long) == 0 {
		return nil
	}
	return []Finding{wrong(fmt.Sprintf("MTU %d is less than an advert of %s has octets", in.Link.MTU, strings.Join(long, " or ")), "an advert in fragments is lost with any of them", "ip link set "+in.Name+" mtu 1500, or divide the addresses between instances")}
}

// longestAdvert is how many octets an advert of a router may have with its header.
func longestAdvert(r Router) int {
	n := advertOverhead + 4*len(r.Addresses)
	if r.family() == 6 {
		n = advertOverhead6 + 16*len(r.Addresses)
	}
	if r.HMAC {
		n += trailerLen
	}
	return n
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
