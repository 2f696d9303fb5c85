package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/certs"
)

func TestCheckHost(t *testing.T) {
	text := `
nodes: {lb1: {address: 10.0.0.1}}
vrrp:
  instances:
    - name: VI_1
      interface: eth0
      virtual_router_id: 51
      virtual_addresses: [10.0.0.100/24, 10.9.0.1/24, {address: 10.0.0.101/24, interface: eth1}, {address: 10.0.0.102/24, interface: eth9}]
      track: [{script: check}]
      notify: {script: /bin/notify}
    - {name: VI_2, interface: eth8, virtual_router_id: 51, virtual_addresses: [10.8.0.1/24]}
tracker: {scripts: {check: {command: [/bin/check, -x]}}}
proxy:
  tls: {ticket_secret_file: /etc/tickets}
  frontends:
    - name: f
      bind:
        - {address: ":80"}
        - address: ":443"
          tls: {certificates: [/etc/a.pem, /etc/b, {certificate: /etc/c.crt, key: /etc/c.key}], client_certificates: {ca: [/etc/ca]}}
      default_backend: web
      access_log: {output: [stdout, /none/a.log]}
      error_pages: {503: /none/503.html}
      rules:
        - {map: {file: /none/map, match: prefix}, basic_auth: {users_file: /none/users}}
    - {name: g, bind: [{address: ":81"}], default_backend: web}
  defaults: {access_log: {output: ["syslog:/dev/log", /none/b.log]}, error_pages: {404: /none/404.html}}
  backends:
    - {name: web, servers: [{name: w, address: "10.0.0.11:80"}], error_pages: {502: /none/502.html}, cookie: {name: S, secret_file: /none/cookies}}
    - {name: db, mode: tcp, servers: [{name: w, address: "10.0.0.11:5432"}]}
`
	host := Host{
		Interfaces: func(name string) ([]netip.Prefix, error) {
			switch name {
			case "eth0": // it holds the second address right now, which makes no subnet of its own
				return []netip.Prefix{netip.MustParsePrefix("fe80::1/64"), netip.MustParsePrefix("10.0.0.1/24"), netip.MustParsePrefix("10.9.0.1/24")}, nil
			case "eth1":
				return nil, nil
			}
			return nil, errors.New("not found")
		},
		Executable: func(path string) error { return errors.New("stat " + path + ": no such file") },
		Certificates: func(paths []certs.Path) error {
			if want := []certs.Path{{Certificate: "/etc/a.pem"}, {Certificate: "/etc/b"}, {Certificate: "/etc/c.crt", Key: "/etc/c.key"}}; !slices.Equal(paths, want) {
				t.Errorf("got %v, want the paths of the second bind", paths)
			}
			return errors.New("no key in /etc/a.pem")
		},
		Authorities:  func(files []string) error { return errors.New("no certificate in " + files[0]) },
		TicketSecret: func(file string) error { return errors.New(file + " is too short") },
		Appendable:   func(path string) error { return errors.New("no directory for " + path) },
		ErrorPage:    func(file string) error { return errors.New(file + " is no page") },
		CookieSecret: func(file string) error { return errors.New(file + " is no secret") },
		Users:        func(file string) error { return errors.New(file + " has no users") },
		Map: func(file string, prefix bool, known func(string) bool) error {
			if !prefix || !known("web") || known("db") || known("nobody") {
				t.Error("want the backend web of a map with prefixes, and no other")
			}
			return errors.New(file + " is no map")
		},
	}
	cfg, problems := Parse("f.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	n, err := cfg.Node("lb1")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"f.yaml:8:42: warning: vrrp.instances[0].virtual_addresses[1]: 10.9.0.1 is in no subnet of eth0, want one of 10.0.0.0/24",
		"f.yaml:8:55: warning: vrrp.instances[0].virtual_addresses[2]: eth1 has no IPv4 address of its own, so 10.0.0.101 is in none of its subnets",
		"f.yaml:8:98: warning: vrrp.instances[0].virtual_addresses[3]: no interface eth9 here: not found",
		"f.yaml:10:24: vrrp.instances[0].notify.script: stat /bin/notify: no such file",
		"f.yaml:11:31: warning: vrrp.instances[1].interface: no interface eth8 here: not found",
		"f.yaml:12:39: tracker.scripts.check.command[0]: stat /bin/check: no such file",
		"f.yaml:14:29: proxy.tls.ticket_secret_file: /etc/tickets is too short",
		"f.yaml:20:31: proxy.frontends[0].bind[1].tls.certificates: no key in /etc/a.pem",
		"f.yaml:20:123: proxy.frontends[0].bind[1].tls.client_certificates.ca: no certificate in /etc/ca",
		"f.yaml:22:37: proxy.frontends[0].access_log.output[1]: no directory for /none/a.log",
		"f.yaml:23:26: proxy.frontends[0].error_pages.503: /none/503.html is no page",
		"f.yaml:25:24: proxy.frontends[0].rules[0].map.file: /none/map is no map",
		"f.yaml:25:76: proxy.frontends[0].rules[0].basic_auth.users_file: /none/users has no users",
		"f.yaml:27:55: proxy.defaults.access_log.output[1]: no directory for /none/b.log",
		"f.yaml:27:89: proxy.defaults.error_pages.404: /none/404.html is no page",
		"f.yaml:29:85: proxy.backends[0].error_pages.502: /none/502.html is no page",
		"f.yaml:29:133: proxy.backends[0].cookie.secret_file: /none/cookies is no secret",
	}
	var got []string
	for _, p := range cfg.CheckHost(n, host) {
		got = append(got, p.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := cfg.CheckHost(n, Host{}); len(got) > 0 {
		t.Errorf("got %v, want nothing: nothing was asked", got)
	}
}

func TestCheckHostOfUnicast(t *testing.T) {
	const text = `
nodes: {lb1: {address: 10.0.0.1}, lb2: {address: 10.0.0.2}}
vrrp:
  instances:
    - {name: VI_1, interface: eth0, virtual_router_id: 51, virtual_addresses: [10.0.0.100/24], priority: {lb1: 101, lb2: 100}, unicast_peers: true}
    - {name: VI_2, interface: eth0, virtual_router_id: 52, virtual_addresses: [10.0.0.101/24], priority: {lb1: 101, lb2: 100}}
`
	cfg, problems := Parse("f.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	n, err := cfg.Node("lb1")
	if err != nil {
		t.Fatal(err)
	}
	const want = "f.yaml:5:143: warning: vrrp.instances[0].unicast_peers: eth0 does not have 10.0.0.1, the address of lb1 that the peers expect adverts from, want it there"
	for _, tt := range []struct {
		name, addresses string
		want            []string
	}{
		{"as the peers expect", "10.0.0.1/24 10.0.0.9/24", nil},
		{"another one first", "fe80::1/64 10.0.0.9/24 10.0.0.1/24", nil},
		{"another one", "fe80::1/64 10.0.0.9/24", []string{want}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range cfg.CheckHost(n, Host{Interfaces: func(string) (prefixes []netip.Prefix, err error) {
				for a := range strings.FieldsSeq(tt.addresses) {
					prefixes = append(prefixes, netip.MustParsePrefix(a))
				}
				return prefixes, nil
			}}) {
				got = append(got, p.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestCheckHostOfIPv6(t *testing.T) {
	const text = `
nodes: {lb1: {address: 10.0.0.1}, lb2: {address: 10.0.0.2}}
vrrp:
  instances:
    - {name: VI_1, interface: eth0, virtual_router_id: 51, virtual_addresses: ["fe80::64", "fd00:77::100/64"], priority: {lb1: 101, lb2: 100}}
`
	cfg, problems := Parse("f.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	n, err := cfg.Node("lb1")
	if err != nil {
		t.Fatal(err)
	}
	const first, second = "f.yaml:5:80: warning: vrrp.instances[0].virtual_addresses[0]: ", "f.yaml:5:92: warning: vrrp.instances[0].virtual_addresses[1]: "
	for _, tt := range []struct {
		name, addresses string
		want            []string
	}{
		{"in both subnets", "10.0.0.1/24 fe80::1/64 fd00:77::1/64", nil},
		{"in another one", "fe80::1/64 fd00:88::1/64 fd00:77::100/64", []string{second + "fd00:77::100 is in no subnet of eth0, want one of fd00:88::/64"}},
		{"link-local alone", "10.0.0.1/24 fe80::1/64", []string{second + "eth0 has no IPv6 address of its own, so fd00:77::100 is in none of its subnets"}},
		{"nothing of IPv6", "10.0.0.1/24", []string{
			first + "eth0 has no IPv6 address of its own, so fe80::64 is in none of its subnets",
			second + "eth0 has no IPv6 address of its own, so fd00:77::100 is in none of its subnets",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range cfg.CheckHost(n, Host{Interfaces: func(string) (prefixes []netip.Prefix, err error) {
				for a := range strings.FieldsSeq(tt.addresses) {
					prefixes = append(prefixes, netip.MustParsePrefix(a))
				}
				return prefixes, nil
			}}) {
				got = append(got, p.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestThisHost(t *testing.T) {
	host := ThisHost()
	prefixes, err := host.Interfaces("lo")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range prefixes {
		if !p.Addr().IsLoopback() {
			t.Errorf("got %v on lo, want loopback addresses", p)
		}
	}
	if _, err := host.Interfaces("no-such-iface"); err == nil {
		t.Error("got an interface that is not there")
	}
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	for path, mode := range map[string]os.FileMode{plain: 0o644, filepath.Join(dir, "script"): 0o755} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "script"): "",
		plain:                        "run " + plain + ": nobody may execute it",
		dir:                          "run " + dir + ": it is no file",
		dir + "/none":                "stat " + dir + "/none: no such file or directory",
	} {
		got := ""
		if err := host.Executable(path); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for path, want := range map[string]string{
		plain:         "",
		dir + "/new":  "",
		dir:           "open " + dir + ": it is a directory",
		dir + "/a/b":  "stat " + dir + "/a: no such file or directory",
		plain + "/in": "stat " + plain + "/in: not a directory",
	} {
		got := ""
		if err := host.Appendable(path); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNodeName(t *testing.T) {
	for _, tt := range []struct{ name, flag, env, host, want string }{
		{"the flag", "a", "b", "c", "a"},
		{"the environment", "", "b", "c", "b"},
		{"the host name", "", "", "c", "c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			getenv := func(key string) string { return map[string]string{"TANDEM_NODE": tt.env}[key] }
			got, err := NodeName(tt.flag, getenv, func() (string, error) { return tt.host, nil })
			if got != tt.want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
	cause := errors.New("no name")
	_, err := NodeName("", func(string) string { return "" }, func() (string, error) { return "", cause })
	if !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
}
