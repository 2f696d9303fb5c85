package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// RawSocket is a process on this host with raw sockets for protocol 112.
type RawSocket struct {
	PID  int    // 0: not to be found, as in another PID namespace
	Name string // as ps shows it; empty: unknown
}

// String names the process.
func (s RawSocket) String() string {
	if s.PID == 0 {
		return "a process that cannot be seen from here"
	}
	return fmt.Sprintf("%s (process %d)", s.Name, s.PID)
}

// tandem says whether it is Tandem's daemon or its keeper.
func (s RawSocket) tandem() bool { return s.Name == "tandem" || strings.HasPrefix(s.Name, "tandem-") }

// judgeRivals names who else speaks VRRP here. With another VRID it may; with ours each would fight the other.
func judgeRivals(f *Facts) []Finding {
	var others, ours []string
	for _, s := range f.Rivals {
		if s.tandem() {
			ours = append(ours, s.String())
		} else {
			others = append(others, s.String())
		}
	}
	switch {
	case len(others) == 0 && len(ours) == 0:
		return []Finding{fine("no program here speaks VRRP")}
	case len(others) == 0:
		return []Finding{fine("speaking VRRP here: " + joined(ours))}
	}
	saw := joined(others) + " speaks VRRP here"
	if len(others) > 1 {
		saw = joined(others) + " speak VRRP here"
	}
	stop := "stop and disable it, for Keepalived: systemctl disable --now keepalived"
	if names := contested(f); len(names) > 0 {
		return []Finding{wrong(saw+", with the VRID of "+joined(names), "two programs of one host would hold the same virtual addresses, and each answer the other's adverts", stop)}
	}
	return []Finding{warn(saw, "two programs may each run virtual routers of their own; the same one in both would make them fight", stop)}
}

// contested names the instances whose VRID this host speaks already, with no Tandem running.
func contested(f *Facts) []string {
	var names []string
	if f.tandemRuns() {
		return nil
	}
	for _, r := range f.Plan.Routers {
		for _, in := range f.Interfaces {
			if in.Name == r.Interface && slices.ContainsFunc(in.Heard.Speakers, func(s Speaker) bool { return s.Local && s.VRID == r.VRID && sameFamily(r, s) }) {
				names = append(names, r.Name)
			}
		}
	}
	return names
}
