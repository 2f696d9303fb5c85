package e2e

import (
	"context"
	"net/netip"
	"syscall"
	"testing"

	"github.com/tandem-lb/tandem/internal/netlab"
)

// Addresses beside the advertised one, of either family, move with it and are in no advert.
func TestIntegrationExcludedAddressesMove(t *testing.T) {
	p := newPair(t, edited(t, config3(t), "      virtual_addresses: [10.77.0.100/24]\n",
		`      virtual_addresses: [10.77.0.100/24]
      excluded_addresses: [{address: 10.77.0.101/24, broadcast: 10.77.0.255}, "fd00:77::101/64"]
`))
	excluded := []netip.Addr{netip.MustParseAddr("10.77.0.101"), netip.MustParseAddr("fd00:77::101")}
	mark := p.Lab.Mark()
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitAll(t, p.Lab, mark, netlab.AddressAdded, "lb1", excluded)
	advert, err := p.Lab.Await(t.Context(), mark, func(e netlab.Event) bool { return e.Kind == netlab.AdvertSeen && e.Node == "lb1" })
	if err != nil {
		t.Fatal(err)
	}
	if count := advert.Advert.Payload[3]; count != 1 {
		t.Errorf("an advert has %d addresses, want the one that is not excluded", count)
	}
	mark = p.Lab.Mark()
	if err := p.Daemon("lb1").Signal(syscall.SIGKILL); err != nil { // the keeper's will knows them too
		t.Fatal(err)
	}
	awaitAll(t, p.Lab, mark, netlab.AddressRemoved, "lb1", excluded)
	awaitAll(t, p.Lab, mark, netlab.AddressAdded, "lb2", excluded)
}

// awaitAll waits until something has happened to each address on a node.
func awaitAll(t *testing.T, lab *netlab.Lab, mark netlab.Mark, kind netlab.Kind, node string, addrs []netip.Addr) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, a := range addrs {
		if _, err := lab.Await(ctx, mark, func(e netlab.Event) bool {
			return e.Kind == kind && e.Node == node && e.Address.Addr() == a
		}); err != nil {
			t.Fatalf("%v of %v on %s: %v", kind, a, node, err)
		}
	}
}
