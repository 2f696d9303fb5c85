package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// keepalivedConf6 is the other half of config6.
func keepalivedConf6(t *testing.T, changes ...string) string {
	return edited(t, keepalivedConf3(t, "\t\t10.77.0.100/24\n", fmt.Sprintf("\t\t%s/64\n\t\t%s/64\n\t\t%s\n", vip6Local, vip6, vip6Alone)), changes...)
}

// Tandem is MASTER with priority 101, Keepalived BACKUP with 100.
func TestIntegrationKeepalivedTakesOverFromTandemOnIPv6(t *testing.T) {
	m := newMixedPairOf(t, config6(t), keepalivedConf6(t), vip6)
	wire := sniffIPv6(t, m.Node("client"))
	m.start(t, "lb1")
	m.run(t, []move{
		{
			name: "v3 IPv6: Tandem's cable pulled (carrier lost)", do: m.pull("lb1"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown3 + slack3, why: "3 x 100 ms + skew", sole: "lb2",
		},
		{
			name: "v3 IPv6: Tandem's cable back", do: m.restore("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: untilChecked + tandemDown3 + slack3, why: "a check, 3 x 100 ms + skew", sole: "lb1", outage: giveBack,
		},
		{
			name: "v3 IPv6: Tandem stopped (SIGTERM)", do: m.stop("lb1", syscall.SIGTERM),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedSkew3 + slack3, why: "skew", sole: "lb2",
		},
		{
			name: "v3 IPv6: Tandem started again", do: m.again("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + startSlack, why: "3 x 100 ms + skew", sole: "lb1", outage: giveBack,
		},
		{
			name: "v3 IPv6: Tandem killed (kill -9)", do: m.stop("lb1", syscall.SIGKILL),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedSkew3 + slack3, why: "skew: the keeper's last will", sole: "lb2",
		},
	})
	wire.judge(t, m.Pair, "lb1")
}

// Keepalived is MASTER with priority 102, Tandem BACKUP with 101.
func TestIntegrationTandemTakesOverFromKeepalivedOnIPv6(t *testing.T) {
	m := newMixedPairOf(t, config6(t), keepalivedConf6(t, "priority 100", "priority 102"), vip6)
	wire := sniffIPv6(t, m.Node("client"))
	m.start(t, "lb2")
	m.awaitStatus(t, "lb1", "it heard nothing that does not count", func(s status.Snapshot) bool {
		i := s.Instances[0]
		return i.Version == 3 && i.Counters.AdvertsReceived > 0 && len(i.Counters.Dropped) == 0
	})
	m.run(t, []move{
		{
			name: "v3 IPv6: Keepalived's cable pulled (carrier lost)", do: m.pull("lb2"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + slack3, why: "3 x 100 ms + skew", sole: "lb1",
		},
		{
			name: "v3 IPv6: Keepalived's cable back", do: m.restore("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown3 + slack3, why: "3 x 100 ms + skew", sole: "lb2", outage: giveBack,
		},
		{
			name: "v3 IPv6: Keepalived stopped (SIGTERM)", do: m.stop("lb2", syscall.SIGTERM),
			kind: netlab.AddressAdded, node: "lb1", in: tandemSkew3 + slack3, why: "skew", sole: "lb1",
		},
		{
			name: "v3 IPv6: Keepalived started again", do: m.again("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown3 + 2*startSlack, why: "3 x 100 ms + skew", sole: "lb2", outage: giveBack,
		},
	})
	wire.judge(t, m.Pair, "lb2")
}

// unicastConfig6 has the nodes as peers, by their second addresses.
func unicastConfig6(t *testing.T) string {
	return config6(t, "      virtual_router_id: 51\n", "      virtual_router_id: 51\n      unicast_peers: true\n",
		"{address: 10.77.0.1}", `{address: [10.77.0.1, "fd00:77::1"]}`, "{address: 10.77.0.2}", `{address: [10.77.0.2, "fd00:77::2"]}`)
}

// A pair for IPv6 that speaks by unicast sends from global addresses, the keeper's farewell too.
func TestIntegrationIPv6UnicastPair(t *testing.T) {
	p := newPairOf(t, unicastConfig6(t), vip6)
	mark := p.Lab.Mark()
	check(t, p.Start(t.Context()))
	ready(t, p, "lb1")
	measure(t, p, figure{"IPv6 unicast: master's cable pulled", silenceBound3}, "lb2", func(ctx context.Context) error { return p.Cable("lb1").Pull(ctx) })
	unserving(t, p, "lb1")
	measure(t, p, figure{"IPv6 unicast: cable back", contestBound}, "lb1", func(ctx context.Context) error { return p.Cable("lb1").Restore(ctx) })
	ready(t, p, "lb1")
	measure(t, p, figure{"IPv6 unicast: daemon killed (kill -9)", killBound3}, "lb2", signal(p, "lb1", syscall.SIGKILL))
	restartForgetting(t, p, "lb1")
	awaitFailback(t, p)
	ready(t, p, "lb1")

	events, err := p.Lab.Since(mark)
	check(t, err)
	way := map[string]string{"lb1": "fd00:77::1 > fd00:77::2, TTL 255", "lb2": "fd00:77::2 > fd00:77::1, TTL 255"}
	seen := map[string]int{}
	for _, e := range filter(events, func(e netlab.Event) bool { return e.Kind == netlab.AdvertSeen }) {
		seen[e.Node]++
		if got := fmt.Sprintf("%v > %v, TTL %d", e.Advert.Source, e.Advert.Destination, e.Advert.TTL); got != way[e.Node] {
			t.Errorf("an advert of %s: %s, want %s", e.Node, got, way[e.Node])
		}
	}
	if seen["lb1"] == 0 || seen["lb2"] == 0 {
		t.Errorf("got adverts of %v, want of both", seen)
	}
	// To multicast and back while it runs: refused without --force, and then the other kind of source.
	check(t, p.WriteConfig(config6(t)))
	reloadAs(t, p, "lb2")
	reloadAs(t, p, "lb1")
	mark = p.Lab.Mark()
	await(t, p, mark, "lb1 sends to the group", func(e netlab.Event) bool {
		return e.Kind == netlab.AdvertSeen && e.Node == "lb1" && e.Advert.Source == netip.MustParseAddr("fe80::1") && e.Advert.Destination == netip.MustParseAddr("ff02::12")
	})
	check(t, p.AwaitSole(t.Context(), "lb1"))
}

// reloadAs has a daemon read its configuration again, whatever it changes on the wire.
func reloadAs(t *testing.T, p *drill.Pair, node string) {
	t.Helper()
	command(t, p, node, binary(t), "reload", "--force")
}

// No connection of a node leaves from an address that may be gone in a moment: its health checks come from its own.
func TestIntegrationIPv6NoConnectionFromAVirtualAddress(t *testing.T) {
	p := newPairOf(t, config6(t), vip6)
	syns := &sniffer{done: make(chan struct{})}
	syns.conn = rawSocket(t, p.Node("web1"), "eth0", []bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: etherTypeIPv6, SkipTrue: 5},
		bpf.LoadAbsolute{Off: 14 + 6, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 6, SkipTrue: 3}, // TCP
		bpf.LoadAbsolute{Off: 14 + 40 + 13, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 2, SkipTrue: 1}, // SYN alone
		bpf.RetConstant{Val: 2048},
		bpf.RetConstant{Val: 0},
	})
	go syns.read()
	t.Cleanup(syns.stop)
	check(t, p.Start(t.Context()))
	ready(t, p, "lb1")
	pause(t, time.Second) // two checks as MASTER, and requests
	command(t, p, "lb1", "ping", "-6", "-c", "1", "-W", "2", "fd00:77::12")
	syns.stop()
	from := map[netip.Addr]int{}
	for _, f := range syns.seen() {
		from[netip.AddrFrom16([16]byte(f.bytes[14+8:]))]++
	}
	t.Logf("connections to web1 came from %v", from)
	for _, a := range []netip.Addr{vip6, vip6Alone, vip6Local} {
		if from[a] > 0 {
			t.Errorf("%d connections came from the virtual address %s", from[a], a)
		}
	}
	if from[netip.MustParseAddr("fd00:77::1")] == 0 {
		t.Error("no connection came from lb1's own address")
	}
}
