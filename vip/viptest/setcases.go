package viptest

import (
	"context"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/vip"
)

// SetCases are what a vip.Set does on any kernel.
func SetCases() []Case {
	return slices.Concat([]Case{
		{"acquire and release, twice each", setAcquireRelease},
		{"an address that goes with its primary one is put back", setPrimaryDeleted},
		{"rule 95: leftovers of a former run are removed", setLeftovers},
		{"what is there without a lease gets one", setAdoptsForeign},
		{"what is there of IPv6 becomes as it should be", setAdoptsForeignIPv6},
		{"pain 15: an address that was detected as a duplicate is mended", setDuplicate},
		{"a reload adds and removes", setApply},
		{"a reload changes prefix length and peer", setApplyOptions},
	},
		bothFamilies("an address that somebody deletes is put back", setForeignDeletion),
		bothFamilies("an interface goes and comes back", setInterfaceReturns),
		bothFamilies("an interface that is not there yet", setInterfaceLate),
		bothFamilies("the lease is renewed while it runs, and ends after", setLease),
		bothFamilies("a source address that changes is told", setWatchSource),
		bothFamilies("somebody else's claim is answered and remembered", setContested),
	)
}

// quick announces once and never again, which keeps the counters of a test exact.
var quick = vip.GARP{Repeat: 1, Delay: time.Hour, Refresh: -1}

func acquire(t *testing.T, s *vip.Set) {
	t.Helper()
	if err := s.Acquire(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func setAcquireRelease(t *testing.T, e Env) {
	second := e.addr("10.77.0.101/24")
	second.Label, second.Scope = e.Interface+":vip", vip.ScopeLink
	s, _ := e.start(t, vip.Config{Addresses: []vip.Address{e.addr("10.77.0.100/32"), second}, GARP: quick, Lease: time.Minute})
	for range 2 {
		acquire(t, s)
		if got, want := e.prefixes(t), []string{"10.77.0.100/32", "10.77.0.101/24"}; !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if h, _ := e.has("10.77.0.101/24"); h.Label != second.Label || h.Scope != vip.ScopeLink || !h.Leased {
		t.Errorf("got %+v, want label %s, link scope and a lease", h, second.Label)
	}
	s.Announce()
	e.await(t, "both addresses are announced", func() bool { return s.Status().Announcements == 2 })
	for range 2 {
		if err := s.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := e.prefixes(t); len(got) != 0 {
			t.Fatalf("got %v, want no address", got)
		}
	}
	st := s.Status()
	if st.Held || st.Addresses[0].Present || st.Counters != (vip.Counters{Announcements: 2}) {
		t.Errorf("got %+v, want nothing held and nothing but 2 announcements counted", st)
	}
}

func setForeignDeletion(t *testing.T, e Env) {
	s, _ := e.start(t, vip.Config{Addresses: []vip.Address{e.addr(e.host(100))}, GARP: quick, Lease: time.Minute})
	acquire(t, s)
	if err := e.World.DeleteAddress(e.Interface, netip.MustParsePrefix(e.host(100))); err != nil {
		t.Fatal(err)
	}
	e.await(t, "the address is put back and announced", func() bool {
		st := s.Status()
		return st.ReAdds == 1 && st.Announcements == 1
	})
	if h, ok := e.has(e.host(100)); !ok || !h.Leased {
		t.Errorf("got %+v, want the address with a lease", h)
	}
	if got, want := s.Status().Counters, (vip.Counters{ForeignDeletions: 1, ReAdds: 1, Announcements: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func setPrimaryDeleted(t *testing.T, e Env) {
	if err := e.World.AddAddress(e.Interface, netip.MustParsePrefix("10.77.0.1/24")); err != nil {
		t.Fatal(err)
	}
	s, _ := e.start(t, vip.Config{Addresses: []vip.Address{e.addr("10.77.0.100/24")}, GARP: quick})
	acquire(t, s)
	if err := e.World.DeleteAddress(e.Interface, netip.MustParsePrefix("10.77.0.1/24")); err != nil {
		t.Fatal(err)
	}
	e.await(t, "the address is put back", func() bool { return s.Status().ReAdds == 1 })
	if got, want := e.prefixes(t), []string{"10.77.0.100/24"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func setInterfaceReturns(t *testing.T, e Env) {
	s, _ := e.start(t, vip.Config{Addresses: []vip.Address{e.addr(e.host(100))}, GARP: quick, Lease: time.Hour})
	acquire(t, s)
	if err := e.World.RemoveInterface(e.Interface); err != nil {
		t.Fatal(err)
	}
	e.await(t, "the status says so", func() bool {
		a := s.Status().Addresses[0]
		return a.NoInterface && !a.Present && a.Err != nil
	})
	if err := e.World.AddInterface(e.Interface); err != nil {
		t.Fatal(err)
	}
	e.await(t, "the address is on it again, and announced", func() bool {
		_, ok := e.has(e.host(100))
		return ok && s.Status().Announcements > 0
	})
	if a := s.Status().Addresses[0]; a.NoInterface || !a.Present || a.Err != nil {
		t.Errorf("got %+v, want all well", a)
	}
}

func setInterfaceLate(t *testing.T, e Env) {
	if err := e.World.RemoveInterface(e.Interface); err != nil {
		t.Fatal(err)
	}
	s, _ := e.start(t, vip.Config{Addresses: []vip.Address{e.addr(e.host(100))}, GARP: quick, Lease: time.Hour})
	err := s.Acquire(t.Context())
	if want := "add " + e.host(100) + " to " + e.Interface + ": no such interface"; err == nil || err.Error() != want {
		t.Fatalf("got error %v, want %s", err, want)
	}
	if err := e.World.AddInterface(e.Interface); err != nil {
		t.Fatal(err)
	}
	e.await(t, "the address is there", func() bool { _, ok := e.has(e.host(100)); return ok })
}

func setLeftovers(t *testing.T, e Env) {
	for _, p := range []string{"10.77.0.1/24", "10.77.0.100/32", "10.77.0.101/24", "fd00:77::100/64", "fd00:77::101/64"} {
		if err := e.World.AddAddress(e.Interface, netip.MustParsePrefix(p)); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := e.addr("10.77.0.103/32")
	elsewhere.Interface = "none0"
	s, _ := e.start(t, vip.Config{Addresses: []vip.Address{
		e.addr("10.77.0.100/32"), e.addr("10.77.0.101/32"), e.addr("10.77.0.102/32"), elsewhere,
		e.addr("fd00:77::100/64"), e.addr("fd00:77::101/128"),
	}})
	for _, want := range [][]vip.Address{{e.addr("10.77.0.100/32"), e.addr("fd00:77::100/64")}, nil} {
		removed, err := s.ClearLeftovers(t.Context())
		if err != nil || !reflect.DeepEqual(removed, want) {
			t.Fatalf("got %v removed and error %v, want %v", removed, err, want)
		}
	}
	// 10.77.0.101/24 is not the configured 10.77.0.101/32: it may be the node's own. So may fd00:77::101/64.
	if got, want := e.prefixes(t), []string{"10.77.0.1/24", "10.77.0.101/24", "fd00:77::101/64"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func setAdoptsForeign(t *testing.T, e Env) {
	if err := e.World.AddAddress(e.Interface, netip.MustParsePrefix("10.77.0.100/32")); err != nil {
		t.Fatal(err)
	}
	a := e.addr("10.77.0.100/32")
	a.Label, a.Scope = e.Interface+":vip", vip.ScopeLink
	s, _ := e.start(t, vip.Config{Addresses: []vip.Address{a}, GARP: quick, Lease: time.Minute})
	acquire(t, s)
	if h, _ := e.has("10.77.0.100/32"); !h.Leased || h.Label != a.Label || h.Scope != vip.ScopeLink {
		t.Errorf("got %+v, want a lease, label %s and link scope", h, a.Label)
	}
	if got := s.Status().ForeignDeletions; got != 0 {
		t.Errorf("got %d foreign deletions, want our own not counted", got)
	}
}

func setLease(t *testing.T, e Env) {
	s, stop := e.start(t, vip.Config{Addresses: []vip.Address{e.addr(e.host(100))}, GARP: quick, Lease: 2 * time.Second})
	acquire(t, s)
	// Five renewals take 3.3 s, longer than the lease.
	e.await(t, "five renewals", func() bool { return s.Status().Renewals >= 5 })
	if got := s.Status(); got.Expiries != 0 || got.ForeignDeletions != 0 {
		t.Errorf("got %+v, want nothing lost", got.Counters)
	}
	if h, ok := e.has(e.host(100)); !ok || !h.Leased {
		t.Fatalf("got %+v, want the address with a lease", h)
	}
	stop()
	e.await(t, "the kernel drops the address", func() bool { _, ok := e.has(e.host(100)); return !ok })
}

func setApply(t *testing.T, e Env) {
	labelled := e.addr("10.77.0.100/24")
	labelled.Label = e.Interface + ":new"
	configs := []vip.Config{
		{Addresses: []vip.Address{e.addr("10.77.0.100/24"), e.addr("10.77.0.101/24")}, Lease: time.Minute},
		{Addresses: []vip.Address{e.addr("10.77.0.101/24"), e.addr("10.77.0.102/32")}, Lease: time.Minute}, // the primary goes
		{Addresses: []vip.Address{labelled, e.addr("10.77.0.101/24")}, Lease: time.Hour},
		{Addresses: []vip.Address{e.addr("10.77.0.101/24")}},
	}
	for i := range configs {
		configs[i].Instance, configs[i].GARP = "VI_1", quick
	}
	s, _ := e.start(t, configs[0])
	acquire(t, s)
	for i, want := range [][]string{
		{"10.77.0.100/24", "10.77.0.101/24"},
		{"10.77.0.101/24", "10.77.0.102/32"},
		{"10.77.0.100/24", "10.77.0.101/24"},
		{"10.77.0.101/24"},
	} {
		if err := s.Apply(t.Context(), configs[i]); err != nil {
			t.Fatal(err)
		}
		if got := e.prefixes(t); !reflect.DeepEqual(got, want) {
			t.Errorf("configuration %d: got %v, want %v", i, got, want)
		}
		h, _ := e.has("10.77.0.101/24")
		if leased := configs[i].Lease > 0; h.Leased != leased || h.Left > configs[i].Lease || leased && h.Left < configs[i].Lease-10*time.Second {
			t.Errorf("configuration %d: got %+v, want a lease of %v", i, h, configs[i].Lease)
		}
		if i == 2 {
			if h, _ := e.has("10.77.0.100/24"); h.Label != labelled.Label {
				t.Errorf("got label %s, want %s", h.Label, labelled.Label)
			}
		}
	}
	if got := s.Status().ForeignDeletions; got != 0 {
		t.Errorf("got %d foreign deletions, want our own not counted", got)
	}
}

func setWatchSource(t *testing.T, e Env) {
	told := make(chan netip.Addr, 1)
	source, own := vip.Source{Interface: e.Interface}, netip.MustParsePrefix("10.77.0.1/24")
	if e.IPv6 {
		source.Kind, own = vip.SourceLinkLocal, netip.MustParsePrefix("fe80::1/64")
	}
	source.Exclude = []netip.Addr{e.addr(e.host(100)).Prefix.Addr()}
	Go(t, func(ctx context.Context) error {
		return source.Watch(ctx, e.Kernel, func(a netip.Addr) {
			select {
			case told <- a:
			case <-ctx.Done():
			}
		})
	})
	for _, step := range []struct {
		name string
		do   func() error
		want netip.Addr
	}{
		{"at once", func() error { return nil }, netip.Addr{}},
		{"added, after a virtual one", func() error {
			if err := Add(e.Kernel, e.addr(e.host(100)), time.Minute); err != nil {
				return err
			}
			return e.World.AddAddress(e.Interface, own)
		}, own.Addr()},
		{"removed", func() error { return e.World.DeleteAddress(e.Interface, own) }, netip.Addr{}},
		{"added again", func() error { return e.World.AddAddress(e.Interface, own) }, own.Addr()},
		{"interface removed", func() error { return e.World.RemoveInterface(e.Interface) }, netip.Addr{}},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-told:
			if got != step.want {
				t.Errorf("%s: got %v, want %v", step.name, got, step.want)
			}
		case <-time.After(patience):
			t.Fatalf("%s: nothing was told", step.name)
		}
	}
}
