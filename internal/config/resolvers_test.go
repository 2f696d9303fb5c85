package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/resolve"
)

func TestNames(t *testing.T) {
	p := good(t, "names.yaml", "").Proxy
	resolvers := resolve.Config{
		Nameservers: []netip.AddrPort{netip.MustParseAddrPort("192.168.1.53:53"), netip.MustParseAddrPort("[fd00::53]:5353")},
		Timeout:     time.Second, Attempts: 3, MinTTL: 5 * time.Second, MaxTTL: time.Minute,
		HoldFailed: time.Hour, HoldAbsent: time.Minute, HoldGone: 30 * time.Second,
	}
	if !reflect.DeepEqual(p.Resolvers, resolvers) {
		t.Errorf("got %+v, want %+v", p.Resolvers, resolvers)
	}
	want := []proxy.Server{
		{Name: "one", Lookup: resolve.Query{Name: "app.internal.", Family: resolve.PreferIPv6}, Port: 80, Weight: 1, ServerName: "app.internal"},
		{Name: "many", Lookup: resolve.Query{Name: "app", Family: resolve.IPv4}, Port: 8080, Slots: 3, Weight: 2, ServerName: "app"},
		{Name: "api", Lookup: resolve.Query{Name: "_http._tcp.api.internal", Family: resolve.PreferIPv6}, Slots: 2, Weight: 1},
		{Name: "named", Lookup: resolve.Query{Name: "app", Family: resolve.PreferIPv6}, Port: 8443, Weight: 1, ServerName: "other.internal", Track: proxy.ServerRef{Backend: "app", Server: "many3"}},
		{Name: "fixed", Address: netip.MustParseAddrPort("192.168.1.101:80"), Weight: 1, ServerName: "192.168.1.101"},
	}
	if got := p.Backends[0].Servers; !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Without a word about it names are looked up as /etc/resolv.conf says, at times that suit.
func TestResolversByDefault(t *testing.T) {
	const text = `
proxy:
  frontends: [{name: f, bind: [{address: "192.168.1.11:80"}], default_backend: web}]
  backends: [{name: web, servers: [{name: a, address: "app.internal:80"}]}]
`
	cfg, problems := Parse("f.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	n, err := cfg.Node("")
	if err != nil {
		t.Fatal(err)
	}
	want := resolve.Config{Timeout: 2 * time.Second, Attempts: 2, MinTTL: time.Second, MaxTTL: 5 * time.Minute, HoldAbsent: 30 * time.Second}
	if got := n.Proxy.Resolvers; !reflect.DeepEqual(got, want) || got.Fault() != nil {
		t.Errorf("got %+v, %v, want %+v", got, got.Fault(), want)
	}
}

func TestResolversWithoutNames(t *testing.T) {
	const text = `
proxy:
  resolvers: {nameservers: [192.168.1.53]}
  frontends: [{name: f, bind: [{address: "192.168.1.11:80"}], default_backend: web}]
  backends: [{name: web, servers: [{name: a, address: "10.0.0.1:80"}]}]
`
	_, problems := Parse("f.yaml", []byte(text))
	want := "f.yaml:3:14: warning: proxy.resolvers: does nothing: no server has a name"
	if len(problems) != 1 || problems[0].String() != want {
		t.Errorf("got %v, want %s", problems, want)
	}
}

func TestSlotsAreBounded(t *testing.T) {
	for slots, want := range map[int]string{999: "", 1000: "f.yaml:4:35: proxy.backends[0].servers: are 10001 with all their slots, want at most 10000"} {
		text := `
proxy:
  frontends: [{name: f, bind: [{address: "192.168.1.11:80"}], default_backend: web}]
  backends: [{name: web, servers: [{name: fixed, address: "10.0.0.1:80"}`
		for i := range 10 {
			text += fmt.Sprintf(`, {name: s%d-, address: "app.internal:80", slots: %d}`, i, slots)
		}
		_, problems := Parse("f.yaml", []byte(text+"]}]\n"))
		got := ""
		if len(problems) > 0 {
			got = problems[0].String()
		}
		if got != want || len(problems) > 1 {
			t.Errorf("%d: got %v, want %s", slots, problems, want)
		}
	}
}
