package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
	"github.com/tandem-lb/tandem/internal/status"
)

// clock is what a version makes of the interval, with Tandem at priority 101.
type clock struct {
	interval, slack      time.Duration
	tandemSkew, peerSkew time.Duration
	tandemDown, peerDown time.Duration
	untilDown            string // in words
	seen                 uint8  // the version, as the status tells it
}

var (
	clock2 = clock{advertInterval, slack, tandemSkew, keepalivedSkew, tandemDown, keepalivedDown, "3 x 1 s + skew", 2}
	clock3 = clock{advertInterval3, slack3, tandemSkew3, keepalivedSkew3, tandemDown3, keepalivedDown3, "3 x 100 ms + skew", 3}
)

// TestIntegrationInteropKeepalived has each of two routers take over from the other when its cable is pulled and when it is stopped, and
// the one of higher priority take the address back. Version 2 with a password is in keepalived_failover_test.go, with more.
func TestIntegrationInteropKeepalived(t *testing.T) {
	noPassword := []string{"      authentication: {type: PASS, password: s3cret77}\n", ""}
	for _, tt := range []struct {
		name         string
		config, conf string
		clock        clock
		tshark       []string // what every packet is; nil: unicast
	}{
		{
			"v2 none", edited(t, drill.Config, noPassword...),
			edited(t, keepalivedConf, "auth_type PASS", "auth_type NONE", "\t\tauth_pass s3cret77\n", ""), clock2, tsharkWantsNone,
		},
		{"v3", config3(t), keepalivedConf3(t), clock3, tsharkWants3},
		{
			"v3 unicast", unicast(t, config3(t)), keepalivedConf3(t, "\tvirtual_router_id 51\n",
				"\tvirtual_router_id 51\n\tcheck_unicast_src\n\tunicast_src_ip 10.77.0.2\n\tunicast_peer {\n\t\t10.77.0.1\n\t}\n"), clock3, nil,
		},
	} {
		play := func(t *testing.T, m *mixedPair, higher, address string, moves []move) {
			peers.Find(t, "tshark")
			s := sniff(t, m.Node("lb1"), "eth0")
			mark := m.Lab.Mark()
			m.start(t, higher)
			if higher == "lb2" {
				m.awaitStatus(t, "lb1", "it heard Keepalived and dropped nothing", func(s status.Snapshot) bool {
					i := s.Instances[0]
					return i.Version == tt.clock.seen && i.Interval == tt.clock.interval.Seconds() && i.Counters.AdvertsReceived > 0 &&
						len(i.Counters.Dropped) == 0
				})
			}
			m.run(t, moves)
			if tt.tshark == nil {
				wantUnicast(t, m.Pair, mark, "lb1", "lb2")
			}
			s.judge(t, address, tt.tshark)
		}
		t.Run(tt.name+", Tandem is the higher", func(t *testing.T) {
			m := newMixedPair(t, tt.config, tt.conf)
			play(t, m, "lb1", "10.77.0.1", m.tandemAbove(tt.name, tt.clock))
		})
		t.Run(tt.name+", Keepalived is the higher", func(t *testing.T) {
			m := newMixedPair(t, tt.config, edited(t, tt.conf, "priority 100", "priority 102"))
			play(t, m, "lb2", "10.77.0.2", m.keepalivedAbove(tt.name, tt.clock))
		})
	}
}

// tandemAbove is for Tandem as MASTER with priority 101, Keepalived as BACKUP with 100.
func (m *mixedPair) tandemAbove(name string, c clock) []move {
	return []move{
		{
			name: name + ": Tandem's cable pulled (carrier lost)", do: m.pull("lb1"),
			kind: netlab.AddressAdded, node: "lb2", in: c.peerDown + c.slack, why: c.untilDown, sole: "lb2",
		},
		{
			name: name + ": Tandem's cable back", do: m.restore("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: untilChecked + c.tandemDown + c.slack, why: "a check, " + c.untilDown, sole: "lb1", outage: giveBack,
		},
		{
			name: name + ": Tandem stopped (SIGTERM)", do: m.stop("lb1", syscall.SIGTERM),
			kind: netlab.AddressAdded, node: "lb2", in: c.peerSkew + c.slack, why: "skew", sole: "lb2",
		},
		{
			name: name + ": Tandem started again", do: m.again("lb1"),
			kind: netlab.AddressAdded, node: "lb1", in: c.tandemDown + startSlack, why: c.untilDown, sole: "lb1", outage: giveBack,
		},
		{
			name: name + ": Tandem killed (kill -9)", do: m.stop("lb1", syscall.SIGKILL),
			kind: netlab.AddressAdded, node: "lb2", in: c.peerSkew + c.slack, why: "skew: the keeper's last will", sole: "lb2",
		},
	}
}

// keepalivedAbove is for Keepalived as MASTER with priority 102, Tandem as BACKUP with 101. Its end by kill -9 is left out: it
// leaves the address where it is.
func (m *mixedPair) keepalivedAbove(name string, c clock) []move {
	return []move{
		{
			name: name + ": Keepalived's cable pulled (carrier lost)", do: m.pull("lb2"),
			kind: netlab.AddressAdded, node: "lb1", in: c.tandemDown + c.slack, why: c.untilDown, sole: "lb1",
		},
		{
			name: name + ": Keepalived's cable back", do: m.restore("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: c.peerDown + c.slack, why: c.untilDown, sole: "lb2", outage: giveBack,
		},
		{
			name: name + ": Keepalived stopped (SIGTERM)", do: m.stop("lb2", syscall.SIGTERM),
			kind: netlab.AddressAdded, node: "lb1", in: c.tandemSkew + c.slack, why: "skew", sole: "lb1",
		},
		{
			name: name + ": Keepalived started again", do: m.again("lb2"),
			kind: netlab.AddressAdded, node: "lb2", in: c.peerDown + 2*startSlack, why: c.untilDown, sole: "lb2", outage: giveBack,
		},
	}
}
