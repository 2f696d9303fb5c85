package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
	"github.com/tandem-lb/tandem/internal/status"
)

// keepalivedSync is Keepalived's half of syncConfig, with that priority in both instances.
func keepalivedSync(priority int) string {
	return keepalivedGroup(priority, "eth1", 52, "10.78.0.100/24")
}

// keepalivedDual is Keepalived's half of dualConfig.
func keepalivedDual(priority int) string {
	return keepalivedGroup(priority, "eth0", 51, vip6Local.String()+"/64", vip6.String()+"/64")
}

// keepalivedGroup is a sync group of VI_1 and of VI_2, which is there.
func keepalivedGroup(priority int, iface string, vrid int, addresses ...string) string {
	const instance = `vrrp_instance %s {
	state BACKUP
	interface %s
	virtual_router_id %d
	priority %d
	advert_int 0.1
	virtual_ipaddress {
		%s
	}
}
`
	return `global_defs {
	router_id lb2
	script_user root
	enable_script_security
	vrrp_version 3
}

vrrp_sync_group site {
	group {
		VI_1
		VI_2
	}
}

` + fmt.Sprintf(instance, "VI_1", "eth0", 51, priority, "10.77.0.100/24") + fmt.Sprintf(instance, "VI_2", iface, vrid, priority, strings.Join(addresses, "\n\t\t"))
}

// mixedSync is a sync group of Tandem's on lb1 and one of Keepalived's on lb2.
type mixedSync struct {
	*syncPair
	conf       string
	keepalived *netlab.Process
}

func newMixedSync(t *testing.T, p *syncPair, conf string) *mixedSync {
	t.Helper()
	peers.Find(t, "keepalived")
	return &mixedSync{syncPair: p, conf: conf}
}

func (m *mixedSync) startKeepalived(t *testing.T) {
	t.Helper()
	m.keepalived = startKeepalived(t, m.Node("lb2"), m.conf)
}

// begin starts both nodes, the one that is to hold the addresses first, and waits until Tandem hears Keepalived or is heard.
func (m *mixedSync) begin(t *testing.T, holder string) {
	t.Helper()
	if holder == "lb2" {
		m.startKeepalived(t)
		m.awaitHolder(t, "lb2")
		check(t, m.StartDaemon("lb1"))
		awaitStatus(t, m.Pair, "lb1", "hears Keepalived in both", func(s status.Snapshot) bool {
			return s.Instances[0].Peer != nil && s.Instances[1].Peer != nil
		})
		return
	}
	check(t, m.StartDaemon("lb1"))
	m.awaitHolder(t, "lb1")
	m.startKeepalived(t)
	awaitOutput(t, m.keepalived, "(VI_1) Entering BACKUP STATE", "(VI_2) Entering BACKUP STATE")
}

// awaitOutput waits until a process has printed every one of the texts.
func awaitOutput(t *testing.T, p *netlab.Process, texts ...string) {
	t.Helper()
	for _, text := range texts {
		eventually(t, "it prints "+text, func() (bool, any) { return strings.Contains(p.Output(), text), p.Output() })
	}
}

// Tandem has 101 in both instances, Keepalived 100.
func TestIntegrationKeepalivedsSyncGroupTakesOverFromTandems(t *testing.T) {
	m := newMixedSync(t, newSyncPair(t, syncConfig), keepalivedSync(100))
	m.begin(t, "lb1")
	ctx := t.Context()
	m.moves(t, "sync group: Tandem's inner cable pulled", "lb2", syncSilence, func() error { return m.inside["lb1"].Pull(ctx) })
	m.moves(t, "sync group: Tandem's inner cable back", "lb1", tandemDown3, func() error { return m.inside["lb1"].Restore(ctx) })
	m.moves(t, "sync group: Tandem's outer cable pulled", "lb2", syncSilence, func() error { return m.Cable("lb1").Pull(ctx) })
	m.moves(t, "sync group: Tandem's outer cable back", "lb1", tandemDown3, func() error { return m.Cable("lb1").Restore(ctx) })
	m.moves(t, "sync group: Tandem stopped", "lb2", syncResigns, func() error { return m.Daemon("lb1").Signal(syscall.SIGTERM) })
	<-m.Daemon("lb1").Done()
	m.moves(t, "sync group: Tandem started again", "lb1", tandemDown3+busyStart, func() error { return m.StartDaemon("lb1") })
	m.moves(t, "sync group: Tandem killed", "lb2", syncResigns, func() error { return m.Daemon("lb1").Signal(syscall.SIGKILL) })
}

// Keepalived has 102, Tandem 101.
func TestIntegrationTandemsSyncGroupTakesOverFromKeepaliveds(t *testing.T) {
	m := newMixedSync(t, newSyncPair(t, syncConfig), keepalivedSync(102))
	m.begin(t, "lb2")
	ctx := t.Context()
	m.moves(t, "sync group: Keepalived's inner cable pulled", "lb1", tandemDown3, func() error { return m.inside["lb2"].Pull(ctx) })
	m.moves(t, "sync group: Keepalived's inner cable back", "lb2", syncSilence, func() error { return m.inside["lb2"].Restore(ctx) })
	m.moves(t, "sync group: Keepalived stopped", "lb1", syncResigns, func() error { return m.keepalived.Signal(syscall.SIGTERM) })
	<-m.keepalived.Done()
	m.moves(t, "sync group: Keepalived started again", "lb2", syncSilence+busyStart, func() error { m.startKeepalived(t); return nil })
	m.wantHeard(t)
}

// wantHeard holds Tandem to have heard Keepalived in both instances, and to have dropped nothing.
func (m *mixedSync) wantHeard(t *testing.T) {
	t.Helper()
	for _, i := range mustSnapshot(t, m.Pair, "lb1").Instances {
		if i.State != status.Backup || i.Counters.AdvertsReceived == 0 || len(i.Counters.Dropped) > 0 {
			t.Errorf("%s is %s, heard %d adverts and dropped %v", i.Name, i.State, i.Counters.AdvertsReceived, i.Counters.Dropped)
		}
	}
}

// Both families of a Tandem move together to Keepalived's, and back.
func TestIntegrationKeepalivedTakesOverBothFamilies(t *testing.T) {
	m := newMixedSync(t, newDualPair(t), keepalivedDual(100))
	m.begin(t, "lb1")
	ctx := t.Context()
	m.moves(t, "both families: Tandem's cable pulled", "lb2", syncSilence, func() error { return m.Cable("lb1").Pull(ctx) })
	m.moves(t, "both families: Tandem's cable back", "lb1", tandemDown3, func() error { return m.Cable("lb1").Restore(ctx) })
	m.moves(t, "both families: Tandem has no link-local address", "lb2", syncSilence, func() error { m.loseLinkLocal(t, "lb1"); return nil })
	m.moves(t, "both families: it has one again", "lb1", tandemDown3, func() error { m.giveLinkLocal(t, "lb1"); return nil })
	m.moves(t, "both families: Tandem stopped", "lb2", syncResigns, func() error { return m.Daemon("lb1").Signal(syscall.SIGTERM) })
	<-m.Daemon("lb1").Done()
	m.moves(t, "both families: Tandem started again", "lb1", tandemDown3+busyStart, func() error { return m.StartDaemon("lb1") })
	m.moves(t, "both families: Tandem killed", "lb2", syncResigns, func() error { return m.Daemon("lb1").Signal(syscall.SIGKILL) })
}

// And Keepalived's to Tandem.
func TestIntegrationTandemTakesOverBothFamilies(t *testing.T) {
	m := newMixedSync(t, newDualPair(t), keepalivedDual(102))
	m.begin(t, "lb2")
	ctx := t.Context()
	m.moves(t, "both families: Keepalived's cable pulled", "lb1", tandemDown3, func() error { return m.Cable("lb2").Pull(ctx) })
	m.moves(t, "both families: Keepalived's cable back", "lb2", syncSilence, func() error { return m.Cable("lb2").Restore(ctx) })
	m.moves(t, "both families: Keepalived stopped", "lb1", syncResigns, func() error { return m.keepalived.Signal(syscall.SIGTERM) })
	<-m.keepalived.Done()
	m.moves(t, "both families: Keepalived started again", "lb2", syncSilence+busyStart, func() error { m.startKeepalived(t); return nil })
	m.wantHeard(t)
}
