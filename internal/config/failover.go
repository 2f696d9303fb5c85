package config

import (
	"fmt"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/tracker"
)

// checkPriorities reports priorities and weights that cannot do what they are for. Views are of all nodes.
func (b *builder) checkPriorities(views []Node) {
	for i := range b.raw.VRRP.Instances {
		best := 0
		byPriority := map[uint8]string{}
		for v, view := range views {
			priority := view.Instances[i].VRRP.Priority
			if other, again := byPriority[priority]; again && priority == 255 {
				b.errorAt(instancePath(i, "priority"), fmt.Sprintf("%s and %s both have 255, which says that the addresses are their own", other, view.Name), "one owner at most")
			} else if again {
				b.warnAt(instancePath(i, "priority"), fmt.Sprintf("%s and %s both have %d: the higher of their addresses decides", other, view.Name, priority), "different ones")
			}
			byPriority[priority] = view.Name
			if priority > views[best].Instances[i].VRRP.Priority {
				best = v
			}
		}
		b.checkWeights(i, views, best)
	}
}

// checkWeights warns of each tracker of an instance whose failure on the best node does not make another take over: a
// backup preempts a master whose advertised priority is below its own, and leaves one alone that is equal.
func (b *builder) checkWeights(i int, views []Node, best int) {
	bindings := views[best].Instances[i].Track
	for t := 1; t < len(bindings) && len(views) > 1; t++ { // 0 is the own interface: FAULT
		weight := bindings[t].Weight
		if weight == 0 {
			continue
		}
		mine, theirs := effective(views[best].Instances[i], t), 0
		for v, view := range views {
			if v != best {
				theirs = max(theirs, effective(view.Instances[i], -1))
			}
		}
		if theirs > mine {
			continue
		}
		relation := ">"
		if mine == theirs {
			relation = "="
		}
		b.warnAt(join(trackPath(i, t-1), "weight"),
			fmt.Sprintf("with %s down %s is %d %s %d: no failover", bindings[t].ID.Name, views[best].Name, mine, relation, theirs), betterWeight(weight, mine-theirs+1))
	}
}

// betterWeight says which weight makes up for a gap in priority.
func betterWeight(weight, gap int) string {
	switch {
	case weight < 0 && weight-gap >= -253:
		return fmt.Sprintf("a weight of %d or less", weight-gap)
	case weight > 0 && weight+gap <= 253:
		return fmt.Sprintf("a weight of %d or more", weight+gap)
	}
	return "priorities that are nearer to each other"
}

// effective returns the priority of an instance when everything it tracks is up, but for one binding; -1: but for none.
func effective(in Instance, down int) int {
	inputs := make([]tracker.Input, len(in.Track))
	for t, binding := range in.Track {
		inputs[t] = tracker.Input{Binding: binding, State: tracker.State{ID: binding.ID, Status: hysteresis.Up}}
		if t == down {
			inputs[t].State.Status = hysteresis.Down
		}
	}
	return int(tracker.Tally(in.VRRP.Priority, inputs).Priority)
}
