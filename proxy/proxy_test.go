package proxy_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/proxytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// balancer is a Proxy that runs until its test ends.
type balancer struct{ *proxy.Proxy }

func (b balancer) Reload(t *testing.T, c proxy.Config) {
	t.Helper()
	plan, err := b.Plan(c)
	if err != nil {
		t.Fatal(err)
	}
	b.Apply(plan)
}

func start(t *testing.T, c proxy.Config) proxytest.Balancer {
	t.Helper()
	return run(t, c, proxy.Options{Drain: 1})
}

func run(t *testing.T, c proxy.Config, o proxy.Options) balancer {
	t.Helper()
	b := balancer{proxy.New(o)}
	b.Reload(t, c)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return b
}

func TestSuite(t *testing.T) { proxytest.Run(t, start) }
