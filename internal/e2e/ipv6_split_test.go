package e2e

import (
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/vrrp"
)

// splitConfig is config3 with a second instance, for IPv6, of the same VRID and on the same interface. Each has its own MASTER.
func splitConfig(t *testing.T) string {
	return edited(t, config3(t), "proxy:\n", `    - name: VI_1_IPv6
      interface: eth0
      virtual_router_id: 51
      priority: {lb1: 100, lb2: 101}
      advert_interval: 100ms
      virtual_addresses: ["fe80::77:100/64", "fd00:77::100/64"]
proxy:
`)
}

// The routers of the two families know nothing of each other: each node has one, and serves on it alone.
func TestIntegrationFamiliesApart(t *testing.T) {
	p := newPair(t, splitConfig(t))
	check(t, p.Start(t.Context()))
	served := func(holders map[string]netip.Addr) {
		t.Helper()
		for node, vip := range holders {
			awaitStatus(t, p, node, "serves on its own address alone", func(s status.Snapshot) bool {
				gates := map[netip.Addr]string{}
				for _, b := range s.Frontends[0].Binds {
					gates[b.Address.Addr()] = b.Gate
				}
				return len(gates) == 2 && gates[vip] == "open" && slices.Contains(slices.Collect(maps.Values(gates)), "closed")
			})
			eventually(t, vip.String()+" is served on "+node, func() (bool, any) { // its gate opens before the client hears of it
				code, err := get(t, p, netip.AddrPortFrom(vip, 80).String(), "/")
				return err == nil && code == http.StatusOK, err
			})
		}
	}
	served(map[string]netip.Addr{"lb1": drill.VIP, "lb2": vip6})
	strangersByFamily(t, p)
	mark := p.Lab.Mark()
	check(t, p.Daemon("lb2").Signal(syscall.SIGKILL))
	await(t, p, mark, "lb1 takes the IPv6 address too", on(netlab.AddressAdded, "lb1", vip6))
	for _, vip := range []netip.Addr{drill.VIP, vip6} {
		eventually(t, vip.String()+" is served", func() (bool, any) {
			code, err := get(t, p, netip.AddrPortFrom(vip, 80).String(), "/")
			return err == nil && code == http.StatusOK, err
		})
	}
}

// strangersByFamily: what nobody here runs is counted by interface and family.
func strangersByFamily(t *testing.T, p *drill.Pair) {
	stranger := vrrp.Config{
		Name: "stranger", VRID: 99, Version: vrrp.V3, Priority: 50, AdvertInterval: time.Second,
		Addresses: []netip.Addr{netip.MustParseAddr("fd00:77::99")},
	}
	packets, err := vrrp.Resignation(stranger, netip.MustParseAddr("fe80::99"))
	check(t, err)
	conn := rawSocket(t, p.Node("web1"), "eth0", []bpf.Instruction{bpf.RetConstant{Val: 0}})
	t.Cleanup(func() { _ = conn.Close() })
	ethernet := slices.Concat([]byte{0x33, 0x33, 0, 0, 0, 0x12}, p.Cable("web1").MAC, []byte{0x86, 0xdd})
	_, err = conn.WriteTo(slices.Concat(ethernet, packets[0].Data), &packet.Addr{HardwareAddr: ethernet[:6]})
	check(t, err)
	s := awaitStatus(t, p, "lb2", "counts a stranger of IPv6", func(s status.Snapshot) bool {
		return slices.ContainsFunc(s.Interfaces, func(i status.Interface) bool { return i.Family == "IPv6" && i.Dropped["vrid"] > 0 })
	})
	var names []string
	for _, i := range s.Interfaces {
		names = append(names, i.Name+" "+i.Family)
		if i.Family == "IPv4" && i.Dropped["vrid"] > 0 {
			t.Errorf("it is counted as one of IPv4: %+v", s.Interfaces)
		}
	}
	if want := []string{"eth0 IPv4", "eth0 IPv6"}; !slices.Equal(names, want) {
		t.Errorf("got interfaces %q, want %q", names, want)
	}
}
