package daemon

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tandem-lb/tandem/internal/admin"
	"github.com/tandem-lb/tandem/vrrp"
)

// handoverReason is why an instance resigned, in words.
const handoverReason = "tandem handover"

// handovers remembers which instances were handed over to another node, by name: whatever a reload makes of them, they
// stay away. The end of the daemon forgets it.
type handovers struct {
	mu     sync.Mutex
	byName map[string]handover // guarded by mu
}

// handover is what is remembered of one instance.
type handover struct {
	until time.Time // it leaves a live master alone before; zero: it does not
	count uint64    // how many times it gave up mastership for one
}

func newHandovers() *handovers { return &handovers{byName: map[string]handover{}} }

func (h *handovers) of(name string) handover {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byName[name]
}

// begin has an instance stay away until a time; master: it is about to give up mastership.
func (h *handovers) begin(name string, until time.Time, master bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.byName[name]
	one.until = until
	if master {
		one.count++
	}
	h.byName[name] = one
}

// end lets an instance come back, and reports whether it stayed away at now.
func (h *handovers) end(name string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.byName[name]
	held := now.Before(one.until)
	one.until = time.Time{}
	h.byName[name] = one
	return held
}

// Handover has instances stay away from a live master for a while. Those that are MASTER look for a successor and serve
// until there is one, or resign where there is none; with atOnce they resign now. No names: all. A sync group goes as a
// whole, whichever of its instances is named. It returns before anybody has taken over.
func (d *Daemon) Handover(names []string, hold time.Duration, atOnce bool) ([]admin.Handover, error) {
	return d.tell(names, func(g *group, now time.Time) []admin.Handover {
		return g.handOver(d.host.handovers, now, hold, atOnce)
	})
}

// Release ends what Handover began.
func (d *Daemon) Release(names []string) ([]admin.Handover, error) {
	return d.tell(names, func(g *group, now time.Time) []admin.Handover { return g.release(d.host.handovers, now) })
}

// tell has the groups of the instances with these names do something.
func (d *Daemon) tell(names []string, do func(g *group, now time.Time) []admin.Handover) ([]admin.Handover, error) {
	d.reloading.Lock() // the instances that are told are those that there will be
	defer d.reloading.Unlock()
	groups, err := d.named(names)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var done []admin.Handover
	for _, g := range groups {
		done = append(done, do(g, now)...)
	}
	return done, nil
}

// named returns the groups of the instances with these names; none: all groups.
func (d *Daemon) named(names []string) ([]*group, error) {
	d.mu.Lock()
	running, ending := d.groups, d.ending
	d.mu.Unlock()
	switch {
	case ending:
		return nil, errors.New("the daemon is stopping")
	case len(running) == 0:
		return nil, errors.New("this node has no VRRP instance: there is nothing to hand over")
	}
	var known []string
	var groups []*group
	for _, r := range running {
		wanted := len(names) == 0
		for _, i := range r.instances {
			known = append(known, i.name)
			wanted = wanted || slices.Contains(names, i.name)
		}
		if wanted {
			groups = append(groups, r.group)
		}
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, fmt.Errorf("no instance %q; this node has %s", n, strings.Join(known, ", "))
		}
	}
	return groups, nil
}

// handOver tells every instance to stay away before it tells any to go: a member of a sync group takes the others along.
func (g *group) handOver(h *handovers, now time.Time, hold time.Duration, atOnce bool) []admin.Handover {
	until := now.Add(hold)
	var done []admin.Handover
	for _, i := range g.instances {
		m := g.router.StatusOf(i.name)
		h.begin(i.name, until, m.State == vrrp.Master)
		i.heed(now)
		i.log.Info("handover", "state", m.State.String(), "until", until.Format(time.RFC3339))
		done = append(done, admin.Handover{Instance: i.name, State: m.State.String(), Epoch: m.Epoch, Held: true, Until: until})
	}
	var ev vrrp.Event = vrrp.Resign{Reason: handoverReason}
	if !atOnce {
		ev = vrrp.Offer{Reason: handoverReason, For: g.successorWithin()}
	}
	for _, i := range g.instances {
		g.router.Post(i.name, ev)
	}
	return done
}

// successorWithin is how long the slowest instance has to wait for a successor: they all wait as long.
func (g *group) successorWithin() (d time.Duration) {
	for _, i := range g.instances {
		cfg := i.config().VRRP
		d = max(d, cfg.SuccessorWithin())
	}
	return d
}

// release lets every instance come back.
func (g *group) release(h *handovers, now time.Time) []admin.Handover {
	var done []admin.Handover
	for _, i := range g.instances {
		held := h.end(i.name, now)
		i.heed(now)
		g.router.Post(i.name, vrrp.Offer{}) // a successor is no longer wanted
		m := g.router.StatusOf(i.name)
		if held {
			i.log.Info("handover released", "state", m.State.String())
		}
		done = append(done, admin.Handover{Instance: i.name, State: m.State.String(), Epoch: m.Epoch, Held: held})
	}
	return done
}

// heed tells the state machine what a changed input amounts to before it returns.
func (i *instance) heed(now time.Time) {
	i.judge(now)
	i.rejudge() // its deadline is watchInputs' affair
}
