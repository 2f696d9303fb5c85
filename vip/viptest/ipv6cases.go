package viptest

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/vip"
)

// kernelIPv6: no duplicate address detection, no route, deprecated; with and without a lease, and with a scope of its own.
func kernelIPv6(t *testing.T, e Env) {
	for _, tt := range []struct {
		prefix string
		lease  time.Duration
		scope  vip.Scope
	}{
		{"fd00:77::100/64", time.Minute, vip.ScopeUniverse},
		{"fd00:77::101/128", 0, vip.ScopeUniverse},
		{"fe80::100/64", time.Minute, vip.ScopeLink},
	} {
		a := e.addr(tt.prefix)
		if err := Add(e.Kernel, a, tt.lease); err != nil {
			t.Fatal(err)
		}
		got, _ := e.has(tt.prefix)
		if tt.lease > 0 && (got.Left <= tt.lease-10*time.Second || got.Left > tt.lease) {
			t.Errorf("%s: got %v left, want nearly %v", tt.prefix, got.Left, tt.lease)
		}
		got.Left = 0
		want := vip.Held{Prefix: a.Prefix, Scope: tt.scope, Leased: tt.lease > 0, Deprecated: true, NoPrefixRoute: true}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if err := Renew(e.Kernel, a, tt.lease); err != nil {
			t.Fatal(err)
		}
		got, _ = e.has(tt.prefix)
		got.Left = 0
		if got != want {
			t.Errorf("renewed: got %+v, want %+v", got, want)
		}
	}
}

func kernelPrefixLengthIPv6(t *testing.T, e Env) {
	if err := Add(e.Kernel, e.addr("fd00:77::100/64"), 0); err != nil {
		t.Fatal(err)
	}
	if err := Add(e.Kernel, e.addr("fd00:77::100/128"), 0); !errors.Is(err, vip.ErrExists) {
		t.Errorf("got error %v, want %v", err, vip.ErrExists)
	}
	if err := Delete(e.Kernel, e.addr("fd00:77::100/128")); err != nil {
		t.Fatal(err)
	}
	if got, want := e.prefixes(t), []string{"fd00:77::100/64"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func kernelPrimaryIPv6(t *testing.T, e Env) {
	virtual := []netip.Addr{netip.MustParseAddr("fe80::100"), netip.MustParseAddr("fd00:77::100")}
	check := func(want, wantErr string) {
		t.Helper()
		got, err := vip.Source{Interface: e.Interface, Kind: vip.SourceLinkLocal, Exclude: virtual}.Find(e.Kernel)
		switch {
		case wantErr != "" && (err == nil || err.Error() != wantErr):
			t.Errorf("got %v and error %v, want %s", got, err, wantErr)
		case wantErr == "" && (err != nil || got.String() != want):
			t.Errorf("got %v and error %v, want %s", got, err, want)
		}
	}
	none := "source address on " + e.Interface + ": no link-local IPv6 address besides the virtual ones"
	check("", none)
	for _, p := range []string{"fe80::100/64", "fd00:77::100/64", "fd00:77::1/64", "10.77.0.1/24"} {
		if err := Add(e.Kernel, e.addr(p), 0); err != nil {
			t.Fatal(err)
		}
	}
	check("", none)
	if err := e.World.AddDuplicate(e.Interface, netip.MustParsePrefix("fe80::1/64")); err != nil {
		t.Fatal(err)
	}
	check("", none) // the kernel does not send from it
	for _, p := range []string{"fe80::2/64", "fe80::3/64"} {
		if err := Add(e.Kernel, e.addr(p), 0); err != nil {
			t.Fatal(err)
		}
		check("fe80::2", "")
	}
	if got, err := (vip.Source{Interface: e.Interface, Exclude: virtual}).Find(e.Kernel); err != nil || got.String() != "10.77.0.1" {
		t.Errorf("got %v and error %v, want 10.77.0.1 for IPv4", got, err)
	}
	if err := e.World.RemoveInterface(e.Interface); err != nil {
		t.Fatal(err)
	}
	check("", "list addresses of "+e.Interface+": no such interface")
}

func kernelPrimaryGlobal(t *testing.T, e Env) {
	source := vip.Source{Interface: e.Interface, Kind: vip.SourceGlobalIPv6, Exclude: []netip.Addr{netip.MustParseAddr("fd00:77::100")}}
	for _, p := range []string{"fe80::1/64", "fd00:77::100/64", "10.77.0.1/24"} {
		if err := Add(e.Kernel, e.addr(p), 0); err != nil {
			t.Fatal(err)
		}
	}
	none := "source address on " + e.Interface + ": no global IPv6 address besides the virtual ones"
	if got, err := source.Find(e.Kernel); err == nil || err.Error() != none {
		t.Errorf("got %v and error %v, want %s", got, err, none)
	}
	want := func(want string) {
		t.Helper()
		for late := time.Now().Add(patience); ; time.Sleep(time.Millisecond) { // duplicate address detection takes its time
			got, err := source.Find(e.Kernel)
			if err == nil && got.String() == want {
				return
			}
			if time.Now().After(late) {
				t.Fatalf("got %v and error %v, want %s", got, err, want)
			}
		}
	}
	if err := Add(e.Kernel, e.addr("fd00:77::9/64"), 0); err != nil {
		t.Fatal(err)
	}
	want("fd00:77::9") // deprecated, but all there is
	if err := e.World.AddAddress(e.Interface, netip.MustParsePrefix("fd00:77::1/64")); err != nil {
		t.Fatal(err)
	}
	want("fd00:77::1")
}

// kernelPreferred: an address that a virtual one could not be mistaken for is taken before older ones.
func kernelPreferred(t *testing.T, e Env) {
	for _, p := range []string{"10.77.0.1/24", "10.77.0.2/24", "fd00:77::1/64", "fd00:77::2/64", "fe80::1/64", "fe80::2/64"} {
		if err := Add(e.Kernel, e.addr(p), 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		source vip.Source
		want   string
	}{
		{"IPv4", vip.Source{Prefer: netip.MustParseAddr("10.77.0.2")}, "10.77.0.2"},
		{"IPv4 that is elsewhere", vip.Source{Prefer: netip.MustParseAddr("10.77.0.3")}, "10.77.0.1"},
		{"IPv6", vip.Source{Kind: vip.SourceGlobalIPv6, Prefer: netip.MustParseAddr("fd00:77::2")}, "fd00:77::2"},
		{"IPv6 that is elsewhere", vip.Source{Kind: vip.SourceGlobalIPv6, Prefer: netip.MustParseAddr("fd00:77::3")}, "fd00:77::1"},
		{"not the group's", vip.Source{Kind: vip.SourceLinkLocal, Prefer: netip.MustParseAddr("fd00:77::2")}, "fe80::1"},
		{"never a virtual one", vip.Source{
			Kind: vip.SourceGlobalIPv6, Prefer: netip.MustParseAddr("fd00:77::2"), Exclude: []netip.Addr{netip.MustParseAddr("fd00:77::2")},
		}, "fd00:77::1"},
	} {
		tt.source.Interface = e.Interface
		if got, err := tt.source.Find(e.Kernel); err != nil || got.String() != tt.want {
			t.Errorf("%s: got %v and error %v, want %s", tt.name, got, err, tt.want)
		}
	}
}

// setAdoptsForeignIPv6: whatever brought the address, with whatever prefix length, it becomes ours in all.
func setAdoptsForeignIPv6(t *testing.T, e Env) {
	for _, tt := range []struct {
		there string
		lease time.Duration
	}{
		{"fd00:77::100/64", time.Minute}, {"fd00:77::100/128", time.Minute}, {"fd00:77::100/64", 0}, {"fd00:77::100/128", 0},
	} {
		if err := e.World.AddAddress(e.Interface, netip.MustParsePrefix(tt.there)); err != nil {
			t.Fatal(err)
		}
		s, stop := e.start(t, vip.Config{Addresses: []vip.Address{e.addr("fd00:77::100/128")}, GARP: quick, Lease: tt.lease})
		acquire(t, s)
		got, _ := e.has("fd00:77::100/128")
		got.Left = 0
		want := vip.Held{Prefix: netip.MustParsePrefix("fd00:77::100/128"), Leased: tt.lease > 0, Deprecated: true, NoPrefixRoute: true}
		if got != want {
			t.Errorf("%s was there: got %+v, want %+v", tt.there, got, want)
		}
		if st := s.Status(); st.ForeignDeletions != 0 || st.DADFailures != 0 {
			t.Errorf("got %+v, want nothing of ours counted", st.Counters)
		}
		if err := s.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		if got := e.prefixes(t); len(got) != 0 {
			t.Fatalf("got %v, want no address", got)
		}
	}
}

// setDuplicate: somebody replaces the address by one that duplicate address detection then silences.
func setDuplicate(t *testing.T, e Env) {
	p := netip.MustParsePrefix("fd00:77::100/64")
	s, stop := e.start(t, vip.Config{Addresses: []vip.Address{e.addr(p.String())}, GARP: quick, Lease: time.Minute})
	acquire(t, s)
	stop()
	if err := errors.Join(e.World.DeleteAddress(e.Interface, p), e.World.AddDuplicate(e.Interface, p)); err != nil {
		t.Fatal(err)
	}
	if h, _ := e.has(p.String()); !h.Tentative || !h.DADFailed {
		t.Fatalf("got %+v, want a duplicate detected", h)
	}
	Go(t, s.Run)
	e.await(t, "the address is mended and announced", func() bool { return s.Status().Announcements == 1 })
	if h, _ := e.has(p.String()); h.Tentative || h.DADFailed || !h.Leased {
		t.Errorf("got %+v, want the kernel to answer for it, with a lease", h)
	}
	if got, want := s.Status().Counters, (vip.Counters{DADFailures: 1, Announcements: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// setApplyOptions: what a reload changes of an address that stays where it is.
func setApplyOptions(t *testing.T, e Env) {
	peer := e.addr("10.77.0.100/32")
	peer.Peer = netip.MustParseAddr("10.77.0.1")
	peer6 := e.addr("fd00:77::100/128")
	peer6.Peer = netip.MustParseAddr("fd00:77::1")
	other6 := peer6
	other6.Peer = netip.MustParseAddr("fd00:77::2")
	other := peer
	other.Peer = netip.MustParseAddr("10.77.0.2")
	broadcast := e.addr("10.77.0.100/24")
	broadcast.Broadcast = netip.MustParseAddr("10.77.0.255")
	s, _ := e.start(t, vip.Config{Lease: time.Minute})
	acquire(t, s)
	for _, a := range []vip.Address{
		e.addr("fd00:77::100/64"), e.addr("fd00:77::100/128"), peer6, other6, e.addr("10.77.0.100/32"), peer, other, broadcast, e.addr("10.77.0.100/24"),
	} {
		cfg := vip.Config{Instance: "VI_1", Addresses: []vip.Address{a}, GARP: quick, Lease: time.Minute}
		if err := s.Apply(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		got := e.list(t)
		if len(got) != 1 || got[0].Prefix != a.Prefix || got[0].Peer != a.Peer || got[0].Broadcast != a.Broadcast || !got[0].Leased {
			t.Errorf("got %+v, want %+v alone", got, a)
		}
	}
	if st := s.Status(); st.ForeignDeletions != 0 || st.KernelErrors != 0 {
		t.Errorf("got %+v, want no trouble", st.Counters)
	}
}
