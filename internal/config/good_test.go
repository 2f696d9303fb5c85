package config

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

// good loads a file of testdata/good, which has no problems, as one node sees it.
func good(t *testing.T, file, node string) *Node {
	t.Helper()
	cfg, problems := Load(filepath.Join("testdata", "good", file))
	if len(problems) > 0 {
		t.Fatalf("got %v, want no problems", problems)
	}
	n, err := cfg.Node(node)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestGoodFilesHaveNoProblems(t *testing.T) {
	for _, file := range inputs(t, "good") {
		if _, problems := Load(file); len(problems) > 0 {
			t.Errorf("%s: got %v, want no problems", file, problems)
		}
	}
}

func TestTrackersOfEveryKind(t *testing.T) {
	n := good(t, "trackers.yaml", "lb2")
	usual, special := netip.MustParseAddr("192.168.1.1"), netip.MustParseAddr("192.168.2.1")
	linkLocal, global := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fd00::1")
	virtual := []netip.Addr{netip.MustParseAddr("192.168.1.100"), netip.MustParseAddr("192.168.1.101")}
	gateway := func(addr netip.Addr, on string) tracker.ID {
		return tracker.ID{Kind: tracker.KindGateway, Name: addr.String(), Interface: on}
	}
	drain := tracker.ID{Kind: tracker.KindFile, Name: "drain"}
	for i, want := range [][]tracker.Binding{{
		tracker.OwnInterface("ens3"),
		{ID: gateway(usual, "ens3"), Weight: -40},
		{ID: gateway(special, "ens9"), Weight: -40},
		{ID: drain, Weight: 1},
		{ID: tracker.ID{Kind: tracker.KindFile, Name: "veto"}},
		{ID: tracker.ID{Kind: tracker.KindScript, Name: "check"}, Weight: 2},
	}, {
		tracker.OwnInterface("ens4"),
		{ID: gateway(usual, "ens4"), Weight: -40},
		{ID: gateway(special, "ens9"), Weight: -20},
		{ID: gateway(linkLocal, "ens4"), Weight: -20},
		{ID: gateway(global, "eth9"), Weight: -20},
		{ID: drain, Weight: -2},
	}} {
		if got := n.Instances[i].Track; !reflect.DeepEqual(got, want) {
			t.Errorf("instance %d: got %+v, want %+v", i, got, want)
		}
	}
	usually := tracker.Gateway{Address: usual, Interface: "ens3", Interval: time.Second, Timeout: time.Second, Rise: 2, Fall: 3, Virtual: virtual}
	elsewhere := usually
	elsewhere.Interface = "ens4"
	six := elsewhere
	six.Address = linkLocal
	far := elsewhere
	far.Address, far.Interface = global, "eth9"
	want := []tracker.Gateway{usually, elsewhere, {Address: special, Interface: "ens9", Interval: 500 * time.Millisecond,
		Timeout: 200 * time.Millisecond, Rise: 1, Fall: 5, Virtual: virtual, Init: hysteresis.Up}, far, six}
	if !reflect.DeepEqual(n.Gateways, want) {
		t.Errorf("got %+v, want %+v", n.Gateways, want)
	}
	if want := []tracker.File{{Name: "drain", Path: "/run/tandem/drain"}, {Name: "veto", Path: "/run/tandem/veto", Missing: 1}}; !reflect.DeepEqual(n.Files, want) {
		t.Errorf("got %+v, want %+v", n.Files, want)
	}
	if got := n.Scripts[0].Init; got != hysteresis.Down {
		t.Errorf("got a script that starts as %v, want down", got)
	}
	cfg := tracker.Config{Scripts: n.Scripts, Files: n.Files, Gateways: n.Gateways}
	for _, in := range n.Instances {
		for _, b := range in.Track {
			if k := b.ID.Kind; k == tracker.KindFile || k == tracker.KindGateway {
				cfg.Bindings = append(cfg.Bindings, b)
			}
		}
	}
	if err := tracker.NewSet(tracker.Sources{}, nil, nil).Check(cfg); err != nil {
		t.Errorf("the trackers cannot be watched: %v", err)
	}
}

func TestWebPair(t *testing.T) {
	insecure := false
	certificates := &certs.Config{Certificates: certs.Bundles("/etc/tandem/certs/"), MinVersion: tls.VersionTLS12, ALPN: []string{"h2", "http/1.1"}}
	vip100 := netip.MustParseAddr("192.168.1.100")
	want := &Node{
		Name:      "lb2",
		Addresses: []netip.Addr{netip.MustParseAddr("192.168.1.12")},
		Instances: []Instance{{
			VRRP: vrrp.Config{Name: "VI_1", Interface: "eth0", VRID: 51, Version: vrrp.V2, Priority: 100, AdvertInterval: time.Second,
				Auth: vrrp.Auth{Type: vrrp.AuthPass, Password: "supersec"}, Addresses: []netip.Addr{vip100}},
			VIP: vip.Config{Instance: "VI_1", Addresses: []vip.Address{{Prefix: netip.MustParsePrefix("192.168.1.100/24"), Interface: "eth0"}},
				GARP: vip.GARP{Repeat: 5, Delay: 5 * time.Second, Refresh: 30 * time.Second}, Lease: 3 * time.Second},
			Source: vip.Source{Interface: "eth0"},
			Track: []tracker.Binding{
				{ID: tracker.ID{Kind: tracker.KindInterface, Name: "eth0"}},
				{ID: tracker.ID{Kind: tracker.KindScript, Name: "check_app"}, Weight: -20},
				{ID: tracker.ID{Kind: tracker.KindInterface, Name: "eth1"}, Weight: -10},
				{ID: tracker.ID{Kind: tracker.KindBackend, Name: "web", MinUp: 1}, Weight: -30},
			},
			Notify: &notify.Config{Instance: "VI_1", Script: []string{"/etc/tandem/notify.sh"}, Timeout: 10 * time.Second},
		}},
		Scripts: []tracker.Script{{Name: "check_app", Command: []string{"/usr/local/bin/check_app"}, Interval: 2 * time.Second, Timeout: time.Second,
			Rise: 2, Fall: 3, User: "tandem_script"}},
		Proxy: proxy.Config{
			MaxConnections: 50000, MaxHeld: 256 << 20,
			Frontends: []proxy.Frontend{{
				Name: "http_front",
				Binds: []proxy.Bind{
					{Address: netip.AddrPortFrom(vip100, 80), VIP: true},
					{Address: netip.AddrPortFrom(vip100, 443), VIP: true, TLS: certificates},
				},
				Rules: []rule.Rule{
					{Match: rule.Match{TLS: &insecure, Not: &rule.Match{PathPrefix: "/.well-known/acme-challenge/"}}, Redirect: &rule.Redirect{Scheme: "https", Code: 301}},
					{Match: rule.Match{Path: "/health"}, Respond: &rule.Respond{Status: 200, Body: "healthy\n", ContentType: "text/plain"}, NoLog: true},
				},
				ResponseEdits:  []edit.Edit{{Name: "X-Frame-Options", Value: "SAMEORIGIN"}},
				DefaultBackend: "web",
				Timeouts:       proxy.FrontendTimeouts{HTTPRequest: 10 * time.Second, Client: 50 * time.Second, KeepAlive: time.Minute, Tunnel: time.Hour},
			}},
			Backends: []proxy.Backend{{
				Name: "web", Balance: proxy.Balance{Algorithm: "round_robin"},
				Servers: []proxy.Server{
					{Name: "web1", Address: netip.MustParseAddrPort("192.168.1.101:80"), Weight: 3},
					{Name: "web2", Address: netip.MustParseAddrPort("192.168.1.102:80"), Weight: 1},
				},
				Check:     &health.Check{Kind: &health.HTTP{Method: "GET", Path: "/health", Status: []health.Status{{From: 200, To: 200}}}, Interval: 2 * time.Second, FastInterval: 2 * time.Second, DownInterval: 2 * time.Second, Timeout: time.Second, Rise: 2, Fall: 3},
				FastEject: true,
				Forwarded: proxy.Forwarded{For: proxy.ForwardedForAppend, Proto: true, RealIP: true},
				Timeouts:  proxy.BackendTimeouts{Connect: 5 * time.Second, Server: 50 * time.Second, Queue: 5 * time.Second},
				MaxQueue:  10000,
				Retries:   3, Redispatch: true,
			}},
		},
		Limits: Limits{Handshakes: 1024},
		Admin:  Admin{Mode: 0o660},
		Log:    Log{Level: hclog.Info},
	}
	if got := good(t, "web_pair.yaml", "lb2"); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestPlainBalancer(t *testing.T) {
	n := good(t, "plain_balancer.yaml", "whoever")
	if n.Name != "whoever" || len(n.Addresses) > 0 || len(n.Instances) > 0 {
		t.Errorf("got node %q at %v with %d instances, want any name and nothing else", n.Name, n.Addresses, len(n.Instances))
	}
	front, back := n.Proxy.Frontends[0], n.Proxy.Backends[0]
	wantBinds := []proxy.Bind{
		{Address: netip.MustParseAddrPort("0.0.0.0:8080"), H2C: true},
		{Address: netip.MustParseAddrPort("[::]:8443"), TLS: &certs.Config{Certificates: certs.Bundles("/etc/tandem/certs/"), MinVersion: tls.VersionTLS13, ALPN: []string{"http/1.1"}}},
	}
	if !reflect.DeepEqual(front.Binds, wantBinds) {
		t.Errorf("got binds %+v, want %+v", front.Binds, wantBinds)
	}
	if want := (proxy.FrontendTimeouts{HTTPRequest: 10 * time.Second, Client: 30 * time.Second, KeepAlive: time.Minute, Tunnel: 2 * time.Hour}); front.Timeouts != want {
		t.Errorf("got %+v, want %+v", front.Timeouts, want)
	}
	if want := (proxy.BackendTimeouts{Connect: time.Second, Server: 50 * time.Second, Queue: time.Second}); back.Timeouts != want {
		t.Errorf("got %+v, want %+v", back.Timeouts, want)
	}
	if want := (proxy.Forwarded{For: proxy.ForwardedForOff}); !reflect.DeepEqual(back.Forwarded, want) {
		t.Errorf("got %+v, want %+v", back.Forwarded, want)
	}
	if want := (&health.Check{Kind: &health.TCP{}, Interval: 2 * time.Second, FastInterval: 2 * time.Second, DownInterval: 2 * time.Second, Timeout: 2 * time.Second, Rise: 2, Fall: 3}); !reflect.DeepEqual(back.Check, want) {
		t.Errorf("got %+v, want %+v", back.Check, want)
	}
	if back.Retries != 0 || back.Redispatch || back.Servers[1].Weight != 0 {
		t.Errorf("got retries %d, redispatch %t, weight %d, want 0, false, 0: the file says so", back.Retries, back.Redispatch, back.Servers[1].Weight)
	}
}

func TestActiveActive(t *testing.T) {
	n := good(t, "active_active.yaml", "lb2")
	one, two := n.Instances[0], n.Instances[1]
	wantAddresses := []vip.Address{
		{Prefix: netip.MustParsePrefix("10.77.0.100/24"), Interface: "ens3"},
		{Prefix: netip.MustParsePrefix("10.77.0.101/32"), Interface: "ens4", Label: "eth0:vip", Scope: vip.ScopeLink},
	}
	if !reflect.DeepEqual(one.VIP.Addresses, wantAddresses) {
		t.Errorf("got addresses %+v, want %+v", one.VIP.Addresses, wantAddresses)
	}
	if want := (vip.GARP{Repeat: 3, Delay: 2 * time.Second, Refresh: -1, Interval: time.Millisecond}); one.VIP.GARP != want {
		t.Errorf("got %+v, want %+v: never is negative", one.VIP.GARP, want)
	}
	if !one.VRRP.NoPreempt || two.VRRP.NoPreempt {
		t.Errorf("got NoPreempt %t and %t, want true and false", one.VRRP.NoPreempt, two.VRRP.NoPreempt)
	}
	if one.VIP.Lease != 3*time.Second || two.VIP.Lease != 0 {
		t.Errorf("got leases %v and %v, want 3s and 0s", one.VIP.Lease, two.VIP.Lease)
	}
	if want := (tracker.OwnInterface("ens3")); one.Track[0] != want || len(one.Track) != 1 {
		t.Errorf("got %+v, want the own interface alone", one.Track)
	}
	var binds []string
	for _, b := range n.Proxy.Frontends[0].Binds {
		kind := " always"
		if b.VIP {
			kind = " gated"
		}
		binds = append(binds, b.Address.String()+kind)
	}
	wantBinds := []string{"10.77.0.100:80 gated", "10.77.0.101:80 gated", "10.77.0.102:80 gated", "10.77.0.102:8080 gated", "10.77.0.2:8081 always"}
	if !reflect.DeepEqual(binds, wantBinds) {
		t.Errorf("got binds %v, want %v", binds, wantBinds)
	}
	if want := (Admin{SocketPath: "/run/b.sock", Mode: 0o600, Group: "adm"}); n.Admin != want {
		t.Errorf("got %+v, want %+v", n.Admin, want)
	}
	if want := (Log{Level: hclog.Debug, JSON: true}); n.Log != want {
		t.Errorf("got %+v, want %+v", n.Log, want)
	}
}

func TestVersion3(t *testing.T) {
	n := good(t, "version3.yaml", "lb1")
	for i, want := range []vrrp.Config{
		{AdvertInterval: 100 * time.Millisecond, MaxLearnedInterval: time.Second},
		{AdvertInterval: 5 * time.Second, MaxLearnedInterval: 6 * time.Second, ChecksumNoPseudoHeader: true,
			FlapDamping: vrrp.FlapDamping{Transitions: 3, Window: time.Minute, Hold: 10 * time.Minute}},
		{AdvertInterval: 40950 * time.Millisecond, MaxLearnedInterval: 40950 * time.Millisecond,
			PreemptDelay: 30 * time.Second, StartupDelay: 5 * time.Second, WarmUp: 1000 * time.Second,
			FlapDamping: vrrp.FlapDamping{Transitions: 5, Window: time.Minute, Hold: time.Minute}},
	} {
		got := n.Instances[i].VRRP
		if got.Version != vrrp.V3 || got.AdvertInterval != want.AdvertInterval || got.MaxLearnedInterval != want.MaxLearnedInterval ||
			got.ChecksumNoPseudoHeader != want.ChecksumNoPseudoHeader ||
			got.FlapDamping != want.FlapDamping ||
			got.PreemptDelay != want.PreemptDelay || got.StartupDelay != want.StartupDelay || got.WarmUp != want.WarmUp {
			t.Errorf("got %+v, want version 3 and %+v", got, want)
		}
		if err := got.Validate(); err != nil {
			t.Errorf("no virtual router can be run with %+v: %v", got, err)
		}
	}
	if got := n.Instances[0].VIP.Lease; got != 2*time.Second {
		t.Errorf("got a lease of %v, want 2s: none is shorter", got)
	}
}

func TestUnicast(t *testing.T) {
	addr := netip.MustParseAddr
	far := vrrp.Peer{Addr: addr("10.88.0.3"), MinTTL: 60, MaxTTL: 64}
	for node, want := range map[string][][]vrrp.Peer{
		"lb1": {{{Addr: addr("10.77.0.2")}}, {{Addr: addr("10.77.0.2"), MinTTL: 254}, far}, nil},
		"lb2": {{{Addr: addr("10.77.0.1")}}, {{Addr: addr("10.77.0.1")}, far}, nil},
	} {
		for i, in := range good(t, "unicast.yaml", node).Instances {
			if !reflect.DeepEqual(in.VRRP.UnicastPeers, want[i]) {
				t.Errorf("%s of %s: got peers %v, want %v", in.VRRP.Name, node, in.VRRP.UnicastPeers, want[i])
			}
			if got := in.VRRP; i == 1 != (got.UnicastTTL == 64) || i == 1 != got.AnySource {
				t.Errorf("%s of %s: got TTL %d and any source %t, want 64 and true for VI_2 alone", got.Name, node, got.UnicastTTL, got.AnySource)
			}
			if err := in.VRRP.Validate(); err != nil {
				t.Errorf("no virtual router can be run with %+v: %v", in.VRRP, err)
			}
		}
	}
}

func TestBesideKeepalived(t *testing.T) {
	n := good(t, "beside_keepalived.yaml", "lb1")
	in := n.Instances[0]
	if got := in.VRRP.Auth.Password; got != "01234567" {
		t.Errorf("got password %q, want the text as it stands, not a number", got)
	}
	if got := in.Track[2]; got != (tracker.Binding{ID: tracker.ID{Kind: tracker.KindBackend, Name: "web", MinUp: 2}}) {
		t.Errorf("got %+v, want the backend with weight 0", got)
	}
	if got := in.VIP.Lease; got != 3*time.Second {
		t.Errorf("got a lease of %v, want 3s, by the node's own priority", got)
	}
	if got := in.Notify.Script; !reflect.DeepEqual(got, []string{"/etc/notify.sh"}) {
		t.Errorf("got script %q, want the program alone", got)
	}
	want := []tracker.Script{{Name: "chk", Command: []string{"/usr/bin/killall", "-0", "haproxy"}, Interval: time.Second, Timeout: time.Second, Rise: 1, Fall: 1}}
	if !reflect.DeepEqual(n.Scripts, want) {
		t.Errorf("got %+v, want %+v", n.Scripts, want)
	}
}

func TestOddNames(t *testing.T) {
	for node, want := range map[string]string{"1": "eth0 100", "2024-01-01": "eth1 101", "true": "eth2 102"} {
		n := good(t, "odd_names.yaml", node)
		if got := fmt.Sprint(n.Instances[0].VRRP.Interface, " ", n.Instances[0].VRRP.Priority); got != want {
			t.Errorf("%s: got %s, want %s", node, got, want)
		}
	}
	n := good(t, "odd_names.yaml", "1")
	front, back := n.Proxy.Frontends[0], n.Proxy.Backends[0]
	got := []string{n.Instances[0].VRRP.Name, n.Scripts[0].Name, front.Name, front.DefaultBackend, back.Name, back.Servers[0].Name}
	if want := []string{"1", "1.5", "0x10", "1e3", "1e3", "007"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := []edit.Edit{{Name: "1", Value: "2"}, {Name: "1.0", Value: "3.0"}}; !reflect.DeepEqual(front.ResponseEdits, want) {
		t.Errorf("got %+v, want %+v", front.ResponseEdits, want)
	}
}

func TestAliases(t *testing.T) {
	n := good(t, "aliases.yaml", "")
	web, api := n.Proxy.Backends[0], n.Proxy.Backends[1]
	if want := (&health.Check{Kind: &health.HTTP{Method: "GET", Path: "/health"}, Interval: 3 * time.Second, FastInterval: 3 * time.Second, DownInterval: 3 * time.Second, Timeout: 3 * time.Second, Rise: 2, Fall: 3}); !reflect.DeepEqual(web.Check, want) {
		t.Errorf("got %+v, want %+v", web.Check, want)
	}
	if want := (&health.Check{Kind: &health.HTTP{Method: "HEAD", Path: "/health"}, Interval: 3 * time.Second, FastInterval: 3 * time.Second, DownInterval: 3 * time.Second, Timeout: 3 * time.Second, Rise: 5, Fall: 3}); !reflect.DeepEqual(api.Check, want) {
		t.Errorf("got %+v, want %+v", api.Check, want)
	}
	if !reflect.DeepEqual(web.Servers, api.Servers) {
		t.Errorf("got %+v, want %+v", api.Servers, web.Servers)
	}
}

func TestHealthChecks(t *testing.T) {
	backends := good(t, "health.yaml", "").Proxy.Backends
	two := 2 * time.Second
	for i, want := range []health.Check{
		{
			Kind: &health.HTTP{
				Method: "GET", Path: "/health", Status: []health.Status{{From: 200, To: 200}, {From: 300, To: 399}}, Body: "ready", Regexp: "^[a-z]+$",
				Fields: []health.Field{{Name: "X-A", Value: "1"}, {Name: "X-B", Value: "2"}}, Port: 8443,
			},
			Interval: 3 * time.Second, FastInterval: 500 * time.Millisecond, DownInterval: 10 * time.Second, Timeout: 3 * time.Second, Rise: 2, Fall: 3,
			Init: health.InitFullyDown,
		},
		{Kind: &health.GRPC{Service: "shop.Cart", Port: 9090}, Interval: two, FastInterval: two, DownInterval: two, Timeout: two, Rise: 2, Fall: 3},
		{
			Kind:     &health.Script{Command: []string{"/usr/local/bin/check_replica", "-v"}, User: "postgres"},
			Interval: two, FastInterval: two, DownInterval: two, Timeout: time.Second, Rise: 2, Fall: 3,
		},
		{Kind: &health.TCP{Port: 8009, Steps: []health.Step{{Send: "PING\r\n"}, {Expect: "+PONG"}, {Send: "\x00\xff"}, {Expect: "\r\n"}, {Regexp: "role:m"}}}, Interval: two, FastInterval: two, DownInterval: two, Timeout: two, Rise: 2, Fall: 3},
	} {
		if got := backends[i].Check; !got.Same(&want) {
			t.Errorf("%s: got  %+v %+v\nwant %+v %+v", backends[i].Name, got, got.Kind, want, want.Kind)
		}
	}
	web := backends[0]
	if web.TLS != nil || web.CheckTLS == nil || web.CheckTLS.CAs[0] != "/etc/ca.pem" || backends[1].CheckTLS != nil {
		t.Errorf("got the TLS %+v, of checks %+v", web.TLS, web.CheckTLS)
	}
	if !web.FastEject || web.CutOnDown || backends[1].FastEject || !backends[2].CutOnDown {
		t.Errorf("got fast_eject %t, %t, on_down %t, %t", web.FastEject, backends[1].FastEject, web.CutOnDown, backends[2].CutOnDown)
	}
	for i, want := range []*proxy.Passive{
		{MaxFails: 3, FailTimeout: 30 * time.Second, MinRequests: 20, PanicThreshold: 30},
		{MaxFails: 5, FailTimeout: 10 * time.Second, Statuses: []health.Status{{From: 500, To: 500}, {From: 502, To: 504}}, ErrorRatio: 50, MinRequests: 100},
		nil,
	} {
		if got := backends[i].Passive; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", backends[i].Name, got, want)
		}
	}
	var got []string
	for _, s := range web.Servers {
		got = append(got, s.Name+" "+s.CheckName+" "+s.Track.String())
	}
	if want := []string{"web1 web.internal /", "web2 web.internal web/web1", "web3 web3.internal rpc/rpc1"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTCP(t *testing.T) {
	p := good(t, "tcp.yaml", "").Proxy
	f, b := p.Frontends[0], p.Backends[0]
	if !f.TCP || !b.TCP || f.Binds[1].TLS == nil || f.AccessLog.Format != "tcplog" {
		t.Errorf("got %+v, %+v", f, b)
	}
	if want := (proxy.FrontendTimeouts{HTTPRequest: 10 * time.Second, Client: 30 * time.Minute, KeepAlive: time.Minute, Tunnel: 12 * time.Hour}); f.Timeouts != want {
		t.Errorf("got the timeouts %+v, want %+v", f.Timeouts, want)
	}
	if k, ok := b.Check.Kind.(*health.HTTP); !ok || k.Port != 8008 || k.Path != "/primary" {
		t.Errorf("got the check %+v", b.Check.Kind)
	}
}

func TestConfigNamesItsNodesAndText(t *testing.T) {
	file := filepath.Join("testdata", "good", "web_pair.yaml")
	cfg, _ := Load(file)
	if cfg.File != file || !reflect.DeepEqual(cfg.Nodes, []string{"lb1", "lb2"}) {
		t.Errorf("got %s with nodes %v, want %s with lb1 and lb2", cfg.File, cfg.Nodes, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	same, _ := Parse("another name", text)
	other, _ := Parse(file, append(text, '\n'))
	if cfg.Hash != same.Hash || cfg.Hash == other.Hash || len(cfg.Hash) != 64 {
		t.Errorf("got hashes %s, %s and %s, want the first two equal", cfg.Hash, same.Hash, other.Hash)
	}
	const want = `testdata/good/web_pair.yaml has no node "lb3", want one of lb1, lb2: name it with --node or $TANDEM_NODE`
	if _, err := cfg.Node("lb3"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNodeAt(t *testing.T) {
	cfg, problems := Parse("f.yaml", []byte("nodes: {lb1: {address: 10.0.0.1}, lb2: {address: 10.0.0.2}}\nproxy: {frontends: [{name: f, bind: [{address: \":80\"}]}]}\n"))
	if cfg == nil {
		t.Fatal(problems)
	}
	for address, want := range map[netip.Addr]string{
		netip.MustParseAddr("10.0.0.2"): "lb2", netip.MustParseAddr("10.0.0.3"): "", {}: "",
	} {
		if got := cfg.NodeAt(address); got != want {
			t.Errorf("%v: got %q, want %q", address, got, want)
		}
	}
}

func TestLoadOfNoFile(t *testing.T) {
	_, problems := Load("testdata/none.yaml")
	const want = "testdata/none.yaml: open: no such file or directory"
	if err := problems.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, problems = Load("testdata")
	if err := problems.Err(); err == nil || err.Error() != "testdata: read: read testdata: is a directory" {
		t.Errorf("got %v, want that it is a directory", err)
	}
}

func TestBothFamilies(t *testing.T) {
	n := good(t, "ipv6.yaml", "lb2")
	addrs := func(texts ...string) (all []netip.Addr) {
		for _, text := range texts {
			all = append(all, netip.MustParseAddr(text))
		}
		return all
	}
	if want := addrs("192.168.1.12", "2001:db8::12"); !slices.Equal(n.Addresses, want) {
		t.Errorf("got addresses %v, want %v", n.Addresses, want)
	}
	own := netip.MustParseAddr("2001:db8::12")
	for i, want := range []struct {
		version   vrrp.Version
		family    vrrp.Family
		addresses []netip.Addr
		source    vip.Source
		peers     []vrrp.Peer
	}{
		{vrrp.V2, vrrp.IPv4, addrs("192.168.1.100"), vip.Source{Interface: "eth0"}, nil},
		{vrrp.V3, vrrp.IPv6, addrs("fe80::64", "2001:db8::100", "2001:db8::101"), vip.Source{Interface: "eth0", Kind: vip.SourceLinkLocal}, nil},
		{vrrp.V3, vrrp.IPv6, addrs("fe80::65"), vip.Source{Interface: "eth1", Kind: vip.SourceGlobalIPv6, Prefer: own},
			[]vrrp.Peer{{Addr: netip.MustParseAddr("2001:db8::11")}}},
		{vrrp.V3, vrrp.IPv6, addrs("fe80::66"), vip.Source{Interface: "eth1", Kind: vip.SourceGlobalIPv6, Prefer: own},
			[]vrrp.Peer{{Addr: netip.MustParseAddr("2001:db8::11")}}},
	} {
		got := n.Instances[i]
		if got.VRRP.Version != want.version || got.VRRP.Family() != want.family || !slices.Equal(got.VRRP.Addresses, want.addresses) {
			t.Errorf("%s: got version %d, %v, %v, want %+v", got.VRRP.Name, got.VRRP.Version, got.VRRP.Family(), got.VRRP.Addresses, want)
		}
		if !reflect.DeepEqual(got.Source, want.source) || !slices.Equal(got.VRRP.UnicastPeers, want.peers) {
			t.Errorf("%s: got source %+v and peers %v, want %+v", got.VRRP.Name, got.Source, got.VRRP.UnicastPeers, want)
		}
		if err := got.VRRP.Validate(); err != nil {
			t.Error(err)
		}
	}
	held := n.Instances[1].VIP.Addresses
	if want := (vip.Address{Prefix: netip.MustParsePrefix("2001:db8::101/128"), Interface: "eth1"}); held[2] != want {
		t.Errorf("got %+v, want %+v", held[2], want)
	}
	var binds []string
	for _, b := range n.Proxy.Frontends[0].Binds {
		binds = append(binds, fmt.Sprint(b.Address, b.VIP))
	}
	// No client asks for a link-local address: it would have to name an interface of its own.
	want := []string{
		"192.168.1.100:80 true", "[2001:db8::100]:80 true", "[2001:db8::101]:80 true", "[2001:db8::101]:8080 true", "[2001:db8::11]:8081 false",
	}
	if !slices.Equal(binds, want) {
		t.Errorf("got binds %q, want %q", binds, want)
	}
}
