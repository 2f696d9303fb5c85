package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandem-lb/tandem/tracker"
)

// trackPath returns the path of a tracked item of an instance.
func trackPath(i, j int) string { return item(instancePath(i, "track"), j) }

// checkTrack reports what is wrong with what an instance tracks.
func (b *builder) checkTrack(i int) {
	in := b.raw.VRRP.Instances[i]
	for j, t := range in.Track {
		path := trackPath(i, j)
		kinds := 0
		for _, given := range []bool{t.Script != "", t.Interface.given, t.Backend != ""} {
			if given {
				kinds++
			}
		}
		if kinds != 1 && !b.reported(path) {
			b.errorAt(path, fmt.Sprintf("tracks %d things", kinds), "exactly one of script, interface and backend")
		}
		if _, ok := b.raw.Tracker.Scripts[t.Script]; t.Script != "" && !ok && !b.reported(join("tracker.scripts", t.Script)) {
			b.errorAt(join(path, "script"), "no script "+t.Script+" in tracker.scripts", oneThere(slices.Sorted(maps.Keys(b.raw.Tracker.Scripts))))
		}
		if t.Backend != "" {
			b.checkTrackedBackend(path, t)
		} else if t.MinUp != 0 {
			b.errorAt(join(path, "min_up"), "is only for a backend", "")
		}
	}
	for _, node := range b.nodesOrOne() {
		own := tracker.OwnInterface(in.Interface.on(node)).ID
		seen := map[tracker.ID]bool{}
		for j, t := range b.bindings(i, node) {
			switch {
			case t.ID.Name == "": // reported
			case t.ID == own:
				b.errorAt(trackPath(i, j), own.Name+" is the instance's own interface, which is always tracked", "")
			case seen[t.ID]:
				b.errorAt(trackPath(i, j), t.ID.String()+" is tracked already", "")
			}
			seen[t.ID] = true
		}
	}
}

// checkTrackedBackend reports what is wrong with a tracked backend.
func (b *builder) checkTrackedBackend(path string, t rawTrack) {
	backend := b.backend(t.Backend)
	switch {
	case backend == nil:
		b.noBackend(join(path, "backend"), t.Backend)
	case t.MinUp > len(backend.Servers):
		b.errorAt(join(path, "min_up"), fmt.Sprintf("%d is more than the %d servers of %s", t.MinUp, len(backend.Servers), t.Backend), "at most that many")
	case backend.Check == nil:
		b.warnAt(join(path, "backend"), t.Backend+" has no health_check: it is never down", "")
	}
	if t.Weight == 0 && len(b.nodes) > 1 {
		b.warnAt(path, fmt.Sprintf("weight 0 on what all nodes share: with %s down every node is in FAULT and none has the addresses", t.Backend), "a negative weight")
	}
}

// bindings returns what an instance tracks on a node, beside its own interface.
func (b *builder) bindings(i int, node string) []tracker.Binding {
	var bindings []tracker.Binding
	for _, t := range b.raw.VRRP.Instances[i].Track {
		id := tracker.ID{Kind: tracker.KindScript, Name: t.Script}
		switch {
		case t.Interface.given:
			id = tracker.ID{Kind: tracker.KindInterface, Name: t.Interface.on(node)}
		case t.Backend != "":
			id = tracker.ID{Kind: tracker.KindBackend, Name: t.Backend, MinUp: max(t.MinUp, 1)}
		}
		bindings = append(bindings, tracker.Binding{ID: id, Weight: t.Weight})
	}
	return bindings
}

// checkScripts reports what is wrong with the scripts.
func (b *builder) checkScripts() {
	tracked := b.trackedScripts()
	for _, name := range slices.Sorted(maps.Keys(b.raw.Tracker.Scripts)) {
		path := join("tracker.scripts", name)
		b.checkCommand(join(path, "command"), b.raw.Tracker.Scripts[name].Command)
		if !tracked[name] {
			b.warnAt(path, "no instance tracks it, so it is never run", "")
		}
	}
}

func (b *builder) trackedScripts() map[string]bool {
	tracked := map[string]bool{}
	for _, in := range b.raw.VRRP.Instances {
		for _, t := range in.Track {
			tracked[t.Script] = true
		}
	}
	return tracked
}

// checkCommand reports a program that is not named by its absolute path.
func (b *builder) checkCommand(path string, command []string) {
	if len(command) > 0 && !strings.HasPrefix(command[0], "/") {
		b.errorAt(item(path, 0), quote(command[0])+" is no absolute path", "the program with its whole path; no shell looks it up")
	}
}

// scripts returns the scripts that an instance tracks, by name.
func (b *builder) scripts() []tracker.Script {
	var scripts []tracker.Script
	tracked := b.trackedScripts()
	for _, name := range slices.Sorted(maps.Keys(b.raw.Tracker.Scripts)) {
		s := b.raw.Tracker.Scripts[name]
		if !tracked[name] {
			continue
		}
		if s.Timeout == 0 {
			s.Timeout = s.Interval
		}
		scripts = append(scripts, tracker.Script{Name: name, Command: s.Command, Interval: s.Interval, Timeout: s.Timeout, Rise: s.Rise, Fall: s.Fall, User: s.User})
	}
	return scripts
}
