package daemon

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

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
		if due := i.judgeNow(time.Now()); !due.IsZero() {
			timer.Reset(time.Until(due))
		}
	}
}

// judgeNow looks at the inputs and posts what changed. It returns when time alone may change the verdict.
func (i *instance) judgeNow(now time.Time) time.Time {
	i.mu.Lock()
	cfg, last := i.cfg, i.verdict
	i.mu.Unlock()
	in := inputs{
		base:          cfg.VRRP.Priority,
		tracked:       i.host.trackers.Inputs(cfg.Track),
		backends:      i.host.health.all(),
		started:       i.host.started,
		recoveryUntil: i.host.recoveryUntil,
	}
	v := in.judge(now)
	i.mu.Lock()
	i.verdict = v
	i.mu.Unlock()
	if v.outcome.Priority != last.outcome.Priority {
		i.group.Post(i.name(), vrrp.PriorityChanged{Priority: v.outcome.Priority})
	}
	if !slices.Equal(v.outcome.Faults, last.outcome.Faults) {
		i.group.Post(i.name(), vrrp.FaultChanged{Reasons: v.outcome.Faults})
	}
	if !slices.Equal(v.holds, last.holds) {
		i.group.Post(i.name(), vrrp.HoldPreempt{Reasons: v.holds})
	}
	return v.due
}

// prepare tells the state machine what is known before it starts: so a healthy node begins as BACKUP and not in FAULT.
func (i *instance) prepare(ctx context.Context) {
	if source, err := vip.PrimaryIPv4(i.host.kernel, i.config().VRRP.Interface, i.host.virtual()); err == nil {
		i.group.Post(i.name(), vrrp.SourceChanged{Source: source}) // else watchSource tells
	}
	ctx, cancel := context.WithTimeout(ctx, firstResults)
	defer cancel()
	for tracker.Tally(i.config().VRRP.Priority, i.host.trackers.Inputs(i.config().Track)).Waiting {
		select {
		case <-i.judged:
			continue
		case <-ctx.Done():
		}
		break
	}
	i.judgeNow(time.Now())
	i.rejudge() // its deadline is watchInputs' affair
}

// watchSource tells the state machine the interface's own address. It starts anew when the node's virtual addresses
// change, which are no sources.
func (i *instance) watchSource(ctx context.Context) {
	for ctx.Err() == nil {
		virtual, changed := i.host.watchVirtual()
		round, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(changed, cancel)
		err := vip.WatchSource(round, i.host.kernel, i.config().VRRP.Interface, virtual, func(source netip.Addr) {
			i.group.Post(i.name(), vrrp.SourceChanged{Source: source})
			i.exec.do(i.renewWill)
		})
		stop()
		cancel()
		i.report("watch the source address", err)
	}
}

// renewWill replaces the will of a master whose circumstances changed.
func (i *instance) renewWill(context.Context) {
	if !i.vips.Status().Held {
		return
	}
	if err := i.host.keeper.SetWill(i.name(), i.will(i.applied.Addresses)); err != nil {
		i.log.Error("keeper took no will: the former one stands", "err", err)
	}
}
