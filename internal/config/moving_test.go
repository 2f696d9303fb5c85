package config

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/tandem-lb/tandem/vip"
)

func TestExcludedAddressesMoveAndAreNotAdvertised(t *testing.T) {
	n := good(t, "excluded.yaml", "lb2")
	in := n.Instances[0]
	if want := []netip.Addr{netip.MustParseAddr("192.168.1.100")}; !reflect.DeepEqual(in.VRRP.Addresses, want) {
		t.Errorf("advertised: got %v, want %v", in.VRRP.Addresses, want)
	}
	want := []vip.Address{
		{Prefix: netip.MustParsePrefix("192.168.1.100/24"), Interface: "eth0", Label: "eth0:vip", Broadcast: netip.MustParseAddr("192.168.1.255")},
		{Prefix: netip.MustParsePrefix("10.20.0.1/30"), Interface: "ens4", Scope: vip.ScopeLink, Peer: netip.MustParseAddr("10.20.0.2")},
		{Prefix: netip.MustParsePrefix("2001:db8::100/64"), Interface: "eth0"},
	}
	if !reflect.DeepEqual(in.VIP.Addresses, want) {
		t.Errorf("moved: got %+v, want %+v", in.VIP.Addresses, want)
	}
	binds := map[netip.Addr]bool{}
	for _, b := range n.Proxy.Frontends[0].Binds {
		binds[b.Address.Addr()] = true
	}
	for _, a := range want {
		if !binds[a.Prefix.Addr()] {
			t.Errorf("got binds %v, want one on %v", binds, a.Prefix.Addr())
		}
	}
}
