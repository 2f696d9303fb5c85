package e2e

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
)

// FRRouting counts in whole centiseconds: of 156/256 of 10 there remain 6.
const (
	frrSkew = 6 * 10 * time.Millisecond
	frrDown = 3*advertInterval3 + frrSkew
)

// frrPeerConfig is Tandem's part beside FRRouting. It tracks no backend, so that only what happens to the routers moves
// the address.
func frrPeerConfig(t *testing.T) string {
	return edited(t, config3(t), "      track:\n        - {backend: web, min_up: 1, weight: -30}\n", "")
}

// neighbour is the client's entry for the virtual address; nil: it has none.
func neighbour(t *testing.T, p *drill.Pair) *netlink.Neigh {
	t.Helper()
	all, err := p.Node("client").Netlink().NeighList(0, netlink.FAMILY_V4)
	check(t, err)
	for _, n := range all {
		if n.IP.Equal(drill.VIP.AsSlice()) {
			return &n
		}
	}
	return nil
}

// finds holds where the client finds the virtual address: at Tandem's own MAC, or at the virtual router's, which is FRRouting's.
func (m *mixedPair) finds(node string) func(*testing.T) {
	want := map[string]net.HardwareAddr{"lb1": m.Cable("lb1").MAC, "lb2": frrMAC}[node]
	return func(t *testing.T) {
		if n := neighbour(t, m.Pair); n == nil || n.HardwareAddr.String() != want.String() {
			t.Errorf("the client finds %v at %v, want at %v of %s", drill.VIP, n, want, node)
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
func TestIntegrationInteropFRRTakesOver(t *testing.T) {
	m := newFRRPair(t, frrPeerConfig(t), frrConf)
	needPeer(t, "tshark")
	s := sniff(t, m.Node("client"), "eth0")
	m.start(t, "lb1")
	m.run(t, []move{
		{
			name: "FRR: Tandem's cable pulled (carrier lost)", do: m.pull("lb1"), then: m.finds("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: frrDown + slack3, why: "3 x 100 ms + skew", sole: "lb2",
		},
		{
			name: "FRR: Tandem's cable back", do: m.restore("lb1"), then: m.finds("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + slack3, why: "3 x 100 ms + skew", sole: "lb1", outage: giveBack,
		},
		{
			name: "FRR: Tandem's cable dead (carrier stays)", do: m.mute("lb1"), then: m.finds("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: frrDown + slack3, why: "3 x 100 ms + skew",
		},
		{
			name: "FRR: Tandem's cable alive", do: m.restore("lb1"), then: m.finds("lb1"),
			kind: netlab.AddressRemoved, node: "lb2", in: advertInterval3 + slack3, why: "100 ms", sole: "lb1", outage: giveBack,
		},
		{
			name: "FRR: Tandem stopped (SIGTERM)", do: m.stop("lb1", syscall.SIGTERM), then: m.finds("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: frrSkew + slack3, why: "skew", sole: "lb2",
		},
		{
			name: "FRR: Tandem started again", do: m.again("lb1"), then: m.finds("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + startSlack, why: "3 x 100 ms + skew", sole: "lb1", outage: giveBack,
		},
		{
			name: "FRR: Tandem killed (kill -9)", do: m.stop("lb1", syscall.SIGKILL), then: m.finds("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: frrSkew + slack3, why: "skew: the keeper's last will", sole: "lb2",
		},
	})
	s.judge(t, "10.77.0.1", tsharkWants3)
}

// FRRouting is MASTER with priority 102, Tandem BACKUP with 101.
//
// It does not look at its carrier, and what it holds when it is killed it holds for ever. It announces an address when it
// becomes MASTER, and never again: after silence it is MASTER still, and says nothing when Tandem yields, so that
// clients find it when their ARP entry has aged. That is waited for no longer than it takes to remove the entry.
func TestIntegrationInteropTakesOverFromFRR(t *testing.T) {
	m := newFRRPair(t, frrPeerConfig(t), strings.Replace(frrConf, "priority 100", "priority 102", 1))
	needPeer(t, "tshark")
	s := sniff(t, m.Node("client"), "eth0")
	m.start(t, "lb2")
	m.run(t, []move{
		{
			name: "FRR's cable pulled (carrier lost)", do: m.pull("lb2"), then: m.finds("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + slack3, why: "3 x 100 ms + skew", sole: "lb1",
		},
		{
			name: "FRR's cable back, of which it knew nothing", do: m.restore("lb2"), after: m.forget, then: m.finds("lb2"),
			kind: netlab.AddressRemoved, node: "lb1", in: advertInterval3 + slack3, why: "100 ms", sole: "lb2",
		},
		{
			name: "FRR's cable dead (carrier stays)", do: m.mute("lb2"), then: m.finds("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + slack3, why: "3 x 100 ms + skew",
		},
		{
			name: "FRR's cable alive", do: m.restore("lb2"), after: m.forget, then: m.finds("lb2"),
			kind: netlab.AddressRemoved, node: "lb1", in: advertInterval3 + slack3, why: "100 ms", sole: "lb2",
		},
		{
			name: "FRR stopped (SIGTERM)", do: m.stop("lb2", syscall.SIGTERM), then: m.finds("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemSkew3 + slack3, why: "skew", sole: "lb1",
		},
		{
			name: "FRR started again", do: m.again("lb2"), then: m.finds("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: frrDown + startSlack, why: "3 x 100 ms + skew", sole: "lb2", outage: giveBack,
		},
		{
			name: "FRR killed (kill -9)", do: m.stop("lb2", syscall.SIGKILL), then: m.finds("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + slack3, why: "3 x 100 ms + skew",
		},
	})
	s.judge(t, "10.77.0.2", tsharkWants3)
}
