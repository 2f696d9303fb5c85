package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/tandem-lb/tandem/internal/hysteresis"
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
		for _, given := range []bool{t.Script != "", t.Interface.given, t.Backend != "", t.Gateway != "", t.File != ""} {
			if given {
				kinds++
			}
		}
		if kinds != 1 && !b.reported(path) {
			b.errorAt(path, fmt.Sprintf("tracks %d things", kinds), "exactly one of script, interface, backend, gateway and file")
		}
		checkNamed(b, path, "script", t.Script, b.raw.Tracker.Scripts)
		checkNamed(b, path, "file", t.File, b.raw.Tracker.Files)
		if t.Backend != "" {
			b.checkTrackedBackend(path, t)
		} else if t.MinUp != 0 {
			b.errorAt(join(path, "min_up"), "is only for a backend", "")
		}
		if t.Gateway != "" {
			b.checkTrackedGateway(join(path, "gateway"), t.Gateway)
		}
		b.checkShared(path, t)
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
}

// checkNamed reports a tracked script or file that is not in its section under tracker.
func checkNamed[T any](b *builder, path, kind, name string, known map[string]T) {
	section := "tracker." + kind + "s"
	if _, ok := known[name]; name != "" && !ok && !b.reported(join(section, name)) {
		b.errorAt(join(path, kind), "no "+kind+" "+name+" in "+section, oneThere(slices.Sorted(maps.Keys(known))))
	}
}

// checkTrackedGateway reports an address that a node would ask itself for: it never answers itself.
func (b *builder) checkTrackedGateway(path, gateway string) {
	addr := netip.MustParseAddr(gateway) // the walk lets nothing else through
	for _, name := range b.nodes {
		if slices.Contains(b.raw.Nodes[name].Address, addr) {
			b.errorAt(path, fmt.Sprintf("%s is the own address of %s", addr, name), "that of a neighbour")
		}
	}
	for _, in := range b.raw.VRRP.Instances {
		for _, a := range in.moving() {
			if p, err := parseVirtualAddress(a.Address); err == nil && p.Addr() == addr {
				b.errorAt(path, fmt.Sprintf("%s is a virtual address of %s", addr, in.Name), "that of a neighbour")
			}
		}
	}
}

// checkShared warns of weight 0 on what fails on all nodes at once.
func (b *builder) checkShared(path string, t rawTrack) {
	if what := t.Backend + t.Gateway; what != "" && t.weight() == 0 && len(b.nodes) > 1 {
		b.warnAt(path, fmt.Sprintf("weight 0 on what all nodes share: with %s down every node is in FAULT and none has the addresses", what), "a negative weight")
	}
}

// weight is how much the tracker counts.
func (t rawTrack) weight() int {
	switch {
	case t.Weight != nil:
		return *t.Weight
	case t.File != "":
		return 1
	}
	return 0
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
		case t.Gateway != "":
			id = tracker.ID{Kind: tracker.KindGateway, Name: t.Gateway, Interface: b.askedOn(t.Gateway, i, node)}
		case t.File != "":
			id = tracker.ID{Kind: tracker.KindFile, Name: t.File}
		}
		bindings = append(bindings, tracker.Binding{ID: id, Weight: t.weight()})
	}
	return bindings
}

// checkTrackers reports what is wrong with scripts, files and gateways.
func (b *builder) checkTrackers() {
	for _, name := range slices.Sorted(maps.Keys(b.raw.Tracker.Scripts)) {
		path := join("tracker.scripts", name)
		b.checkCommand(join(path, "command"), b.raw.Tracker.Scripts[name].Command)
		if !b.tracked(tracker.KindScript, name) {
			b.warnAt(path, "no instance tracks it, so it is never run", "")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.raw.Tracker.Files)) {
		if !b.tracked(tracker.KindFile, name) {
			b.warnAt(join("tracker.files", name), "no instance tracks it, so it is never read", "")
		}
	}
	for _, address := range slices.Sorted(maps.Keys(b.raw.Tracker.Gateways)) {
		path, g := join("tracker.gateways", address), b.raw.Tracker.Gateways[address]
		if g.Interval != 0 && g.Timeout > g.Interval {
			b.errorAt(join(path, "timeout"), fmt.Sprintf("%v is more than the interval of %v", g.Timeout, g.Interval), "at most that")
		}
		if !b.tracked(tracker.KindGateway, address) {
			b.warnAt(path, "no instance tracks it, so it is never asked", "")
		}
	}
}

// tracked says whether an instance tracks what has that name.
func (b *builder) tracked(kind tracker.Kind, name string) bool {
	for _, in := range b.raw.VRRP.Instances {
		for _, t := range in.Track {
			switch {
			case kind == tracker.KindScript && t.Script == name, kind == tracker.KindFile && t.File == name,
				kind == tracker.KindGateway && t.Gateway == name:
				return true
			}
		}
	}
	return false
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
	for _, name := range slices.Sorted(maps.Keys(b.raw.Tracker.Scripts)) {
		s := b.raw.Tracker.Scripts[name]
		if !b.tracked(tracker.KindScript, name) {
			continue
		}
		if s.Timeout == 0 {
			s.Timeout = s.Interval
		}
		scripts = append(scripts, tracker.Script{Name: name, Command: s.Command, Interval: s.Interval, Timeout: s.Timeout,
			Rise: s.Rise, Fall: s.Fall, User: s.User, Init: initStatus(s.Init)})
	}
	return scripts
}

// files returns the files that an instance tracks, by name.
func (b *builder) files() []tracker.File {
	var files []tracker.File
	for _, name := range slices.Sorted(maps.Keys(b.raw.Tracker.Files)) {
		if f := b.raw.Tracker.Files[name]; b.tracked(tracker.KindFile, name) {
			files = append(files, tracker.File{Name: name, Path: f.Path, Missing: f.Missing})
		}
	}
	return files
}

// initStatus reads the word of init_state.
func initStatus(word string) hysteresis.Status {
	return map[string]hysteresis.Status{"up": hysteresis.Up, "down": hysteresis.Down}[word]
}
