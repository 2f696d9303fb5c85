package doctor

import (
	"fmt"
	"net/netip"
	"slices"
)

// judgeFirewall compares the wire with a socket: adverts that arrived and that no socket gets are dropped on this host.
func judgeFirewall(f *Facts, in *Interface) []Finding {
	h := in.Heard
	speaks4, speaks6 := f.Plan.speaksIPv4(in.Name), f.Plan.speaksIPv6(in.Name)
	if !f.Plan.speaksOn(in.Name) || !in.Link.usable() || speaks4 && h.JoinErr != "" {
		return nil
	}
	var lost []Speaker
	arrived, spoke := 0, false
	for _, s := range h.Speakers {
		switch {
		case s.Local:
			spoke = true
		case !h.Sockets.hears(s.Source):
		case s.Socket == 0:
			lost = append(lost, s)
			arrived += s.Wire
		default:
			arrived += s.Wire
		}
	}
	switch {
	case len(lost) > 0:
		return judgeLost(f, in, lost)
	case arrived > 0:
		return []Finding{fine(fmt.Sprintf("%s on the wire reached a socket", counted(arrived, "advert")))}
	case spoke:
		return []Finding{fine("this host is MASTER and the others are silent, so it was not tested whether their adverts would get in: run this on the BACKUP")}
	}
	do := []string{"start the other node, then run this again"}
	if speaks4 {
		do = append(do, "let them in: "+acceptRule(groupAddr()))
	}
	if speaks6 {
		do = append(do, "let them in: "+acceptRule(groupIPv6()))
	}
	return []Finding{warn(fmt.Sprintf("no advert arrived within %v, so it was not tested whether the firewall lets them in", f.Listened),
		"a firewall that drops protocol 112 makes both nodes MASTER", do...)}
}

// judgeLost says what drops adverts: a filter by source, where the sender's address is routed elsewhere, or a firewall.
func judgeLost(f *Facts, in *Interface, lost []Speaker) []Finding {
	const why = "the other node's adverts are not heard, and both become MASTER"
	var filtered, dropped []Speaker
	for _, s := range lost {
		if s.Source.Is4() && in.Sysctls.RPFilter > 0 && !in.Link.inSubnet(f.Plan, s.Source) {
			filtered = append(filtered, s)
		} else {
			dropped = append(dropped, s)
		}
	}
	var found []Finding
	if len(filtered) > 0 {
		found = append(found, wrong(fmt.Sprintf("adverts of %s are on the wire and no socket gets them; rp_filter is %d, and they come from no subnet of %s", joined(sources(filtered)), in.Sysctls.RPFilter, in.Name),
			why, "give both nodes addresses of one subnet on this network", "or: "+setSysctl(in.Name, "rp_filter", 0)+" and net.ipv4.conf.all.rp_filter=0"))
	}
	if len(dropped) > 0 {
		do := []string{"nft list ruleset (iptables -S): look for what drops on input"}
		if slices.ContainsFunc(dropped, func(s Speaker) bool { return s.Source.Is4() }) {
			do = append(do, acceptRule(groupAddr()), "or: iptables -I INPUT -p 112 -j ACCEPT", "with firewalld: firewall-cmd --permanent --add-protocol=vrrp && firewall-cmd --reload", "with ufw: -A ufw-before-input -p 112 -j ACCEPT in /etc/ufw/before.rules")
		}
		if slices.ContainsFunc(dropped, func(s Speaker) bool { return !s.Source.Is4() }) {
			do = append(do, acceptRule(groupIPv6()), "or: ip6tables -I INPUT -p 112 -j ACCEPT")
		}
		found = append(found, wrong("adverts of "+joined(sources(dropped))+" are on the wire and no socket gets them: a firewall on this host drops protocol 112", why, do...))
	}
	return found
}

// acceptRule is the command that lets adverts of a family in.
func acceptRule(family netip.Addr) string {
	match := "ip protocol 112"
	if family.Is6() {
		match = "ip6 nexthdr 112"
	}
	return "nft insert rule inet filter input " + match + " accept (table and chain as yours are called)"
}

// sources are the addresses of speakers, each once.
func sources(speakers []Speaker) []string {
	var all []string
	for _, s := range speakers {
		if text := s.Source.String(); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}
