package doctor

// Bridge is a bridge of this host.
type Bridge struct {
	Name     string
	Snooping bool // it learns from IGMP which ports want a group
	Querier  bool // it asks for memberships itself
}

// judgeSnooping tells what is known of IGMP snooping. Switches must flood 224.0.0.0/24 whatever they learned (RFC 4541
// section 2.1.2), and Linux does; not all do.
func judgeSnooping(f *Facts, in *Interface) []Finding {
	if !f.Plan.speaksOn(in.Name) || !in.Link.usable() {
		return nil
	}
	if !f.Plan.speaksIPv4(in.Name) {
		return judgeSnooping6(in)
	}
	heard := "no IGMP query was heard, which is usual in so short a time"
	if in.Heard.Querier.IsValid() {
		heard = in.Heard.Querier.String() + " queries memberships by IGMP"
	}
	b := in.Bridge
	switch {
	case b == nil:
		return []Finding{fine("it is no bridge of this host; of switches beyond it nothing is known: " + heard)}
	case !b.Snooping:
		return []Finding{fine(b.Name + " does not snoop IGMP: it floods multicast")}
	case b.Querier:
		return []Finding{fine(b.Name + " snoops IGMP and queries itself")}
	case in.Heard.Querier.IsValid():
		return []Finding{fine(b.Name + " snoops IGMP, and " + heard)}
	}
	return []Finding{warn(b.Name+" snoops IGMP and is no querier; "+heard,
		"without a querier memberships are forgotten after some minutes, and a switch that then stops forwarding to "+group+" makes both nodes MASTER (Linux itself always forwards 224.0.0.0/24)",
		"ip link set "+b.Name+" type bridge mcast_querier 1, if no router queries", "or: ip link set "+b.Name+" type bridge mcast_snooping 0")}
}

// judgeSnooping6 is judgeSnooping where IPv6 alone is spoken. Linux floods while nobody queries by MLD, and while somebody
// does it knows by the reports of the members who wants ff02::12.
func judgeSnooping6(in *Interface) []Finding {
	switch b := in.Bridge; {
	case b == nil:
		return []Finding{fine("it is no bridge of this host; of MLD snooping by switches beyond it nothing is known")}
	case !b.Snooping:
		return []Finding{fine(b.Name + " does not snoop MLD: it floods multicast")}
	default:
		return []Finding{fine(b.Name + " snoops MLD, and floods where nobody queries memberships")}
	}
}
