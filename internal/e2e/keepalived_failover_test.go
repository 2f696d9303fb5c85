package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
)

const (
	// giveBack bounds what a client sees while the address goes back to a preempting master.
	giveBack = slack
	// contest is the same where both had the address: a winner announces at most once a second.
	contest = time.Second + slack
)

// next waits for the moment when the next advert will be that of a muted node, or when it will be that of the node that
// took over from it.
//
// Both advertise once a second. The second one took over a down interval of 3.6 s after the last advert that it heard, so
// its adverts come 0.6 s after the muted one's, and those 0.4 s after its own.
func (m *mixedPair) next(muted bool, taker string) func(*testing.T) {
	return func(t *testing.T) {
		_, err := m.Lab.Await(t.Context(), m.Lab.Mark(), func(e netlab.Event) bool {
			return e.Kind == netlab.AdvertSeen && e.Node == taker
		})
		check(t, err)
		if !muted {
			time.Sleep(700 * time.Millisecond) // past the muted one's, which nobody can see
		}
	}
}

// Tandem is MASTER with priority 101, Keepalived BACKUP with 100.
//
// While its cable is dead Tandem sees no healthy server, so its priority is 71. When the cable is alive again it keeps the
// address if its checks succeed before it hears Keepalived's 100; else it yields, and preempts once they do.
func TestIntegrationKeepalivedTakesOverFromTandem(t *testing.T) {
	const recovered = "1 s, or a check and 3 x 1 s + skew after yielding"
	m := newMixedPair(t, "", keepalivedConf)
	peers.Find(t, "tshark")
	s := sniff(t, m.Node("client"), "eth0")
	m.start(t, "lb1")
	m.run(t, []move{
		{
			name: "Tandem's cable pulled (carrier lost)", do: m.pull("lb1"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown + slack, why: "3 x 1 s + skew", sole: "lb2",
		},
		{
			name: "Tandem's cable back", do: m.restore("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: untilChecked + tandemDown + slack, why: "a check, 3 x 1 s + skew", sole: "lb1", outage: giveBack,
		},
		{
			name: "Tandem's cable dead (carrier stays)", do: m.mute("lb1"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown + slack, why: "3 x 1 s + skew",
		},
		{
			name: "Tandem's cable alive, Tandem hears first", await: m.next(false, "lb2"), do: m.restore("lb1"),
			kind: netlab.AddressRemoved, node: "lb2", in: untilChecked + tandemDown + slack, why: recovered, sole: "lb1", outage: contest,
		},
		{
			name: "Tandem's cable dead again", do: m.mute("lb1"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown + slack, why: "3 x 1 s + skew",
		},
		{
			name: "Tandem's cable alive, Keepalived hears first", await: m.next(true, "lb2"), do: m.restore("lb1"),
			kind: netlab.AddressRemoved, node: "lb2", in: untilChecked + tandemDown + slack, why: recovered, sole: "lb1", outage: contest,
		},
		{
			name: "Tandem stopped (SIGTERM)", do: m.stop("lb1", syscall.SIGTERM),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedSkew + slack, why: "skew", sole: "lb2",
		},
		{
			name: "Tandem started again", do: m.again("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown + startSlack, why: "3 x 1 s + skew", sole: "lb1", outage: giveBack,
		},
		{
			name: "Tandem killed (kill -9)", do: m.stop("lb1", syscall.SIGKILL),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedSkew + slack, why: "skew: the keeper's last will", sole: "lb2",
		},
	})
	s.judge(t, "10.77.0.1", tsharkWants)
}

// Keepalived is MASTER with priority 102, Tandem BACKUP with 101.
func TestIntegrationTandemTakesOverFromKeepalived(t *testing.T) {
	m := newMixedPair(t, "", edited(t, keepalivedConf, "priority 100", "priority 102"))
	peers.Find(t, "tshark")
	s := sniff(t, m.Node("client"), "eth0")
	m.start(t, "lb2")
	m.run(t, []move{
		{
			name: "Keepalived's cable pulled (carrier lost)", do: m.pull("lb2"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown + slack, why: "3 x 1 s + skew", sole: "lb1",
		},
		{
			name: "Keepalived's cable back", do: m.restore("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown + slack, why: "3 x 1 s + skew", sole: "lb2", outage: giveBack,
		},
		{
			name: "Keepalived's cable dead (carrier stays)", do: m.mute("lb2"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown + slack, why: "3 x 1 s + skew",
		},
		{
			name: "Keepalived's cable alive, Tandem hears first", await: m.next(true, "lb1"), do: m.restore("lb2"),
			kind: netlab.AddressRemoved, node: "lb1", in: advertInterval + slack, why: "1 s", sole: "lb2", outage: contest,
		},
		{
			name: "Keepalived's cable dead again", do: m.mute("lb2"),
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown + slack, why: "3 x 1 s + skew",
		},
		{
			name: "Keepalived's cable alive, Keepalived hears first", await: m.next(false, "lb1"), do: m.restore("lb2"),
			kind: netlab.AddressRemoved, node: "lb1", in: advertInterval + slack, why: "1 s", sole: "lb2", outage: contest,
		},
		{
			name: "Keepalived stopped (SIGTERM)", do: m.stop("lb2", syscall.SIGTERM),
			kind: netlab.AddressAdded, node: "lb1", in: tandemSkew + slack, why: "skew", sole: "lb1",
		},
		{
			name: "Keepalived started again", do: m.again("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown + startSlack, why: "3 x 1 s + skew", sole: "lb2", outage: giveBack,
		},
	})
	s.judge(t, "10.77.0.2", tsharkWants)
}

// Nothing tells a Tandem that tracks no backend that it was cut off. A Keepalived that yields says so only when it is asked
// to, as in deploy/examples/beside-keepalived.conf; else the neighbours find the winner when it announces next, after
// 30 s at most. The second announcement of Tandem's takeover is put off, for it would hide the difference.
func TestIntegrationKeepalivedYieldsAloud(t *testing.T) {
	m := newMixedPair(t, edited(t, drill.Config,
		"      track:\n        - {backend: web, min_up: 1, weight: -30}\n", "      garp: {delay: 1m}\n"),
		edited(t, keepalivedConf, "\tadvert_int 1\n", "\tadvert_int 1\n\thigher_prio_send_advert\n"))
	m.start(t, "lb1")
	m.run(t, []move{
		{
			name: "Tandem's cable dead, no backend tracked", do: m.mute("lb1"),
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown + slack, why: "3 x 1 s + skew",
		},
		{
			name: "cable alive, Keepalived hears first and says so", await: m.next(true, "lb2"), do: m.restore("lb1"),
			kind: netlab.AddressRemoved, node: "lb2", in: advertInterval + slack, why: "1 s", sole: "lb1", outage: contest,
		},
	})
}
