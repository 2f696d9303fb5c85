package daemon

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/resolve"
	"github.com/tandem-lb/tandem/proxy/upstream"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

func TestInstanceSnapshot(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	peer := netip.MustParseAddr("10.0.0.2")
	p := newWorld().instance(in("site", web("VI_1", "10.0.0.100/24")))
	p.router.is(vrrp.Status{
		Name: "VI_1", Interface: "eth0", VRID: 51, Version: vrrp.V2, State: vrrp.Backup, Since: now, Epoch: 7,
		Priority: 80, ConfiguredPriority: 100, NoPreempt: true, AdvertInterval: time.Second, MasterDownInterval: 3687500 * time.Microsecond,
		Faults: []string{"f"}, Holds: []string{"h"}, WantsMaster: true,
		Master:   vrrp.MasterStatus{Address: peer, Priority: 90, Since: now.Add(-time.Minute), Heard: now},
		Counters: vrrp.Counters{Sent: 1, Received: 2, Transitions: 3},
	})
	p.verdict.outcome = tracker.Outcome{Terms: []tracker.Term{{ID: uplink, Weight: -20, Status: hysteresis.Down, Delta: -20, Fault: true, Text: "down"}}}
	p.transitions = []status.Transition{{Time: now, From: "INIT", To: "BACKUP", Reason: "started"}}
	got := p.snapshot(now)
	got.Addresses, got.Counters.Dropped = nil, nil // see below
	want := status.Instance{
		Name: "VI_1", Interface: "eth0", VRID: 51, Version: 2, State: "BACKUP", Since: now, Epoch: 7,
		Priority: status.Priority{Configured: 100, Effective: 80}, Preempt: false, Interval: 1, DownAfter: 3.6875,
		Peer:      &status.Router{Address: peer, Priority: 90, Since: now.Add(-time.Minute), Heard: now},
		SyncGroup: "site", WantsMaster: true,
		Faults: []string{"f"}, Holds: []string{"h"},
		Terms:       []status.Term{{Tracker: "interface eth0", Weight: -20, Status: "down", Delta: -20, Fault: true, Text: "down"}},
		Counters:    status.Counters{AdvertsSent: 1, AdvertsReceived: 2, Transitions: 3},
		Transitions: p.transitions,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// A MASTER has nothing to preempt: what would keep it from that says nothing of it.
func TestAMasterHoldsNothingBack(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	later := now.Add(time.Minute)
	m := vrrp.Status{State: vrrp.Master, Holds: []string{"backend web has no healthy server"}, NotBefore: later, DampedUntil: later}
	if got := holds(m, now); len(got) > 0 {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestHoldsTellOfDelays(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	const damping = "flap_damping: it ceased to be MASTER too often, and leaves a live master alone until 12:01:00"
	const delay = "startup_delay or warm_up: it only listens until 12:00:30"
	for _, tt := range []struct {
		name      string
		state     vrrp.State
		notBefore time.Time
		damped    time.Time
		want      []string
	}{
		{"no delay", vrrp.Backup, time.Time{}, time.Time{}, []string{"h"}},
		{"a delay", vrrp.Backup, now.Add(30 * time.Second), time.Time{}, []string{"h", delay}},
		{"a delay that is over", vrrp.Backup, now, time.Time{}, []string{"h"}},
		{"a node that does not listen", vrrp.Fault, now.Add(30 * time.Second), time.Time{}, []string{"h"}},
		{"flap damping", vrrp.Backup, time.Time{}, now.Add(time.Minute), []string{"h", damping}},
		{"flap damping in a fault, which it will outlast", vrrp.Fault, time.Time{}, now.Add(time.Minute), []string{"h", damping}},
		{"flap damping that is over", vrrp.Backup, time.Time{}, now, []string{"h"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			shared := append(make([]string, 0, 2), "h") // a longer one would be written to
			got := holds(vrrp.Status{State: tt.state, NotBefore: tt.notBefore, DampedUntil: tt.damped, Holds: shared}, now)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if shared[:2][1] != "" {
				t.Errorf("got %q behind the machine's own slice, want nothing", shared[:2][1])
			}
		})
	}
}

func TestAddressStatus(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	address := vip.Address{Prefix: netip.MustParsePrefix("10.0.0.100/24"), Interface: "eth0"}
	base := status.Address{Prefix: address.Prefix, Interface: "eth0", Lease: 3}
	with := func(change func(*status.Address)) status.Address {
		a := base
		change(&a)
		return a
	}
	for _, tt := range []struct {
		name string
		in   vip.AddressStatus
		want status.Address
	}{
		{"held", vip.AddressStatus{Address: address, Present: true, LeasedAt: now}, with(func(a *status.Address) { a.Held, a.RenewedAt = true, now })},
		{"not held", vip.AddressStatus{Address: address}, base},
		{"an error", vip.AddressStatus{Address: address, Err: errors.New("no")}, with(func(a *status.Address) { a.Error = "no" })},
		{"no interface", vip.AddressStatus{Address: address, NoInterface: true}, with(func(a *status.Address) { a.Error = "no such interface" })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := addressStatus(tt.in, 3*time.Second); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestTrackerStatus(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	got := trackerStatus(tracker.State{
		ID: uplink, Status: hysteresis.Up, Text: "carrier", Since: now, LastCheck: now, Duration: 1500 * time.Millisecond,
		Run: 1, Limit: 2, Runs: 3, Failures: 4, Skipped: 5,
	})
	want := status.Tracker{
		Name: "interface eth0", Status: "up", Text: "carrier", Since: now, LastCheck: now, Seconds: 1.5,
		Run: 1, Limit: 2, Runs: 3, Failures: 4, Skipped: 5,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestBalancerSnapshot(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	front, server := netip.MustParseAddrPort("10.0.0.100:443"), netip.MustParseAddrPort("10.0.0.11:80")
	got := status.Snapshot{Time: now}
	balancer(&got, proxy.Snapshot{
		Frontends: []proxy.FrontendStatus{{
			Name: "https", Binds: []proxy.BindStatus{{Address: front, VIP: true, TLS: true, Gate: proxy.Closed}},
			Traffic: proxy.Traffic{Connections: 1, Accepted: 2, Requests: 3, Limited: 4, TurnedAway: 5}, Forgotten: 6,
		}},
		Backends: []proxy.BackendStatus{{
			Name: "web", Healthy: 1, Total: 1, Known: true, Table: &proxy.TableStatus{Size: 9, SourcesStats: persist.SourcesStats{Clients: 3, Evicted: 2}},
			Servers: []proxy.ServerStatus{{
				Name: "web1", Lookup: "web1.internal", Address: server, Weight: 2, Backup: true, SlowStart: time.Minute, Risen: now.Add(-30 * time.Second), Health: upstream.Health{Status: hysteresis.Up, Text: "200 OK", Code: 200, Took: time.Millisecond, At: now.Add(1), Since: now},
				InFlight: 3, Requests: 4, ConnectFailures: 5, ResponseFailures: 6, HandshakeFailures: map[string]int64{"gone": 1},
			}},
		}},
		TLS: certs.Status{
			Certificates: []certs.Info{{File: "/a.pem", Names: []string{"a.example"}, Key: "RSA 2048", NotBefore: now, NotAfter: now.Add(time.Hour), Stapled: now.Add(time.Minute)}},
			Alarms:       []certs.Alarm{{File: "/a.pem", Text: "/a.pem: no private key", Since: now}},
			Renewals:     7, Failures: 8,
		},
		Logs: []accesslog.Status{{Output: accesslog.Output{Kind: accesslog.UDP, Address: "10.0.0.1:514"}, Lines: 9, Lost: 10, Err: errors.New("refused")}},
		Names: []proxy.NameStatus{
			{Query: resolve.Query{Name: "web1.internal", Family: resolve.IPv6}, State: resolve.State{
				Endpoints: []resolve.Endpoint{{Address: server}}, Asked: now, Good: now.Add(1), Next: now.Add(2), Failures: 3, Err: errors.New("SERVFAIL"),
			}},
			{},
		},
		Lookups: resolve.Counters{Questions: 11, Timeouts: 12, Truncated: 13, BadPackets: 14, Failures: 15},
	}, proxy.Config{Backends: []proxy.Backend{{Name: "web", Balance: proxy.Balance{Algorithm: "round_robin"}}}})
	want := status.Snapshot{
		Time: now,
		Frontends: []status.Frontend{{
			Name: "https", Binds: []status.Bind{{Address: front, TLS: true, VIP: true, Gate: "closed"}}, Connections: 1, Accepted: 2, Requests: 3,
			LimitedRequests: 4, LimitedConnections: 5, ForgottenClients: 6,
		}},
		TLS: status.TLS{
			Certificates: []status.Certificate{{File: "/a.pem", Names: []string{"a.example"}, Key: "RSA 2048", NotBefore: now, NotAfter: now.Add(time.Hour), StapledUntil: now.Add(time.Minute)}},
			Alarms:       []status.CertificateAlarm{{File: "/a.pem", Text: "/a.pem: no private key", Since: now}},
			Renewals:     7, Failures: 8,
		},
		Backends: []status.Backend{{
			Name: "web", Algorithm: "round_robin", Healthy: 1, Known: true, Table: &status.Table{Size: 9, Clients: 3, Evicted: 2},
			Servers: []status.Server{{
				Name: "web1", Lookup: "web1.internal", Address: server, Weight: 2, Backup: true, Throttle: 50, Status: "up", Check: "200 OK", CheckCode: 200, CheckSeconds: 0.001, CheckedAt: now.Add(1), Since: now,
				InFlight: 3, Requests: 4, ConnectFailures: 5, ResponseFailures: 6, HandshakeFailures: map[string]int64{"gone": 1},
			}},
		}},
		Lookups: status.Lookups{
			Names: []status.Name{
				{Name: "web1.internal", Family: "ipv6", Addresses: []netip.AddrPort{server}, Asked: now, Answered: now.Add(1), Next: now.Add(2), Failures: 3, Error: "SERVFAIL"},
				{Family: "prefer_ipv4", Addresses: []netip.AddrPort{}},
			},
			Questions: 11, Timeouts: 12, Truncated: 13, BadPackets: 14, Failures: 15,
		},
		AccessLogs: []status.AccessLog{{Output: "syslog:10.0.0.1:514", Lines: 9, Lost: 10, Error: "refused"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Whoever reads the JSON finds lists, not null.
func TestEmptySnapshotHasLists(t *testing.T) {
	var got status.Snapshot
	balancer(&got, proxy.Snapshot{}, proxy.Config{})
	if got.Frontends == nil || got.Backends == nil || got.AccessLogs == nil {
		t.Errorf("got %+v", got)
	}
}
