package rule

import (
	"reflect"
	"testing"
)

func mustCompile(t testing.TB, rules ...Rule) *Table {
	t.Helper()
	table, err := Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestFind(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	tests := []struct {
		name    string
		match   Match
		request Request
		want    bool
	}{
		{"the zero match takes everything", Match{}, Request{Path: "/"}, true},
		{"host", Match{Host: "example.com"}, Request{Host: "example.com", Path: "/"}, true},
		{"another host", Match{Host: "example.com"}, Request{Host: "example.org", Path: "/"}, false},
		{"a host below it is another", Match{Host: "example.com"}, Request{Host: "www.example.com", Path: "/"}, false},
		{"no host", Match{Host: "example.com"}, Request{Path: "/"}, false},
		{"host with a port", Match{Host: "example.com"}, Request{Host: "example.com:8080", Path: "/"}, true},
		{"host in upper case", Match{Host: "example.com"}, Request{Host: "EXAMPLE.com", Path: "/"}, true},
		{"rule in upper case", Match{Host: "Example.COM"}, Request{Host: "example.com", Path: "/"}, true},
		{"host with its final dot", Match{Host: "example.com"}, Request{Host: "example.com.:80", Path: "/"}, true},
		{"only ASCII folds", Match{Host: "kelvin"}, Request{Host: "\u212Aelvin", Path: "/"}, false},
		{"IPv6 host", Match{Host: "[2001:db8::1]"}, Request{Host: "[2001:DB8::1]:443", Path: "/"}, true},
		{"IPv6 host without a port", Match{Host: "[2001:db8::1]"}, Request{Host: "[2001:db8::1]", Path: "/"}, true},
		{"path", Match{Path: "/health"}, Request{Path: "/health"}, true},
		{"path is exact", Match{Path: "/health"}, Request{Path: "/health/"}, false},
		{"path has case", Match{Path: "/health"}, Request{Path: "/Health"}, false},
		{"path prefix", Match{PathPrefix: "/v2/"}, Request{Path: "/v2/users"}, true},
		{"path prefix goes by bytes", Match{PathPrefix: "/v2"}, Request{Path: "/v20"}, true},
		{"another path prefix", Match{PathPrefix: "/v2/"}, Request{Path: "/v1/users"}, false},
		{"dot files", Match{PathPrefix: "/."}, Request{Path: "/.git"}, true},
		{"TLS wanted and there", Match{TLS: &yes}, Request{Path: "/", TLS: true}, true},
		{"TLS wanted and not there", Match{TLS: &yes}, Request{Path: "/"}, false},
		{"plain wanted and there", Match{TLS: &no}, Request{Path: "/"}, true},
		{"plain wanted and not there", Match{TLS: &no}, Request{Path: "/", TLS: true}, false},
		{"every condition counts", Match{Host: "a", PathPrefix: "/v2/", TLS: &yes}, Request{Host: "a", Path: "/v2/", TLS: true}, true},
		{"one condition short", Match{Host: "a", PathPrefix: "/v2/", TLS: &yes}, Request{Host: "a", Path: "/v2/"}, false},
		{"not: excluded", Match{TLS: &no, Not: &Match{PathPrefix: "/.well-known/acme-challenge/"}},
			Request{Path: "/.well-known/acme-challenge/x"}, false},
		{"not: others", Match{TLS: &no, Not: &Match{PathPrefix: "/.well-known/acme-challenge/"}}, Request{Path: "/x"}, true},
		{"not of a conjunction: half of it does not exclude", Match{Not: &Match{Host: "a", Path: "/x"}}, Request{Host: "b", Path: "/x"}, true},
		{"not of not", Match{Not: &Match{Not: &Match{Path: "/x"}}}, Request{Path: "/x"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			table := mustCompile(t, Rule{Match: tt.match, Backend: "web"})
			rule, ok := table.Find(&tt.request)
			if ok != tt.want || (rule != nil) != tt.want {
				t.Errorf("Find(%+v): got %v, %v; want %v", tt.request, rule, ok, tt.want)
			}
		})
	}
}

func TestFindTakesTheFirst(t *testing.T) {
	t.Parallel()
	table := mustCompile(t,
		Rule{Match: Match{Path: "/health"}, Respond: &Respond{Status: 200}, NoLog: true},
		Rule{Match: Match{PathPrefix: "/h"}, Backend: "h"},
		Rule{Backend: "rest"},
	)
	for path, want := range map[string]string{"/health": "", "/healthy": "h", "/": "rest"} {
		rule, ok := table.Find(&Request{Path: path})
		if !ok || rule.Backend != want {
			t.Errorf("Find %s: got %+v, %v; want backend %q", path, rule, ok, want)
		}
	}
	if rule, ok := mustCompile(t).Find(&Request{Path: "/"}); ok {
		t.Errorf("no rules: got %+v, want none", rule)
	}
}

// A table must not change when the values it was made of do.
func TestCompileCopies(t *testing.T) {
	t.Parallel()
	tls := true
	rules := []Rule{
		{Match: Match{Not: &Match{Host: "a", TLS: &tls}}, Redirect: &Redirect{Scheme: "https"}},
		{Respond: &Respond{Status: 200, Body: "x"}},
	}
	table := mustCompile(t, rules...)
	tls = false
	rules[0].Match.Not.Host = "b"
	rules[0].Redirect.Scheme = "http"
	rules[1].Respond.Body = "y"
	yes := true
	want := []Rule{
		{Match: Match{Not: &Match{Host: "a", TLS: &yes}}, Redirect: &Redirect{Scheme: "https", Code: 302}},
		{Respond: &Respond{Status: 200, Body: "x"}},
	}
	if !reflect.DeepEqual(table.rules, want) {
		t.Errorf("after the rules changed: got %+v, want %+v", table.rules, want)
	}
}

func benchmarkTable(t testing.TB) (*Table, *Request) {
	no := false
	table := mustCompile(t,
		Rule{Match: Match{TLS: &no, Not: &Match{PathPrefix: "/.well-known/acme-challenge/"}}, Redirect: &Redirect{Scheme: "https"}},
		Rule{Match: Match{Path: "/health"}, Respond: &Respond{Status: 200}},
		Rule{Match: Match{Host: "api.example.com", PathPrefix: "/v1/"}, Backend: "old"},
		Rule{Match: Match{Host: "api.example.com", PathPrefix: "/v2/"}, Backend: "api"},
	)
	return table, &Request{Host: "API.example.com:443", Path: "/v2/users", TLS: true, Method: "GET"}
}

func TestFindDoesNotAllocate(t *testing.T) {
	table, request := benchmarkTable(t)
	if n := testing.AllocsPerRun(100, func() { table.Find(request) }); n != 0 {
		t.Errorf("Find: got %v allocations, want 0", n)
	}
}

func BenchmarkFind(b *testing.B) {
	table, request := benchmarkTable(b)
	b.ReportAllocs()
	for b.Loop() {
		table.Find(request)
	}
}
