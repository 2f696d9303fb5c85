package config

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
)

func TestBalance(t *testing.T) {
	backends := good(t, "balance.yaml", "lb1").Proxy.Backends
	for i, want := range []proxy.Balance{
		{Algorithm: "hash", Key: "header:X-Tenant", BoundedLoad: 1.25},
		{Algorithm: "random", Draws: 1, FirstBackup: true},
		{Algorithm: "source", BoundedLoad: 2},
	} {
		if got := backends[i].Balance; got != want {
			t.Errorf("%s: got %+v, want %+v", backends[i].Name, got, want)
		}
	}
	want := []proxy.Server{
		{Name: "web1", Address: netip.MustParseAddrPort("192.168.1.101:80"), Weight: 1, SlowStart: 30 * time.Second},
		{Name: "web2", Address: netip.MustParseAddrPort("192.168.1.102:80"), Weight: 1},
		{Name: "sorry", Address: netip.MustParseAddrPort("192.168.1.103:80"), Weight: 1, Backup: true, SlowStart: time.Minute},
	}
	if got := backends[1].Servers; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSlowStartWithoutChecks(t *testing.T) {
	const text = `
proxy:
  frontends: [{name: f, bind: [{address: "192.168.1.11:80"}], default_backend: web}]
  backends:
    - {name: web, slow_start: 30s, servers: [{name: a, address: "10.0.0.1:80"}, {name: b, address: "10.0.0.2:80"}]}
    - name: api
      servers: [{name: a, address: "10.0.0.1:80", slow_start: 1s}, {name: b, address: "10.0.0.2:80", slow_start: 0s}, {name: c, address: "10.0.0.3:80", slow_start: 1s, track: checked/a}]
    - {name: checked, slow_start: 30s, health_check: {tcp: true}, servers: [{name: a, address: "10.0.0.1:80"}]}
`
	_, problems := Parse("f.yaml", []byte(text))
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		"f.yaml:5:31: warning: proxy.backends[0].slow_start: does nothing: a server whose health is not checked never goes down, want health_check there",
		"f.yaml:7:63: warning: proxy.backends[1].servers[0].slow_start: does nothing: a server whose health is not checked never goes down, want health_check there",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
