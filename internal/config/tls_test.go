package config

import (
	"crypto/tls"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/certs"
)

// withTLS is a file whose bind says this in its TLS section.
func withTLS(section string) []byte {
	return []byte(`proxy:
  tls: {ticket_secret_file: /etc/tandem/tickets.key}
  frontends:
    - name: f
      bind:
        - address: "127.0.0.1:443"
          tls: ` + section + `
      default_backend: web
  backends: [{name: web, servers: [{name: w, address: "10.0.0.11:80"}]}]
`)
}

func TestTLS(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, section string
		want          certs.Config
	}{
		{"defaults", "{certificates: [/c/]}", certs.Config{Certificates: certs.Bundles("/c/"), MinVersion: tls.VersionTLS12, ALPN: certs.Protocols()}},
		{"everything", `{certificates: [/c/, {certificate: /x.crt, key: /x.key}], strict_sni: true, min_version: "1.2", max_version: "1.2",
            cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], curves: [X25519MLKEM768, P-256], alpn: [http/1.1], client_certificates: {mode: optional, ca: [/a, /b]}}`,
			certs.Config{
				Certificates: []certs.Path{{Certificate: "/c/"}, {Certificate: "/x.crt", Key: "/x.key"}}, StrictSNI: true,
				MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
				Curves: []tls.CurveID{tls.X25519MLKEM768, tls.CurveP256}, ALPN: []string{"http/1.1"},
				Clients: certs.Clients{Mode: certs.ClientOptional, CAs: []string{"/a", "/b"}},
			}},
		{"certificates of clients", "{certificates: [/c/], client_certificates: {ca: [/a]}}", certs.Config{
			Certificates: certs.Bundles("/c/"), MinVersion: tls.VersionTLS12, ALPN: certs.Protocols(), Clients: certs.Clients{Mode: certs.ClientRequired, CAs: []string{"/a"}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg, problems := Parse("f.yaml", withTLS(tt.section))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			n, err := cfg.Node("any")
			if err != nil {
				t.Fatal(err)
			}
			if got := n.Proxy.Frontends[0].Binds[0].TLS; !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", *got, tt.want)
			}
			if want := (proxy.TLS{TicketSecretFile: "/etc/tandem/tickets.key"}); n.Proxy.TLS != want {
				t.Errorf("got %+v, want %+v", n.Proxy.TLS, want)
			}
		})
	}
}

func TestTLSProblems(t *testing.T) {
	t.Parallel()
	const at = "proxy.frontends[0].bind[0].tls"
	for _, tt := range []struct {
		name, section string
		want          []string
	}{
		{"versions", `{certificates: [/c/], min_version: "1.3", max_version: "1.2"}`, []string{"f.yaml:7:71: " + at + ".max_version: 1.2 is below min_version, want 1.3"}},
		{"a key without a certificate", `{certificates: [{key: /x.key}]}`, []string{"f.yaml:7:32: " + at + ".certificates[0].certificate: is missing, want an absolute path (starts with a slash, at most 4095 octets)"}},
		{"suites without AEAD", `{certificates: [/c/], cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}`, []string{
			"f.yaml:7:53: warning: " + at + ".cipher_suites: TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: without AEAD, and broken before now, want suites with GCM or CHACHA20",
		}},
		{"suites for nothing", `{certificates: [/c/], cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], min_version: "1.3"}`, []string{
			"f.yaml:7:53: warning: " + at + ".cipher_suites: does nothing with min_version 1.3, want it for TLS 1.2 alone",
		}},
		{"nothing to agree on", `{certificates: [/c/], curves: [X25519MLKEM768], max_version: "1.2"}`, []string{
			"f.yaml:7:46: " + at + ".curves: no key exchange for TLS 1.2 is among them, want one without MLKEM as well",
		}},
		{"no authorities", `{certificates: [/c/], client_certificates: {mode: required}}`, []string{"f.yaml:7:59: " + at + ".client_certificates.ca: is missing, want a list of 1 to 100 items"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := Parse("f.yaml", withTLS(tt.section))
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

// withServerTLS is a file whose backend says this, and whose second server this.
func withServerTLS(backend, server string) []byte {
	return []byte(`proxy:
  frontends: [{name: f, bind: [{address: "127.0.0.1:80"}], default_backend: web}]
  backends:
    - name: web
      ` + backend + `
      servers: [{name: w1, address: "10.0.0.11:443"}, {name: w2, address: "[fd00::2]:443"` + server + `}]
`)
}

func TestServerTLS(t *testing.T) {
	t.Parallel()
	a1, a2 := netip.MustParseAddrPort("10.0.0.11:443"), netip.MustParseAddrPort("[fd00::2]:443")
	for _, tt := range []struct {
		name, backend, server string
		want                  *certs.ServerConfig
		servers               []proxy.Server
	}{
		{"plain", "", "", nil, []proxy.Server{{Name: "w1", Address: a1, Weight: 1}, {Name: "w2", Address: a2, Weight: 1}}},
		{"HTTP/2", "protocol: h2", "", nil, []proxy.Server{{Name: "w1", Address: a1, Weight: 1}, {Name: "w2", Address: a2, Weight: 1}}},
		{"defaults", "tls: {}", "", &certs.ServerConfig{MinVersion: tls.VersionTLS12},
			[]proxy.Server{{Name: "w1", Address: a1, Weight: 1, ServerName: "10.0.0.11"}, {Name: "w2", Address: a2, Weight: 1, ServerName: "fd00::2"}}},
		{"everything", `tls: {ca: [/ca], server_name: app, certificate: /c, key: /k, min_version: "1.3"}`, ", server_name: two",
			&certs.ServerConfig{CAs: []string{"/ca"}, Certificate: certs.Path{Certificate: "/c", Key: "/k"}, MinVersion: tls.VersionTLS13},
			[]proxy.Server{{Name: "w1", Address: a1, Weight: 1, ServerName: "app"}, {Name: "w2", Address: a2, Weight: 1, ServerName: "two"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg, problems := checkText("f.yaml", withServerTLS(tt.backend, tt.server), nil)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			n, err := cfg.Node("any")
			if err != nil {
				t.Fatal(err)
			}
			got := n.Proxy.Backends[0]
			if got.HTTP2 != strings.Contains(tt.backend, "protocol: h2") {
				t.Errorf("got HTTP/2 %t", got.HTTP2)
			}
			if !reflect.DeepEqual(got.TLS, tt.want) || !slices.Equal(got.Servers, tt.servers) {
				t.Errorf("got  %+v, %+v\nwant %+v, %+v", got.TLS, got.Servers, tt.want, tt.servers)
			}
		})
	}
}

func TestServerTLSProblems(t *testing.T) {
	t.Parallel()
	const at = "proxy.backends[0]."
	for _, tt := range []struct {
		name, backend, server string
		want                  string
	}{
		{"a name without TLS", "mode: http", ", server_name: two", "f.yaml:6:105: " + at + "servers[1].server_name: does nothing without tls in the backend, want tls there"},
		{"authorities for nothing", "tls: {verify: false, ca: [/ca]}", "", "f.yaml:5:32: " + at + "tls.ca: does nothing with verify: false, want one of them"},
		{"not verified", "tls: {verify: false}", "", "f.yaml:5:21: warning: " + at + "tls.verify: whoever answers at an address is taken for the server, want ca, with the authority that made the servers' certificates"},
		{"a key alone", "tls: {key: /k}", "", "f.yaml:5:18: " + at + "tls.key: a key without a certificate, want certificate as well"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := checkText("f.yaml", withServerTLS(tt.backend, tt.server), nil)
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if strings.Join(got, "\n") != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}
