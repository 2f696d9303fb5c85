package status

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (-update writes it):\ngot:\n%s\nwant:\n%s", name, got, want)
	}
}

// now is when the snapshots of the tests are taken.
var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// vi1 is a master whose script check_app has failed.
func vi1() Instance {
	return Instance{
		Name: "VI_1", Interface: "eth0", VRID: 51, Version: 2, State: Master, Since: ago(3 * time.Minute), Epoch: 2,
		Priority: Priority{Configured: 101, Effective: 91}, Preempt: true, Interval: 1, DownAfter: 3.64453125,
		Peer:      &Router{Address: netip.MustParseAddr("192.168.1.12"), Priority: 80, Heard: ago(185 * time.Second)},
		Addresses: []Address{{Prefix: netip.MustParsePrefix("192.168.1.100/24"), Interface: "eth0", Held: true, Lease: 3, RenewedAt: ago(time.Second)}},
		Terms: []Term{
			{Tracker: "interface eth0", Status: "up", Text: "up"},
			{Tracker: "script check_app", Weight: -20, Status: "down", Delta: -20, Text: "down (exit status 1): subtracts 20"},
			{Tracker: "backend web", Weight: 10, Status: "up", Delta: 10, Text: "up (2 of 3 servers healthy, want 1): adds 10"},
		},
		Counters:    Counters{AdvertsSent: 180, AdvertsReceived: 4, Dropped: map[string]uint64{"checksum": 1}, Transitions: 2, GARPSent: 16},
		Transitions: []Transition{{ago(4 * time.Minute), Init, Backup, "started"}, {ago(3 * time.Minute), Backup, Master, "the master is silent"}},
	}
}

// vi2 is a backup that holds back.
func vi2() Instance {
	return Instance{
		Name: "VI_2", Interface: "eth1", VRID: 52, Version: 2, State: Backup, Since: ago(26 * time.Hour), Epoch: 1,
		Priority: Priority{Configured: 100, Effective: 100}, Preempt: true, Interval: 1, DownAfter: 3.609375,
		Peer:      &Router{Address: netip.MustParseAddr("192.168.2.12"), Priority: 90, Heard: ago(300 * time.Millisecond)},
		Addresses: []Address{{Prefix: netip.MustParsePrefix("192.168.2.100/24"), Interface: "eth1", Held: true}},
		Holds:     []string{"backend web has no healthy server"},
		HMAC:      &HMAC{Mode: "permissive", Keys: []int{1, 2}, Active: 2, Window: 5},
		Terms: []Term{
			{Tracker: "script check_db", Weight: -20, Status: "unknown", Text: "waiting for its first result: would subtract 20 while down"},
			{Tracker: "script check_app", Weight: -10, Status: "up", Text: "up: would subtract 10 while down"},
		},
		Transitions: []Transition{{ago(26 * time.Hour), Init, Backup, "started"}},
	}
}

// vi3 is in FAULT for two reasons.
func vi3() Instance {
	return Instance{
		Name: "VI_3", Interface: "eth2", VRID: 53, Version: 2, State: Fault, Since: ago(5 * time.Second),
		Priority: Priority{Configured: 254, Effective: 254}, Interval: 1, DownAfter: 3.0078125,
		Addresses: []Address{{Prefix: netip.MustParsePrefix("192.168.3.100/24"), Interface: "eth2", Error: "no such interface"}},
		Faults:    []string{"interface eth2: down (does not exist)", "script check_db: waiting for its first result"},
		Terms: []Term{
			{Tracker: "interface eth2", Status: "down", Fault: true, Text: "FAULT: down (does not exist)"},
			{Tracker: "script check_db", Status: "unknown", Fault: true, Text: "FAULT: waiting for its first result"},
			{Tracker: "backend web", Weight: 50, Status: "up", Delta: 50, Text: "up: adds 50"},
		},
	}
}

// full is a node that has some of everything.
func full() Snapshot {
	return Snapshot{
		Time: now, Node: "lb1", Version: "1.2.3", PID: 4711, StartedAt: ago(26 * time.Hour), Goroutines: 64,
		Config: Config{
			File: "/etc/tandem/tandem.yaml", Hash: strings.Repeat("0123456789abcdef", 4), LoadedAt: ago(26 * time.Hour), Reloads: 1, ReloadFailures: 1,
			Warnings:   []string{"tandem.yaml:6:3: warning: vrrp.instances: 501 addresses"},
			LastReload: Reload{Time: ago(90 * time.Second), Error: "tandem.yaml:3:5: vrrp: unknown key"},
		},
		Keeper:     Keeper{Process: Process{PID: 4712, Alive: true, Restarts: 1}, WillSet: true, DaemonStarved: 2, RTPriority: 10, Locked: 28 << 20},
		Runner:     Process{PID: 4713, Alive: true},
		Instances:  []Instance{vi1(), vi2(), vi3()},
		Interfaces: []Interface{{Name: "eth0", Family: "IPv4", Dropped: map[string]uint64{"vrid": 3, "length": 1}}, {Name: "eth1", Family: "IPv6"}},
		Trackers: []Tracker{
			{Name: "interface eth0", Status: "up", Text: "up", Since: ago(26 * time.Hour), LastCheck: ago(26 * time.Hour), Limit: 1, Runs: 1},
			{Name: "script check_app", Status: "down", Text: "exit status 1", Since: ago(4 * time.Minute), LastCheck: ago(time.Second), Seconds: 0.02, Limit: 2, Runs: 500, Failures: 120},
			{Name: "script check_db", Status: "unknown", Limit: 1},
		},
		Frontends: []Frontend{{
			Name: "http_front", Connections: 12, Accepted: 900, Requests: 100000, LimitedRequests: 250, LimitedConnections: 1, ForgottenClients: 3,
			Binds: []Bind{
				{Address: netip.MustParseAddrPort("192.168.1.100:80"), VIP: true, Gate: "open"},
				{Address: netip.MustParseAddrPort("192.168.1.100:443"), VIP: true, TLS: true, Gate: "open"},
			},
		}},
		TLS: TLS{
			Certificates: []Certificate{
				{File: "/etc/tandem/certs/a.pem", Names: []string{"a.example", "www.a.example"}, Key: "ECDSA P-256", NotBefore: ago(50 * 24 * time.Hour), NotAfter: now.Add(40 * 24 * time.Hour), StapledUntil: now.Add(time.Hour)},
				{File: "/etc/tandem/certs/b.pem", Names: []string{}, Key: "RSA 2048", NotBefore: ago(88 * 24 * time.Hour), NotAfter: now.Add(2 * 24 * time.Hour)},
			},
			Alarms:   []CertificateAlarm{{File: "/etc/tandem/certs/a.pem", Text: "/etc/tandem/certs/a.pem: private key does not belong to the certificate of a.example", Since: ago(time.Minute)}, {File: "/etc/tandem/certs/b.pem", Text: "certificate of b expires at 2026-11-23T12:00:00Z"}},
			Renewals: 3, Failures: 1,
		},
		Backends: []Backend{{Name: "web", Algorithm: "round_robin", Healthy: 1, Known: true, Waiting: 7, Table: &Table{Size: 1000, Clients: 1000, Evicted: 12}, Servers: []Server{
			{Name: "web1", Address: netip.MustParseAddrPort("192.168.1.101:80"), Weight: 3, Throttle: 45, Status: "up", Check: "200 in 1ms", Since: ago(26 * time.Hour), InFlight: 2, Requests: 90000, ConnectFailures: 1, ResponseFailures: 2, HandshakeFailures: map[string]int64{"bad_certificate": 1}},
			{Name: "web2", Address: netip.MustParseAddrPort("192.168.1.102:80"), Weight: 2, Throttle: 100, Status: "down", Check: "connection refused", Since: ago(time.Minute)},
			{Name: "web3", Address: netip.MustParseAddrPort("192.168.1.103:80"), Weight: 1, Throttle: 100, Backup: true, Status: "unknown"},
			{Name: "web4", Address: netip.MustParseAddrPort("192.168.1.104:80"), Weight: 1, Throttle: 100, Status: "up", Check: "HTTP status 200", CheckCode: 200, CheckSeconds: 0.002, CheckedAt: ago(time.Second), Since: ago(time.Minute), Held: "ejected", EjectedUntil: ago(-time.Minute), Ejections: 2},
			{Name: "web5", Lookup: "web5.internal", Address: netip.MustParseAddrPort("192.168.1.105:80"), Weight: 1, Throttle: 100, Status: "up", Check: "HTTP status 200", Since: ago(time.Minute)},
			{Name: "web6", Lookup: "web6.internal", Weight: 1, Throttle: 100, Status: "down", Check: "no address yet: nameserver 192.168.1.53:53: SERVFAIL", Since: ago(time.Minute)},
		}}},
		Buffered: 3<<20 + 1,
		Lookups: Lookups{
			Names: []Name{
				{Name: "web5.internal", Family: "prefer_ipv4", Addresses: []netip.AddrPort{netip.MustParseAddrPort("192.168.1.105:0")}, Asked: ago(5 * time.Second), Answered: ago(time.Minute), Next: ago(-10 * time.Second), Failures: 2, Error: "nameserver 192.168.1.53:53: no answer within 2s"},
				{Name: "web6.internal", Family: "ipv6", Addresses: []netip.AddrPort{}, Asked: ago(time.Second), Next: ago(-time.Second), Failures: 9, Error: "nameserver 192.168.1.53:53: SERVFAIL"},
				{Name: "_http._tcp.api.internal", Family: "prefer_ipv4", Addresses: []netip.AddrPort{
					netip.MustParseAddrPort("192.168.1.111:8080"), netip.MustParseAddrPort("192.168.1.112:8080"), netip.MustParseAddrPort("192.168.1.113:8080"),
					netip.MustParseAddrPort("192.168.1.114:8080"), netip.MustParseAddrPort("[fd00::1]:8080"),
				}, Asked: ago(time.Minute), Answered: ago(time.Minute)},
			},
			Questions: 900, Timeouts: 4, Truncated: 1, BadPackets: 2, Failures: 11,
		},
		AccessLogs: []AccessLog{
			{Output: "/var/log/tandem/access.log", Lines: 100000, Lost: 12, Error: "write /var/log/tandem/access.log: no space left on device"},
			{Output: "stdout", Lines: 100000},
		},
		Notify: []Notify{
			{Instance: "VI_1", Runs: 2, Failures: 1, Coalesced: 1, State: Master, Epoch: 2, LastRun: ago(3 * time.Minute), Seconds: 0.1, ExitCode: 1, Failure: "exit status 1", Output: "no route"},
			{Instance: "VI_2", Runs: 1, State: Backup, Epoch: 1, LastRun: ago(26 * time.Hour)},
			{Instance: "VI_3"},
		},
	}
}

// plain is a node without VRRP.
func plain() Snapshot {
	return Snapshot{
		Time: now, Node: "lb1", Version: "1.2.3", PID: 4711, StartedAt: ago(42 * time.Second),
		Config: Config{File: "plain.yaml", Hash: "0123456789abcdef", LoadedAt: ago(42 * time.Second)},
	}
}

func TestWriteText(t *testing.T) {
	t.Parallel()
	vain := vi1()
	vain.HandoverUntil = now.Add(10 * time.Minute)
	handedOver := Snapshot{Time: now, Instances: []Instance{vain}}
	for name, s := range map[string]Snapshot{"full.txt": full(), "plain.txt": plain(), "sync.txt": site(), "handed_over.txt": handedOver} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			if err := s.WriteText(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, name, b.String())
		})
	}
}

// brokenPipe is a writer that takes nothing.
type brokenPipe struct{}

var errBroken = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteTextReportsTheWriter(t *testing.T) {
	t.Parallel()
	if err := full().WriteText(brokenPipe{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	noPreempt, owner, handedOver := vi2(), vi1(), vi1()
	handedOver.HandoverUntil = now.Add(10 * time.Minute)
	noPreempt.Preempt, noPreempt.Holds = false, nil
	noPreempt.Addresses[0].Held = false
	noPreempt.Peer.Priority = 90
	owner.Priority = Priority{255, 255}
	for n := range owner.Terms[1:] {
		owner.Terms[1+n].Delta, owner.Terms[1+n].Text = 0, "no weight changes the priority of the address owner"
	}
	owner.Addresses[0].Held = false
	with := func(i Instance) Snapshot { return Snapshot{Time: now, Instances: []Instance{i}} }
	tests := []struct {
		file     string
		snapshot Snapshot
		instance string
	}{
		{"explain_all.txt", full(), ""},
		{"explain_one.txt", full(), "VI_1"},
		{"explain_plain.txt", plain(), ""},
		{"explain_no_preempt.txt", with(noPreempt), "VI_2"},
		{"explain_owner.txt", with(owner), "VI_1"},
		{"explain_handed_over.txt", with(handedOver), "VI_1"},
		{"explain_sync.txt", site(), ""},
		{"explain_init.txt", with(Instance{Name: "VI_1", Interface: "eth0", VRID: 1, State: Init, Priority: Priority{100, 100}}), "VI_1"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			lines, err := Explain(tt.snapshot, tt.instance)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tt.file, strings.Join(lines, "\n")+"\n")
		})
	}
}

// site is a node with two sync groups: of one an instance waits for the others, of the other one is in FAULT.
func site() Snapshot {
	in := func(name, group, state string, change func(*Instance)) Instance {
		i := Instance{Name: name, Interface: "eth0", VRID: 1, Priority: Priority{100, 100}, Preempt: true, DownAfter: 3.609, State: state, SyncGroup: group}
		change(&i)
		return i
	}
	nothing := func(*Instance) {}
	return Snapshot{Time: now, Node: "lb1", Instances: []Instance{
		in("VI_1", "site", Backup, func(i *Instance) { i.WantsMaster = true }),
		in("VI_2", "site", Backup, nothing),
		in("VI_3", "site", Backup, nothing),
		in("VI_4", "hall", Fault, func(i *Instance) { i.Faults = []string{"VI_5 is in FAULT: interface eth1: down"} }),
		in("VI_5", "hall", Fault, func(i *Instance) { i.Faults = []string{"interface eth1: down"} }),
		in("VI_6", "yard", Master, nothing),
		in("VI_7", "yard", Master, nothing),
		in("VI_8", "lone", Backup, nothing),
		in("VI_9", "", Backup, nothing),
	}}
}

// The names of a sync group's fields are pinned too.
func TestJSONOfASyncGroup(t *testing.T) {
	t.Parallel()
	text, err := json.MarshalIndent(site().Instances[0], "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "sync.json", string(text)+"\n")
}

// What waits for nobody that is there says nothing: the others may have become MASTER a moment ago.
func TestWaitsFor(t *testing.T) {
	t.Parallel()
	s := site()
	for n, want := range map[int]string{0: "waits for VI_2 and VI_3 of sync group site", 1: "", 8: ""} {
		if got := s.waitsFor(s.Instances[n]); got != want {
			t.Errorf("%s: got %q, want %q", s.Instances[n].Name, got, want)
		}
	}
	s.Instances[1].WantsMaster, s.Instances[2].State = true, Master
	if got := s.waitsFor(s.Instances[0]); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestExplainOfAnUnknownInstance(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		snapshot Snapshot
		want     string
	}{
		{"among others", full(), `no instance "VI_9"; this node has VI_1, VI_2, VI_3`},
		{"on a plain load balancer", plain(), `no instance "VI_9"; this node has none`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Explain(tt.snapshot, "VI_9"); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestFlip(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		term      Term
		effective uint8
		want      string
	}{
		{"positive, up", Term{Tracker: "a", Weight: 10, Status: "up", Delta: 10}, 110, "if a goes down: priority 100, equal to the master's 100"},
		{"positive, down", Term{Tracker: "a", Weight: 10, Status: "down"}, 100, "if a comes up: priority 110, above the master's 100"},
		{"positive, unknown", Term{Tracker: "a", Weight: 10, Status: "unknown"}, 100, "if a comes up: priority 110, above the master's 100"},
		{"negative, up", Term{Tracker: "a", Weight: -20, Status: "up"}, 100, "if a goes down: priority 80, below the master's 100"},
		{"negative, down", Term{Tracker: "a", Weight: -20, Status: "down", Delta: -20}, 80, "if a comes up: priority 100, equal to the master's 100"},
		{"negative, unknown", Term{Tracker: "a", Weight: -20, Status: "unknown"}, 100, "if a goes down: priority 80, below the master's 100"},
		{"weight 0, up", Term{Tracker: "a", Status: "up"}, 100, "if a goes down: FAULT"},
		{"weight 0, down: the faults say so", Term{Tracker: "a", Status: "down", Fault: true}, 100, ""},
		{"number", Term{Tracker: "file a", Weight: 1, Status: "up", Number: true}, 100, "if file a holds another number: that one, times 1, is added"},
		{"number, weight 0", Term{Tracker: "file a", Status: "up", Number: true}, 100, "if file a holds anything but 0: FAULT"},
		{"number, weight 0, FAULT: the faults say so", Term{Tracker: "file a", Status: "up", Number: true, Fault: true}, 100, ""},
		{"bounded", Term{Tracker: "a", Weight: -253, Status: "up"}, 100, "if a goes down: priority 1, below the master's 100"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			i := Instance{State: Backup, Peer: &Router{Priority: 100}, Priority: Priority{100, tt.effective}, Terms: []Term{tt.term}}
			if got := flip(i, tt.term); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTroubleOfAnAddress(t *testing.T) {
	t.Parallel()
	claimed := Address{ClaimedBy: "02:aa:bb:cc:dd:ee", ClaimedAt: ago(3 * time.Second)}
	both := claimed
	both.Error = "no such interface"
	tests := []struct {
		name    string
		address Address
		want    string
	}{
		{"none", Address{}, ""},
		{"error", Address{Error: "no such interface"}, "no such interface"},
		{"claimed", claimed, "claimed by 02:aa:bb:cc:dd:ee 3s ago"},
		{"both", both, "no such interface; claimed by 02:aa:bb:cc:dd:ee 3s ago"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := (Snapshot{Time: now}).trouble(tt.address); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The JSON is an interface: its names are pinned, and nothing is lost on the way to a client and back.
func TestJSON(t *testing.T) {
	t.Parallel()
	text, err := json.MarshalIndent(full(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "full.json", string(text)+"\n")
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var back Snapshot
	if err := decoder.Decode(&back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, full()) {
		t.Errorf("after a round trip: got %+v, want %+v", back, full())
	}
}

func TestRemember(t *testing.T) {
	t.Parallel()
	var list []Transition
	for n := range MaxTransitions + 3 {
		before := list
		list = Remember(list, Transition{Time: now.Add(time.Duration(n))})
		if len(before) > 0 && &before[0] == &list[0] {
			t.Fatal("the list is shared with the one of before")
		}
	}
	if got := len(list); got != MaxTransitions {
		t.Errorf("got %d transitions, want %d", got, MaxTransitions)
	}
	if got, want := list[0].Time, now.Add(3); !got.Equal(want) {
		t.Errorf("oldest: got %v, want %v", got, want)
	}
	if got, want := list[MaxTransitions-1].Time, now.Add(MaxTransitions+2); !got.Equal(want) {
		t.Errorf("newest: got %v, want %v", got, want)
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0ms", 850 * time.Millisecond: "850ms", 59*time.Second + 900*time.Millisecond: "59s",
		time.Minute: "1m0s", 185 * time.Second: "3m5s", 133 * time.Minute: "2h13m", 220 * time.Hour: "9d4h",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}
