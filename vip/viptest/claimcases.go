package viptest

import (
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/vip"
)

// foreignMAC is somebody else's on the LAN.
func foreignMAC(last byte) net.HardwareAddr { return net.HardwareAddr{0x02, 0xdd, 0, 0, 0, last} }

// kernelClaims: those to other addresses, and of our own interfaces, are not told.
func kernelClaims(t *testing.T, e Env) {
	a, b := e.addr(e.host(100)), e.addr(e.host(101))
	elsewhere := e.addr(e.host(102))
	elsewhere.Interface = "none0"
	claims := make(chan vip.Claim, 1)
	stop := e.Kernel.Listen([]vip.Address{a, b, elsewhere}, func(c vip.Claim) {
		select {
		case claims <- c:
		default: // it is repeated until it is read
		}
	})
	claim := func(n int, mac net.HardwareAddr) {
		t.Helper()
		if err := e.World.Claim(e.Interface, e.addr(e.host(n)).Prefix.Addr(), mac); err != nil {
			t.Fatal(err)
		}
	}
	// await has claims made until the one to the second address is told, and the channel empty then.
	await := func(want vip.Claim, also ...func()) {
		t.Helper()
		e.await(t, "the claim is heard", func() bool {
			for _, f := range also {
				f()
			}
			claim(101, want.MAC)
			select {
			case got := <-claims:
				if reflect.DeepEqual(got, want) {
					return true
				}
				if got.MAC.String() == MAC().String() || got.Addr != b.Prefix.Addr() {
					t.Fatalf("got %+v, want nothing but claims of others to %v", got, b.Prefix.Addr())
				}
			default:
			}
			return false
		})
	}
	want := vip.Claim{Interface: e.Interface, Addr: b.Prefix.Addr(), MAC: foreignMAC(1)}
	await(want,
		func() { claim(103, foreignMAC(1)) }, // nobody's
		func() { claim(100, MAC()) },         // our own interface's
		func() { claim(102, foreignMAC(1)) }, // of another interface
	)
	want.MAC = foreignMAC(2)
	await(want)
	other := make(chan vip.Claim, 100)
	cancel := e.Kernel.Listen([]vip.Address{b}, func(c vip.Claim) {
		select {
		case other <- c:
		default:
		}
	})
	defer cancel()
	stop()
	for len(claims) > 0 { // what was under way when it stopped
		<-claims
	}
	e.await(t, "the other listener hears", func() bool {
		claim(101, foreignMAC(3))
		return len(other) > 0
	})
	for len(claims) > 0 {
		if got := <-claims; got.MAC.String() == foreignMAC(3).String() {
			t.Errorf("got %+v, want nothing after the end", got)
		}
	}
}

// setContested: the claim is counted, remembered, told, and answered by a burst.
func setContested(t *testing.T, e Env) {
	a := e.addr(e.host(100))
	s, err := vip.New(vip.Config{Instance: "VI_1", Addresses: []vip.Address{e.addr(e.host(99)), a}, GARP: quick, Lease: time.Hour}, e.Kernel, e.Kernel, nil)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan vip.Claim, 1)
	s.Listener = e.Kernel
	s.Contested = func(c vip.Claim) {
		select {
		case told <- c:
		default: // it is repeated until it is read
		}
	}
	Go(t, s.Run)
	acquire(t, s)
	var got vip.Claim
	e.await(t, "the claim is told", func() bool {
		if err := e.World.Claim(e.Interface, a.Prefix.Addr(), foreignMAC(1)); err != nil {
			t.Fatal(err)
		}
		select {
		case got = <-told:
			return true
		default:
			return false
		}
	})
	if want := (vip.Claim{Interface: e.Interface, Addr: a.Prefix.Addr(), MAC: foreignMAC(1)}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	e.await(t, "the burst", func() bool { return s.Status().Announcements >= 10 }) // five rounds of two addresses
	st := s.Status()
	f := st.Addresses[1].Foreign
	if f.Claims == 0 || f.MAC.String() != foreignMAC(1).String() || f.At.IsZero() || st.ForeignClaims != f.Claims {
		t.Errorf("got %+v and %d claims, want the claimant remembered and each counted", f, st.ForeignClaims)
	}
	if f := st.Addresses[0].Foreign; !reflect.DeepEqual(f, vip.Foreign{}) {
		t.Errorf("got %+v, want nobody at the other address", f)
	}

	if err := s.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := s.Status().ForeignClaims
	heard := make(chan struct{}, 1)
	defer e.Kernel.Listen([]vip.Address{a}, func(vip.Claim) {
		select {
		case heard <- struct{}{}:
		default:
		}
	})()
	e.await(t, "somebody else hears the claim", func() bool {
		if err := e.World.Claim(e.Interface, a.Prefix.Addr(), foreignMAC(2)); err != nil {
			t.Fatal(err)
		}
		return len(heard) > 0
	})
	if got := s.Status().ForeignClaims; got != before {
		t.Errorf("got %d claims, want the %d while held", got, before)
	}
}
