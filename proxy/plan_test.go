package proxy_test

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/proxyproto"
	"github.com/tandem-lb/tandem/proxy/rule"
)

var anyPort = netip.MustParseAddrPort("127.0.0.1:0")

// valid is a configuration without faults: a frontend that answers itself, and a backend.
func valid() proxy.Config {
	second := time.Second
	return proxy.Config{
		Frontends: []proxy.Frontend{{
			Name:     "web",
			Binds:    []proxy.Bind{{Address: anyPort}},
			Rules:    []rule.Rule{{Respond: &rule.Respond{Status: 200, Body: "ok"}}},
			Timeouts: proxy.FrontendTimeouts{HTTPRequest: second, Client: second, KeepAlive: second, Tunnel: second},
		}},
		Backends: []proxy.Backend{{
			Name:     "app",
			Servers:  []proxy.Server{{Name: "s1", Address: netip.MustParseAddrPort("127.0.0.1:1"), Weight: 1}},
			Timeouts: proxy.BackendTimeouts{Connect: second, Server: second},
		}},
	}
}

func TestPlanRefuses(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().(*net.TCPAddr).AddrPort()
	missing := filepath.Join(t.TempDir(), "missing.pem")
	for _, tt := range []struct {
		name  string
		spoil func(*proxy.Config)
		want  []string
	}{
		{"two frontends of a name", func(c *proxy.Config) { c.Frontends = append(c.Frontends, c.Frontends[0]) }, []string{"frontend web is configured twice"}},
		{"two backends of a name", func(c *proxy.Config) { c.Backends = append(c.Backends, c.Backends[0]) }, []string{"backend app is configured twice"}},
		{
			"two servers of a name", func(c *proxy.Config) { c.Backends[0].Servers = append(c.Backends[0].Servers, c.Backends[0].Servers[0]) },
			[]string{"backend app: server s1 is configured twice"},
		},
		{"no such default", func(c *proxy.Config) { c.Frontends[0].DefaultBackend = "x" }, []string{"frontend web: default backend x is not configured"}},
		{
			"no such backend", func(c *proxy.Config) { c.Frontends[0].Rules = []rule.Rule{{Backend: "app"}, {Backend: "x"}} },
			[]string{"frontend web: rule 2: backend x is not configured"},
		},
		{"a bad rule", func(c *proxy.Config) { c.Frontends[0].Rules[0].Respond.Status = 99 }, []string{"frontend web: rule 1: respond: status 99, want 200 to 599"}},
		{"an unknown algorithm", func(c *proxy.Config) { c.Backends[0].Balance.Algorithm = "x" }, []string{`backend app: balance algorithm "x", want first`}},
		{"a bad weight", func(c *proxy.Config) { c.Backends[0].Servers[0].Weight = 257 }, []string{"backend app: weight 257 of server s1, want 0 to 256"}},
		{
			"TLS to servers by authorities that are not there", func(c *proxy.Config) { c.Backends[0].TLS = &certs.ServerConfig{CAs: []string{"/no/ca"}} },
			[]string{"backend app: read certificate authorities: stat /no/ca: no such file or directory"},
		},
		{
			"rules of HTTP in TCP mode", func(c *proxy.Config) {
				c.Frontends[0].TCP, c.Backends[0].TCP = true, true
				c.Frontends[0].Rules = []rule.Rule{{Match: rule.Match{SNI: "a"}, Backend: "app"}, {Match: rule.Match{Host: "a"}, Backend: "app"}, {Respond: &rule.Respond{Status: 200}}}
			},
			[]string{"frontend web: rule 2 is of HTTP, not of TCP\nrule 3 is of HTTP, not of TCP"},
		},
		{
			"the PROXY protocol over HTTP/2", func(c *proxy.Config) { c.Backends[0].HTTP2, c.Backends[0].Servers[0].SendProxy = true, proxyproto.V2 },
			[]string{"backend app: server s1: a connection of HTTP/2 is for many clients, the PROXY protocol for one"},
		},
		{"negative retries", func(c *proxy.Config) { c.Backends[0].Retries = -1 }, []string{"backend app: retries -1, want 0 or more"}},
		{
			"R15: endless timeouts", func(c *proxy.Config) {
				c.Frontends[0].Timeouts, c.Backends[0].Timeouts = proxy.FrontendTimeouts{}, proxy.BackendTimeouts{}
			},
			[]string{
				"backend app: timeout connect 0s, want more than 0", "timeout server 0s, want more than 0",
				"frontend web: timeout http_request 0s, want more than 0", "timeout client 0s, want more than 0",
				"timeout keep_alive 0s, want more than 0", "timeout tunnel 0s, want more than 0",
			},
		},
		{
			"an address twice", func(c *proxy.Config) {
				b := proxy.Bind{Address: netip.MustParseAddrPort("127.77.0.9:4711")}
				c.Frontends[0].Binds = []proxy.Bind{b, b}
			},
			[]string{"frontend web: bind 127.77.0.9:4711: frontend web has it already"},
		},
		{
			"an address in use", func(c *proxy.Config) { c.Frontends[0].Binds[0].Address = address },
			[]string{"frontend web: bind " + address.String() + ": address already in use"},
		},
		{
			"R69: only virtual addresses may be missing", func(c *proxy.Config) {
				c.Frontends[0].Binds[0].Address = netip.MustParseAddrPort("192.0.2.1:0")
			},
			[]string{"frontend web: bind 192.0.2.1:0: cannot assign requested address"},
		},
		{
			"no such certificate", func(c *proxy.Config) {
				c.Frontends[0].Binds[0].TLS = &certs.Config{Certificates: certs.Bundles(missing)}
			},
			[]string{"frontend web: bind 127.0.0.1:0: ", missing, "no such file or directory"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := valid()
			tt.spoil(&c)
			_, err := proxy.New(proxy.Options{}).Plan(c)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q\nwant %q in it", err, want)
				}
			}
		})
	}
}

// TestPlanIsATransaction: what fails, and what is discarded, leaves nothing behind and changes nothing.
func TestPlanIsATransaction(t *testing.T) {
	b := run(t, valid(), proxy.Options{Drain: 1})
	before := b.Snapshot()
	held, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wanted := held.Addr().(*net.TCPAddr).AddrPort()
	_ = held.Close()
	bad := valid()
	bad.Frontends[0].Binds = append(bad.Frontends[0].Binds, proxy.Bind{Address: wanted})
	bad.Frontends[0].DefaultBackend = "x"
	if _, err := b.Plan(bad); err == nil {
		t.Fatal("no error")
	}
	bad.Frontends[0].DefaultBackend = "app"
	plan, err := b.Plan(bad) // so the failed plan does not hold the address
	if err != nil {
		t.Fatal(err)
	}
	plan.Discard()
	again, err := net.Listen("tcp4", wanted.String())
	if err != nil {
		t.Fatalf("the discarded plan holds its socket: %v", err)
	}
	_ = again.Close()
	after := b.Snapshot()
	if len(after.Frontends[0].Binds) != 1 || after.Frontends[0].Binds[0] != before.Frontends[0].Binds[0] {
		t.Errorf("got the binds %+v, want %+v", after.Frontends[0].Binds, before.Frontends[0].Binds)
	}
}
