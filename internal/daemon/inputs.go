package daemon

import (
	"fmt"
	"slices"
	"time"

	"github.com/tandem-lb/tandem/tracker"
)

// warmUp is the longest that a starting node holds back from preempting while first health checks are still out.
const warmUp = 10 * time.Second

// backendHealth is what the balancer says of one backend.
type backendHealth struct {
	healthy, total int
	known          bool // the first check round has ended
}

// inputs is everything that moves an instance apart from adverts: trackers, the balancer's health, the memory of an unclean
// end and an operator's handover. Judging them is pure.
type inputs struct {
	base     uint8                    // configured priority
	tracked  []tracker.Input          // the instance's bindings, with the states of their trackers
	backends map[string]backendHealth // every backend of the node

	started       time.Time // of this daemon
	recoveryUntil time.Time // no preemption before; zero: the last run ended cleanly
	handoverUntil time.Time // as well; zero: the instance was not handed over
}

// verdict is what the inputs amount to.
type verdict struct {
	outcome tracker.Outcome
	holds   []string  // reasons not to preempt a live master
	due     time.Time // when time alone changes the verdict; zero: never
}

func (in *inputs) judge(now time.Time) verdict {
	v := verdict{outcome: tracker.Tally(in.base, in.tracked)}
	v.hold(in, now)
	return v
}

// hold collects what keeps the node from preempting. Architecture: a node with no healthy server holds back only from a
// live master, and only for backends its instance tracks; an instance that tracks none waits for every backend's first
// check round, at most warmUp. After an unclean end, and after a handover, the node waits too.
func (v *verdict) hold(in *inputs, now time.Time) {
	until := func(t time.Time, format string, args ...any) {
		v.holds = append(v.holds, fmt.Sprintf(format, args...))
		if v.due.IsZero() || t.Before(v.due) {
			v.due = t
		}
	}
	if now.Before(in.recoveryUntil) {
		until(in.recoveryUntil, "the last run ended uncleanly: no preemption until %s", in.recoveryUntil.Format(time.TimeOnly))
	}
	if now.Before(in.handoverUntil) {
		until(in.handoverUntil, "handed over: it leaves a live master alone until %s, or tandem handover --release", in.handoverUntil.Format(time.TimeOnly))
	}
	warm := in.started.Add(warmUp)
	backends := in.trackedBackends()
	for _, name := range backends {
		switch b := in.backends[name]; {
		case !b.known && now.Before(warm):
			until(warm, "backend %s: the first health checks are still out", name)
		case b.known && b.healthy == 0:
			v.holds = append(v.holds, fmt.Sprintf("backend %s has no healthy server", name))
		}
	}
	if len(backends) > 0 || !now.Before(warm) {
		return
	}
	for name, b := range in.backends {
		if !b.known {
			until(warm, "backend %s: the first health checks are still out", name)
		}
	}
	slices.Sort(v.holds) // map order must not look like a change
}

func (in *inputs) trackedBackends() []string {
	var names []string
	for _, t := range in.tracked {
		if id := t.Binding.ID; id.Kind == tracker.KindBackend && !slices.Contains(names, id.Name) {
			names = append(names, id.Name)
		}
	}
	return names
}
