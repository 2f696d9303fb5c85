package rule

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// headers are fields of a request for tests.
type headers [][2]string

func (h headers) Next(name string, from int) (value string, next int, ok bool) {
	for i := from; i < len(h); i++ {
		if strings.EqualFold(h[i][0], name) {
			return h[i][1], i + 1, true
		}
	}
	return "", len(h), false
}

func TestR17_R47_Match(t *testing.T) {
	t.Parallel()
	networks := []netip.Prefix{netip.MustParsePrefix("10.1.2.3/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("2001:db8::/32")}
	from := func(a string) Request { return Request{Path: "/", Client: netip.MustParseAddr(a)} }
	with := func(h ...[2]string) Request { return Request{Path: "/", Fields: headers(h)} }
	asks := func(query string) Request { return Request{Path: "/", Query: query} }
	header := func(op Op, value string) Match { return Match{Header: []Test{{"X-Canary", op, value}}} }
	query := func(op Op, value string) Match { return Match{Query: []Test{{"v", op, value}}} }
	cookie := func(op Op, value string) Match { return Match{Cookie: []Test{{"v", op, value}}} }
	tests := []struct {
		name    string
		match   Match
		request Request
		want    bool
	}{
		{"below a domain", Match{Host: "*.example.com"}, Request{Host: "www.EXAMPLE.com:80", Path: "/"}, true},
		{"far below a domain", Match{Host: "*.Example.com"}, Request{Host: "a.b.example.com.", Path: "/"}, true},
		{"the domain itself", Match{Host: "*.example.com"}, Request{Host: "example.com", Path: "/"}, false},
		{"a name that only ends alike", Match{Host: "*.example.com"}, Request{Host: "badexample.com", Path: "/"}, false},
		{"nothing before the dot", Match{Host: "*.example.com"}, Request{Host: ".example.com", Path: "/"}, false},
		{"a name that is none", Match{Host: "*.example.com"}, Request{Host: strings.Repeat("a.", 130) + "example.com", Path: "/"}, false},

		{"path expression", Match{PathRegexp: `^/users/\d+$`}, Request{Path: "/users/17"}, true},
		{"path expression, another path", Match{PathRegexp: `^/users/\d+$`}, Request{Path: "/users/17/x"}, false},
		{"path expression anywhere", Match{PathRegexp: `\.php`}, Request{Path: "/a.php/b"}, true},

		{"method", Match{Method: []string{"GET", "HEAD"}}, Request{Path: "/", Method: "HEAD"}, true},
		{"another method", Match{Method: []string{"GET", "HEAD"}}, Request{Path: "/", Method: "POST"}, false},
		{"methods have case", Match{Method: []string{"GET"}}, Request{Path: "/", Method: "get"}, false},

		{"header", header(Equals, "1"), with([2]string{"x-canary", "1"}), true},
		{"header, the second of its name", header(Equals, "1"), with([2]string{"x-canary", "2"}, [2]string{"a", "b"}, [2]string{"X-CANARY", "1"}), true},
		{"header, another value", header(Equals, "1"), with([2]string{"x-canary", "11"}), false},
		{"header, no fields", header(Equals, ""), Request{Path: "/"}, false},
		{"header, empty", header(Equals, ""), with([2]string{"x-canary", ""}), true},
		{"header prefix", header(HasPrefix, "v2"), with([2]string{"x-canary", "v2.1"}), true},
		{"header, another prefix", header(HasPrefix, "v2"), with([2]string{"x-canary", "v1"}), false},
		{"header expression", header(Matches, "^(on|yes)$"), with([2]string{"x-canary", "yes"}), true},
		{"header, expression that does not match", header(Matches, "^(on|yes)$"), with([2]string{"x-canary", "no"}), false},
		{"header there", header(Present, ""), with([2]string{"x-canary", ""}), true},
		{"header not there", header(Present, ""), with([2]string{"x", ""}), false},
		{"header absent", header(Absent, ""), with([2]string{"x", ""}), true},
		{"header not absent", header(Absent, ""), with([2]string{"x-canary", ""}), false},
		{"header absent, no fields", header(Absent, ""), Request{Path: "/"}, true},

		{"query", query(Equals, "1"), asks("?a=b&v=1"), true},
		{"query, the second of its name", query(Equals, "1"), asks("?v=2&v=1"), true},
		{"query, escaped", query(Equals, "1 2"), asks("?%76=%31+%32"), true},
		{"query, a bad escape stands for itself", query(Equals, "%zz%"), asks("?v=%zz%"), true},
		{"query, another value", query(Equals, "1"), asks("?v=11"), false},
		{"query, another name", query(Equals, "1"), asks("?vv=1"), false},
		{"query, empty value", query(Equals, ""), asks("?v"), true},
		{"query expression", query(Matches, "^[0-9]+$"), asks("?v=17"), true},
		{"query there", query(Present, ""), asks("?v&x"), true},
		{"query absent", query(Absent, ""), asks("?x=v"), true},
		{"query not absent", query(Absent, ""), asks("?v="), false},
		{"no query", query(Present, ""), asks(""), false},

		{"cookie", cookie(Equals, "1"), with([2]string{"Cookie", "a=b; v=1; c=d"}), true},
		{"cookie without a space", cookie(Equals, "1"), with([2]string{"Cookie", "a=b;v=1"}), true},
		{"cookie, HTTP/2 has a field for each", cookie(Equals, "1"), with([2]string{"cookie", "a=b"}, [2]string{"cookie", "v=1"}), true},
		{"cookies have case", cookie(Equals, "1"), with([2]string{"Cookie", "V=1"}), false},
		{"cookie with =", cookie(Equals, "a=b"), with([2]string{"Cookie", "v=a=b"}), true},
		{"cookie absent", cookie(Absent, ""), with([2]string{"Cookie", "a=b"}), true},
		{"cookie not absent", cookie(Absent, ""), with([2]string{"Cookie", "v"}), false},

		{"source", Match{Source: networks}, from("10.255.0.1"), true},
		{"source, a host", Match{Source: networks}, from("192.0.2.7"), true},
		{"source, its neighbour", Match{Source: networks}, from("192.0.2.8"), false},
		{"source, IPv6", Match{Source: networks}, from("2001:db8::1"), true},
		{"source, IPv6 with a zone", Match{Source: networks}, from("2001:db8::1%eth0"), true},
		{"source, IPv4 in IPv6", Match{Source: networks}, from("::ffff:10.0.0.1"), true},
		{"source, elsewhere", Match{Source: networks}, from("2001:db9::1"), false},
		{"source, unknown", Match{Source: networks}, Request{Path: "/"}, false},

		{"SNI", Match{SNI: "a.example.com"}, Request{Path: "/", TLS: true, SNI: "A.example.com"}, true},
		{"SNI with a dot", Match{SNI: "a.example.com"}, Request{Path: "/", TLS: true, SNI: "a.example.com."}, true},
		{"SNI below a domain", Match{SNI: "*.Example.com"}, Request{Path: "/", TLS: true, SNI: "A.example.COM"}, true},
		{"SNI, the domain itself", Match{SNI: "*.example.com"}, Request{Path: "/", TLS: true, SNI: "example.com"}, false},
		{"no SNI", Match{SNI: "a"}, Request{Path: "/", Host: "a"}, false},

		{"any, the second", Match{Any: []Match{{Path: "/a"}, {Path: "/b"}}}, Request{Path: "/b"}, true},
		{"any, none", Match{Any: []Match{{Path: "/a"}, {Path: "/b"}}}, Request{Path: "/c"}, false},
		{"all", Match{All: []Match{{PathPrefix: "/a"}, {Host: "h"}}}, Request{Path: "/ab", Host: "h"}, true},
		{"all but one", Match{All: []Match{{PathPrefix: "/a"}, {Host: "h"}}}, Request{Path: "/ab"}, false},
		{"any and a condition", Match{Host: "h", Any: []Match{{Path: "/a"}}}, Request{Path: "/a"}, false},
		{"neither", Match{Not: &Match{Any: []Match{{Path: "/a"}, {Path: "/b"}}}}, Request{Path: "/b"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			alone := mustCompile(t, Rule{Match: tt.match, Backend: "web"})
			if got := alone.Find(&tt.request); (got == 0) != tt.want {
				t.Errorf("alone: got %d, want a match: %t", got, tt.want)
			}
			many := make([]Rule, few, 2*few)
			for i := range many {
				many[i] = Rule{Match: Match{Path: "/never"}, Backend: "web"}
			}
			if got := mustCompile(t, append(many, Rule{Match: tt.match, Backend: "web"})...).Find(&tt.request); (got == few) != tt.want {
				t.Errorf("among many: got %d, want a match: %t", got, tt.want)
			}
		})
	}
}

// random returns a match of few words, so that matches are common.
func random(r *rand.Rand, depth int) Match {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	m := Match{
		Host: pick("", "", "", "a", "b.a", "*.a", "*.b.a"), Path: pick("", "", "", "/", "/x", "/x/y"),
		PathPrefix: pick("", "", "", "/x", "/x/", "/x/y", "/xy", "/x/y/z", "/z"), PathRegexp: pick("", "", "", "", "y$"),
	}
	if r.IntN(4) == 0 {
		m.Method = []string{pick("GET", "PUT")}
	}
	if depth == 0 {
		return m
	}
	for range r.IntN(3) {
		m.Any = append(m.Any, random(r, depth-1))
	}
	if r.IntN(3) == 0 {
		m.All = append(m.All, random(r, depth-1))
	}
	if not := random(r, depth-1); r.IntN(4) == 0 && !not.everything() {
		m.Not = &not
	}
	return m
}

// The first rule that matches takes a request, whatever the index looks at first.
func TestR17_IndexFindsTheFirst(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	hosts := []string{"", "a", "A:80", "b.a", "c.b.a", "x.a", "xa", "a."}
	paths := []string{"/", "/x", "/x/", "/xy", "/x/y", "/x/y/z", "/x/z", "/z", "/y", "*"}
	matched := 0
	for range 300 {
		rules := make([]Rule, few+1+r.IntN(40))
		for i := range rules {
			rules[i] = Rule{Match: random(r, r.IntN(3)), Backend: "web"}
		}
		indexed := mustCompile(t, rules...)
		plain := *indexed
		if plain.index = nil; indexed.index == nil {
			t.Fatalf("%d rules have no index", len(rules))
		}
		for range 100 {
			q := Request{Host: hosts[r.IntN(len(hosts))], Path: paths[r.IntN(len(paths))], Method: "GET"}
			got, want := indexed.Find(&q), plain.Find(&q)
			if got != want {
				t.Fatalf("Find(%+v): got rule %d, want %d, of %+v", q, got, want, rules)
			}
			if want > 0 {
				matched++
			}
		}
	}
	if matched < 5000 {
		t.Errorf("only %d requests of 30000 were for a rule behind the first: they prove little", matched)
	}
}
