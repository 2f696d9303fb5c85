package daemon

import (
	"context"
	"net/netip"
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

// Set has the keeper send packet.
func (b *beatLine) Set(instance string, packet []byte, iface string, dst netip.Addr, interval time.Duration) {
	beat := keeper.Beat{
		Packet:   keeper.Packet{Interface: iface, Dst: dst, Payload: append([]byte(nil), packet...)},
		Interval: interval,
	}
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
