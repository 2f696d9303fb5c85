package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// syncConfig is a sync group of two routers, as balancers have them that stand between two networks.
const syncConfig = `nodes:
  lb1: {address: 10.77.0.1}
  lb2: {address: 10.77.0.2}
vrrp:
  instances:
    - name: VI_1
      interface: eth0
      virtual_router_id: 51
      version: 3
      advert_interval: 100ms
      priority: {lb1: 101, lb2: 100}
      sync_group: site
      garp: {delay: 100ms}
      virtual_addresses: [10.77.0.100/24]
    - name: VI_2
      interface: eth1
      virtual_router_id: 52
      version: 3
      advert_interval: 100ms
      priority: {lb1: 101, lb2: 100}
      sync_group: site
      garp: {delay: 100ms}
      virtual_addresses: [10.78.0.100/24]
`

// inner is the virtual address of VI_2.
var inner = netip.MustParseAddr("10.78.0.100")

// syncPair is a pair whose balancers are on a second LAN, too.
type syncPair struct {
	*drill.Pair
	vips   []netip.Addr             // which move together
	inside map[string]*netlab.Cable // to the second LAN, by node
}

func newSyncPair(t *testing.T, config string) *syncPair {
	t.Helper()
	p := &syncPair{Pair: newPair(t, config), vips: []netip.Addr{drill.VIP, inner}, inside: map[string]*netlab.Cable{}}
	lan, err := p.Lab.LAN("inside")
	check(t, err)
	for node, address := range map[string]string{"lb1": "10.78.0.1/24", "lb2": "10.78.0.2/24"} {
		p.inside[node], err = p.Node(node).Connect(t.Context(), lan, "eth1", netip.MustParsePrefix(address))
		check(t, err)
	}
	return p
}

// dualConfig has VI_1 for IPv4 and VI_2 for IPv6, on one LAN with one VRID.
func dualConfig(t *testing.T) string {
	return edited(t, syncConfig, "interface: eth1\n      virtual_router_id: 52", "interface: eth0\n      virtual_router_id: 51",
		"[10.78.0.100/24]", fmt.Sprintf("[%q, %q]", vip6Local.String()+"/64", vip6.String()+"/64"))
}

// newDualPair is a pair for both families.
func newDualPair(t *testing.T) *syncPair {
	t.Helper()
	return &syncPair{Pair: newPair(t, dualConfig(t)), vips: []netip.Addr{drill.VIP, vip6}}
}

// loseLinkLocal takes a node's own link-local addresses away, without which no advert of IPv6 leaves it.
func (p *syncPair) loseLinkLocal(t *testing.T, node string) {
	t.Helper()
	for line := range strings.Lines(command(t, p.Pair, node, "ip", "-6", "-o", "address", "show", "dev", "eth0", "scope", "link")) {
		if address := strings.Fields(line)[3]; !strings.HasPrefix(address, vip6Local.String()) {
			command(t, p.Pair, node, "ip", "-6", "address", "del", address, "dev", "eth0")
		}
	}
}

func (p *syncPair) giveLinkLocal(t *testing.T, node string) {
	t.Helper()
	command(t, p.Pair, node, "ip", "-6", "address", "add", "fe80::9/64", "dev", "eth0", "nodad")
}

// heldBy reports whether a node alone has every address.
func (p *syncPair) heldBy(t *testing.T, node string) (ok bool, now string) {
	t.Helper()
	ok = true
	for _, vip := range p.vips {
		holders, err := p.Lab.Holders(vip)
		check(t, err)
		ok = ok && len(holders) == 1 && holders[0].Name() == node
		now += " " + vip.String() + " on"
		for _, h := range holders {
			now += " " + h.Name()
		}
	}
	return ok, now
}

// awaitHolder waits until a node alone has every address.
func (p *syncPair) awaitHolder(t *testing.T, node string) {
	t.Helper()
	eventually(t, "every address is on "+node+" alone", func() (bool, any) {
		ok, now := p.heldBy(t, node)
		return ok, now
	})
}

// settledOn waits until both daemons know that a node is MASTER of all.
func (p *syncPair) settledOn(t *testing.T, node string) {
	t.Helper()
	p.awaitHolder(t, node)
	all := func(s status.Snapshot, state string) bool {
		return !slices.ContainsFunc(s.Instances, func(i status.Instance) bool {
			return i.State != state || state == status.Backup && (i.Peer == nil || i.WantsMaster)
		})
	}
	awaitStatus(t, p.Pair, node, "is MASTER of all", func(s status.Snapshot) bool { return all(s, status.Master) })
	awaitStatus(t, p.Pair, other(node), "is BACKUP of all", func(s status.Snapshot) bool { return all(s, status.Backup) })
}

// moves does something, holds the time until a node has taken every address to a bound, and then looks that nothing moved
// twice: each address came to that node once, and to no other one.
func (p *syncPair) moves(t *testing.T, what, to string, bound time.Duration, do func() error) []netlab.Event {
	t.Helper()
	mark, began := p.Lab.Mark(), time.Now()
	check(t, do())
	var last time.Duration
	for _, vip := range p.vips {
		e := await(t, p.Pair, mark, what, func(e netlab.Event) bool {
			return e.Kind == netlab.AddressAdded && e.Node == to && e.Address.Addr() == vip
		})
		last = max(last, e.Time.Sub(began))
	}
	within(t, what+": "+to+" has all addresses", last, bound)
	p.awaitHolder(t, to)
	pause(t, afterglow)
	events, err := p.Lab.Since(mark)
	check(t, err)
	for _, vip := range p.vips {
		added := filter(events, func(e netlab.Event) bool { return e.Kind == netlab.AddressAdded && e.Address.Addr() == vip })
		if len(added) != 1 {
			t.Errorf("%s: %v was added %d times, want once: %v", what, vip, len(added), added)
		}
	}
	return events
}

// wantGoneFirst holds a node that gives its addresses up of its own will to being rid of each before another node has it.
func wantGoneFirst(t *testing.T, events []netlab.Event, from, to string, vips []netip.Addr) {
	t.Helper()
	for _, vip := range vips {
		gone := slices.IndexFunc(events, func(e netlab.Event) bool {
			return e.Kind == netlab.AddressRemoved && e.Node == from && e.Address.Addr() == vip
		})
		came := slices.IndexFunc(events, func(e netlab.Event) bool {
			return e.Kind == netlab.AddressAdded && e.Node == to && e.Address.Addr() == vip
		})
		if gone < 0 || came < 0 || events[came].Time.Before(events[gone].Time) {
			t.Errorf("%v: removed from %s and added to %s in the wrong order: %v", vip, from, to, events)
		}
	}
}

// The bounds of a pair of version 3 at 100 ms. A node whose cable is pulled can tell on one of its networks alone that it
// gives up, and on the other one it is missed.
const (
	syncSilence = 3*advertInterval3 + keepalivedSkew3
	syncResigns = keepalivedSkew3 + 100*time.Millisecond
)

// Whatever befalls one of them, both move, and once.
func TestIntegrationSyncGroup(t *testing.T) {
	p := newSyncPair(t, syncConfig)
	check(t, p.StartDaemon("lb1"))
	p.awaitHolder(t, "lb1")
	check(t, p.StartDaemon("lb2"))
	p.settledOn(t, "lb1")
	ctx := t.Context()

	for _, tt := range []struct {
		name        string
		cable       *netlab.Cable
		well, fault int // the instances
		reason      string
	}{
		{"VI_2's cable pulled", p.inside["lb1"], 0, 1, "VI_2 is in FAULT: interface eth1: down"},
		{"VI_1's cable pulled", p.Cable("lb1"), 1, 0, "VI_1 is in FAULT: interface eth0: down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p.moves(t, tt.name, "lb2", syncSilence, func() error { return tt.cable.Pull(ctx) })
			s := mustSnapshot(t, p.Pair, "lb1")
			for _, i := range []int{tt.well, tt.fault} {
				if s.Instances[i].State != status.Fault {
					t.Errorf("%s is %s, want FAULT", s.Instances[i].Name, s.Instances[i].State)
				}
			}
			if got := strings.Join(s.Instances[tt.well].Faults, "; "); !strings.HasPrefix(got, tt.reason) {
				t.Errorf("%s is in FAULT because of %q, want %q", s.Instances[tt.well].Name, got, tt.reason)
			}
			if out := command(t, p.Pair, "lb1", binary(t), "explain", s.Instances[tt.well].Name); !strings.Contains(out, "  Fault: "+tt.reason) {
				t.Errorf("explain does not say %q:\n%s", tt.reason, out)
			}
			p.moves(t, tt.name+", and back: preemption", "lb1", syncSilence, func() error { return tt.cable.Restore(ctx) })
			p.settledOn(t, "lb1")
		})
	}
	t.Run("killed", func(t *testing.T) {
		p.moves(t, "lb1 killed", "lb2", syncResigns, func() error { return p.Daemon("lb1").Signal(syscall.SIGKILL) })
		forget(t, p.Pair, "lb1")
		p.moves(t, "lb1 started again", "lb1", syncSilence+busyStart, func() error { return p.StartDaemon("lb1") })
		p.settledOn(t, "lb1")
	})
	t.Run("stopped", func(t *testing.T) {
		events := p.moves(t, "lb1 stopped", "lb2", syncResigns, func() error { return p.Daemon("lb1").Signal(syscall.SIGTERM) })
		wantGoneFirst(t, events, "lb1", "lb2", p.vips)
		<-p.Daemon("lb1").Done()
		p.moves(t, "lb1 started after its stop", "lb1", syncSilence+busyStart, func() error { return p.StartDaemon("lb1") })
		p.settledOn(t, "lb1")
	})
}

// A master that is not heard on one network, and does not know it, keeps both: each has to want it. Who waits says so.
func TestIntegrationSyncGroupWaits(t *testing.T) {
	p := newSyncPair(t, syncConfig)
	check(t, p.StartDaemon("lb1"))
	p.awaitHolder(t, "lb1")
	check(t, p.StartDaemon("lb2"))
	p.settledOn(t, "lb1")

	mark := p.Lab.Mark()
	check(t, p.inside["lb1"].Mute())
	awaitStatus(t, p.Pair, "lb2", "would be MASTER of VI_2", func(s status.Snapshot) bool { return s.Instances[1].WantsMaster })
	const waits = "  It would be MASTER, and waits for VI_1 of sync group site.\n"
	if out := command(t, p.Pair, "lb2", binary(t), "explain", "VI_2"); !strings.Contains(out, waits) {
		t.Errorf("explain does not say %q:\n%s", waits, out)
	}
	pause(t, 2*syncSilence)
	check(t, p.inside["lb1"].Restore(t.Context()))
	p.settledOn(t, "lb1")
	events, err := p.Lab.Since(mark)
	check(t, err)
	if moved := filter(events, func(e netlab.Event) bool { return e.Kind == netlab.AddressAdded || e.Kind == netlab.AddressRemoved }); len(moved) > 0 {
		t.Errorf("an address moved: %v", moved)
	}
}

// Instances that join a sync group, or leave it, are made anew: they resign first, and come again together.
func TestIntegrationReloadOfASyncGroup(t *testing.T) {
	alone := strings.ReplaceAll(syncConfig, "      sync_group: site\n", "")
	p := newSyncPair(t, alone)
	check(t, p.StartDaemon("lb1"))
	p.awaitHolder(t, "lb1")
	check(t, p.StartDaemon("lb2"))
	p.settledOn(t, "lb1")

	for _, change := range []struct{ what, config string }{{"join", syncConfig}, {"leave", alone}, {"join again", syncConfig}} {
		t.Run(change.what, func(t *testing.T) {
			mark := p.Lab.Mark()
			mustReload(t, p.Pair, "lb1", change.config)
			for _, vip := range p.vips {
				await(t, p.Pair, mark, vip.String()+" comes back", func(e netlab.Event) bool {
					return e.Kind == netlab.AddressAdded && e.Node == "lb1" && e.Address.Addr() == vip
				})
			}
			p.settledOn(t, "lb1")
			events, err := p.Lab.Since(mark)
			check(t, err)
			wantGoneFirst(t, events, "lb1", "lb2", p.vips)
			mustReload(t, p.Pair, "lb2", change.config) // a backup's: nobody notices
			p.settledOn(t, "lb1")
		})
	}
	t.Run("that changes nothing", func(t *testing.T) {
		// The announcements in answer to the other holder end a second after its last sign, or after the next answer, which waits
		// for that second to end.
		pause(t, 2200*time.Millisecond)
		before, mark := mustSnapshot(t, p.Pair, "lb1"), p.Lab.Mark()
		mustReload(t, p.Pair, "lb1", syncConfig)
		mustReload(t, p.Pair, "lb2", syncConfig)
		pause(t, 2*syncSilence)
		events, err := p.Lab.Since(mark)
		check(t, err)
		if odd := filter(events, func(e netlab.Event) bool {
			return e.ARP != nil && e.ARP.Gratuitous() || e.Kind == netlab.AddressAdded || e.Kind == netlab.AddressRemoved || advertOf("lb2")(e)
		}); len(odd) > 0 {
			t.Errorf("a reload caused %v", odd)
		}
		for n, i := range mustSnapshot(t, p.Pair, "lb1").Instances {
			if b := before.Instances[n]; i.State != b.State || i.Epoch != b.Epoch {
				t.Errorf("%s is %s, epoch %d; was %s, %d", i.Name, i.State, i.Epoch, b.State, b.Epoch)
			}
		}
	})
	t.Run("of a priority", func(t *testing.T) {
		lower := strings.ReplaceAll(syncConfig, "{lb1: 101, lb2: 100}", "{lb1: 99, lb2: 100}")
		p.moves(t, "reload: a lower priority", "lb2", syncSilence, func() error { mustReload(t, p.Pair, "lb1", lower); return nil })
		p.moves(t, "reload: the priority back", "lb1", syncSilence, func() error { mustReload(t, p.Pair, "lb1", syncConfig); return nil })
	})
}

// What befalls one family befalls the other one.
func TestIntegrationSyncGroupOfBothFamilies(t *testing.T) {
	p := newDualPair(t)
	check(t, p.StartDaemon("lb1"))
	p.awaitHolder(t, "lb1")
	check(t, p.StartDaemon("lb2"))
	p.settledOn(t, "lb1")
	ctx := t.Context()
	p.moves(t, "both families: cable pulled", "lb2", syncSilence, func() error { return p.Cable("lb1").Pull(ctx) })
	p.moves(t, "both families: cable back", "lb1", syncSilence, func() error { return p.Cable("lb1").Restore(ctx) })
	p.settledOn(t, "lb1")
	p.moves(t, "both families: no link-local address", "lb2", syncSilence, func() error { p.loseLinkLocal(t, "lb1"); return nil })
	const reason = "VI_2 is in FAULT: interface eth0 has no link-local address to send from"
	if got := mustSnapshot(t, p.Pair, "lb1").Instances[0].Faults; !slices.Equal(got, []string{reason}) {
		t.Errorf("VI_1 is in FAULT because of %q, want %q", got, reason)
	}
	p.moves(t, "both families: a link-local address again", "lb1", syncSilence, func() error { p.giveLinkLocal(t, "lb1"); return nil })
	p.settledOn(t, "lb1")
	p.moves(t, "both families: killed", "lb2", syncResigns, func() error { return p.Daemon("lb1").Signal(syscall.SIGKILL) })
}

// A node that is alone on its side of the network has both addresses there, too. When the networks heal, one after the other, the
// better node keeps what it has and nothing comes and goes.
func TestIntegrationSyncGroupHeals(t *testing.T) {
	p := newSyncPair(t, syncConfig)
	check(t, p.StartDaemon("lb1"))
	p.awaitHolder(t, "lb1")
	check(t, p.StartDaemon("lb2"))
	p.settledOn(t, "lb1")
	for _, first := range []*netlab.Cable{p.Cable("lb1"), p.inside["lb1"]} {
		mark := p.Lab.Mark()
		check(t, p.Cable("lb1").Mute())
		check(t, p.inside["lb1"].Mute())
		for _, vip := range p.vips {
			await(t, p.Pair, mark, "lb2 has "+vip.String(), on(netlab.AddressAdded, "lb2", vip))
		}
		healed := time.Now()
		check(t, first.Restore(t.Context()))
		p.awaitHolder(t, "lb1")
		within(t, "healed: lb1 alone has all addresses", time.Since(healed), contestBound)
		check(t, errors.Join(p.Cable("lb1").Restore(t.Context()), p.inside["lb1"].Restore(t.Context())))
		p.settledOn(t, "lb1")
		pause(t, afterglow)
		events, err := p.Lab.Since(mark)
		check(t, err)
		if odd := filter(events, func(e netlab.Event) bool {
			return e.Node == "lb1" && (e.Kind == netlab.AddressAdded || e.Kind == netlab.AddressRemoved)
		}); len(odd) > 0 {
			t.Errorf("lb1 had all addresses, and yet: %v", odd)
		}
	}
}
