package rule

import (
	"reflect"
	"strconv"
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
			if got := table.Find(&tt.request); (got == 0) != tt.want || (got == None) == tt.want {
				t.Errorf("Find(%+v): got %d, want a match: %t", tt.request, got, tt.want)
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
		if n := table.Find(&Request{Path: path}); n == None || table.Rule(n).Backend != want {
			t.Errorf("Find %s: got rule %d, want backend %q", path, n, want)
		}
	}
	if n := mustCompile(t).Find(&Request{Path: "/"}); n != None {
		t.Errorf("no rules: got %d, want none", n)
	}
}

// A table must not change when the values it was made of do.
func TestCompileCopies(t *testing.T) {
	t.Parallel()
	tls := true
	rules := []Rule{
		{Match: Match{Not: &Match{Host: "a", TLS: &tls}, Method: []string{"GET"}}, Redirect: &Redirect{Scheme: "https"}},
		{Respond: &Respond{Status: 200, Body: "x"}},
	}
	table := mustCompile(t, rules...)
	tls = false
	rules[0].Match.Not.Host, rules[0].Match.Method[0] = "b", "PUT"
	rules[0].Redirect.Scheme = "http"
	rules[1].Respond.Body = "y"
	if got := table.Rule(0).Redirect; !reflect.DeepEqual(*got, Redirect{Scheme: "https", Code: 302}) {
		t.Errorf("the redirect changed: %+v", got)
	}
	if got := table.Rule(1).Respond.Body; got != "x" {
		t.Errorf("the body changed: %q", got)
	}
	for _, tt := range []struct {
		request Request
		want    int
	}{
		{Request{Path: "/", Method: "GET", Host: "a"}, 0}, {Request{Path: "/", Method: "GET", Host: "a", TLS: true}, 1}, {Request{Path: "/", Method: "PUT"}, 1},
	} {
		if got := table.Find(&tt.request); got != tt.want {
			t.Errorf("Find(%+v): got %d, want %d", tt.request, got, tt.want)
		}
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
	many, last := benchmarkRules(t, 1000)
	for name, find := range map[string]func(){
		"few rules": func() { table.Find(request) }, "many rules": func() { many.Find(last) },
	} {
		if n := testing.AllocsPerRun(100, find); n != 0 {
			t.Errorf("%s: got %v allocations, want 0", name, n)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	table, request := benchmarkTable(b)
	b.ReportAllocs()
	for b.Loop() {
		table.Find(request)
	}
}

// benchmarkRules returns n rules of the kinds that sites have, and a request for the last but one of them.
func benchmarkRules(t testing.TB, n int) (*Table, *Request) {
	rules := make([]Rule, 0, n)
	for i := range n - 2 {
		id := strconv.Itoa(i)
		m := Match{Host: "site" + id + ".example.com"}
		switch i % 4 {
		case 1:
			m.PathPrefix = "/v" + id + "/"
		case 2:
			m = Match{Host: "*.tenant" + id + ".example.com"}
		case 3:
			m = Match{PathPrefix: "/app/" + id + "/"}
		}
		rules = append(rules, Rule{Match: m, Backend: "web"})
	}
	rules = append(rules,
		Rule{Match: Match{PathPrefix: "/app/last/", Method: []string{"GET"}, Header: []Test{{Name: "X-Canary", Value: "1"}}}, Backend: "canary"},
		Rule{Match: Match{Path: "/health"}, Respond: &Respond{Status: 200}},
	)
	return mustCompile(t, rules...), &Request{
		Host: "www.shop.example.com", Path: "/app/last/users/1", Method: "GET", TLS: true, Fields: headers{{"accept", "*/*"}, {"x-canary", "1"}},
	}
}

func BenchmarkFindAmong(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			table, request := benchmarkRules(b, n)
			if got := table.Find(request); got != n-2 {
				b.Fatalf("got rule %d, want %d", got, n-2)
			}
			b.ReportAllocs()
			for b.Loop() {
				table.Find(request)
			}
		})
	}
}

// BenchmarkFindNothing is for a request that no rule takes, which has to be found out.
func BenchmarkFindNothing(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			table, _ := benchmarkRules(b, n)
			request := &Request{Host: "other.example.org", Path: "/app/other/x", Method: "GET"}
			if got := table.Find(request); got != None {
				b.Fatalf("got rule %d, want none", got)
			}
			b.ReportAllocs()
			for b.Loop() {
				table.Find(request)
			}
		})
	}
}
