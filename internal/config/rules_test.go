package config

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/tandem-lb/tandem/proxy/rule"
)

func TestMatching(t *testing.T) {
	cfg, problems := Load("testdata/good/matching.yaml")
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	n, err := cfg.Node("any")
	if err != nil {
		t.Fatal(err)
	}
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
