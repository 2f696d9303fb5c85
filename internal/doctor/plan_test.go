package doctor

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/proxy/resolve"
)

const pairConfig = `
nodes: {lb1: {address: 10.77.0.1}, lb2: {address: 10.77.0.2}}
vrrp:
  instances:
    - name: VI_1
      interface: {lb1: eth0, lb2: ens1}
      virtual_router_id: 51
      priority: {lb1: 101, lb2: 100}
      advert_interval: 2s
      virtual_addresses: [10.77.0.100/24, {address: 10.78.0.100/24, interface: eth1}]
      authentication: {type: PASS, password: secret}
      notify: {script: [/bin/true], user: root}
      track: [{script: web, weight: -20}]
    - name: VI_2
      interface: eth2
      virtual_router_id: 52
      priority: {lb1: 100, lb2: 101}
      virtual_addresses: [10.79.0.100/24]
tracker:
  scripts:
    web: {command: [/bin/true]}
proxy:
  frontends:
    - name: web
      bind: [{address: "10.77.0.100:80"}, {address: "10.77.0.100:8080"}]
      default_backend: app
  backends:
    - name: app
      servers: [{name: s1, address: "10.77.0.9:80"}]
`

func planOf(t *testing.T, text, node string) Plan {
	t.Helper()
	cfg, problems := config.Parse("test.yaml", []byte(text))
	if cfg == nil {
		t.Fatal(problems)
	}
	n, err := cfg.Node(node)
	must(t, "view", err)
	p, err := PlanNode(cfg, n)
	must(t, "plan", err)
	return p
}

func TestPlanNode(t *testing.T) {
	t.Parallel()
	want := Plan{
		Configured: true, Node: "lb1", Peers: addrs("10.77.0.2"), Interfaces: []string{"eth0", "eth1", "eth2"},
		Routers: []Router{
			{Name: "VI_1", Interface: "eth0", VRID: 51, Version: 2, Priority: 101, Interval: 2 * time.Second, AuthType: 1,
				Addresses: addrs("10.77.0.100", "10.78.0.100"),
				VIPs:      []VIP{{netip.MustParsePrefix("10.77.0.100/24"), "eth0"}, {netip.MustParsePrefix("10.78.0.100/24"), "eth1"}}},
			{Name: "VI_2", Interface: "eth2", VRID: 52, Version: 2, Priority: 100, Interval: time.Second,
				Addresses: addrs("10.79.0.100"), VIPs: []VIP{{netip.MustParsePrefix("10.79.0.100/24"), "eth2"}}},
		},
		LowPorts: []netip.AddrPort{netip.MustParseAddrPort("10.77.0.100:80")},
		Scripts:  []ScriptUser{{"tandem_script", []string{"check script web"}}, {"root", []string{"the notify script of VI_1"}}},
	}
	if got := planOf(t, pairConfig, "lb1"); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Names are asked for once, whoever is found by them.
func TestPlanNames(t *testing.T) {
	t.Parallel()
	p := planOf(t, `
proxy:
  resolvers: {nameservers: [10.77.0.53], timeout: 1s}
  frontends: [{name: f, bind: [{address: "10.77.0.1:80"}], default_backend: web}]
  backends:
    - {name: web, servers: [{name: a, address: "app.internal:80", slots: 3}, {name: b, address: "10.77.0.11:80"}, {name: c, address: "app.internal:81"}]}
    - {name: api, servers: [{name: d, address: _http._tcp.internal, family: ipv6}]}
`, "")
	want := []Name{{resolve.Query{Name: "app.internal"}, []string{"web/a", "web/c"}}, {resolve.Query{Name: "_http._tcp.internal", Family: resolve.IPv6}, []string{"api/d"}}}
	if !reflect.DeepEqual(p.Names, want) {
		t.Errorf("got %+v, want %+v", p.Names, want)
	}
	if got := p.Resolvers; len(got.Nameservers) != 1 || got.Timeout != time.Second {
		t.Errorf("got %+v, want the configuration's", got)
	}
}

func TestPlanOnly(t *testing.T) {
	t.Parallel()
	whole := planOf(t, pairConfig, "lb1")
	tests := []struct {
		iface    string
		routers  int
		vips     []netip.Prefix
		speaking bool
	}{
		{"eth0", 1, prefixes("10.77.0.100/24"), true},
		{"eth1", 1, prefixes("10.78.0.100/24"), false}, // addresses, and no adverts
		{"eth2", 1, prefixes("10.79.0.100/24"), true},
		{"eth9", 0, nil, false},
	}
	for _, tt := range tests {
		p := whole.Only(tt.iface)
		if !reflect.DeepEqual(p.Interfaces, []string{tt.iface}) || len(p.Routers) != tt.routers ||
			!reflect.DeepEqual(p.vipsOn(tt.iface), tt.vips) || p.speaksOn(tt.iface) != tt.speaking {
			t.Errorf("%s: got %+v, want %d routers, addresses %v, speaking %t", tt.iface, p, tt.routers, tt.vips, tt.speaking)
		}
	}
	if got := len(whole.Routers[0].VIPs); got != 2 {
		t.Errorf("the whole plan afterwards: got %d addresses, want 2", got)
	}
}
