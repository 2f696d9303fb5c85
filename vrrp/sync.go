package vrrp

import (
	"fmt"
	"strings"
)

// A sync group's instances are Master together, or none of them is: each one has to want it. What makes one faulty makes
// all of them so. The rules are here, and every Machine keeps to its own protocol: it only waits to become Master until it
// is told to, and resigns when it is told to.

// The events that one member's state makes of another's.
type (
	// groupFault is why other members cannot serve. "": they can.
	groupFault struct{ reason string }
	// groupTakes lets a member become Master that wants to.
	groupTakes struct{}
)

func (groupFault) event() {}
func (groupTakes) event() {}

// concert says what a member of a sync group has to be told next: which one, and what. It reports false when the group is of
// one mind. Telling it changes the member, so asking again comes to an end.
func concert(members []*Machine) (which int, ev Event, ok bool) {
	first, ofFirst, ofSecond := faults(members)
	for i, m := range members {
		reason := ofFirst
		if m == first {
			reason = ofSecond
		}
		if reason != m.groupFault {
			return i, groupFault{reason}, true
		}
	}
	var behind *Machine
	for _, m := range members {
		if !m.forward() {
			behind = m
			break
		}
	}
	for i, m := range members {
		switch {
		case behind == nil && m.wanting:
			return i, groupTakes{}, true
		case behind != nil && m.Beating():
			return i, Resign{fmt.Sprintf("%s of the sync group is %s", behind.cfg.Name, behind.stage())}, true
		}
	}
	return 0, nil, false
}

// forward reports whether the machine is Master, and about to stay it, or wants to be.
func (m *Machine) forward() bool { return m.Beating() || m.wanting }

// stage is the state in words, resigning included.
func (m *Machine) stage() string {
	if m.resigning {
		return "resigning"
	}
	return m.state.String()
}

// faults is why members cannot serve: the first of those that cannot, whom all others are told of, and the second, whom the
// first one is told of.
func faults(members []*Machine) (first *Machine, ofFirst, ofSecond string) {
	for _, m := range members {
		own := m.ownFaults()
		if len(own) == 0 {
			continue
		}
		reason := fmt.Sprintf("%s is in FAULT: %s", m.cfg.Name, strings.Join(own, "; "))
		if first != nil {
			return first, ofFirst, reason
		}
		first, ofFirst = m, reason
	}
	return first, ofFirst, ""
}
