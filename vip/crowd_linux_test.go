package vip_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vip/viptest"
)

// BenchmarkIntegrationCrowd: 255 Sets of 20 addresses on one interface, all at once: into the kernel, renewed, and out of it.
func BenchmarkIntegrationCrowd(b *testing.B) {
	for _, bench := range []struct{ family, format string }{
		{"IPv4", "10.77.%d.%d/16"}, {"IPv6", "fd00:77::%x:%x/128"},
	} {
		sets := func(b *testing.B) []*vip.Set {
			env, _ := viptest.RealEnv(b)
			var all []*vip.Set
			for i := range 255 {
				cfg := config(0)
				for a := range 20 {
					cfg.Addresses = append(cfg.Addresses, address(fmt.Sprintf(bench.format, i, a+1)))
				}
				s, err := vip.New(cfg, env.Kernel, env.Kernel, nil)
				if err != nil {
					b.Fatal(err)
				}
				all = append(all, s)
			}
			return all
		}
		together := func(b *testing.B, all []*vip.Set, do func(*vip.Set, context.Context) error) {
			var wg sync.WaitGroup
			for _, s := range all {
				wg.Go(func() {
					if err := do(s, b.Context()); err != nil {
						b.Error(err)
					}
				})
			}
			wg.Wait()
		}
		b.Run(bench.family+"/acquire", func(b *testing.B) {
			all := sets(b)
			for b.Loop() {
				together(b, all, (*vip.Set).Acquire)
				b.StopTimer()
				together(b, all, (*vip.Set).Release)
				b.StartTimer()
			}
		})
		b.Run(bench.family+"/renew", func(b *testing.B) {
			all := sets(b)
			together(b, all, (*vip.Set).Acquire)
			for b.Loop() {
				together(b, all, (*vip.Set).Acquire)
			}
		})
		b.Run(bench.family+"/release", func(b *testing.B) {
			all := sets(b)
			for b.Loop() {
				b.StopTimer()
				together(b, all, (*vip.Set).Acquire)
				b.StartTimer()
				together(b, all, (*vip.Set).Release)
			}
		})
	}
}
