package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// pair returns a file for two nodes; the strings are the priorities and what follows them in the instance.
func pair(priority, track string) string {
	return fmt.Sprintf(`
nodes: {lb1: {address: 10.0.0.1}, lb2: {address: 10.0.0.2}}
vrrp:
  instances:
    - name: VI_1
      interface: eth0
      virtual_router_id: 51
      virtual_addresses: [10.0.0.100/24]
      priority: %s
      track: %s
tracker: {scripts: {check_app: {command: [/bin/check]}, other: {command: [/bin/other]}}}
proxy:
  frontends: [{name: f, bind: [{address: ":80"}], default_backend: web}]
  backends:
    - {name: web, servers: [{name: w1, address: "10.0.0.11:80"}], health_check: {tcp: true}}
    - {name: unchecked, servers: [{name: w1, address: "10.0.0.11:80"}]}
`, priority, track)
}

func TestWarnings(t *testing.T) {
	const unused = `f.yaml:11:64: warning: tracker.scripts.other: no instance tracks it, so it is never run`
	for _, tt := range []struct {
		name, priority, track string
		want                  []string
	}{
		{"enough", "{lb1: 101, lb2: 100}", "[{script: check_app, weight: -2}, {script: other, weight: -2}]", nil},
		{"the peer stays below", "{lb1: 121, lb2: 100}", "[{script: check_app, weight: -20}, {script: other, weight: -50}]", []string{
			"f.yaml:10:43: warning: vrrp.instances[0].track[0].weight: with check_app down lb1 is 101 > 100: no failover, want a weight of -22 or less"}},
		{"equal is not enough", "{lb1: 120, lb2: 100}", "[{script: check_app, weight: -20}, {script: other, weight: -21}]", []string{
			"f.yaml:10:43: warning: vrrp.instances[0].track[0].weight: with check_app down lb1 is 100 = 100: no failover, want a weight of -21 or less"}},
		{"a bonus too small", "{lb1: 103, lb2: 101}", "[{script: check_app, weight: 2}, {script: other, weight: 3}]", []string{
			"f.yaml:10:43: warning: vrrp.instances[0].track[0].weight: with check_app down lb1 is 106 = 106: no failover, want a weight of 3 or more"}},
		{"a bonus lost in the bound of 254", "{lb1: 250, lb2: 240}", "[{script: check_app, weight: 10}, {script: other, weight: 20}]", []string{
			"f.yaml:10:43: warning: vrrp.instances[0].track[0].weight: with check_app down lb1 is 254 = 254: no failover, want priorities that are nearer to each other",
			"f.yaml:10:72: warning: vrrp.instances[0].track[1].weight: with other down lb1 is 254 = 254: no failover, want priorities that are nearer to each other"}},
		{"the owner is not changed", "{lb1: 255, lb2: 100}", "[{script: check_app, weight: -200}, {script: other, weight: 0}]", []string{
			"f.yaml:10:43: warning: vrrp.instances[0].track[0].weight: with check_app down lb1 is 255 > 100: no failover, want priorities that are nearer to each other"}},
		{"too far apart", "{lb1: 254, lb2: 1}", "[{interface: eth1, weight: -252}, {script: check_app}, {script: other}]", []string{
			"f.yaml:10:41: warning: vrrp.instances[0].track[0].weight: with eth1 down lb1 is 2 > 1: no failover, want priorities that are nearer to each other"}},
		{"equal priorities", "100", "[{script: check_app}, {script: other}]", []string{
			"f.yaml:9:17: warning: vrrp.instances[0].priority: lb1 and lb2 both have 100: the higher of their addresses decides, want different ones"}},
		{"weight 0 on what both share", "{lb1: 101, lb2: 100}", "[{backend: web}, {script: check_app}, {script: other}]", []string{
			"f.yaml:10:15: warning: vrrp.instances[0].track[0]: weight 0 on what all nodes share: with web down every node is in FAULT and none has the addresses, want a negative weight"}},
		{"weight 0 on a gateway", "{lb1: 101, lb2: 100}", "[{gateway: 10.0.0.254}, {script: check_app}, {script: other}]", []string{
			"f.yaml:10:15: warning: vrrp.instances[0].track[0]: weight 0 on what all nodes share: with 10.0.0.254 down every node is in FAULT and none has the addresses, want a negative weight"}},
		{"a gateway that moves nothing", "{lb1: 121, lb2: 100}", "[{gateway: 10.0.0.254, weight: -20}, {script: check_app}, {script: other}]", []string{
			"f.yaml:10:45: warning: vrrp.instances[0].track[0].weight: with 10.0.0.254 down lb1 is 101 > 100: no failover, want a weight of -22 or less"}},
		{"a backend without a check", "{lb1: 101, lb2: 100}", "[{backend: unchecked, weight: -10}, {script: check_app}, {script: other}]", []string{
			"f.yaml:10:25: warning: vrrp.instances[0].track[0].backend: unchecked has no health_check: it is never down"}},
		{"one warning does not hide another", "{lb1: 121, lb2: 100}", "[{backend: unchecked, weight: -10}, {script: check_app}, {script: other}]", []string{
			"f.yaml:10:25: warning: vrrp.instances[0].track[0].backend: unchecked has no health_check: it is never down",
			"f.yaml:10:44: warning: vrrp.instances[0].track[0].weight: with unchecked down lb1 is 111 > 100: no failover, want a weight of -22 or less"}},
		{"a script that nobody tracks", "{lb1: 101, lb2: 100}", "[{script: check_app}]", []string{unused}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, problems := Parse("f.yaml", []byte(pair(tt.priority, tt.track)))
			if cfg == nil {
				t.Fatalf("got no configuration: %v", problems)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if problems.Err() != nil || len(problems.Warnings()) != len(problems) || len(problems.Errors()) != 0 {
				t.Errorf("got %v as an error, want warnings alone", problems.Err())
			}
		})
	}
}

func TestWarningsOfFilesAndGateways(t *testing.T) {
	const text = `
nodes: {lb1: {address: 10.0.0.1}, lb2: {address: 10.0.0.2}}
vrrp:
  instances:
    - {name: VI_1, interface: eth0, virtual_router_id: 51, virtual_addresses: [10.0.0.100/24], priority: {lb1: 250, lb2: 240}, track: [{file: used}, {interface: eth1, weight: -12}]}
tracker:
  files: {used: {path: /used, missing: 20}, unused: {path: /unused}}
  gateways: {10.0.0.254: {}}
`
	want := []string{
		// The 20 of the missing file lift both above the bound of 254, and the interface takes less than that away.
		"f.yaml:5:176: warning: vrrp.instances[0].track[1].weight: with eth1 down lb1 is 254 = 254: no failover, want priorities that are nearer to each other",
		"f.yaml:7:53: warning: tracker.files.unused: no instance tracks it, so it is never read",
		`f.yaml:8:26: warning: tracker.gateways["10.0.0.254"]: no instance tracks it, so it is never asked`,
	}
	_, problems := Parse("f.yaml", []byte(text))
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestWarningOfADelayForNothing(t *testing.T) {
	_, problems := Parse("f.yaml", []byte(pair("{lb1: 101, lb2: 100}", "[{script: check_app}, {script: other}]\n      preempt: false\n      preempt_delay: 5s")))
	const want = "f.yaml:12:22: warning: vrrp.instances[0].preempt_delay: does nothing with preempt: false, want one of them"
	if len(problems) != 1 || problems[0].String() != want {
		t.Errorf("got %v, want %s", problems, want)
	}
}

func TestLeaseStaysBelowThePeersPatience(t *testing.T) {
	for _, tt := range []struct {
		name     string
		version  uint8
		interval time.Duration
		priority uint8
		patience time.Duration
		lease    time.Duration
	}{
		{"usual", 2, time.Second, 100, 3609375 * time.Microsecond, 3 * time.Second},
		{"a high peer", 2, time.Second, 254, 3007812500 * time.Nanosecond, 2 * time.Second},
		{"the least that allows 3 s", 2, time.Second, 153, 3402343750 * time.Nanosecond, 3 * time.Second},
		{"the most that does not", 2, time.Second, 154, 3398437500 * time.Nanosecond, 2 * time.Second},
		{"a long interval", 2, 10 * time.Second, 100, 30609375 * time.Microsecond, 30 * time.Second},
		{"the longest", 2, 255 * time.Second, 1, 765996093750 * time.Nanosecond, 765 * time.Second},
		{"version 3", 3, 100 * time.Millisecond, 100, 360937500 * time.Nanosecond, 2 * time.Second},
		{"version 3 at a second", 3, time.Second, 100, 3609375 * time.Microsecond, 3 * time.Second},
		{"version 3, the longest", 3, 40950 * time.Millisecond, 156, 138846093750 * time.Nanosecond, 138 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := masterDown(rawInstance{Version: tt.version, AdvertInterval: tt.interval}, tt.priority); got != tt.patience {
				t.Errorf("got a master down interval of %v, want %v", got, tt.patience)
			}
			got := leaseWithin(tt.patience)
			if got != tt.lease {
				t.Errorf("got a lease of %v, want %v", got, tt.lease)
			}
			if got > minLease && got+leaseSlack >= tt.patience {
				t.Errorf("a lease of %v may end after %v", got, tt.patience)
			}
		})
	}
	if got := leaseWithin(3400 * time.Millisecond); got != 2*time.Second {
		t.Errorf("got %v at the very edge, want 2s: below, not equal", got)
	}
	if got := leaseWithin(time.Second); got != minLease {
		t.Errorf("got %v, want %v: no lease is shorter", got, minLease)
	}
}

// Above 500 addresses leases lengthen, and it is said.
func TestLeasesOfManyAddresses(t *testing.T) {
	const warning = "f.yaml:3:19: warning: vrrp.instances: %d addresses: their leases are at least %v, and where daemon and keeper are killed at once the addresses stay for that long beside those of the next holder, want 500 at most for the shortest leases"
	for _, tt := range []struct {
		name      string
		addresses int
		second    string // whether the second instance, of 20, has a lease
		want      time.Duration
		warned    int // of so many addresses; 0: not at all
	}{
		{"as many as can have the shortest", 500, "true", 3 * time.Second, 0},
		{"one more", 501, "true", 6 * time.Second, 501},
		{"some without a lease", 501, "false", 3 * time.Second, 0},
		{"255 instances of 20", 5100, "true", 33 * time.Second, 5100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, problems := Parse("f.yaml", []byte(crowd(tt.addresses, tt.second)))
			if cfg == nil {
				t.Fatal(problems)
			}
			n, err := cfg.Node("lb1")
			if err != nil {
				t.Fatal(err)
			}
			if got := n.Instances[0].VIP.Lease; got != tt.want {
				t.Errorf("got a lease of %v, want %v", got, tt.want)
			}
			var got, want string
			if w := problems.Warnings(); len(w) > 0 {
				got = w[0].String()
			}
			if tt.warned > 0 {
				want = fmt.Sprintf(warning, tt.warned, tt.want)
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// crowd is a file with so many addresses, 20 for each instance; second says whether those of the second have a lease.
func crowd(addresses int, second string) string {
	var b strings.Builder
	b.WriteString("\nnodes: {lb1: {address: 10.0.0.1}, lb2: {address: 10.0.0.2}}\nvrrp: {instances: [")
	for i := 1; addresses > 0; i++ {
		lease := "true"
		if i == 2 {
			lease = second
		}
		fmt.Fprintf(&b, "{name: VI_%d, interface: eth0, virtual_router_id: %d, priority: {lb1: 101, lb2: 100}, lease: %s, virtual_addresses: [", i, i, lease)
		for n := 1; n <= 20 && addresses > 0; n++ {
			fmt.Fprintf(&b, "10.1.%d.%d/16, ", i, n)
			addresses--
		}
		b.WriteString("]}, ")
	}
	b.WriteString("]}\n")
	return b.String()
}

func TestLeaseIsForTheQuickestPeer(t *testing.T) {
	const text = `
nodes: {lb1: {address: 10.0.0.1}, lb2: {address: 10.0.0.2}, lb3: {address: 10.0.0.3}}
vrrp: {instances: [{name: VI_1, interface: eth0, virtual_router_id: 51, virtual_addresses: [10.0.0.100/24], priority: {lb1: 100, lb2: 254, lb3: 50}}]}
`
	cfg, problems := Parse("f.yaml", []byte(text))
	if cfg == nil {
		t.Fatal(problems)
	}
	for node, want := range map[string]time.Duration{"lb1": 2 * time.Second, "lb2": 3 * time.Second, "lb3": 2 * time.Second} {
		n, err := cfg.Node(node)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Instances[0].VIP.Lease; got != want {
			t.Errorf("%s: got a lease of %v, want %v", node, got, want)
		}
	}
}

func TestLeaseLooksAtTheOtherNodes(t *testing.T) {
	cfg, problems := Parse("f.yaml", []byte(pair("{lb1: 254, lb2: 100}", "[{script: check_app}, {script: other}]")))
	if cfg == nil {
		t.Fatal(problems)
	}
	for node, want := range map[string]time.Duration{"lb1": 3 * time.Second, "lb2": 2 * time.Second} {
		n, err := cfg.Node(node)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Instances[0].VIP.Lease; got != want {
			t.Errorf("%s: got a lease of %v, want %v", node, got, want)
		}
	}
}

func TestWarningsOfIPv6(t *testing.T) {
	const text = `
nodes: {lb1: {address: 10.0.0.1}, lb2: {address: 10.0.0.2}}
vrrp:
  instances:
    - {name: VI_1, interface: eth0, virtual_router_id: 51, virtual_addresses: ["fd00::100/64"], priority: {lb1: 101, lb2: 100}, unicast_peers: ["fd00::1", "fd00::2"]}
`
	want := []string{
		"f.yaml:5:80: warning: vrrp.instances[0].virtual_addresses[0]: fd00::100 comes first and is not link-local, as RFC 9568 wants it: Tandem and Keepalived hear such adverts, others may not, want an address such as fe80::64 before it",
		"f.yaml:5:144: warning: vrrp.instances[0].unicast_peers: no IPv6 address of lb1 is known: where one is among them, it takes itself for a peer too, want one more address of lb1",
		"f.yaml:5:144: warning: vrrp.instances[0].unicast_peers: no IPv6 address of lb2 is known: where one is among them, it takes itself for a peer too, want one more address of lb2",
	}
	_, problems := Parse("f.yaml", []byte(text))
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestIPv6AddressesFitOneAdvert(t *testing.T) {
	var list []string
	for i := range 91 {
		list = append(list, fmt.Sprintf("fe80::%x", i+1))
	}
	const at = "f.yaml:8:26: vrrp.instances[0].virtual_addresses: "
	hmac := "\n      authentication: {type: HMAC, keys: [{id: 1, key: " + strings.Repeat("ab", 32) + "}]}"
	for _, tt := range []struct {
		n          int
		also, want string
	}{
		{90, "", ""},
		{91, "", at + "has 91 IPv6 addresses, want at most 90, which fit one advert"},
		{89, hmac, ""},
		{90, hmac, at + "has 90 IPv6 addresses, want at most 89, which fit one advert"},
	} {
		text := strings.Replace(pair("{lb1: 101, lb2: 100}", "[{script: check_app}, {script: other}]"+tt.also), "[10.0.0.100/24]", `["`+strings.Join(list[:tt.n], `", "`)+`"]`, 1)
		text = text[:strings.Index(text, "proxy:")] // whose binds are another limit
		_, problems := Parse("f.yaml", []byte(text))
		got := ""
		if len(problems) > 0 {
			got = problems[0].String()
		}
		if got != tt.want {
			t.Errorf("%d: got %q, want %q", tt.n, got, tt.want)
		}
	}
}
