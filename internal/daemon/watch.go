package daemon

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

// sources finds the addresses that adverts leave from, none of which is a virtual one.
type sources interface {
	findSource(s vip.Source) (netip.Addr, error)
	// watchSource calls fn with it at once and after each change, the zero Addr while there is none, until ctx ends.
	watchSource(ctx context.Context, s vip.Source, fn func(netip.Addr))
}

// firstResults is how long a starting instance waits for the first results of its trackers. Interfaces answer in
// milliseconds; an instance that waits longer starts in FAULT and says what it waits for.
const firstResults = time.Second

// rejudge asks for the inputs to be looked at again. It never waits.
func (i *instance) rejudge() {
	select {
	case i.judged <- struct{}{}:
	default: // a token is there already
	}
}

// watchInputs tells the state machine what trackers and the balancer's health amount to, whenever that changes.
func (i *instance) watchInputs(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-i.judged:
		case <-timer.C:
		}
		if due := i.judge(time.Now()).due; !due.IsZero() {
			timer.Reset(time.Until(due))
		}
	}
}

// judge looks at the inputs and posts what changed. It is one step with a reload, which posts its own: the machine hears
// of both in the order in which they happened.
func (i *instance) judge(now time.Time) verdict {
	i.mu.Lock()
	defer i.mu.Unlock()
	in := i.inputs.inputs(i.cfg)
	v, last := in.judge(now), i.verdict
	i.verdict = v
	if v.outcome.Priority != last.outcome.Priority {
		i.router.Post(i.name, vrrp.PriorityChanged{Priority: v.outcome.Priority})
	}
	if !slices.Equal(v.outcome.Faults, last.outcome.Faults) {
		i.router.Post(i.name, vrrp.FaultChanged{Reasons: v.outcome.Faults})
	}
	if !slices.Equal(v.holds, last.holds) {
		i.router.Post(i.name, vrrp.HoldPreempt{Reasons: v.holds})
	}
	return v
}

// inputs gathers what moves an instance of this node.
func (h *host) inputs(cfg config.Instance) inputs {
	return inputs{
		base:          cfg.VRRP.Priority,
		tracked:       h.trackers.Inputs(cfg.Track),
		backends:      h.health.all(),
		started:       h.started,
		recoveryUntil: h.recoveryUntil,
		handoverUntil: h.handovers.of(cfg.VRRP.Name).until,
	}
}

// prepare tells the state machine what is known before it starts: so a healthy node begins as BACKUP and not in FAULT.
func (i *instance) prepare(ctx context.Context) {
	if source, err := i.sources.findSource(i.config().Source); err == nil {
		i.setSource(source) // else watchSource tells
	}
	ctx, cancel := context.WithTimeout(ctx, firstResults)
	defer cancel()
	for i.judge(time.Now()).outcome.Waiting && ctx.Err() == nil {
		select {
		case <-i.judged:
		case <-ctx.Done():
		}
	}
	i.rejudge() // its deadline is watchInputs' affair
}

// watchSource tells the state machine the address that its adverts leave from. It starts anew when a reload wants another one.
func (i *instance) watchSource(ctx context.Context) {
	for ctx.Err() == nil {
		round, end := context.WithCancel(ctx)
		var watching sync.WaitGroup
		watching.Go(func() {
			i.sources.watchSource(round, i.config().Source, func(source netip.Addr) {
				i.setSource(source)
				i.exec.do(i.renewWill)
			})
		})
		select {
		case <-ctx.Done():
		case <-i.moved:
		}
		end()
		watching.Wait()
	}
}

func (i *instance) setSource(source netip.Addr) {
	i.mu.Lock()
	i.source = source
	i.mu.Unlock()
	i.router.Post(i.name, vrrp.SourceChanged{Source: source})
}

func (h *host) findSource(s vip.Source) (netip.Addr, error) {
	s.Exclude, _ = h.watchVirtual()
	return s.Find(h.kernel)
}

// watchSource starts anew when the node's virtual addresses change, which are no sources. That alone is no news: else each
// such reload would have every instance leave its will anew.
func (h *host) watchSource(ctx context.Context, s vip.Source, fn func(netip.Addr)) {
	fn = whenNew(fn)
	for ctx.Err() == nil {
		var changed context.Context
		s.Exclude, changed = h.watchVirtual()
		round, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(changed, cancel)
		_ = s.Watch(round, h.kernel, fn) // nil: it ends with its context only
		stop()
		cancel()
	}
}

// whenNew calls fn with the first address and with each that differs from the last one.
func whenNew(fn func(netip.Addr)) func(netip.Addr) {
	var last netip.Addr
	told := false
	return func(a netip.Addr) {
		if told && a == last {
			return
		}
		told, last = true, a
		fn(a)
	}
}
