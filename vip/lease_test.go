package vip_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vip/viptest"
)

// TestLeaseRenewal: all addresses at each third of the lease with one request, none before Acquire, none after Release.
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
		}{{999 * time.Millisecond, 0}, {time.Millisecond, 1}, {999 * time.Millisecond, 0}, {time.Millisecond, 1}, {10 * time.Second, 10}} {
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
		if list := addresses(k); len(list) != 0 {
			t.Errorf("got %v, want both addresses gone", list)
		}
		if got := len(k.Announced()); got != 4 {
			t.Errorf("got %d announcements, want the 4 of the first burst", got)
		}
		set(true)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if list := addresses(k); len(list) != 2 {
			t.Errorf("got %v, want both addresses put back", list)
		}

		set(false)
		if err := s.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if list := addresses(k); len(list) != 0 {
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
		if list := addresses(k); len(list) != 0 {
			t.Errorf("got %v, want Run to finish the release of a lifeless owner", list)
		}
	})
}

// TestExpiryGrace: what expired while the process did not run is put back only after a second, which the owner has to
// find out and release.
func TestExpiryGrace(t *testing.T) {
	inBubble(t, config(1), func(t *testing.T, s *vip.Set, k *viptest.Kernel) {
		mustAcquire(t, s)
		resume := k.Stall(viptest.OpAddresses) // Run hangs, as in a stopped process
		k.LoseEvents()
		time.Sleep(3500 * time.Millisecond)
		resume()
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		st := s.Status()
		if list := addresses(k); len(list) != 0 || st.Expiries != 1 || st.ForeignDeletions != 0 {
			t.Fatalf("got %v and %+v, want one expiry and nothing put back yet", list, st.Counters)
		}
		if want := "its lease ended: it was not renewed in time"; st.Addresses[0].Err == nil || st.Addresses[0].Err.Error() != want {
			t.Errorf("got error %v, want %s", st.Addresses[0].Err, want)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if list := addresses(k); len(list) != 1 {
			t.Errorf("got %v, want the address put back", list)
		}
		if st := s.Status(); st.ReAdds != 1 || st.Addresses[0].Err != nil {
			t.Errorf("got %+v, want it put back once, and well", st)
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
				if err := viptest.Add(k, there, tt.lease); err != nil {
					t.Fatal(err)
				}
				mustAcquire(t, s)
				if got := k.Calls(viptest.OpDelete); got != tt.deletes {
					t.Errorf("got %d deletions, want %d", got, tt.deletes)
				}
				list := addresses(k)
				want := vip.Held{Prefix: wanted.Prefix, Label: "v0:vip", Scope: vip.ScopeLink, Leased: true, Left: 3 * time.Second}
				if len(list) != 1 || list[0] != want {
					t.Errorf("got %+v, want %+v", list, want)
				}
			})
		})
	}
}
