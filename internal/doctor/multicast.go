package doctor

// group is where adverts go over IPv4 (RFC 3768 section 5.2.2).
const group = "224.0.0.18"

// judgeMulticast looks whether this host can send to the group and is a member of it.
func judgeMulticast(f *Facts, in *Interface) []Finding {
	if !f.Plan.speaksOn(in.Name) || !in.Link.usable() || !in.Link.Carrier {
		return nil // judgeLink has said why
	}
	if !in.Link.Multicast {
		return []Finding{wrong("its MULTICAST flag is off", "adverts go to "+joined(groups(f, in)), "ip link set "+in.Name+" multicast on")}
	}
	var found []Finding
	if f.Plan.speaksIPv4(in.Name) {
		found = append(found, judgeGroup(f, in)...)
	}
	if f.Plan.speaksIPv6(in.Name) && !in.Heard.Sockets.IPv6 {
		found = append(found, wrong("a socket cannot join ff02::12", deaf, "sysctl -w net/ipv6/conf/"+in.Name+"/disable_ipv6=0"))
	}
	switch {
	case len(found) > 0:
		return found
	case f.Plan.speaksIPv4(in.Name):
		return []Finding{fine("multicast is on, its group is joined, and a datagram to " + group + " left")}
	}
	return []Finding{fine("multicast is on, and a socket joined " + groupIPv6().String())}
}

// groups are those that adverts go to.
func groups(f *Facts, in *Interface) []string {
	var all []string
	if f.Plan.speaksIPv4(in.Name) {
		all = append(all, group)
	}
	if f.Plan.speaksIPv6(in.Name) {
		all = append(all, groupIPv6().String())
	}
	return all
}

// What happens where adverts do not come in, or do not go out.
const (
	deaf = "adverts of the other nodes would not be heard, and both become MASTER"
	mute = "adverts would not leave, and both nodes become MASTER"
)

// judgeGroup looks at the group of IPv4.
func judgeGroup(f *Facts, in *Interface) []Finding {
	h, accept := in.Heard, "nft insert rule inet filter output ip daddr "+group+" accept (table and chain as yours are called)"
	var found []Finding
	switch {
	case h.JoinErr != "":
		found = append(found, wrong("a socket cannot join "+group+": "+h.JoinErr, deaf, "if no buffer space is available: sysctl -w net.ipv4.igmp_max_memberships=100"))
	case !h.Joined:
		found = append(found, wrong("a socket joined "+group+", but the kernel does not list it (/proc/net/igmp)", deaf, "ip maddr show dev "+in.Name))
	}
	switch {
	case len(in.Link.own(f.Plan)) == 0: // judgeLink has said that there is no address to send from
	case !h.Probe.Sent:
		found = append(found, wrong("a datagram to "+group+" cannot be sent: "+h.Probe.Err, mute,
			"if it is not permitted: nft list ruleset (iptables -S), look for what drops on output", accept))
	case !h.Probe.Left:
		found = append(found, wrong("a datagram to "+group+" was sent and did not leave", mute,
			"nft list ruleset (iptables -S) and tc -s qdisc show dev "+in.Name+": look for what drops on output", accept))
	}
	return found
}
