package config

import (
	"fmt"
	"slices"
	"testing"
)

// site returns a file with a sync group of two instances; the strings are what each has beside the rest.
func site(one, two string) string {
	return fmt.Sprintf(`
nodes: {lb1: {address: 10.0.0.1}, lb2: {address: 10.0.0.2}}
tracker: {scripts: {check_app: {command: [/bin/check]}}, files: {drain: {path: /drain}}}
vrrp:
  instances:
    - {name: VI_1, interface: eth0, virtual_router_id: 51, virtual_addresses: [10.0.0.100/24], sync_group: site, track: [{file: drain}, {script: check_app, weight: -10}], %s}
    - {name: VI_2, interface: eth1, virtual_router_id: 52, virtual_addresses: [10.0.1.100/24], sync_group: %s}
`, one, two)
}

func TestWarningsOfSyncGroups(t *testing.T) {
	const low, high = "priority: {lb1: 101, lb2: 100}", "priority: {lb1: 151, lb2: 150}"
	both := low + ", track: [{script: check_app, weight: -10}]"
	for _, tt := range []struct {
		name, one, two string
		want           []string
	}{
		{"alike", low, "site, " + both, nil},
		{"other priorities and weights that do", low, "site, " + high + ", track: [{script: check_app, weight: -2}]", nil},
		{"FAULT of one is FAULT of all", low, "site, " + low + ", track: [{script: check_app}]", nil},
		{"tracked by one alone", low, "site, " + high, []string{
			"f.yaml:6:137: warning: vrrp.instances[0].track[1]: with check_app down VI_2 of the same sync group is 151 > 150 on lb1: no failover, want it tracked there too, with enough weight"}},
		{"too little weight", low, "site, " + low + ", track: [{script: check_app, weight: -1}]", []string{
			"f.yaml:6:137: warning: vrrp.instances[0].track[1]: with check_app down VI_2 of the same sync group is 100 = 100 on lb1: no failover, want it tracked there too, with enough weight",
			"f.yaml:7:182: warning: vrrp.instances[1].track[0].weight: with check_app down lb1 is 100 = 100: no failover, want a weight of -2 or less"}},
		{"too little weight in both", "priority: {lb1: 121, lb2: 100}", "site, " + low + ", track: [{script: check_app, weight: -2}]", []string{
			"f.yaml:6:165: warning: vrrp.instances[0].track[1].weight: with check_app down lb1 is 111 > 100: no failover, want a weight of -22 or less",
			"f.yaml:7:154: warning: vrrp.instances[1].track[0]: with check_app down VI_1 of the same sync group is 111 > 100 on lb1: no failover, want it tracked there too, with enough weight"}},
		{"one that does not preempt", low, "site, preempt: false, " + both, []string{
			"f.yaml:7:123: warning: vrrp.instances[1].preempt: false, and true in VI_1 of the same sync group: it preempts only where all of it does, want the same in a sync group"}},
		{"alone", low, "hall, " + low, []string{
			"f.yaml:6:108: warning: vrrp.instances[0].sync_group: VI_1 is alone in site, want another instance in it, or none",
			"f.yaml:7:108: warning: vrrp.instances[1].sync_group: VI_2 is alone in hall, want another instance in it, or none"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, problems := Parse("f.yaml", []byte(site(tt.one, tt.two)))
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
		})
	}
}

func TestSyncGroupOfInstances(t *testing.T) {
	cfg, problems := Parse("f.yaml", []byte(site("priority: {lb1: 101, lb2: 100}", "site, version: 3, advert_interval: 50ms, priority: {lb1: 101, lb2: 100}")))
	if cfg == nil {
		t.Fatal(problems)
	}
	n, err := cfg.Node("lb1")
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range n.Instances { // versions and intervals may differ
		if in.SyncGroup != "site" {
			t.Errorf("%s is in %q", in.VRRP.Name, in.SyncGroup)
		}
	}
}
