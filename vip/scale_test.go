package vip_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vip/viptest"
)

// What a Set asks of the kernel does not grow with its addresses: hundreds of Sets share one kernel, and one interface with
// thousands of addresses that takes milliseconds to list.
func TestRequestsDoNotGrowWithTheAddresses(t *testing.T) {
	inBubble(t, config(100), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		before := map[viptest.Op]int{}
		asked := func(what string, want map[viptest.Op]int) {
			t.Helper()
			for _, op := range []viptest.Op{viptest.OpAdd, viptest.OpRenew, viptest.OpDelete, viptest.OpAddresses} {
				if got := k.Calls(op) - before[op]; got != want[op] {
					t.Errorf("%s: got %d requests to %s, want %d", what, got, op, want[op])
				}
				before[op] = k.Calls(op)
			}
		}
		asked("nothing held", nil)
		mustAcquire(t, s)
		synctest.Wait()
		asked("Acquire", map[viptest.Op]int{viptest.OpAdd: 1})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		asked("ten renewals", map[viptest.Op]int{viptest.OpRenew: 10})
		if err := s.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		asked("Release", map[viptest.Op]int{viptest.OpDelete: 1})
	})
}
