package vip_test

import (
	"flag"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/tandem-lb/tandem/vip/viptest"
)

func TestMain(m *testing.M) {
	// Tests on the real kernel wait for leases to end and hardly compute: more than there are CPUs may run at
	// once. -parallel on the command line still counts, as that is read later.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// TestCases runs the shared cases on the kernel in memory.
func TestCases(t *testing.T) {
	for _, c := range append(viptest.KernelCases(), viptest.SetCases()...) {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := viptest.NewKernel("v0")
				c.Run(t, viptest.Env{Kernel: k, World: k, Interface: "v0"})
			})
		})
	}
}

// TestIntegrationCases runs the same cases on the real kernel, each in a network namespace of its own.
func TestIntegrationCases(t *testing.T) {
	for _, c := range append(viptest.KernelCases(), viptest.SetCases()...) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			env, _ := viptest.RealEnv(t)
			c.Run(t, env)
		})
	}
}
