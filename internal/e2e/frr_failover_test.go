package e2e

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
)

// FRRouting counts in whole centiseconds: of 156/256 of 10 there remain 6.
const (
	frrSkew = 6 * 10 * time.Millisecond
	frrDown = 3*advertInterval3 + frrSkew
)

// neighbour is the client's entry for the virtual address; nil: it has none.
func neighbour(t *testing.T, p *drill.Pair) *netlink.Neigh {
	t.Helper()
	family := netlink.FAMILY_V4
	if p.VIP.Is6() {
		family = netlink.FAMILY_V6
	}
	all, err := p.Node("client").Netlink().NeighList(0, family)
	check(t, err)
	for _, n := range all {
		if n.IP.Equal(p.VIP.AsSlice()) {
			return &n
		}
	}
	return nil
}

// finds holds where the client finds the virtual address: at Tandem's own MAC, or at the virtual router's, which is FRRouting's.
func (m *mixedPair) finds(node string) func(*testing.T) {
	want := map[string]net.HardwareAddr{"lb1": m.Cable("lb1").MAC, "lb2": m.peer.(*frr).mac}[node]
	return func(t *testing.T) {
		if n := neighbour(t, m.Pair); n == nil || n.HardwareAddr.String() != want.String() {
			t.Errorf("the client finds %v at %v, want at %v of %s", m.VIP, n, want, node)
		}
	}
}

// forget has the client ask anew who has the virtual address, as it would once its entry had aged.
func (m *mixedPair) forget(t *testing.T) {
	n := neighbour(t, m.Pair)
	if n == nil {
		t.Fatal("the client has no entry for the virtual address")
	}
	check(t, m.Node("client").Netlink().NeighDel(n))
}

// Tandem is MASTER with priority 101, FRRouting BACKUP with 100.
//
// FRRouting yields without a word. When it hears Tandem before Tandem hears it, nothing tells Tandem to announce, and clients
// find it when it announces next or their entry has aged. That is waited for no longer than it takes to remove the entry.
func TestIntegrationInteropFRRTakesOver(t *testing.T) {
	for _, family := range frrFamilies(t) {
		t.Run(family.name, func(t *testing.T) {
			m := newFRRPair(t, family, 100)
			peers.Find(t, "tshark")
			s := sniff(t, m.Node("client"), "eth0")
			m.start(t, "lb1")
			m.run(t, m.tandemAboveFRR(family.name))
			s.judge(t, family.tandem, family.tshark)
		})
	}
}

func (m *mixedPair) tandemAboveFRR(name string) []move {
	return []move{
		{
			name: name + ": Tandem's cable pulled (carrier lost)", do: m.pull("lb1"), then: m.finds("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: frrDown + slack3, why: "3 x 100 ms + skew", sole: "lb2",
		},
		{
			name: name + ": Tandem's cable back", do: m.restore("lb1"), then: m.finds("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + slack3, why: "3 x 100 ms + skew", sole: "lb1", outage: giveBack,
		},
		{
			name: name + ": Tandem's cable dead (carrier stays)", do: m.mute("lb1"), then: m.finds("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: frrDown + slack3, why: "3 x 100 ms + skew",
		},
		{
			name: name + ": Tandem's cable alive", do: m.restore("lb1"), after: m.forget, then: m.finds("lb1"),
			kind: netlab.AddressRemoved, node: "lb2", in: advertInterval3 + slack3, why: "100 ms", sole: "lb1", outage: giveBack,
		},
		{
			name: name + ": Tandem stopped (SIGTERM)", do: m.stop("lb1", syscall.SIGTERM), then: m.finds("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: frrSkew + slack3, why: "skew", sole: "lb2",
		},
		{
			name: name + ": Tandem started again", do: m.again("lb1"), then: m.finds("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + startSlack, why: "3 x 100 ms + skew", sole: "lb1", outage: giveBack,
		},
		{
			name: name + ": Tandem killed (kill -9)", do: m.stop("lb1", syscall.SIGKILL), then: m.finds("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: frrSkew + slack3, why: "skew: the keeper's last will", sole: "lb2",
		},
	}
}

// FRRouting is MASTER with priority 102, Tandem BACKUP with 101.
//
// It does not look at its carrier, and what it holds when it is killed it holds for ever. It announces an address when it
// becomes MASTER, and never again: after silence it is MASTER still, and says nothing when Tandem yields, so that
// clients find it when their ARP entry has aged. The entry is removed here, too.
func TestIntegrationInteropTakesOverFromFRR(t *testing.T) {
	for _, family := range frrFamilies(t) {
		t.Run(family.name, func(t *testing.T) {
			m := newFRRPair(t, family, 102)
			peers.Find(t, "tshark")
			s := sniff(t, m.Node("client"), "eth0")
			m.start(t, "lb2")
			m.run(t, m.frrAbove(family.name))
			s.judge(t, family.peer, family.tshark)
		})
	}
}

// frrFinds is how long a client may be without answers when FRRouting's node is back on the LAN: not the protocol's time, but
// that which the node's own kernel takes to find the client again (its neighbour entry failed while the cable was out).
const frrFinds = 3 * time.Second

func (m *mixedPair) frrAbove(name string) []move {
	return []move{
		{
			name: name + ": FRR's cable pulled (carrier lost)", do: m.pull("lb2"), then: m.finds("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + slack3, why: "3 x 100 ms + skew", sole: "lb1",
		},
		{
			name: name + ": FRR's cable back, of which it knew nothing", do: m.restore("lb2"), after: m.forget, then: m.finds("lb2"),
			kind: netlab.AddressRemoved, node: "lb1", in: advertInterval3 + slack3, why: "100 ms", sole: "lb2", outage: frrFinds,
		},
		{
			name: name + ": FRR's cable dead (carrier stays)", do: m.mute("lb2"), then: m.finds("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + slack3, why: "3 x 100 ms + skew",
		},
		{
			name: name + ": FRR's cable alive", do: m.restore("lb2"), after: m.forget, then: m.finds("lb2"),
			kind: netlab.AddressRemoved, node: "lb1", in: advertInterval3 + slack3, why: "100 ms", sole: "lb2", outage: frrFinds,
		},
		{
			name: name + ": FRR stopped (SIGTERM)", do: m.stop("lb2", syscall.SIGTERM), then: m.finds("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemSkew3 + slack3, why: "skew", // vrrpd may end before zebra has set the macvlan down
		},
		{
			name: name + ": FRR started again", do: m.again("lb2"), then: m.finds("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: frrDown + startSlack, why: "3 x 100 ms + skew", sole: "lb2", outage: giveBack,
		},
		{
			name: name + ": FRR killed (kill -9)", do: m.stop("lb2", syscall.SIGKILL), then: m.finds("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + slack3, why: "3 x 100 ms + skew",
		},
	}
}
