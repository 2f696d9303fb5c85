package proxytest

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
)

// anyPort is a bind address of which the kernel chooses the port.
var anyPort = netip.MustParseAddrPort("127.0.0.1:0")

// site is a configuration of one frontend, web, on one plain bind, with one backend, app.
func site(servers ...*server) proxy.Config {
	return proxy.Config{
		Frontends: []proxy.Frontend{{
			Name:           "web",
			Binds:          []proxy.Bind{{Address: anyPort}},
			DefaultBackend: "app",
			Timeouts: proxy.FrontendTimeouts{
				HTTPRequest: patience, Client: patience, KeepAlive: patience, Tunnel: patience,
			},
		}},
		Backends: []proxy.Backend{pool("app", servers...)},
	}
}

// pool is a backend of these servers, each of weight 1.
func pool(name string, servers ...*server) proxy.Backend {
	b := proxy.Backend{
		Name:     name,
		Timeouts: proxy.BackendTimeouts{Connect: patience, Server: patience},
		Retries:  3, Redispatch: true,
	}
	for _, s := range servers {
		b.Servers = append(b.Servers, proxy.Server{Name: s.name, Address: s.address, Weight: 1})
	}
	return b
}

// address returns where a bind of a frontend is reached.
func address(t *testing.T, b Balancer, frontend string, bind int) string {
	t.Helper()
	for _, f := range b.Snapshot().Frontends {
		if f.Name == frontend {
			return f.Binds[bind].Address.String()
		}
	}
	t.Fatalf("no frontend %s", frontend)
	return ""
}

// web returns where the site is reached.
func web(t *testing.T, b Balancer) string {
	t.Helper()
	return address(t, b, "web", 0)
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
