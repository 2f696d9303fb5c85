package doctor

import (
	"fmt"
	"net/netip"
	"slices"
)

// The VRIDs: 1 to 255 (RFC 3768 section 5.3.3).
const (
	leastVRID = 1
	mostVRID  = 255

	// firstProposal is where the search for a free VRID begins. Guides, defaults and examples use low ones, 51 above all:
	// a network's next pair is likely to have one of them.
	firstProposal = 61
)

// FreeVRID returns a VRID that is not among the used ones. There is none when all 255 are used.
func FreeVRID(used map[uint8]bool) (vrid uint8, ok bool) {
	for i := range mostVRID {
		v := uint8((firstProposal-leastVRID+i)%mostVRID + leastVRID)
		if !used[v] {
			return v, true
		}
	}
	return 0, false
}

// usedVRIDs are those of an interface that somebody speaks, or that the plan has there.
func usedVRIDs(f *Facts, in *Interface) map[uint8]bool {
	used := map[uint8]bool{}
	for _, s := range in.Heard.Speakers {
		used[s.VRID] = true
	}
	for _, r := range f.Plan.routersOn(in.Name) {
		used[r.VRID] = true
	}
	return used
}

// judgeVRID says who speaks which VRID, names those who speak one of ours and are no node of this pair, and compares the
// adverts of those who are.
func judgeVRID(f *Facts, in *Interface) []Finding {
	if !f.Plan.speaksOn(in.Name) || !in.Link.usable() {
		return nil
	}
	proposal := "all 255 VRIDs are used here"
	if v, ok := FreeVRID(usedVRIDs(f, in)); ok {
		proposal = fmt.Sprintf("VRID %d is free", v)
	}
	var found []Finding
	if in.Heard.Overflow {
		found = append(found, warn(fmt.Sprintf("more than %d senders of adverts; only so many were looked at", maxSpeakers), "so many virtual routers in one network are a mistake or an attack", "tcpdump -ni "+in.Name+" proto 112"))
	}
	for _, r := range f.Plan.routersOn(in.Name) {
		found = append(found, judgeSpeakers(f, in, r, proposal)...)
	}
	if len(found) == 0 {
		return []Finding{fine(fmt.Sprintf("%s; %s", heardVRIDs(f, in), proposal))}
	}
	return found
}

// heardVRIDs tells who speaks, VRID by VRID.
func heardVRIDs(f *Facts, in *Interface) string {
	if len(in.Heard.Speakers) == 0 {
		return fmt.Sprintf("no VRID was heard within %v", f.Listened)
	}
	var heard []string
	for _, s := range in.Heard.Speakers {
		who := s.String()
		if s.Local {
			who = "this host"
		}
		heard = append(heard, fmt.Sprintf("VRID %d is spoken by %s", s.VRID, who))
	}
	return joined(heard)
}

// judgeSpeakers looks at those who speak the VRID of one router. VRIDs of IPv4 and IPv6 are apart (RFC 9568 section 5.2.3).
func judgeSpeakers(f *Facts, in *Interface, r Router, proposal string) []Finding {
	var strangers []Speaker
	var found []Finding
	for _, s := range in.Heard.Speakers {
		switch {
		case s.Local || s.VRID != r.VRID || !sameFamily(r, s):
		case !ofPair(f.Plan, r, s):
			strangers = append(strangers, s)
		default:
			found = append(found, judgeAgreement(r, s)...)
		}
	}
	if len(strangers) > 0 {
		found = append(found, wrong(fmt.Sprintf("VRID %d of %s is spoken by a stranger: %s", r.VRID, r.Name, joined(texts(strangers))),
			"each would take the other's adverts for its own pair's: the higher priority wins, and the other pair's addresses are gone",
			fmt.Sprintf("virtual_router_id: a free one on all nodes of this pair (here %s), then tandem reload --force if it runs already", proposal)))
	}
	return found
}

func sameFamily(r Router, s Speaker) bool { return (r.family() == 4) == s.Source.Is4() }

// ofPair says whether a speaker is a node of this pair: by its own address, or since it has a virtual address of ours.
func ofPair(p Plan, r Router, s Speaker) bool {
	return slices.Contains(p.Peers, s.Source) ||
		slices.ContainsFunc(r.Addresses, func(a netip.Addr) bool { return slices.Contains(s.Addresses, a) })
}

// mostAuthType is the last authentication type that stands in packets (RFC 2338 section 5.3.6).
const mostAuthType = 2

// judgeAgreement compares what nodes of a pair must have alike.
func judgeAgreement(r Router, s Speaker) []Finding {
	differ := func(what string, ours, theirs any, why string, level Level) Finding {
		return Finding{Level: level, Saw: fmt.Sprintf("%s: %s is %v here and %v at %v", r.Name, what, ours, theirs, s.Source), Why: why, Do: []string{"make it alike on all nodes"}}
	}
	const dropped = "adverts that differ in it are dropped, and both nodes become MASTER"
	if s.Version != r.Version {
		return []Finding{differ("version", r.Version, s.Version, dropped, Problem)} // the rest means something else there
	}
	var found []Finding
	if s.Version == 2 && s.Interval != r.Interval {
		found = append(found, differ("advert_interval", r.Interval, s.Interval, dropped, Problem))
	}
	if s.Version == 3 && s.Interval != r.Interval {
		found = append(found, differ("advert_interval", r.Interval, s.Interval, "a backup waits as long as the master's interval says, so a failover takes longer on one side", Warning))
	}
	if s.Version == 2 && s.AuthType != r.AuthType && r.AuthType <= mostAuthType {
		found = append(found, differ("the authentication type", r.AuthType, s.AuthType, dropped, Problem))
	}
	if !sameSet(r.Addresses, s.Addresses) {
		found = append(found, differ("the list of addresses", joined(texts(r.Addresses)), joined(texts(s.Addresses)), "after a failover some addresses are held by nobody; older Keepalived drops such adverts", Warning))
	}
	if s.Priority == r.Priority {
		f := differ("priority", r.Priority, s.Priority, "with equal priorities the higher own address wins, which is hardly meant", Warning)
		f.Do = []string{"give the node that is to be MASTER a higher one"}
		found = append(found, f)
	}
	return found
}

func sameSet(a, b []netip.Addr) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, netip.Addr.Compare)
	slices.SortFunc(b, netip.Addr.Compare)
	return slices.Equal(a, b)
}
