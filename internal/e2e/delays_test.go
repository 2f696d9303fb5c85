package e2e

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// An interval that a busy machine does not miss three of, and delays well above what it takes without them.
const (
	delayedInterval = 500 * time.Millisecond
	delayedDown     = 3*delayedInterval + 156*delayedInterval/256
	warmUp          = 3500 * time.Millisecond
	preemptDelay    = 4 * time.Second
)

// A pair of version 3 with all three delays: each one holds where it shall, and a silent master is replaced without any.
func TestIntegrationDelays(t *testing.T) {
	p := newPair(t, edited(t, config3(t), "      advert_interval: 100ms\n",
		"      advert_interval: 500ms\n      startup_delay: 500ms\n      warm_up: 3500ms\n      preempt_delay: 4s\n"))

	// takes does something and holds the time until a node has the address to its bounds.
	takes := func(what, node string, least, most time.Duration, do func() error) {
		t.Helper()
		mark, begun := p.Lab.Mark(), time.Now()
		check(t, do())
		took := await(t, p, mark, what, added(node)).Time.Sub(begun)
		t.Logf("%s: %s takes the address after %v", what, node, took.Round(time.Millisecond))
		if took < least || took > most {
			t.Errorf("%s: %s has the address after %v, want %v to %v", what, node, took, least, most)
		}
		wantHolderSoon(t, p.AwaitSole, node)
	}
	const ends = startSlack + slack // a start, and what comes after

	takes("warm-up of a node that hears nobody", "lb1", warmUp, warmUp+ends, func() error { return p.StartDaemon("lb1") })

	check(t, p.StartDaemon("lb2"))
	awaitStatus(t, p, "lb2", "only listens after its start", func(s status.Snapshot) bool { return len(s.Instances[0].Holds) == 1 })
	awaitStatus(t, p, "lb2", "has started", func(s status.Snapshot) bool { return len(s.Instances[0].Holds) == 0 })

	takes("a master that resigns", "lb2", 0, delayedInterval+slack, func() error { return p.Daemon("lb1").Signal(syscall.SIGTERM) })

	<-p.Daemon("lb1").Done()
	takes("preempt delay of a node that comes back", "lb1", preemptDelay, preemptDelay+delayedInterval+delayedDown+ends, func() error { return p.StartDaemon("lb1") })

	takes("a silent master", "lb2", 0, delayedDown+slack, func() error { return p.Cable("lb1").Pull(t.Context()) })

	mark := p.Lab.Mark()
	check(t, p.Cable("lb1").Restore(t.Context()))
	pause(t, preemptDelay-500*time.Millisecond)
	events, err := p.Lab.Since(mark)
	check(t, err)
	if early := filter(events, added("lb1")); len(early) > 0 {
		t.Errorf("got %v before the preempt delay was over, want nothing", early)
	}
	await(t, p, mark, "the preempt delay ends", func(e netlab.Event) bool { return added("lb1")(e) })
}

func wantHolderSoon(t *testing.T, awaitSole func(context.Context, string) error, node string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	check(t, awaitSole(ctx, node))
}
