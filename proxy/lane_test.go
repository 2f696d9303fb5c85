package proxy

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/rule"
)

// TestLanesAreForgotten: reloads that change what a server was made with leave nothing behind.
func TestLanesAreForgotten(t *testing.T) {
	p := New(Options{Drain: 1})
	c := Config{Frontends: []Frontend{{
		Name:     "web",
		Binds:    []Bind{{Address: netip.MustParseAddrPort("127.0.0.1:0")}},
		Rules:    []rule.Rule{{Respond: &rule.Respond{Status: 200}}},
		Timeouts: FrontendTimeouts{HTTPRequest: time.Second, Client: time.Second, KeepAlive: time.Second, Tunnel: time.Second},
	}}}
	for range 5 {
		c.Frontends[0].Timeouts.KeepAlive += time.Second
		plan, err := p.Plan(c)
		if err != nil {
			t.Fatal(err)
		}
		p.Apply(plan)
	}
	if n := len(p.lanes); n != 1 {
		t.Errorf("%d lanes after 5 reloads, want 1", n)
	}
	plan, err := p.Plan(Config{})
	if err != nil {
		t.Fatal(err)
	}
	p.Apply(plan)
	if n := len(p.lanes); n != 0 {
		t.Errorf("%d lanes without a bind, want none", n)
	}
}
