package hostile

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
)

// startTandem starts the balancer, with a frontend and a backend a lane.
func startTandem(t *testing.T) subject {
	t.Helper()
	s := subject{name: "Tandem", lanes: newLanes(t), strict: true}
	anyPort := netip.MustParseAddrPort("127.0.0.1:0")
	var c proxy.Config
	for i, l := range s.lanes {
		name := fmt.Sprintf("lane%d", i)
		c.Frontends = append(c.Frontends, proxy.Frontend{
			Name: name, Binds: []proxy.Bind{{Address: anyPort}, {Address: anyPort, H2C: true}}, DefaultBackend: name,
			Timeouts: proxy.FrontendTimeouts{HTTPRequest: timeout, Client: timeout, KeepAlive: patience, Tunnel: timeout},
		})
		c.Backends = append(c.Backends, proxy.Backend{
			Name: name, Servers: []proxy.Server{{Name: "origin", Address: netip.MustParseAddrPort(l.origin.address()), Weight: 1}},
			Timeouts: proxy.BackendTimeouts{Connect: timeout, Server: timeout}, Retries: 3,
		})
	}
	p := proxy.New(proxy.Options{Drain: 1})
	plan, err := p.Plan(c)
	if err != nil {
		t.Fatal(err)
	}
	p.Apply(plan)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // one error, from Run
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	for i, f := range p.Snapshot().Frontends {
		s.lanes[i].dial = tcp(f.Binds[0].Address.String())
		s.lanes[i].dialH2 = tcp(f.Binds[1].Address.String())
	}
	return s
}

// TestIntegrationHostileTandem: nothing of it gets through the balancer, and nothing that is good is refused.
func TestIntegrationHostileTandem(t *testing.T) {
	for _, corpus := range corpora {
		t.Run(corpus.name, func(t *testing.T) {
			got := corpus.run(startTandem(t))
			t.Log(got)
			for _, f := range got.worse {
				t.Errorf("%s: %s\n\t%s", f.name, f.faults, f.story)
			}
		})
	}
}
