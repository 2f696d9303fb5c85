package daemon

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/vrrp"
)

var _ vrrp.Beat = (*beatLine)(nil)

// beatLine carries the beats of one instance to the keeper. The state machine's loop must not wait for the keeper's
// answers, so they go through a worker of their own, in order.
type beatLine struct {
	keeper *keeper.Client
	log    hclog.Logger
	work   *executor
	failed atomic.Bool // the keeper refused a beat of this term: the daemon sends the adverts itself
}

func newBeatLine(k *keeper.Client, log hclog.Logger) *beatLine {
	return &beatLine{keeper: k, log: log.Named("beat"), work: newExecutor()}
}

func (b *beatLine) run(ctx context.Context, stop <-chan struct{}) { b.work.run(ctx, stop) }

// Set has the keeper send packets.
func (b *beatLine) Set(instance string, packets []vrrp.Packet, iface string, interval time.Duration) {
	all := make([]keeper.Packet, len(packets))
	for n, p := range packets {
		all[n] = keeper.Packet{Interface: iface, Dst: p.Dst, Payload: bytes.Clone(p.Data)}
	}
	beat := keeper.Beat{Packet: all[0], Also: all[1:], Interval: interval}
	b.work.do(func(context.Context) {
		if err := b.keeper.SetBeat(instance, beat); err != nil {
			b.failed.Store(true)
			b.log.Error("keeper took no beat: adverts come from the daemon itself", "err", err)
		}
	})
}

// Stop has the keeper send nothing more.
func (b *beatLine) Stop(instance string) {
	b.failed.Store(false)
	b.work.do(func(context.Context) {
		if err := b.keeper.StopBeat(instance); err != nil {
			b.log.Error("keeper did not stop the beat", "err", err)
		}
	})
}

// Alive reports whether the keeper is there and took the beat.
func (b *beatLine) Alive() bool { return b.keeper.Alive() && !b.failed.Load() }

// flush waits until the keeper knows all that was said before.
func (b *beatLine) flush(ctx context.Context) {
	done := make(chan struct{})
	b.work.do(func(context.Context) { close(done) })
	select {
	case <-done:
	case <-ctx.Done():
	}
}
