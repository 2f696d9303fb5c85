package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/vrrp"
	"github.com/tandem-lb/tandem/vrrp/seal"
)

const hexKey = `"hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"`

// withAuthentication is a file for two nodes with one instance.
func withAuthentication(authentication string) []byte {
	return fmt.Appendf(nil, `
nodes: {lb1: {address: 10.0.0.1}, lb2: {address: 10.0.0.2}}
vrrp: {instances: [{name: VI_1, interface: eth0, virtual_router_id: 51, priority: {lb1: 101, lb2: 100}, virtual_addresses: [10.0.0.100/24], %s}]}
proxy: {frontends: [{name: f, bind: [{address: ":80"}], default_backend: web}], backends: [{name: web, servers: [{name: w1, address: "10.0.0.11:80"}]}]}
`, authentication)
}

func keyFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vrrp.key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func octets(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestRule37_Configuration(t *testing.T) {
	hex32, err := seal.NewKey(1, octets(32))
	if err != nil {
		t.Fatal(err)
	}
	text, err := seal.NewKey(2, []byte("a passphrase of 32 octets at least"))
	if err != nil {
		t.Fatal(err)
	}
	file := keyFile(t, strings.Trim(hexKey, `"`)+"\r\n", 0o640)
	for _, tt := range []struct {
		name, keys string
		want       vrrp.HMAC
	}{
		{"the least that it takes", "authentication: {type: HMAC, keys: [{id: 1, key: " + hexKey + "}]}",
			vrrp.HMAC{Keys: []seal.Key{hex32}, Active: 1, Window: 5 * time.Second}},
		{"everything", "authentication: {type: HMAC, mode: receive-only, keys: [{id: 1, key: " + hexKey + "}, {id: 2, key: a passphrase of 32 octets at least}], active_key: 2, anti_replay: time, time_window: 30s}",
			vrrp.HMAC{Keys: []seal.Key{hex32, text}, Active: 2, Mode: vrrp.HMACReceiveOnly, Window: 30 * time.Second}},
		{"a key file", "authentication: {type: HMAC, mode: permissive, keys: [{id: 1, key_file: " + file + "}]}",
			vrrp.HMAC{Keys: []seal.Key{hex32}, Active: 1, Mode: vrrp.HMACPermissive, Window: 5 * time.Second}},
		{"monotonic", "authentication: {type: HMAC, mode: enforce, anti_replay: monotonic, keys: [{id: 1, key: " + hexKey + "}]}",
			vrrp.HMAC{Keys: []seal.Key{hex32}, Active: 1}},
		{"a window of three intervals", "advert_interval: 10s, authentication: {type: HMAC, keys: [{id: 1, key: " + hexKey + "}]}",
			vrrp.HMAC{Keys: []seal.Key{hex32}, Active: 1, Window: 30 * time.Second}},
		{"the longest window", "advert_interval: 255s, authentication: {type: HMAC, keys: [{id: 1, key: " + hexKey + "}]}",
			vrrp.HMAC{Keys: []seal.Key{hex32}, Active: 1, Window: 300 * time.Second}},
		{"version 3", "version: 3, advert_interval: 100ms, authentication: {type: HMAC, keys: [{id: 1, key: " + hexKey + "}]}",
			vrrp.HMAC{Keys: []seal.Key{hex32}, Active: 1, Window: 5 * time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, problems := checkText("f.yaml", withAuthentication(tt.keys), readKeyFile)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			node, err := cfg.Node("lb1")
			if err != nil {
				t.Fatal(err)
			}
			got := node.Instances[0].VRRP
			if err := got.Validate(); err != nil {
				t.Error(err)
			}
			if h, w := got.HMAC, tt.want; !slices.EqualFunc(h.Keys, w.Keys, seal.Key.Equal) || h.Active != w.Active || h.Mode != w.Mode || h.Window != w.Window {
				t.Errorf("got %+v, want %+v", h, w)
			}
			if got.Auth != (vrrp.Auth{}) {
				t.Errorf("got the password authentication %v besides", got.Auth)
			}
		})
	}
}

// What is wrong with a key file is said without a word of what is in it.
func TestRule37_KeyFiles(t *testing.T) {
	with := func(file string) Problems {
		_, problems := checkText("f.yaml", withAuthentication("authentication: {type: HMAC, keys: [{id: 1, key_file: "+file+"}]}"), readKeyFile)
		return problems
	}
	const place = "f.yaml:3:195: "
	const path = "vrrp.instances[0].authentication.keys[0].key_file: "
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		want       string // FILE stands for its path
	}{
		{"open to every user", strings.Trim(hexKey, `"`), 0o644, place + path + "FILE: open to every user (mode 0644): chmod 0640 FILE, want a file with a key"},
		{"short", "TOPSECRET", 0o600, place + path + "FILE holds no key: 9 octets, want hex: and 64 to 128 digits, or text of 32 to 64 octets"},
		{"no digits", "hex:TOPSECRET", 0o600, place + path + "FILE holds no key: no pairs of hexadecimal digits behind hex:, want hex: and 64 to 128 digits, or text of 32 to 64 octets"},
		{"two lines", strings.Repeat("TOPSECRET\n", 4), 0o600, place + path + "FILE holds no key: a control character in it, want hex: and 64 to 128 digits, or text of 32 to 64 octets"},
		{"something else altogether", strings.Repeat("TOPSECRET", 100), 0o600, place + path + "FILE: over 134 bytes, want a file with a key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := keyFile(t, tt.text, tt.mode)
			problems := with(file)
			if len(problems) != 1 || problems[0].String() != strings.ReplaceAll(tt.want, "FILE", file) {
				t.Errorf("got  %v\nwant %s", problems, strings.ReplaceAll(tt.want, "FILE", file))
			}
			if strings.Contains(fmt.Sprint(problems), "TOPSECRET") {
				t.Errorf("the secret is in %v", problems)
			}
		})
	}
	for file, what := range map[string]string{
		"/nonexistent/vrrp.key": "stat /nonexistent/vrrp.key: no such file or directory",
		"/dev/zero":             "/dev/zero: not a regular file",
	} {
		if got, want := with(file).Err().Error(), place+path+what+", want a file with a key"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if _, problems := Parse("f.yaml", withAuthentication("authentication: {type: HMAC, keys: [{id: 1, key_file: /nonexistent/vrrp.key}]}")); len(problems) > 0 {
		t.Errorf("a file that is looked at elsewhere: got %v", problems)
	}
}

// What a reload may do to HMAC while the other node goes on with the former file.
func TestRule37_WireChanges(t *testing.T) {
	const (
		none       = "preempt: true"
		one        = "authentication: {type: HMAC, MODE, keys: [{id: 1, key: " + hexKey + "}]}"
		both       = "authentication: {type: HMAC, MODE, keys: [{id: 1, key: " + hexKey + "}, {id: 2, key: a passphrase of 32 octets at least}], active_key: ACTIVE}"
		two        = "authentication: {type: HMAC, MODE, keys: [{id: 2, key: a passphrase of 32 octets at least}]}"
		otherOne   = "authentication: {type: HMAC, MODE, keys: [{id: 1, key: a passphrase of 32 octets at least}]}"
		pass       = "authentication: {type: PASS, password: secret1}"
		enforce    = "mode: enforce"
		permissive = "mode: permissive"
		receive    = "mode: receive-only"
	)
	mode := func(text, m string) string { return strings.Replace(text, "MODE", m, 1) }
	active := func(id string) string { return strings.Replace(mode(both, enforce), "ACTIVE", id, 1) }
	for _, tt := range []struct {
		name, old, new string
		refused        bool
	}{
		{"nothing to receive-only", none, mode(one, receive), false},
		{"receive-only to permissive", mode(one, receive), mode(one, permissive), false},
		{"permissive to enforce", mode(one, permissive), mode(one, enforce), false},
		{"enforce to permissive", mode(one, enforce), mode(one, permissive), false},
		{"permissive to receive-only", mode(one, permissive), mode(one, receive), false},
		{"receive-only to nothing", mode(one, receive), none, false},
		{"nothing to permissive", none, mode(one, permissive), true},
		{"nothing to enforce", none, mode(one, enforce), true},
		{"receive-only to enforce", mode(one, receive), mode(one, enforce), true},
		{"permissive to nothing", mode(one, permissive), none, true},
		{"a new key", mode(one, enforce), active("1"), false},
		{"the new key signs", active("1"), active("2"), false},
		{"the old key goes", active("2"), mode(two, enforce), false},
		{"the active key goes", active("1"), mode(two, enforce), true},
		{"a new key that signs at once", mode(one, enforce), active("2"), true},
		{"another key of the same id", mode(one, enforce), mode(otherOne, enforce), true},
		{"another key of the same id that nobody signs with", mode(one, receive), mode(otherOne, receive), false},
		{"a password to HMAC", pass, mode(one, receive), true},
		{"another window", mode(one, enforce), strings.Replace(mode(one, enforce), "HMAC", "HMAC, time_window: 10s", 1), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parse := func(keys string) *Config {
				cfg, problems := Parse("f.yaml", withAuthentication(keys))
				if cfg == nil {
					t.Fatal(problems)
				}
				return cfg
			}
			got := WireChanges(parse(tt.old), parse(tt.new), "lb1")
			if refused := len(got) > 0; refused != tt.refused {
				t.Errorf("got %q, refused: want %v", got, tt.refused)
			}
			if tt.refused && !strings.HasPrefix(got[0], "VI_1: authentication: the nodes would not hear each other, and each become MASTER; ") {
				t.Errorf("got %q", got)
			}
		})
	}
}

// The trailer takes the room of an IPv6 address.
func TestRule37_AddressesOfIPv6(t *testing.T) {
	file := func(n int, authentication string) []byte {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"fe80::%x/64"`, 0x1000+i))
		}
		text := strings.Replace(string(withAuthentication(authentication)), "[10.0.0.100/24]", "["+strings.Join(list, ", ")+"]", 1)
		return []byte(strings.ReplaceAll(text, "{address: 10.0.0.", "{address: fd00::"))
	}
	hmac := "authentication: {type: HMAC, keys: [{id: 1, key: " + hexKey + "}]}"
	for _, tt := range []struct {
		name           string
		n              int
		authentication string
		want           string
	}{
		{"89", 89, hmac, ""},
		{"90", 90, hmac, "has 90 IPv6 addresses, want at most 89, which fit one advert"},
		{"90 without", 90, "preempt: true", ""},
	} {
		_, problems := Parse("f.yaml", file(tt.n, tt.authentication))
		got := ""
		if errs := problems.Errors(); len(errs) > 0 {
			got = fmt.Sprint(errs)
		}
		if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %q", tt.name, got, tt.want)
		}
	}
}
