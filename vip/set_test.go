package vip_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vip/viptest"
)

func address(prefix string) vip.Address {
	return vip.Address{Prefix: netip.MustParsePrefix(prefix), Interface: "v0"}
}

// config is an instance with as many addresses as wanted, from 10.77.0.100/32.
func config(n int) vip.Config {
	cfg := vip.Config{Instance: "VI_1", Lease: 3 * time.Second, GARP: vip.GARP{Repeat: 2}}
	for i := range n {
		cfg.Addresses = append(cfg.Addresses, address(fmt.Sprintf("10.77.0.%d/32", 100+i)))
	}
	return cfg
}

// inBubble runs the test with a Set on a kernel in memory. The Set runs, and holds nothing. Nothing may be announced
// before it is in place.
func inBubble(t *testing.T, cfg vip.Config, test func(t *testing.T, s *vip.Set, k *viptest.Kernel)) {
	t.Helper()
	inLawlessBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		test(t, s, k)
		for _, a := range k.Announced() {
			if !a.Held {
				t.Errorf("%v was announced before it was in place (rule 91)", a.Addr)
			}
		}
	})
}

// inLawlessBubble is for tests in which somebody may delete an address between the Set's last look and its announcement.
func inLawlessBubble(t *testing.T, cfg vip.Config, test func(t *testing.T, s *vip.Set, k *viptest.Kernel)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := viptest.NewKernel("v0")
		s, err := vip.New(cfg, k, k, nil)
		if err != nil {
			t.Fatal(err)
		}
		viptest.Go(t, s.Run)
		synctest.Wait()
		test(t, s, k)
	})
}

func mustAcquire(t *testing.T, s *vip.Set) {
	t.Helper()
	if err := s.Acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestForeignDeletionAtOnce: put back without the clock moving, with a lease, and announced.
func TestForeignDeletionAtOnce(t *testing.T) {
	inBubble(t, config(2), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		epoch := time.Now()
		mustAcquire(t, s)
		if err := k.DeleteAddress("v0", address("10.77.0.101/32").Prefix); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		list := addresses(k)
		if len(list) != 2 || !list[1].Leased || list[1].Left != 3*time.Second {
			t.Errorf("got %+v, want both addresses with 3 s left", list)
		}
		wantAges(t, k, epoch, 0, 0, 0, 0)
		if got, want := s.Status().Counters, (vip.Counters{Announcements: 4, ForeignDeletions: 1, ReAdds: 1}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// TestSomebodyElsePutsItBack: an address that we could not put back is ours again when it is there.
func TestSomebodyElsePutsItBack(t *testing.T) {
	cfg := config(1)
	cfg.Lease = 0
	inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		mustAcquire(t, s)
		k.Fail(viptest.OpAdd, errors.New("no buffer space available"))
		p := address("10.77.0.100/32").Prefix
		if err := k.DeleteAddress("v0", p); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := k.AddAddress("v0", p); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if a := s.Status().Addresses[0]; !a.Present || a.Err != nil {
			t.Errorf("got %+v, want it present and well", a)
		}
	})
}

func TestClearLeftoversWhileHeld(t *testing.T) {
	inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		mustAcquire(t, s)
		removed, err := s.ClearLeftovers(t.Context())
		if len(removed) != 0 || err != nil {
			t.Errorf("got %v removed and error %v, want none", removed, err)
		}
		if list := addresses(k); len(list) != 1 {
			t.Errorf("got %v, want the address kept", list)
		}
	})
}

// TestContestedAddress: who deletes the address whenever it appears is no busy loop.
func TestContestedAddress(t *testing.T) {
	inLawlessBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		added, cancel := k.Subscribe(func(e vip.Event) bool { return e.Kind == vip.AddressAdded })
		defer cancel()
		viptest.Go(t, func(ctx context.Context) error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-added:
					_ = k.DeleteAddress("v0", address("10.77.0.100/32").Prefix) // it may be gone already
				}
			}
		})
		mustAcquire(t, s)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		st := s.Status()
		if st.ForeignDeletions < 30 || st.ForeignDeletions > 50 {
			t.Errorf("got %d foreign deletions in 10 s, want about one each 250 ms", st.ForeignDeletions)
		}
		if want := "somebody keeps deleting it"; st.Addresses[0].Err == nil || st.Addresses[0].Err.Error() != want {
			t.Errorf("got error %v, want %s", st.Addresses[0].Err, want)
		}
	})
}

// TestFailuresAreRetried: every operation that fails is tried again until it works.
func TestFailuresAreRetried(t *testing.T) {
	broken := errors.New("no buffer space available")
	for _, tt := range []struct {
		name string
		op   viptest.Op
		do   func(*testing.T, *vip.Set) error // what fails, if it's not in the background
		want string
		held int // addresses in the kernel in the end
	}{
		{
			"add", viptest.OpAdd,
			func(t *testing.T, s *vip.Set) error { return s.Acquire(t.Context()) },
			"add 10.77.0.100/32 to v0: no buffer space available", 1,
		}, {
			"renew", viptest.OpRenew,
			func(t *testing.T, s *vip.Set) error { mustAcquire(t, s); return nil }, "", 1,
		}, {
			"list", viptest.OpAddresses,
			func(t *testing.T, s *vip.Set) error { mustAcquire(t, s); return nil }, "", 1,
		}, {
			"delete", viptest.OpDelete,
			func(t *testing.T, s *vip.Set) error { mustAcquire(t, s); return s.Release(t.Context()) },
			"remove 10.77.0.100/32 from v0: no buffer space available", 0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(1)
			cfg.Lease = 6 * time.Second
			inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
				k.Fail(tt.op, broken)
				if err := tt.do(t, s); (err != nil || tt.want != "") && fmt.Sprint(err) != tt.want {
					t.Errorf("got error %v, want %q", err, tt.want)
				}
				k.LoseEvents() // has it look
				time.Sleep(4 * time.Second)
				synctest.Wait()
				if st := s.Status(); st.KernelErrors < 5 || !errors.Is(st.Addresses[0].Err, broken) {
					t.Errorf("got %+v, want at least 5 errors and the cause", st)
				}
				k.Fail(tt.op, nil)
				time.Sleep(time.Second)
				synctest.Wait()
				errorsBefore := s.Status().KernelErrors
				time.Sleep(time.Minute)
				synctest.Wait()
				st := s.Status()
				if list := addresses(k); len(list) != tt.held || st.Addresses[0].Err != nil || st.KernelErrors != errorsBefore {
					t.Errorf("got %v and %+v, want %d addresses and no error", list, st, tt.held)
				}
				if st.Expiries != 0 {
					t.Errorf("got %d expiries, want none: failures end within the lease", st.Expiries)
				}
			})
		})
	}
}

// TestReleaseWaitsNoLongerThanItsContext: an operation that hangs in the kernel leaves Release a way out, Status
// answers, and what Release could not do is done when the kernel answers again.
func TestReleaseWaitsNoLongerThanItsContext(t *testing.T) {
	inBubble(t, config(2), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		mustAcquire(t, s)
		resume := k.Stall(viptest.OpRenew)
		time.Sleep(1100 * time.Millisecond) // a renewal hangs
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := s.Release(ctx)
		if want := "release addresses of VI_1: context deadline exceeded"; !errors.Is(err, context.DeadlineExceeded) || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
		if st := s.Status(); st.Held || !st.RenewAt.IsZero() {
			t.Errorf("got %+v, want it not held", st)
		}
		resume()
		synctest.Wait()
		if list := addresses(k); len(list) != 0 {
			t.Errorf("got %v, want no address", list)
		}
	})
}

// addresses is what v0 has.
func addresses(k vip.Kernel) []vip.Held {
	list, err := k.Addresses("v0")
	if err != nil {
		return nil
	}
	return list.Held
}
