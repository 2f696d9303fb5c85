package config

import (
	"fmt"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/tracker"
)

// checkPriorities reports priorities and weights that cannot do what they are for. Views are of all nodes.
func (b *builder) checkPriorities(views []Node) {
	for i := range b.raw.VRRP.Instances {
		if b.reported(instancePath(i, "priority")) {
			continue
		}
		byPriority := map[uint8]string{}
		for _, view := range views {
			priority := view.Instances[i].VRRP.Priority
			if other, again := byPriority[priority]; again && priority == 255 {
				b.errorAt(instancePath(i, "priority"), fmt.Sprintf("%s and %s both have 255, which says that the addresses are their own", other, view.Name), "one owner at most")
			} else if again {
				b.warnAt(instancePath(i, "priority"), fmt.Sprintf("%s and %s both have %d: the higher of their addresses decides", other, view.Name, priority), "different ones")
			}
			byPriority[priority] = view.Name
		}
		if !b.reported(item("vrrp.instances", i)) {
			b.checkWeights(i, views, b.best(i, views))
		}
	}
}

// best is the node with the highest priority in an instance, the first of them.
func (b *builder) best(i int, views []Node) int {
	best := 0
	for v, view := range views {
		if view.Instances[i].VRRP.Priority > views[best].Instances[i].VRRP.Priority {
			best = v
		}
	}
	return best
}

// checkWeights warns of each tracker of an instance whose failure on the best node does not make another take over: a
// backup preempts a master whose advertised priority is below its own, and leaves one alone that is equal.
func (b *builder) checkWeights(i int, views []Node, best int) {
	track := views[best].Instances[i].Track
	for t := 1; t < len(track) && len(views) > 1; t++ { // 0 is the own interface: FAULT
		weight := track[t].Weight
		mine, theirs := b.contest(i, views, best, t, weight)
		if weight == 0 || theirs > mine || track[t].ID.Kind == tracker.KindFile { // which has a number instead
			continue
		}
		want := "priorities that are nearer to each other"
		switch better := weight + (mine-theirs+1)*sign(weight); {
		case better < -253 || better > 253:
		case !failsOver(b.contest(i, views, best, t, better)): // at a bound of the priorities more weight changes nothing
		case weight < 0:
			want = fmt.Sprintf("a weight of %d or less", better)
		default:
			want = fmt.Sprintf("a weight of %d or more", better)
		}
		b.warnAt(join(trackPath(i, t-1), "weight"),
			fmt.Sprintf("with %s down %s is %d %s %d: no failover", track[t].ID.Name, views[best].Name, mine, relation(mine, theirs), theirs), want)
	}
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

func failsOver(mine, theirs int) bool { return theirs > mine }

// relation is why a node does not fail over.
func relation(mine, theirs int) string {
	if mine == theirs {
		return "="
	}
	return ">"
}

// nothing stands for no tracker at all.
const nothing = -1

// contest returns the priority of the best node when one thing that it tracks with a weight, or nothing, is down, and the
// highest of the others', where it is up. Files are missing.
func (b *builder) contest(i int, views []Node, best, t, weight int) (mine, theirs int) {
	for v, view := range views {
		inputs := make([]tracker.Input, len(view.Instances[i].Track))
		for j, binding := range view.Instances[i].Track {
			inputs[j] = tracker.Input{Binding: binding, State: tracker.State{ID: binding.ID, Status: hysteresis.Up}}
			if binding.ID.Kind == tracker.KindFile {
				inputs[j].State.Value = b.raw.Tracker.Files[binding.ID.Name].Missing
			}
		}
		if t != nothing {
			inputs[t].Binding.Weight = weight
		}
		if t != nothing && v == best {
			inputs[t].State.Status = hysteresis.Down
		}
		priority := int(tracker.Tally(view.Instances[i].VRRP.Priority, inputs).Priority)
		if v == best {
			mine = priority
		} else {
			theirs = max(theirs, priority)
		}
	}
	return mine, theirs
}
