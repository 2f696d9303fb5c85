package e2e

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
)

// tracking returns the pair's configuration with more to track, and what tracker holds.
func tracking(t *testing.T, track, trackers string) string {
	t.Helper()
	config := strings.Replace(drill.Config, "      track:\n", "      track:\n"+track, 1)
	config = strings.Replace(config, "proxy:\n", "tracker:\n"+trackers+"proxy:\n", 1)
	if !strings.Contains(config, track) || !strings.Contains(config, trackers) {
		t.Fatal("the pair's configuration has no place for trackers")
	}
	return config
}

// explained waits until explain says something on a node.
func explained(t *testing.T, p *drill.Pair, node, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		out, err := p.Command(ctx, node, "explain", "VI_1")
		if err == nil && strings.Contains(out, want) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("explain on %s: %v, want %q in\n%s", node, err, want, out)
		case <-time.After(50 * time.Millisecond): // a change of status has no event outside the daemon
		}
	}
}

// sole waits until a node alone has the address.
func sole(t *testing.T, p *drill.Pair, node string) {
	t.Helper()
	if err := p.AwaitSole(t.Context(), node); err != nil {
		t.Fatal(err)
	}
}

// An operator writes a number into a file, and the other node takes over; without the file it gives the address back.
func TestIntegrationTrackedFile(t *testing.T) {
	p := newPair(t, tracking(t, `        - {file: drain}
        - {file: veto, weight: 0}
`, `  files:
    drain: {path: /run/drain}
    veto: {path: /run/veto}
`))
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	explained(t, p, "lb1", "file drain, weight 1: 0, as there is no file, times 1: adds nothing")
	for _, tt := range []struct{ name, file, number, explained string }{
		{"a number", "drain", "-50\n", "file drain, weight 1: -50, times 1: subtracts 50"},
		{"a number too low for any priority", "drain", "-254", "file drain, weight 1: FAULT: -254, times 1 is -254 or less"},
		{"weight 0", "veto", "1", "file veto, weight 0: FAULT: 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := p.Node("lb1").Path("/run/" + tt.file)
			if err := os.WriteFile(path, []byte(tt.number), 0o644); err != nil {
				t.Fatal(err)
			}
			sole(t, p, "lb2")
			explained(t, p, "lb1", tt.explained)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			sole(t, p, "lb1")
		})
	}
}

// Each node has a cable to a router of its own. The one whose router falls silent gives way to the one whose answers.
func TestIntegrationTrackedGateway(t *testing.T) {
	p := newPair(t, tracking(t, "        - {gateway: 10.88.0.1, weight: -40}\n",
		"  gateways:\n    10.88.0.1: {interface: eth1, interval: 200ms, timeout: 100ms}\n"))
	routers := map[string]*netlab.Cable{}
	for node, address := range map[string]string{"lb1": "10.88.0.2/24", "lb2": ""} { // lb2 asks as RFC 5227 probes do
		routers[node] = addRouter(t, p, node, address)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	const up, down = "gateway 10.88.0.1 on eth1, weight -40: up (", "gateway 10.88.0.1 on eth1, weight -40: down (no answer within 100ms): subtracts 40"
	explained(t, p, "lb1", up)
	explained(t, p, "lb2", "; eth1 has no address of its own): would subtract 40 while down")

	if err := routers["lb1"].Mute(); err != nil {
		t.Fatal(err)
	}
	sole(t, p, "lb2")
	explained(t, p, "lb1", down)
	if err := routers["lb2"].Mute(); err != nil {
		t.Fatal(err)
	}
	sole(t, p, "lb1") // both are as badly off
	explained(t, p, "lb2", down)
	for _, cable := range routers {
		if err := cable.Restore(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	explained(t, p, "lb1", up)
	explained(t, p, "lb2", up)
	sole(t, p, "lb1")
}

// addRouter gives a balancer an interface eth1, with an address or without, and a router behind it. It returns the
// router's cable.
func addRouter(t *testing.T, p *drill.Pair, node, address string) *netlab.Cable {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	lan, err := p.Lab.LAN("behind " + node)
	must(err)
	router, err := p.Lab.Node("router of " + node)
	must(err)
	cable, err := router.Connect(t.Context(), lan, "eth0", netip.MustParsePrefix("10.88.0.1/24"))
	must(err)
	var own []netip.Prefix
	if address != "" {
		own = append(own, netip.MustParsePrefix(address))
	}
	_, err = p.Node(node).Connect(t.Context(), lan, "eth1", own...)
	must(err)
	return cable
}
