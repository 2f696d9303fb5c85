package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestWireChanges(t *testing.T) {
	const nodes = "{lb1: {address: 10.0.0.1}, lb2: {address: 10.0.0.2}}"
	instance := func(keys string) string {
		return "{name: VI_1, interface: eth0, virtual_addresses: [10.0.0.100/24], " + keys + "}"
	}
	parse := func(t *testing.T, nodes string, instances ...string) *Config {
		cfg, problems := Parse("f.yaml", fmt.Appendf(nil, "nodes: %s\nvrrp: {instances: [%s]}\nproxy: {frontends: [{name: f, bind: [{address: \":80\"}]}]}\n", nodes, strings.Join(instances, ", ")))
		if cfg == nil {
			t.Fatal(problems)
		}
		return cfg
	}
	const old = "virtual_router_id: 51, priority: {lb1: 101, lb2: 100}, authentication: {type: PASS, password: secret1}"
	const because = ": the nodes would not hear each other, and each become MASTER; change lb1 with --force when it is MASTER and tandem on lb2 is stopped, then start lb2 with the new file"
	for _, tt := range []struct {
		name, new string
		want      []string
	}{
		{"nothing", old, nil},
		{"what need not agree", strings.Replace(old, "101", "110", 1) + ", preempt: false, lease: false", nil},
		{"VRID", strings.Replace(old, "51", "52", 1), []string{"VI_1: virtual_router_id 51 -> 52" + because}},
		{"interval", old + ", advert_interval: 2s", []string{"VI_1: advert_interval 1s -> 2s" + because}},
		{"password, untold", strings.Replace(old, "secret1", "secret2", 1), []string{"VI_1: authentication" + because}},
		{"two at once", strings.Replace(old, "51", "52", 1) + ", advert_interval: 2s", []string{"VI_1: virtual_router_id 51 -> 52" + because, "VI_1: advert_interval 1s -> 2s" + because}},
		{"version", strings.Replace(old, ", authentication: {type: PASS, password: secret1}", ", version: 3", 1), []string{"VI_1: version 2 -> 3" + because, "VI_1: authentication" + because}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := WireChanges(parse(t, nodes, instance(old)), parse(t, nodes, instance(tt.new)), "lb1")
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}

	for _, tt := range []struct {
		name, old, new string
		want           []string
	}{
		{"what version 3 learns", "advert_interval: 100ms", "advert_interval: 200ms", nil},
		{"and the other way", "advert_interval: 1s", "advert_interval: 100ms", nil},
		{"as far as it learns", "advert_interval: 100ms", "advert_interval: 1s", nil},
		{"and no further", "advert_interval: 100ms", "advert_interval: 1010ms", []string{"VI_1: advert_interval 100ms -> 1.01s" + because}},
		{"what it does not", "advert_interval: 100ms, max_learned_interval: 150ms", "advert_interval: 160ms", []string{"VI_1: advert_interval 100ms -> 160ms" + because}},
		{"what the new one does not", "advert_interval: 1010ms", "advert_interval: 100ms", []string{"VI_1: advert_interval 1.01s -> 100ms" + because}},
		{"what a bound allows", "advert_interval: 2s", "advert_interval: 100ms, max_learned_interval: 2s", nil},
		{"another checksum", "advert_interval: 100ms", "advert_interval: 100ms, v3_checksum_as_v2: true", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v3 := func(keys string) *Config {
				return parse(t, nodes, instance(strings.Split(old, ", auth")[0]+", version: 3, "+keys))
			}
			if got := WireChanges(v3(tt.old), v3(tt.new), "lb1"); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}

	for _, tt := range []struct {
		name, old, new string
		want           []string
	}{
		{"unicast", "", "unicast_peers: true", []string{"VI_1: unicast_peers" + because}},
		{"multicast again", "unicast_peers: true", "", []string{"VI_1: unicast_peers" + because}},
		{"the same ones", "unicast_peers: true", "unicast_peers: [10.0.0.1, 10.0.0.2]", nil},
		{"one more", "unicast_peers: true", "unicast_peers: [10.0.0.1, 10.0.0.2, 10.0.0.3]", nil},
		{"one less", "unicast_peers: [10.0.0.1, 10.0.0.2, 10.0.0.3]", "unicast_peers: true", []string{"VI_1: unicast_peers" + because}},
		{"another range", "unicast_peers: true", "unicast_peers: [10.0.0.1, {address: 10.0.0.2, min_ttl: 255}]", []string{"VI_1: unicast_peers" + because}},
		{"another TTL", "unicast_peers: true", "unicast_peers: true, unicast_ttl: 64", []string{"VI_1: unicast_ttl" + because}},
		{"anybody", "unicast_peers: true", "unicast_peers: true, unicast_any_source: true", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			with := func(keys string) *Config { return parse(t, nodes, instance(strings.TrimSuffix(old+", "+keys, ", "))) }
			if got := WireChanges(with(tt.old), with(tt.new), "lb1"); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}

	t.Run("an instance that comes or goes", func(t *testing.T) {
		one, other := parse(t, nodes, instance(old)), parse(t, nodes)
		if got := append(WireChanges(one, other, "lb1"), WireChanges(other, one, "lb1")...); len(got) > 0 {
			t.Errorf("got %q, want nothing", got)
		}
	})
	t.Run("a node that is alone", func(t *testing.T) {
		const alone = "{lb1: {address: 10.0.0.1}}"
		got := WireChanges(parse(t, alone, instance("virtual_router_id: 51")), parse(t, alone, instance("virtual_router_id: 52")), "lb1")
		want := []string{"VI_1: virtual_router_id 51 -> 52: the nodes would not hear each other, and each become MASTER; change lb1 with --force when no other node of this virtual router runs"}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
	t.Run("a node that is in one file only", func(t *testing.T) {
		if got := WireChanges(parse(t, nodes, instance(old)), parse(t, nodes, instance(old)), "lb3"); got != nil {
			t.Errorf("got %q, want nothing", got)
		}
	})
}
