package beside

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/proxy"
)

const nothingForwarded = "forwarded: {x_forwarded_for: off, x_forwarded_proto: false, x_real_ip: false}"

// tandemText is the file that users would write. Ports are numbers in turn, for the file needs some.
func tandemText(t *testing.T, stages []*stage, p map[*stage]players) string {
	t.Helper()
	var front, back strings.Builder
	for i, s := range stages {
		w := s.site.tandem
		f, b := expanded(t, s, p, w.front), expanded(t, s, p, w.back)
		fmt.Fprintf(&front, "    - name: %s\n      bind: [{address: \"127.0.0.1:%d\"%s}]\n%s", s.name, i+1, expanded(t, s, p, w.bind), lines("      ", f))
		if !w.bare {
			fmt.Fprintf(&front, "      default_backend: %s\n", s.name)
		}
		if !strings.Contains(b, "servers:") {
			b += expanded(t, s, p, "\nservers: [{name: s1, address: \"@s1@\"}]")
		}
		if !strings.Contains(b, "forwarded:") && !strings.Contains(b, "mode: tcp") {
			b += "\n" + nothingForwarded
		}
		fmt.Fprintf(&back, "    - name: %s\n%s%s", s.name, lines("      ", b), lines("    ", expanded(t, s, p, w.more)))
	}
	return "proxy:\n  frontends:\n" + front.String() + "  backends:\n" + back.String()
}

// expanded is the text of a stage.
func expanded(t *testing.T, s *stage, p map[*stage]players, text string) string {
	t.Helper()
	text, err := s.expand(text, p[s])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// startTandem runs the balancer by the file, at ports that are free.
func startTandem(t *testing.T, stages []*stage, p map[*stage]players) {
	t.Helper()
	text := tandemText(t, stages, p)
	c, problems := config.Parse("tandem.yaml", []byte(text))
	if c == nil {
		t.Fatalf("%v\n%s", problems, text)
	}
	node, err := c.Node("here")
	if err != nil {
		t.Fatal(err)
	}
	for i := range node.Proxy.Frontends {
		for j := range node.Proxy.Frontends[i].Binds {
			node.Proxy.Frontends[i].Binds[j].Address = netip.MustParseAddrPort("127.0.0.1:0")
		}
	}
	b := proxy.New(proxy.Options{Drain: 1, Threads: 1})
	plan, err := b.Plan(node.Proxy)
	if err != nil {
		t.Fatal(err)
	}
	b.Apply(plan)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // one error, from Run
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	for i, f := range b.Snapshot().Frontends {
		stages[i].address = f.Binds[0].Address.String()
	}
}
