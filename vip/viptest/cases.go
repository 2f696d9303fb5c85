package viptest

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/vip"
)

// KernelCases are what any vip.Kernel does.
func KernelCases() []Case {
	return slices.Concat([]Case{
		{"an address has its options and prefix length", kernelAttributes},
		{"options and lease default to none", kernelDefaults},
		{"an address has a peer", kernelPeer},
		{"rule 92: an IPv6 address answers at once", kernelIPv6},
		{"the prefix length belongs to the address", kernelPrefixLength},
		{"an IPv6 address is there once, whatever its prefix length", kernelPrefixLengthIPv6},
		{"a renewal restarts the lease and keeps the rest", kernelRenew},
		{"a primary address takes its secondary ones along", kernelSecondaries},
		{"the address an interface has of its own", kernelPrimary},
		{"rule 7: the link-local address an interface has of its own", kernelPrimaryIPv6},
		{"the global IPv6 address an interface has of its own", kernelPrimaryGlobal},
		{"the address that is preferred, where it is there", kernelPreferred},
	},
		bothFamilies("an address is added once", kernelAddTwice),
		bothFamilies("deleting what is gone is fine", kernelDeleteTwice),
		bothFamilies("an interface that does not exist", kernelNoInterface),
		bothFamilies("a renewal adds what is missing", kernelRenewMissing),
		bothFamilies("a renewal without a lease is for ever", kernelRenewForever),
		bothFamilies("a lease ends by itself", kernelExpiry),
		bothFamilies("a renewed lease does not end", kernelRenewedExpiry),
		bothFamilies("events of addresses and interfaces", kernelEvents),
		bothFamilies("announcements keep their distance", kernelPacing),
		bothFamilies("who else claims an address", kernelClaims),
	)
}

func kernelAttributes(t *testing.T, e Env) {
	a := e.addr("10.77.0.102/24")
	a.Label, a.Scope, a.Broadcast = e.Interface+":vip", vip.ScopeLink, netip.MustParseAddr("10.77.0.255")
	if err := Add(e.Kernel, a, time.Minute); err != nil {
		t.Fatal(err)
	}
	got := e.list(t)
	if len(got) != 1 || got[0].Left <= 50*time.Second || got[0].Left > time.Minute {
		t.Fatalf("got %+v, want one address with nearly a minute left", got)
	}
	got[0].Left = 0
	want := vip.Held{Prefix: a.Prefix, Label: a.Label, Scope: vip.ScopeLink, Broadcast: a.Broadcast, Leased: true}
	if got[0] != want {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
}

func kernelDefaults(t *testing.T, e Env) {
	a := e.addr("10.77.0.100/32")
	if err := Add(e.Kernel, a, 0); err != nil {
		t.Fatal(err)
	}
	want := []vip.Held{{Prefix: a.Prefix, Label: e.Interface}}
	if got := e.list(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func kernelAddTwice(t *testing.T, e Env) {
	a := e.addr(e.host(100))
	if err := Add(e.Kernel, a, 0); err != nil {
		t.Fatal(err)
	}
	err := Add(e.Kernel, a, time.Minute)
	if want := "add " + e.host(100) + " to " + e.Interface + ": address exists"; !errors.Is(err, vip.ErrExists) || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	if h, _ := e.has(e.host(100)); h.Leased {
		t.Error("an add that was refused switched a lease on")
	}
}

func kernelPrefixLength(t *testing.T, e Env) {
	for _, p := range []string{"10.77.0.100/32", "10.77.0.100/24"} {
		if err := Add(e.Kernel, e.addr(p), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := Delete(e.Kernel, e.addr("10.77.0.100/32")); err != nil {
		t.Fatal(err)
	}
	if got, want := e.prefixes(t), []string{"10.77.0.100/24"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func kernelDeleteTwice(t *testing.T, e Env) {
	a := e.addr(e.net(100))
	if err := Add(e.Kernel, a, 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Delete(e.Kernel, a); err != nil {
			t.Errorf("got error %v, want none", err)
		}
	}
	a.Interface = "none0"
	if err := Delete(e.Kernel, a); err != nil {
		t.Errorf("on an interface that does not exist: got error %v, want none", err)
	}
	if got := e.prefixes(t); len(got) != 0 {
		t.Errorf("got %v, want no address", got)
	}
}

func kernelNoInterface(t *testing.T, e Env) {
	a := e.addr(e.host(100))
	a.Interface = "none0"
	_, listErr := e.Kernel.Addresses("none0")
	_, announceErr := e.Kernel.Announce("none0", a.Prefix.Addr(), 0, false)
	for _, tt := range []struct {
		err  error
		want string
	}{
		{listErr, "list addresses of none0: no such interface"},
		{announceErr, "announce " + a.Prefix.Addr().String() + " on none0: no such interface"},
		{Add(e.Kernel, a, 0), "add " + e.host(100) + " to none0: no such interface"},
		{Renew(e.Kernel, a, 0), "renew " + e.host(100) + " on none0: no such interface"},
	} {
		if !errors.Is(tt.err, vip.ErrNoInterface) || tt.err.Error() != tt.want {
			t.Errorf("got error %v, want %s", tt.err, tt.want)
		}
	}
}

func kernelRenew(t *testing.T, e Env) {
	a := e.addr("10.77.0.100/32")
	a.Label, a.Scope = e.Interface+":vip", vip.ScopeSite
	if err := Add(e.Kernel, a, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := Renew(e.Kernel, a, time.Minute); err != nil {
		t.Fatal(err)
	}
	h, _ := e.has("10.77.0.100/32")
	if !h.Leased || h.Left <= 50*time.Second {
		t.Errorf("got %v left, want nearly a minute", h.Left)
	}
	if h.Label != a.Label || h.Scope != vip.ScopeSite {
		t.Errorf("got label %s and scope %d, want %s and %d", h.Label, h.Scope, a.Label, vip.ScopeSite)
	}
}

func kernelRenewMissing(t *testing.T, e Env) {
	if err := Renew(e.Kernel, e.addr(e.host(100)), time.Minute); err != nil {
		t.Fatal(err)
	}
	if h, ok := e.has(e.host(100)); !ok || !h.Leased {
		t.Errorf("got %+v, want the address with a lease", h)
	}
}

func kernelRenewForever(t *testing.T, e Env) {
	a := e.addr(e.host(100))
	if err := Add(e.Kernel, a, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := Renew(e.Kernel, a, 0); err != nil {
		t.Fatal(err)
	}
	if h, ok := e.has(e.host(100)); !ok || h.Leased {
		t.Errorf("got %+v, want the address without a lease", h)
	}
}

// kernelExpiry: a lease of N s ends after N to N + 0.4 s. A machine under load may tell late.
func kernelExpiry(t *testing.T, e Env) {
	began := time.Now()
	if err := Add(e.Kernel, e.addr(e.host(100)), 2*time.Second); err != nil {
		t.Fatal(err)
	}
	e.await(t, "the address is gone", func() bool { _, ok := e.has(e.host(100)); return !ok })
	took := time.Since(began)
	t.Logf("a lease of 2 s ended after %v", took)
	if took < 2*time.Second || took > 4*time.Second {
		t.Errorf("got an end after %v, want 2 s to 2.4 s", took)
	}
}

// kernelRenewedExpiry: a second address with an unrenewed lease tells the time.
func kernelRenewedExpiry(t *testing.T, e Env) {
	for _, p := range []string{e.host(100), e.host(101)} {
		if err := Add(e.Kernel, e.addr(p), 2*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if err := Renew(e.Kernel, e.addr(e.host(100)), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	e.await(t, "the address that was not renewed is gone", func() bool { _, ok := e.has(e.host(101)); return !ok })
	if _, ok := e.has(e.host(100)); !ok {
		t.Error("the renewed address is gone")
	}
}

func kernelSecondaries(t *testing.T, e Env) {
	for _, p := range []string{"10.77.0.1/24", "10.77.0.100/24", "10.77.0.101/32"} {
		if err := Add(e.Kernel, e.addr(p), 0); err != nil {
			t.Fatal(err)
		}
	}
	if h, _ := e.has("10.77.0.100/24"); !h.Secondary {
		t.Error("the second address of a subnet is not secondary")
	}
	if h, _ := e.has("10.77.0.101/32"); h.Secondary {
		t.Error("an address of its own subnet is secondary")
	}
	if err := e.World.DeleteAddress(e.Interface, netip.MustParsePrefix("10.77.0.1/24")); err != nil {
		t.Fatal(err)
	}
	if got, want := e.prefixes(t), []string{"10.77.0.101/32"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func kernelEvents(t *testing.T, e Env) {
	a := e.addr(e.host(100))
	for _, step := range []struct {
		name string
		want func(vip.Event) bool
		do   func() error
	}{
		{
			"address added",
			func(ev vip.Event) bool { return ev.Kind == vip.AddressAdded && ev.Addr == a.Prefix.Addr() },
			func() error { return e.World.AddAddress(e.Interface, a.Prefix) },
		}, {
			"address removed",
			func(ev vip.Event) bool { return ev.Kind == vip.AddressRemoved && ev.Addr == a.Prefix.Addr() },
			func() error { return e.World.DeleteAddress(e.Interface, a.Prefix) },
		}, {
			"interface removed",
			func(ev vip.Event) bool { return ev.Kind == vip.LinkRemoved && ev.Interface == e.Interface },
			func() error { return e.World.RemoveInterface(e.Interface) },
		}, {
			"interface made",
			func(ev vip.Event) bool { return ev.Kind == vip.LinkChanged && ev.Interface == e.Interface },
			func() error { return e.World.AddInterface(e.Interface) },
		},
	} {
		changed, cancel := e.Kernel.Subscribe(step.want)
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
		case <-time.After(patience):
			t.Errorf("no event: %s", step.name)
		}
		cancel()
	}
}

func kernelPacing(t *testing.T, e Env) {
	addr := e.addr(e.host(100)).Prefix.Addr()
	for _, tt := range []struct {
		gap  time.Duration
		wait bool
	}{
		{time.Hour, false}, {time.Hour, true}, {0, false}, {time.Hour, true},
	} {
		wait, err := e.Kernel.Announce(e.Interface, addr, tt.gap, false)
		if err != nil {
			t.Fatal(err)
		}
		if tt.wait != (wait > 59*time.Minute) || wait > time.Hour {
			t.Errorf("gap %v: got %v to wait, want to wait: %v", tt.gap, wait, tt.wait)
		}
	}
}

func kernelPrimary(t *testing.T, e Env) {
	virtual := []netip.Addr{netip.MustParseAddr("10.77.0.100"), netip.MustParseAddr("10.77.0.101")}
	check := func(want, wantErr string) {
		t.Helper()
		got, err := vip.Source{Interface: e.Interface, Exclude: virtual}.Find(e.Kernel)
		switch {
		case wantErr != "" && (err == nil || err.Error() != wantErr):
			t.Errorf("got error %v, want %s", err, wantErr)
		case wantErr == "" && (err != nil || got.String() != want):
			t.Errorf("got %v and error %v, want %s", got, err, want)
		}
	}
	none := "source address on " + e.Interface + ": no IPv4 address besides the virtual ones"
	if err := Add(e.Kernel, e.addr("fd00:77::1/64"), 0); err != nil {
		t.Fatal(err)
	}
	check("", none)
	for _, p := range []string{"10.77.0.100/24", "10.77.0.101/32"} {
		if err := Add(e.Kernel, e.addr(p), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	check("", none)
	host := e.addr("10.80.0.1/24")
	host.Scope = vip.ScopeHost
	if err := Add(e.Kernel, host, 0); err != nil {
		t.Fatal(err)
	}
	check("", none)
	for _, step := range []struct{ add, want string }{
		{"10.77.0.2/24", "10.77.0.2"}, // secondary to a virtual one, but all there is
		{"10.78.0.1/24", "10.78.0.1"}, // primary
		{"10.79.0.1/24", "10.78.0.1"}, // primary too, but later
	} {
		if err := e.World.AddAddress(e.Interface, netip.MustParsePrefix(step.add)); err != nil {
			t.Fatal(err)
		}
		check(step.want, "")
	}
	if err := e.World.RemoveInterface(e.Interface); err != nil {
		t.Fatal(err)
	}
	check("", "list addresses of "+e.Interface+": no such interface")
}

// kernelPeer: the prefix length is the peer's, and the address is another one without it.
func kernelPeer(t *testing.T, e Env) {
	a := e.addr("10.77.0.100/32")
	a.Peer = netip.MustParseAddr("10.77.0.1")
	b := e.addr("fd00:77::100/64")
	b.Peer = netip.MustParseAddr("fd00:77::1")
	for _, a := range []vip.Address{a, b} {
		for range 2 {
			if err := Renew(e.Kernel, a, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if h, ok := e.has(a.Prefix.String()); !ok || h.Peer != a.Peer || !h.Leased {
			t.Errorf("got %+v, want peer %v and a lease", h, a.Peer)
		}
	}
	plain := a
	plain.Peer = netip.Addr{}
	if err := Add(e.Kernel, plain, 0); err != nil {
		t.Fatal(err)
	}
	if err := Delete(e.Kernel, a); err != nil {
		t.Fatal(err)
	}
	if h, ok := e.has("10.77.0.100/32"); !ok || h.Peer.IsValid() {
		t.Errorf("got %+v, want the one without a peer to stay", h)
	}
}
