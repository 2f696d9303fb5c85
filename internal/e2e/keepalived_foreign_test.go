package e2e

import (
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// Three Keepalived that are not the other half of the pair claim the highest priority there is. Each has an address of
// its own, so that it harms nobody; Tandem counts and names them, and stays MASTER.
func TestIntegrationForeignKeepalivedsAreNotHeard(t *testing.T) {
	strangers := []struct {
		name, node string
		change     []string
		reason     string // the drop counter
		log        string
	}{
		{
			"another password", "lb2", []string{"auth_pass s3cret77", "auth_pass s3cret78"},
			"auth_data", "[WARN]  tandem.vrrp: advert dropped: instance=VI_1 interface=eth0 vrid=51 reason=\"other password\" peer=10.77.0.2",
		},
		{
			"another interval", "web1", []string{"advert_int 1", "advert_int 2"},
			"interval", "[ERROR] tandem.vrrp: advert dropped: instance=VI_1 interface=eth0 vrid=51 " +
				"reason=\"other advert interval: with different intervals both nodes become MASTER\" peer=10.77.0.11",
		},
		{
			"another VRID", "web2", []string{"virtual_router_id 51", "virtual_router_id 52"},
			"vrid", "[INFO]  tandem.vrrp: another virtual router on this LAN: interface=eth0 peer=10.77.0.12 vrid=52 priority=255",
		},
	}
	m := newMixedPair(t, "", "")
	check(t, m.StartDaemon("lb1"))
	check(t, m.AwaitSole(t.Context(), "lb1"))
	before := m.awaitStatus(t, "lb1", "it is MASTER", func(s status.Snapshot) bool { return s.Instances[0].State == status.Master })

	// A Keepalived that is MASTER starts its timer anew with every packet, also with one that it rejects. Hearing Tandem once
	// a second those with the same VRID would speak once and never again; so they are deaf.
	for _, node := range []string{"lb2", "web1"} {
		check(t, m.Cable(node).MuteIn())
	}
	for n, s := range strangers {
		conf := edited(t, keepalivedConf, "priority 100", "priority 255", "state BACKUP", "state MASTER",
			"10.77.0.100/24", "10.77.0.20"+string('0'+rune(n))+"/24")
		startKeepalived(t, m.Node(s.node), edited(t, conf, s.change...))
	}
	const want = 3 // adverts, so that it is no chance
	m.awaitStatus(t, "lb1", "all are counted", func(now status.Snapshot) bool {
		for _, s := range strangers {
			if dropped(now)[s.reason] < want {
				return false
			}
		}
		return true
	})
	after, err := statusOf(t.Context(), m.Pair, "lb1")
	check(t, err)
	t.Logf("dropped: %v", dropped(after))
	for _, s := range strangers {
		t.Run(s.name, func(t *testing.T) {
			if n := strings.Count(m.Daemon("lb1").Output(), s.log); n != 1 {
				t.Errorf("the log says %d times %q, want once", n, s.log)
			}
		})
	}
	sameTerm(t, before, after)
	check(t, m.AwaitSole(t.Context(), "lb1"))
	if got := after.Instances[0].Counters.AdvertsReceived; got != 0 {
		t.Errorf("%d adverts were accepted, want none", got)
	}
	events, err := m.Lab.Since(0)
	check(t, err)
	heard := map[string]bool{}
	for _, e := range events {
		heard[e.Node] = heard[e.Node] || e.Kind == netlab.AdvertSeen && e.Advert.Payload[2] == 255
	}
	for _, s := range strangers {
		if !heard[s.node] {
			t.Errorf("%s never advertised priority 255", s.node)
		}
	}
}

// dropped counts the adverts that a node dropped, by reason, whether an instance could be blamed or not.
func dropped(s status.Snapshot) map[string]uint64 {
	sum := map[string]uint64{}
	for _, i := range s.Instances {
		for reason, n := range i.Counters.Dropped {
			sum[reason] += n
		}
	}
	for _, i := range s.Interfaces {
		for reason, n := range i.Dropped {
			sum[reason] += n
		}
	}
	return sum
}

// sameTerm compares what an instance is, not what it counts.
func sameTerm(t *testing.T, before, after status.Snapshot) {
	t.Helper()
	b, a := before.Instances[0], after.Instances[0]
	if a.State != b.State || a.Epoch != b.Epoch || a.Counters.Transitions != b.Counters.Transitions {
		t.Errorf("%s: now %s, epoch %d, after %d transitions; was %s, epoch %d, after %d", after.Node,
			a.State, a.Epoch, a.Counters.Transitions, b.State, b.Epoch, b.Counters.Transitions)
	}
	if a.Priority != b.Priority {
		t.Errorf("%s: priority %+v, was %+v", after.Node, a.Priority, b.Priority)
	}
}
