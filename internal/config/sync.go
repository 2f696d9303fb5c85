package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tandem-lb/tandem/tracker"
)

// checkSyncGroups reports what keeps the instances of a sync group from moving together. Views are of all nodes.
func (b *builder) checkSyncGroups(views []Node) {
	groups := map[string][]int{}
	for i, in := range b.raw.VRRP.Instances {
		if in.SyncGroup != "" {
			groups[in.SyncGroup] = append(groups[in.SyncGroup], i)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		members := groups[name]
		first := members[0]
		if len(members) == 1 {
			b.warnAt(instancePath(first, "sync_group"), b.raw.VRRP.Instances[first].Name+" is alone in "+name, "another instance in it, or none")
		}
		for _, i := range members[1:] {
			b.checkSameOrder(i, first, views)
			b.checkSamePreempt(i, first)
		}
		for _, i := range members {
			b.checkGroupWeights(i, members, views)
		}
	}
}

// checkSameOrder reports two nodes of which one is above the other in one instance of a sync group and below it in another:
// after a contest each would have lost one, and given up the rest.
func (b *builder) checkSameOrder(i, first int, views []Node) {
	if b.reported(instancePath(i, "priority")) || b.reported(instancePath(first, "priority")) {
		return
	}
	above := func(instance, v, w int) bool {
		return views[v].Instances[instance].VRRP.Priority > views[w].Instances[instance].VRRP.Priority
	}
	for v := range views {
		for w := range views {
			if above(i, v, w) && above(first, w, v) {
				b.errorAt(instancePath(i, "priority"),
					fmt.Sprintf("%s is above %s, and in %s of the same sync group below it: neither could win both", views[v].Name, views[w].Name, b.raw.VRRP.Instances[first].Name),
					"the nodes in the same order in a sync group")
				return
			}
		}
	}
}

func (b *builder) checkSamePreempt(i, first int) {
	one, other := b.raw.VRRP.Instances[i], b.raw.VRRP.Instances[first]
	if one.Preempt != other.Preempt {
		b.warnAt(instancePath(i, "preempt"),
			fmt.Sprintf("%v, and %v in %s of the same sync group: it preempts only where all of it does", one.Preempt, other.Preempt, other.Name), "the same in a sync group")
	}
}

// checkGroupWeights warns of each tracker whose failure on the best node lets another one take over in one instance of a sync
// group, but not in all: then nothing moves.
func (b *builder) checkGroupWeights(i int, members []int, views []Node) {
	if b.reported("vrrp.instances") {
		return
	}
	best := b.best(i, views)
	track := views[best].Instances[i].Track
	for t := 1; t < len(track); t++ { // 0 is the own interface: FAULT
		id := track[t].ID
		isFault := func(j int) bool {
			return slices.Contains(views[best].Instances[j].Track, tracker.Binding{ID: id}) // weight 0
		}
		if id.Kind == tracker.KindFile || slices.ContainsFunc(members, isFault) || !failsOver(b.contest(i, views, best, t, track[t].Weight)) {
			continue // a file has a number; FAULT is everybody's; and the last one has a warning already
		}
		for _, j := range members {
			if mine, theirs := b.contestOf(j, views, best, id); !failsOver(mine, theirs) {
				b.warnAt(trackPath(i, t-1),
					fmt.Sprintf("with %s down %s of the same sync group is %d %s %d on %s: no failover", id.Name, b.raw.VRRP.Instances[j].Name, mine, relation(mine, theirs), theirs, views[best].Name),
					"it tracked there too, with enough weight")
				break
			}
		}
	}
}

// contestOf is contest for what an instance may track or not.
func (b *builder) contestOf(i int, views []Node, best int, id tracker.ID) (mine, theirs int) {
	for t, binding := range views[best].Instances[i].Track {
		if binding.ID == id {
			return b.contest(i, views, best, t, binding.Weight)
		}
	}
	return b.contest(i, views, best, nothing, 0)
}
