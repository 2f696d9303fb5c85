package e2e

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// unicastConfig is drill.Config with unicast peers.
func unicastConfig(t *testing.T) string {
	return edited(t, drill.Config, "      virtual_router_id: 51\n", "      virtual_router_id: 51\n      unicast_peers: true\n")
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
	p := newPair(t, unicastConfig(t))
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

// Keepalived is the peer, with its check of sources.
func TestIntegrationUnicastBesideKeepalived(t *testing.T) {
	m := newMixedPair(t, unicastConfig(t), edited(t, keepalivedConf, "\tvirtual_router_id 51\n",
		"\tvirtual_router_id 51\n\tcheck_unicast_src\n\tunicast_src_ip 10.77.0.2\n\tunicast_peer {\n\t\t10.77.0.1\n\t}\n"))
	mark := m.Lab.Mark()
	m.start(t, "lb1")
	m.run(t, []move{
		{
			name: "unicast: Tandem's cable pulled (carrier lost)", do: m.pull("lb1"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown + slack, why: "3 x 1 s + skew", sole: "lb2",
		},
		{
			name: "unicast: Tandem's cable back", do: m.restore("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: untilChecked + tandemDown + slack, why: "a check, 3 x 1 s + skew", sole: "lb1", outage: giveBack,
		},
		{
			name: "unicast: Tandem stopped (SIGTERM)", do: m.stop("lb1", syscall.SIGTERM),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedSkew + slack, why: "skew", sole: "lb2",
		},
		{
			name: "unicast: Tandem started again", do: m.again("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown + startSlack, why: "3 x 1 s + skew", sole: "lb1", outage: giveBack,
		},
	})
	m.awaitStatus(t, "lb1", "it heard Keepalived and dropped nothing", func(s status.Snapshot) bool {
		c := s.Instances[0].Counters
		return c.AdvertsReceived > 0 && len(c.Dropped) == 0
	})
	wantUnicast(t, m.Pair, mark, "lb1", "lb2")
}
