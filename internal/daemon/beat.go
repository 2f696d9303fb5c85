package daemon

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/vrrp"
)

var (
	_ beater = (*keeper.Client)(nil)
)

// beater sends adverts again and again.
type beater interface {
	SetBeat(instance string, b keeper.Beat) error
	StopBeat(instance string) error
	Alive() bool
	Spoke(instance string) time.Duration
}

// beats are the lines of a group's instances, by name.
type beats map[string]*beatLine

// Set implements vrrp.Beat.
func (b beats) Set(instance string, packets []vrrp.Packet, iface string, interval, patience time.Duration) {
	b[instance].Set(instance, packets, iface, interval, patience)
}

// Stop implements vrrp.Beat.
func (b beats) Stop(instance string) { b[instance].Stop(instance) }

// Alive implements vrrp.Beat.
func (b beats) Alive(instance string) bool { return b[instance].Alive() }

// Spoke implements vrrp.Beat.
func (b beats) Spoke(instance string) time.Duration { return b[instance].keeper.Spoke(instance) }

// beatLine carries the beats of one instance to the keeper. The state machine's loop must not wait for the keeper's
// answers, so they go through a worker of their own, in order.
type beatLine struct {
	keeper  beater
	log     hclog.Logger
	work    *executor
	term    atomic.Uint64 // counts terms as master, from 1
	refused atomic.Uint64 // the term in which the keeper refused a beat; 0: none
}

func newBeatLine(k beater, log hclog.Logger) *beatLine {
	b := &beatLine{keeper: k, log: log.Named("beat"), work: newExecutor()}
	b.newTerm()
	return b
}

func (b *beatLine) run(ctx context.Context, stop <-chan struct{}) { b.work.run(ctx, stop) }

// newTerm forgets a refusal: what the keeper could not do in the last term it may do in this one.
func (b *beatLine) newTerm() { b.term.Add(1) }

// Set has the keeper send packets. When it refuses, the daemon sends the adverts itself for the rest of the term. A
// keeper that is not there refuses nothing: Alive tells, and the next one gets the beat.
func (b *beatLine) Set(instance string, packets []vrrp.Packet, iface string, interval, patience time.Duration) {
	all := make([]keeper.Packet, len(packets))
	for n, p := range packets {
		all[n] = keeper.Packet{Interface: iface, Dst: p.Dst, Data: bytes.Clone(p.Data), Signer: keeper.Signer{Signer: p.Signer}}
	}
	beat := keeper.Beat{Packet: all[0], Also: all[1:], Interval: interval, Patience: patience}
	term := b.term.Load()
	b.work.do(func(context.Context) {
		err := b.keeper.SetBeat(instance, beat)
		if err == nil || errors.Is(err, keeper.ErrNotRunning) {
			return
		}
		b.refused.Store(term)
		b.log.Error("keeper took no beat: adverts come from the daemon itself", "err", err)
	})
}

// Stop has the keeper send nothing more. One that is not there sends nothing, and the next one is told of no beat.
func (b *beatLine) Stop(instance string) {
	b.work.do(func(context.Context) {
		if err := b.keeper.StopBeat(instance); err != nil && !errors.Is(err, keeper.ErrNotRunning) {
			b.log.Error("keeper did not stop the beat", "err", err)
		}
	})
}

// Alive reports whether the keeper is there and has not refused the beat of this term.
func (b *beatLine) Alive() bool { return b.keeper.Alive() && b.refused.Load() != b.term.Load() }

// settled reports whether the keeper knows all that was said.
func (b *beatLine) settled() bool { return b.work.idle() }

// flush waits until the keeper knows all that was said before.
func (b *beatLine) flush(ctx context.Context) {
	done := make(chan struct{})
	b.work.do(func(context.Context) { close(done) })
	select {
	case <-done:
	case <-ctx.Done():
	}
}
