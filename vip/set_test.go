package vip_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
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

// inBubble runs the test with a Set on a kernel in memory. The Set runs, and holds nothing.
func inBubble(t *testing.T, cfg vip.Config, test func(t *testing.T, s *vip.Set, k *viptest.Kernel)) {
	synctest.Test(t, func(t *testing.T) {
		k := viptest.NewKernel("v0")
		s, err := vip.New(cfg, k, k, nil)
		if err != nil {
			t.Fatal(err)
		}
		viptest.Go(t, s.Run)
		synctest.Wait()
		test(t, s, k)
		for _, a := range k.Announced() {
			if !a.Held {
				t.Errorf("%v was announced before it was in place (rule 91)", a.Addr)
			}
		}
	})
}

func mustAcquire(t *testing.T, s *vip.Set) {
	t.Helper()
	if err := s.Acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// ages returns how old the test was at each announcement.
func ages(k *viptest.Kernel, epoch time.Time) []time.Duration {
	var got []time.Duration
	for _, a := range k.Announced() {
		got = append(got, a.At.Sub(epoch))
	}
	return got
}

func wantAges(t *testing.T, k *viptest.Kernel, epoch time.Time, want ...time.Duration) {
	t.Helper()
	if got := ages(k, epoch); !slices.Equal(got, want) {
		t.Errorf("got announcements at %v, want %v", got, want)
	}
}

// TestRule88And90Bursts: at takeover, once more after 5 s, and a refresh every 30 s, with no settings given.
func TestRule88And90Bursts(t *testing.T) {
	cfg := config(1)
	cfg.GARP = vip.GARP{}
	inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		epoch := time.Now()
		mustAcquire(t, s)
		s.Announce()
		time.Sleep(61 * time.Second)
		synctest.Wait()
		const d = 5 * time.Second
		wantAges(t, k, epoch, 0, 0, 0, 0, 0, d, d, d, d, d, 30*time.Second, 60*time.Second)
		if got := s.Status().Announcements; got != 12 {
			t.Errorf("got %d announcements counted, want 12", got)
		}
	})
}

func TestAnswersAreLimited(t *testing.T) {
	inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		epoch := time.Now()
		mustAcquire(t, s)
		for range 25 {
			s.Answer()
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantAges(t, k, epoch, 0, 0, time.Second, time.Second, 2*time.Second, 2*time.Second, 3*time.Second, 3*time.Second)
	})
}

// TestPacing: two instances on one interface share the least time between announcements there.
func TestPacing(t *testing.T) {
	cfg := config(2)
	cfg.GARP = vip.GARP{Repeat: 2, Delay: time.Hour, Refresh: -1, Interval: 10 * time.Millisecond}
	inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		other := cfg
		other.Addresses = []vip.Address{address("10.78.0.100/32")}
		s2, err := vip.New(other, k, k, nil)
		if err != nil {
			t.Fatal(err)
		}
		viptest.Go(t, s2.Run)
		epoch := time.Now()
		for _, s := range []*vip.Set{s, s2} {
			mustAcquire(t, s)
			s.Announce()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		const d = 10 * time.Millisecond
		wantAges(t, k, epoch, 0, d, 2*d, 3*d, 4*d, 5*d)
		for _, a := range append(cfg.Addresses, other.Addresses...) {
			sent := 0
			for _, got := range k.Announced() {
				if got.Addr == a.Prefix.Addr() {
					sent++
				}
			}
			if sent != 2 {
				t.Errorf("%v: got %d announcements, want 2", a.Prefix, sent)
			}
		}
	})
}

// TestReleaseCancelsAnnouncements: none is sent after Release, not of a paced burst, the second one or a refresh.
func TestReleaseCancelsAnnouncements(t *testing.T) {
	cfg := config(3)
	cfg.GARP = vip.GARP{Repeat: 5, Interval: 10 * time.Millisecond}
	inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		epoch := time.Now()
		mustAcquire(t, s)
		s.Announce()
		time.Sleep(15 * time.Millisecond)
		s.Answer()
		if err := s.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Announce()
		s.Answer()
		time.Sleep(time.Minute)
		synctest.Wait()
		wantAges(t, k, epoch, 0, 10*time.Millisecond)
	})
}

func TestAnnounceBeforeAcquire(t *testing.T) {
	inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		s.Announce()
		s.Answer()
		time.Sleep(time.Minute)
		mustAcquire(t, s)
		time.Sleep(time.Minute)
		synctest.Wait()
		wantAges(t, k, time.Now())
	})
}

// TestFailedAnnouncementIsMadeGood: an interface that is not up yet gets its burst when it is.
func TestFailedAnnouncementIsMadeGood(t *testing.T) {
	cfg := config(1)
	cfg.GARP = vip.GARP{Repeat: 1, Delay: time.Hour, Refresh: -1}
	inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		epoch := time.Now()
		k.Fail(viptest.OpAnnounce, errors.New("network is down"))
		mustAcquire(t, s)
		s.Announce()
		time.Sleep(2500 * time.Millisecond)
		k.Fail(viptest.OpAnnounce, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		wantAges(t, k, epoch, 3*time.Second)
		if got := s.Status(); got.AnnounceErrors != 3 || got.Announcements != 1 {
			t.Errorf("got %+v, want 3 announcements failed and 1 sent", got.Counters)
		}
	})
}

// TestLeaseRenewal: all addresses at each third of the lease, none before Acquire, none after Release.
func TestLeaseRenewal(t *testing.T) {
	inBubble(t, config(3), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		renewals := func(after time.Duration) int {
			before := k.Calls(viptest.OpRenew)
			time.Sleep(after)
			synctest.Wait()
			return k.Calls(viptest.OpRenew) - before
		}
		if got := renewals(time.Minute); got != 0 {
			t.Errorf("before Acquire: got %d renewals, want 0", got)
		}
		mustAcquire(t, s)
		for _, tt := range []struct {
			after time.Duration
			want  int
		}{{999 * time.Millisecond, 0}, {time.Millisecond, 3}, {999 * time.Millisecond, 0}, {time.Millisecond, 3}, {10 * time.Second, 30}} {
			if got := renewals(tt.after); got != tt.want {
				t.Errorf("after another %v: got %d renewals, want %d", tt.after, got, tt.want)
			}
		}
		if got := s.Status(); got.Renewals != 36 || got.Expiries != 0 || !got.RenewAt.Equal(time.Now().Add(time.Second)) {
			t.Errorf("got %+v renewed at %v, want 36 renewals and the next in a second", got.Counters, got.RenewAt)
		}
		if err := s.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := renewals(time.Minute); got != 0 {
			t.Errorf("after Release: got %d renewals, want 0", got)
		}
	})
}

func TestNoLeaseNoRenewal(t *testing.T) {
	cfg := config(1)
	cfg.Lease = 0
	inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		mustAcquire(t, s)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := k.Calls(viptest.OpRenew); got != 0 || !s.Status().Addresses[0].Present {
			t.Errorf("got %d renewals and %+v, want none and the address there", got, s.Status().Addresses[0])
		}
	})
}

// TestEventsDoNotPostponeRenewal: an event-driven look at the kernel is no renewal.
func TestEventsDoNotPostponeRenewal(t *testing.T) {
	inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		mustAcquire(t, s)
		for range 100 {
			time.Sleep(90 * time.Millisecond)
			k.LoseEvents()
		}
		synctest.Wait()
		if got := s.Status(); got.Renewals != 9 || got.Expiries != 0 {
			t.Errorf("got %+v, want 9 renewals in 9 s and no expiry", got.Counters)
		}
	})
}

// TestLifelessOwner: with an owner that doesn't answer nothing is renewed or put back, and the lease ends.
func TestLifelessOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := viptest.NewKernel("v0")
		s, err := vip.New(config(2), k, k, nil)
		if err != nil {
			t.Fatal(err)
		}
		alive := make(chan bool, 1)
		alive <- true
		s.Alive = func() bool { a := <-alive; alive <- a; return a }
		set := func(a bool) { <-alive; alive <- a }
		viptest.Go(t, s.Run)
		mustAcquire(t, s)
		s.Announce()
		time.Sleep(1500 * time.Millisecond)
		set(false)
		if err := k.DeleteAddress("v0", address("10.77.0.100/32").Prefix); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if list, _ := k.Addresses("v0"); len(list) != 0 {
			t.Errorf("got %v, want both addresses gone", list)
		}
		if got := len(k.Announced()); got != 4 {
			t.Errorf("got %d announcements, want the 4 of the first burst", got)
		}
		set(true)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if list, _ := k.Addresses("v0"); len(list) != 2 {
			t.Errorf("got %v, want both addresses put back", list)
		}

		set(false)
		if err := s.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if list, _ := k.Addresses("v0"); len(list) != 0 {
			t.Errorf("got %v, want a lifeless owner to release all the same", list)
		}

		set(true)
		mustAcquire(t, s)
		k.Fail(viptest.OpDelete, errors.New("no buffer space available"))
		if err := s.Release(t.Context()); err == nil {
			t.Error("Release: got no error, want one")
		}
		set(false)
		k.Fail(viptest.OpDelete, nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if list, _ := k.Addresses("v0"); len(list) != 0 {
			t.Errorf("got %v, want Run to finish the release of a lifeless owner", list)
		}
	})
}

// TestExpiryGrace: what expired while the process did not run is put back only after a second, which the owner has to
// find out and release.
func TestExpiryGrace(t *testing.T) {
	inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		mustAcquire(t, s)
		resume := k.Stall(viptest.OpAddresses) // the first renewal hangs, as a stopped process does
		time.Sleep(3500 * time.Millisecond)
		resume()
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		st := s.Status()
		if list, _ := k.Addresses("v0"); len(list) != 0 || st.Expiries != 1 || st.ForeignDeletions != 0 {
			t.Fatalf("got %v and %+v, want one expiry and nothing put back yet", list, st.Counters)
		}
		if want := "its lease ended: it was not renewed in time"; st.Addresses[0].Err == nil || st.Addresses[0].Err.Error() != want {
			t.Errorf("got error %v, want %s", st.Addresses[0].Err, want)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if list, _ := k.Addresses("v0"); len(list) != 1 {
			t.Errorf("got %v, want the address put back", list)
		}
		if st := s.Status(); st.ReAdds != 1 || st.Addresses[0].Err != nil {
			t.Errorf("got %+v, want it put back once, and well", st)
		}
	})
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
		list, _ := k.Addresses("v0")
		if len(list) != 2 || !list[1].Leased || list[1].Left != 3*time.Second {
			t.Errorf("got %+v, want both addresses with 3 s left", list)
		}
		wantAges(t, k, epoch, 0, 0, 0, 0)
		if got, want := s.Status().Counters, (vip.Counters{Announcements: 4, ForeignDeletions: 1, ReAdds: 1}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// TestAdoption: what is there already is renewed when it is as wanted, else deleted and added: a lease is never switched
// on in place.
func TestAdoption(t *testing.T) {
	wanted := address("10.77.0.100/32")
	wanted.Label, wanted.Scope = "v0:vip", vip.ScopeLink
	for _, tt := range []struct {
		name    string
		there   func(*vip.Address)
		lease   time.Duration // of what is there
		deletes int
	}{
		{"as wanted", func(*vip.Address) {}, 2 * time.Second, 0},
		{"without a lease", func(*vip.Address) {}, 0, 1},
		{"with another label", func(a *vip.Address) { a.Label = "" }, 2 * time.Second, 1},
		{"with another scope", func(a *vip.Address) { a.Scope = vip.ScopeUniverse }, 2 * time.Second, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(0)
			cfg.Addresses = []vip.Address{wanted}
			inBubble(t, cfg, func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
				there := wanted
				tt.there(&there)
				if err := k.Add(there, tt.lease); err != nil {
					t.Fatal(err)
				}
				mustAcquire(t, s)
				if got := k.Calls(viptest.OpDelete); got != tt.deletes {
					t.Errorf("got %d deletions, want %d", got, tt.deletes)
				}
				list, _ := k.Addresses("v0")
				want := vip.Held{Prefix: wanted.Prefix, Label: "v0:vip", Scope: vip.ScopeLink, Leased: true, Left: 3 * time.Second}
				if len(list) != 1 || list[0] != want {
					t.Errorf("got %+v, want %+v", list, want)
				}
			})
		})
	}
}

// TestAbsentIsNotAnnounced: what could not be put back is left out of the burst (rule 91).
func TestAbsentIsNotAnnounced(t *testing.T) {
	inBubble(t, config(2), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		mustAcquire(t, s)
		k.Fail(viptest.OpAdd, errors.New("no buffer space available"))
		if err := k.DeleteAddress("v0", address("10.77.0.100/32").Prefix); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.Announce()
		synctest.Wait()
		for _, a := range k.Announced() {
			if a.Addr != address("10.77.0.101/32").Prefix.Addr() {
				t.Errorf("%v was announced, want only 10.77.0.101", a.Addr)
			}
		}
		if got := s.Status().Announcements; got != 2 {
			t.Errorf("got %d announcements, want 2", got)
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
		if list, _ := k.Addresses("v0"); len(list) != 1 {
			t.Errorf("got %v, want the address kept", list)
		}
	})
}

// TestContestedAddress: who deletes the address whenever it appears is no busy loop.
func TestContestedAddress(t *testing.T) {
	inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
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
				if list, _ := k.Addresses("v0"); len(list) != tt.held || st.Addresses[0].Err != nil || st.KernelErrors != errorsBefore {
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
		if list, _ := k.Addresses("v0"); len(list) != 0 {
			t.Errorf("got %v, want no address", list)
		}
		if got := s.Status().Renewals; got > 1 {
			t.Errorf("got %d renewals, want the batch to stop after the one that hung", got)
		}
	})
}

func TestApplyNoChange(t *testing.T) {
	inBubble(t, config(2), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		mustAcquire(t, s)
		before := k.Calls(viptest.OpAdd) + k.Calls(viptest.OpRenew) + k.Calls(viptest.OpAddresses)
		same := config(2)
		same.GARP = vip.GARP{Repeat: 2, Delay: 5 * time.Second} // what the defaults are
		if err := s.Apply(t.Context(), same); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		after := k.Calls(viptest.OpAdd) + k.Calls(viptest.OpRenew) + k.Calls(viptest.OpAddresses)
		if after != before || len(k.Announced()) != 0 {
			t.Errorf("got %d kernel calls and %d announcements, want none", after-before, len(k.Announced()))
		}
	})
}

func TestApplyWhileReleased(t *testing.T) {
	inBubble(t, config(2), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		if err := s.Apply(t.Context(), config(3)); err != nil {
			t.Fatal(err)
		}
		if list, _ := k.Addresses("v0"); len(list) != 0 {
			t.Errorf("got %v, want no address", list)
		}
		mustAcquire(t, s)
		if list, _ := k.Addresses("v0"); len(list) != 3 {
			t.Errorf("got %v, want 3 addresses", list)
		}
	})
}

// TestApplyAnnouncesNewAddresses: all are, as at a takeover.
func TestApplyAnnouncesNewAddresses(t *testing.T) {
	inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		epoch := time.Now()
		mustAcquire(t, s)
		s.Announce()
		time.Sleep(10 * time.Second)
		if err := s.Apply(t.Context(), config(2)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		const a, b = 5 * time.Second, 10 * time.Second
		wantAges(t, k, epoch, 0, 0, a, a, b, b, b, b)
	})
}

// TestApplyAllOrNothing: when the kernel refuses half-way, the old addresses are there and the new ones are not.
func TestApplyAllOrNothing(t *testing.T) {
	for _, tt := range []struct{ op, want string }{
		{"Add", "apply addresses of VI_1: add 10.77.0.101/32 to v0: permission denied"},
		{"Delete", "apply addresses of VI_1: remove 10.77.0.100/32 from v0: permission denied"},
	} {
		t.Run(tt.op, func(t *testing.T) {
			inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
				mustAcquire(t, s)
				next := config(3)
				next.Addresses = next.Addresses[1:]
				k.Fail(viptest.Op(tt.op), errors.New("permission denied"))
				err := s.Apply(t.Context(), next)
				if got, _, _ := strings.Cut(fmt.Sprint(err), "\n"); got != tt.want {
					t.Errorf("got error %v, want %s", err, tt.want)
				}
				k.Fail(viptest.Op(tt.op), nil)
				time.Sleep(time.Second)
				synctest.Wait()
				st := s.Status()
				if len(st.Addresses) != 1 || st.Addresses[0].Address != address("10.77.0.100/32") || !st.Addresses[0].Present {
					t.Errorf("got %+v, want the old configuration", st.Addresses)
				}
				if list, _ := k.Addresses("v0"); len(list) != 1 || list[0].Prefix != address("10.77.0.100/32").Prefix {
					t.Errorf("got %+v, want the old address alone", list)
				}
			})
		})
	}
}

func TestRefusedConfigs(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*vip.Config)
		want   string
	}{
		{"IPv6", func(c *vip.Config) { c.Addresses[0] = address("fd00:77::100/128") },
			"address fd00:77::100/128 on v0: IPv6 addresses are not in this version"},
		{"IPv4 in IPv6", func(c *vip.Config) { c.Addresses[0] = address("::ffff:10.77.0.1/128") },
			"address ::ffff:10.77.0.1/128 on v0: IPv6 addresses are not in this version"},
		{"no address", func(c *vip.Config) { c.Addresses[0].Prefix = netip.Prefix{} }, "address on v0: no address given"},
		{"no interface", func(c *vip.Config) { c.Addresses[0].Interface = "" }, "address 10.77.0.100/32: no interface given"},
		{"short lease", func(c *vip.Config) { c.Lease = time.Second }, "lease 1s: want 0, or whole seconds, at least 2s"},
		{"negative lease", func(c *vip.Config) { c.Lease = -time.Second }, "lease -1s: want 0, or whole seconds, at least 2s"},
		{"broken lease", func(c *vip.Config) { c.Lease = 2500 * time.Millisecond }, "lease 2.5s: want 0, or whole seconds, at least 2s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(1)
			tt.change(&cfg)
			k := viptest.NewKernel("v0")
			if _, err := vip.New(cfg, k, k, nil); err == nil || err.Error() != tt.want {
				t.Errorf("New: got error %v, want %s", err, tt.want)
			}
			s, err := vip.New(config(1), k, k, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Apply(t.Context(), cfg); err == nil || err.Error() != tt.want {
				t.Errorf("Apply: got error %v, want %s", err, tt.want)
			}
		})
	}
}
