package doctor

import (
	"fmt"
	"net/netip"
	"strings"
)

// Sysctls are the effective settings of an interface, those of "all" and its own combined as the kernel does it (ip-sysctl
// in its documentation). Unknown: it could not be read.
type Sysctls struct {
	RPFilter           int // the greater of the two
	ARPIgnore          int // the greater
	ARPAnnounce        int // the greater
	ARPFilter          int // either
	PromoteSecondaries int // either
	NonlocalBind       int // of the whole host
}

// Unknown is a setting that could not be read.
const Unknown = -1

// combine makes one setting of those of "all" and of the interface.
func combine(all, own int) int { return max(all, own) }

// setSysctl is the command that sets a setting of an interface. Names with dots are written with slashes (sysctl(8)).
func setSysctl(ifname, key string, value int) string {
	if strings.Contains(ifname, ".") {
		return fmt.Sprintf("sysctl -w net/ipv4/conf/%s/%s=%d", ifname, key, value)
	}
	return fmt.Sprintf("sysctl -w net.ipv4.conf.%s.%s=%d", ifname, key, value)
}

// lasting is how the recommended settings come to stay.
const lasting = "for good: make install puts sysctl.d/60-tandem.conf in place, sysctl --system applies it"

func judgeSysctls(f *Facts, in *Interface) []Finding {
	if in.Link.Err != "" || in.Link.enslaved() {
		return nil // judgeLink has said that it is the wrong interface
	}
	if !f.Plan.usesIPv4(in.Name) {
		return []Finding{fine("IPv6 alone needs no settings: listeners use IPV6_FREEBIND")}
	}
	s, set := in.Sysctls, func(key string, value int) string { return setSysctl(in.Name, key, value) }
	var found []Finding
	add := func(more ...Finding) { found = append(found, more...) }
	switch {
	case s.ARPIgnore == 0:
		add(warn("arp_ignore is 0, want 1", "where two interfaces are in one network each answers for the addresses of the other, and clients may keep a cable that is pulled", set("arp_ignore", 1), lasting))
	case s.ARPIgnore == 2 && hasHostPrefix(f.Plan.vipsOn(in.Name)):
		add(wrong("arp_ignore is 2, want 1", "requests are answered only from within the prefix of the address, and a /32 has no one else in it", set("arp_ignore", 1), lasting))
	case s.ARPIgnore == 8:
		add(wrong("arp_ignore is 8, want 1", "no request is answered, so nobody finds the virtual addresses", set("arp_ignore", 1), "set it in net.ipv4.conf.all too, where the greater of the two counts", lasting))
	}
	if s.ARPAnnounce >= 0 && s.ARPAnnounce < 2 {
		add(warn(fmt.Sprintf("arp_announce is %d, want 2", s.ARPAnnounce), "neighbours may learn the virtual address from a question about something else", set("arp_announce", 2), lasting))
	}
	if s.ARPFilter == 1 {
		add(warn("arp_filter is 1, want 0", "requests are answered only where the route back leaves by the same interface", set("arp_filter", 0), "and net.ipv4.conf.all.arp_filter=0: either of the two is enough"))
	}
	if s.PromoteSecondaries == 0 {
		add(warn("promote_secondaries is 0, want 1", "when the first address of a subnet goes, the kernel drops the others of that subnet with it, virtual ones too", set("promote_secondaries", 1), lasting))
	}
	add(judgeRPFilter(f, in)...)
	if len(found) == 0 {
		add(fine(fmt.Sprintf("rp_filter %d, arp_ignore %d, arp_announce %d, arp_filter %d, promote_secondaries %d; ip_nonlocal_bind is %d and not needed, listeners use IP_FREEBIND",
			s.RPFilter, s.ARPIgnore, s.ARPAnnounce, s.ARPFilter, s.PromoteSecondaries, s.NonlocalBind)))
	}
	return found
}

// judgeRPFilter looks for what a strict filter by source drops: packets from addresses that are routed by another
// interface (RFC 3704 section 2.2).
func judgeRPFilter(f *Facts, in *Interface) []Finding {
	if in.Sysctls.RPFilter != 1 || in.Link.Default == "" || in.Link.Default == in.Name {
		return nil
	}
	return []Finding{warn(fmt.Sprintf("rp_filter is 1 (strict), and the default route leaves by %s", in.Link.Default),
		"clients from beyond a router that come in here are dropped, since the way back to them is another",
		setSysctl(in.Name, "rp_filter", 2)+" (loose; the greater of this and net.ipv4.conf.all.rp_filter counts)")}
}

func hasHostPrefix(prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Addr().Is4() && p.IsSingleIP() {
			return true
		}
	}
	return false
}
