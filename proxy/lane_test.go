package proxy

import (
	"net/netip"
	"testing"
)

// Who may claim to be a proxy is one of the networks that are named: an address of a link too, which comes with its interface.
func TestProxiesOfALane(t *testing.T) {
	t.Parallel()
	b := &plannedBind{config: Bind{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fe80::/10")}}}
	proxies := new(Proxy).newLane(&frontend{}, nil, b, &socket{}).bind.Proxies
	for address, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "11.1.2.3": false, "fe80::1": true, "fe80::1%eth0": true, "2001:db8::1": false,
	} {
		if got := proxies(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: got %t, want %t", address, got, want)
		}
	}
	if proxies(netip.Addr{}) {
		t.Error("nobody's address is among them")
	}
}
