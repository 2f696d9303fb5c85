package config

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/compress"
	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/rule"
)

func TestMatching(t *testing.T) {
	n := good(t, "matching.yaml", "any")
	yes, no := true, false
	either := func(m ...rule.Match) rule.Match { return rule.Match{Any: m} }
	want := []rule.Match{
		{
			Method: []string{"GET"},
			All: []rule.Match{
				either(rule.Match{Host: "*.example.com"}, rule.Match{Host: "example.com"}),
				either(rule.Match{PathPrefix: "/a/"}, rule.Match{PathPrefix: "/b/"}),
			},
		},
		{PathRegexp: "^/[0-9]+$", SNI: "example.com", TLS: &yes},
		{
			Header: []rule.Test{{Name: "X-Canary", Value: "1"}, {Name: "X-Old", Op: rule.Absent}},
			Query:  []rule.Test{{Name: "v", Op: rule.HasPrefix, Value: "2."}},
			Cookie: []rule.Test{{Name: "group", Op: rule.Matches, Value: "^beta"}},
		},
		{
			Source: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::1/128")},
			Not: &rule.Match{Any: []rule.Match{
				{Path: "/x"}, {All: []rule.Match{either(rule.Match{Path: "/y"}, rule.Match{Path: "/z"})}},
			}},
		},
		{
			Method: []string{"PUT", "POST"},
			All:    []rule.Match{either(rule.Match{Host: "a"}, rule.Match{Path: "/a"}), {TLS: &no}},
		},
	}
	for i, r := range n.Proxy.Frontends[0].Rules {
		if !reflect.DeepEqual(r.Match, want[i]) {
			t.Errorf("rule %d: got %+v, want %+v", i, r.Match, want[i])
		}
	}
}

func TestHeads(t *testing.T) {
	n := good(t, "heads.yaml", "any")
	f, b := n.Proxy.Frontends[0], n.Proxy.Backends[0]
	if want := []edit.Edit{
		{Op: edit.Remove, Name: "Cookie"}, {Op: edit.Replace, Name: "X-R", Find: "a", With: "b"}, {Name: "X-S", Value: "{path}"}, {Op: edit.Add, Name: "X-A", Value: "1"},
	}; !reflect.DeepEqual(f.RequestEdits, want) {
		t.Errorf("requests: got %+v, want %+v", f.RequestEdits, want)
	}
	if want := []edit.Edit{{Op: edit.Remove, Name: "Server", ServersOnly: true}}; !reflect.DeepEqual(f.ResponseEdits, want) {
		t.Errorf("responses: got %+v, want %+v", f.ResponseEdits, want)
	}
	if want := []proxy.Map{
		{Name: "tenant", File: "/etc/tandem/tenants.map", Key: "{host}", Default: "nobody"}, {Name: "key", File: "/etc/tandem/keys.map", Key: "{header:X-Key}", Prefix: true},
	}; !reflect.DeepEqual(n.Proxy.Maps, want) {
		t.Errorf("maps: got %+v, want %+v", n.Proxy.Maps, want)
	}
	if want := []edit.Edit{{Name: "X-B", Value: "{server}"}}; !reflect.DeepEqual(b.ResponseEdits, want) {
		t.Errorf("responses of the backend: got %+v, want %+v", b.ResponseEdits, want)
	}
	if other := n.Proxy.Backends[1].HoldRequests; b.HoldRequests != 0 || other != 64<<10 {
		t.Errorf("held of requests: got %d and %d, want 0 and 64 KiB", b.HoldRequests, other)
	}
	if other := n.Proxy.Backends[1].HoldResponses; b.HoldResponses != 0 || other != 1<<20 || n.Proxy.MaxHeld != 256<<20 {
		t.Errorf("held of responses: got %d and %d, of all %d, want 0, 1 MiB and 256 MiB", b.HoldResponses, other, n.Proxy.MaxHeld)
	}
	if want := map[int]string{503: "/b/503.html", 404: "/a/404.html"}; !reflect.DeepEqual(f.ErrorPages, want) {
		t.Errorf("error pages: got %v, want %v", f.ErrorPages, want)
	}
	if want := (&proxy.Monitor{Path: "/health", FailIf: []proxy.TooFew{{Backend: "web", MinUp: 1}}}); !reflect.DeepEqual(f.Monitor, want) {
		t.Errorf("monitor: got %+v, want %+v", f.Monitor, want)
	}
	if want := (&proxy.RequestID{Header: "X-Request-ID"}); !reflect.DeepEqual(f.RequestID, want) {
		t.Errorf("request id: got %+v, want %+v", f.RequestID, want)
	}
	if other := n.Proxy.Frontends[1].MaxBody; f.MaxBody != 10<<20 || other != 4096 {
		t.Errorf("bodies: got %d and %d, want 10 MiB and 4 KiB", f.MaxBody, other)
	}
	if want := (&compress.Config{Codings: []compress.Coding{compress.Gzip}, Types: []string{"text/*", "application/json"}, MinSize: 2048}); !reflect.DeepEqual(f.Compression, want) {
		t.Errorf("compression: got %+v, want %+v", f.Compression, want)
	}
	if want := (&compress.Config{Codings: []compress.Coding{compress.Zstd, compress.Gzip}, Types: compress.DefaultTypes(), MinSize: 1024}); !reflect.DeepEqual(n.Proxy.Frontends[1].Compression, want) {
		t.Errorf("compression of the defaults: got %+v, want %+v", n.Proxy.Frontends[1].Compression, want)
	}
	if !f.ByForwarded || n.Proxy.Frontends[1].ByForwarded {
		t.Errorf("by Forwarded: got %t and %t, want true and false", f.ByForwarded, n.Proxy.Frontends[1].ByForwarded)
	}
	if want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}; !reflect.DeepEqual(f.TrustedProxies, want) || n.Proxy.Frontends[1].TrustedProxies != nil {
		t.Errorf("trusted: got %v and %v, want %v and none", f.TrustedProxies, n.Proxy.Frontends[1].TrustedProxies, want)
	}
	for i, want := range []rule.Rule{
		{Split: []rule.Share{{Backend: "web", Weight: 95}, {Backend: "canary", Weight: 5}}, SplitKey: "{client_ip}"},
		{Deny: 403, NoLog: true},
		{Match: rule.Match{Path: "/upload"}, Backend: "web", MaxBody: 1 << 30, AsItIs: true},
		{Map: &rule.Map{File: "/etc/tandem/hosts.map", Key: "{host}"}, Auth: &rule.Auth{File: "/etc/tandem/users", Realm: "restricted"}},
		{Map: &rule.Map{File: "/etc/tandem/paths.map", Key: "{path}", Prefix: true, Default: "web"}},
		{Backend: "web", Rewrite: &rule.Rewrite{StripPrefix: "/a", Find: "b", With: "c", Path: "/x{path}", Host: "h"}, ResponseEdits: []edit.Edit{{Op: edit.Add, Name: "X", Value: "{{"}}},
	} {
		if !reflect.DeepEqual(f.Rules[i], want) {
			t.Errorf("rule %d: got %+v, want %+v", i, f.Rules[i], want)
		}
	}
}
