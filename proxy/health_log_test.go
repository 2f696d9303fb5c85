package proxy_test

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/health"
)

// A change of health is told once, with its reason and how many servers are left.
func TestAChangeOfHealthIsLoggedOnce(t *testing.T) {
	t.Parallel()
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := netip.MustParseAddrPort(refused.Addr().String())
	_ = refused.Close()
	var out bytes.Buffer // hclog writes one line at a time, and Run has ended before it is read
	p := proxy.New(proxy.Options{Log: hclog.New(&hclog.LoggerOptions{Output: &out, DisableTime: true})})
	plan, err := p.Plan(proxy.Config{Backends: []proxy.Backend{{
		Name: "web", Servers: []proxy.Server{{Name: "web1", Address: address, Weight: 1}},
		Check:    &health.Check{Interval: time.Second, Rise: 1, Fall: 1},
		Timeouts: proxy.BackendTimeouts{Connect: time.Second, Server: time.Second},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	p.Apply(plan)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = p.Run(ctx) }()
	watch, stop := context.WithCancel(t.Context())
	p.WatchBackend(watch, "web", func(_, _ int, known bool) {
		if known {
			stop()
		}
	})
	cancel()
	<-ended
	want := regexp.MustCompile(`^\[WARN\]  server is unhealthy: backend=web server=web1 reason="layer 4 [^"]*" duration=\S+ healthy=0 servers=1\n` +
		`\[ERROR\] backend has no server available: backend=web\n$`)
	if got := out.String(); !want.MatchString(got) {
		t.Errorf("log is\n%swant it to match\n%s", got, want)
	}
}
