package e2e

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
)

// unicast is a configuration with unicast peers.
func unicast(t *testing.T, config string) string {
	return edited(t, config, "      virtual_router_id: 51\n", "      virtual_router_id: 51\n      unicast_peers: true\n")
}

// wantUnicast holds every advert that was on the wire to the peers' addresses: the state machine's, the keeper's beat and its
// last will alike.
func wantUnicast(t *testing.T, p *drill.Pair, mark netlab.Mark, nodes ...string) {
	t.Helper()
	events, err := p.Lab.Since(mark)
	check(t, err)
	to := map[string]string{"lb1": "10.77.0.2", "lb2": "10.77.0.1"}
	seen := map[string]int{}
	for _, e := range filter(events, func(e netlab.Event) bool { return e.Kind == netlab.AdvertSeen }) {
		seen[e.Node]++
		if got := e.Advert.Destination.String(); got != to[e.Node] {
			t.Errorf("an advert of %s to %s, want to %s alone: %v", e.Node, got, to[e.Node], e)
		}
	}
	for _, n := range nodes {
		if seen[n] == 0 {
			t.Errorf("no advert of %s seen", n)
		}
	}
}

// A pair that speaks by unicast fails over as one by multicast does.
func TestIntegrationUnicastPair(t *testing.T) {
	p := newPair(t, unicast(t, drill.Config))
	mark := p.Lab.Mark()
	check(t, p.StartDaemon("lb1"))
	check(t, p.AwaitSole(t.Context(), "lb1"))
	check(t, p.StartDaemon("lb2"))
	p.StartClient()
	check(t, p.AwaitService(t.Context(), time.Now()))
	ready(t, p, "lb1")

	measure(t, p, figure{"unicast: master's cable pulled", silenceBound}, "lb2", func(ctx context.Context) error { return p.Cable("lb1").Pull(ctx) })
	measure(t, p, figure{"unicast: cable back", contestBound}, "lb1", func(ctx context.Context) error { return p.Cable("lb1").Restore(ctx) })
	ready(t, p, "lb1")
	measure(t, p, figure{"unicast: master killed", killBound}, "lb2", signal(p, "lb1", syscall.SIGKILL))
	forget(t, p, "lb1")
	start(t, p, "lb1")
	check(t, p.AwaitSole(t.Context(), "lb1"))
	ready(t, p, "lb1")
	measure(t, p, figure{"unicast: master stopped", stopBound}, "lb2", signal(p, "lb1", syscall.SIGTERM))
	wantUnicast(t, p, mark, "lb1", "lb2")
}
