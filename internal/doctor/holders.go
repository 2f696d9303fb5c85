package doctor

import (
	"fmt"
	"net/netip"
	"slices"
)

// judgeHolders looks who has the virtual addresses now: the MASTER, nobody, or somebody else.
func judgeHolders(f *Facts, in *Interface) []Finding {
	vips := f.Plan.vipsOn(in.Name)
	if len(vips) == 0 || !in.Link.usable() {
		return nil
	}
	var found []Finding
	if in.Heard.ARPErr != "" && in.Heard.Asked > 0 {
		found = append(found, warn("virtual addresses could not be asked for by ARP: "+in.Heard.ARPErr, "another machine may have one of them", "run this again"))
	}
	var local, master []string
	for _, v := range vips {
		a := v.Addr()
		var strangers []MAC
		for _, m := range holdersOf(in, a) {
			switch port := f.portOf(m); {
			case port != "":
				found = append(found, warn(fmt.Sprintf("%v is answered for by %s of this host too", a, port), "clients may learn the MAC of "+port+", and lose the address with it",
					setSysctl(port, "arp_ignore", 1), lasting))
			case masterHas(in, a, m):
				master = append(master, a.String())
			default:
				strangers = append(strangers, m)
			}
		}
		if in.Link.has(a) {
			local = append(local, a.String())
			if !f.tandemRuns() {
				found = append(found, wrong(fmt.Sprintf("%v is on %s already, and no Tandem runs here", a, in.Name), "Tandem adds virtual addresses when it is MASTER; one that stays makes two holders",
					fmt.Sprintf("ip addr del %v dev %s", v, in.Name), "and take it out of the host's network configuration"))
			}
		}
		if len(strangers) > 0 {
			found = append(found, wrong(fmt.Sprintf("%v is answered for by %s, whose adverts are not heard", a, joined(texts(strangers))), "it is another machine's address; or it is the other node, MASTER, and its adverts do not get here",
				"ip neigh and the switch's table of MAC addresses tell whose it is", "another machine: choose another virtual address", "the other node: see the findings of multicast and firewall"))
		}
	}
	if len(found) > 0 {
		return found
	}
	if in.Heard.Asked == 0 {
		master = advertised(in, vips)
	}
	return []Finding{fine(heldBy(in, len(vips), local, master))}
}

// portOf is the name of this host's interface with a MAC; empty: none has it.
func (f *Facts) portOf(m MAC) string {
	for _, p := range f.Ports {
		if p.MAC == m {
			return p.Name
		}
	}
	return ""
}

// heldBy tells where the addresses are when all is well.
func heldBy(in *Interface, all int, local, master []string) string {
	saw := ""
	switch {
	case len(local) > 0:
		saw = joined(local) + " held by Tandem on this host"
	case len(master) > 0:
		saw = joined(master) + " held by the MASTER that is heard"
	case in.Heard.Asked == 0:
		saw = "IPv6 virtual addresses are not asked for, and no MASTER was heard that has them"
	default:
		saw = fmt.Sprintf("nobody answers for the %d of %d virtual addresses that were asked for", in.Heard.Asked, all)
	}
	return saw
}

// advertised are the virtual addresses that another router says it has.
func advertised(in *Interface, vips []netip.Prefix) []string {
	var all []string
	for _, v := range vips {
		if slices.ContainsFunc(in.Heard.Speakers, func(s Speaker) bool { return !s.Local && slices.Contains(s.Addresses, v.Addr()) }) {
			all = append(all, v.Addr().String())
		}
	}
	return all
}

// holdersOf are the MACs of other machines that speak for an address.
func holdersOf(in *Interface, a netip.Addr) []MAC {
	var macs []MAC
	for _, answer := range in.Heard.Answers {
		if answer.Address == a && answer.MAC != in.Link.MAC && !slices.Contains(macs, answer.MAC) {
			macs = append(macs, answer.MAC)
		}
	}
	return macs
}

// masterHas says whether a MAC that answers for an address is that of a MASTER who advertises it, or of its virtual router.
func masterHas(in *Interface, a netip.Addr, m MAC) bool {
	return slices.ContainsFunc(in.Heard.Speakers, func(s Speaker) bool {
		return slices.Contains(s.Addresses, a) && (s.MAC == m || routerMAC(s.VRID) == m)
	})
}

// routerMAC is the MAC of an IPv4 virtual router (RFC 3768 section 7.3).
func routerMAC(vrid uint8) MAC { return MAC{0x00, 0x00, 0x5e, 0x00, 0x01, vrid} }
