package rule

import (
	"strings"
	"testing"
)

// nested returns a match with so many in each other.
func nested(n int) Match {
	m := Match{Path: "/"}
	for range n - 1 {
		m = Match{All: []Match{m}}
	}
	return m
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		rule Rule
		want string // after "rule 1: "
	}{
		{"no action", Rule{}, "0 actions, want exactly one of backend, split, map, redirect, respond and deny"},
		{"two actions", Rule{Backend: "web", Respond: &Respond{Status: 200}}, "2 actions, want exactly one of backend, split, map, redirect, respond and deny"},
		{"host with a port", Rule{Backend: "web", Match: Match{Host: "a:80"}}, `host "a:80", want an ASCII host name or address without a port, or *. and a name`},
		{"wildcard within", Rule{Backend: "web", Match: Match{Host: "www.*.a"}}, `host "www.*.a", want an ASCII host name or address without a port, or *. and a name`},
		{"wildcard alone", Rule{Backend: "web", Match: Match{Host: "*."}}, `host "*.", want an ASCII host name or address without a port, or *. and a name`},
		{"server name", Rule{Backend: "web", Match: Match{SNI: "a b"}}, `sni "a b", want an ASCII host name or address without a port, or *. and a name`},
		{"server name without TLS", Rule{Backend: "web", Match: Match{SNI: "a", TLS: new(bool)}}, "sni: a client without TLS names none, so the rule could never match"},
		{"method", Rule{Backend: "web", Match: Match{Method: []string{"GET", "a b"}}}, `method "a b", want a token such as GET`},
		{"expression", Rule{Backend: "web", Match: Match{PathRegexp: "("}}, "path_regexp: error parsing regexp: missing closing ): `(`"},
		{"header name", Rule{Backend: "web", Match: Match{Header: []Test{{Name: "a:"}}}}, `header "a:", want a name of letters, digits and -`},
		{"Host as a header", Rule{Backend: "web", Match: Match{Header: []Test{{Name: "Host", Value: "a"}}}}, "header Host, want host, which HTTP/2 has as well"},
		{"expression for a header", Rule{Backend: "web", Match: Match{Header: []Test{{Name: "a", Op: Matches, Value: "["}}}}, "header a: error parsing regexp: missing closing ]: `[`"},
		{"cookie name", Rule{Backend: "web", Match: Match{Cookie: []Test{{Name: "a b"}}}}, `cookie "a b", want a name of letters, digits and -`},
		{"fault inside any", Rule{Backend: "web", Match: Match{Any: []Match{{}, {Path: "a"}}}}, `any[1]: path "a": path does not start with a slash`},
		{"fault inside all", Rule{Backend: "web", Match: Match{All: []Match{{Not: &Match{Path: "a"}}}}}, `all[0]: not: path "a": path does not start with a slash`},
		{"too deep", Rule{Backend: "web", Match: nested(deepest + 1)}, strings.Repeat("all[0]: ", deepest) + "conditions stand in each other more than 8 deep"},
		{"international host", Rule{Backend: "web", Match: Match{Host: "é.a"}}, `host "é.a", want an ASCII host name or address without a port, or *. and a name`},
		{"host with a final dot", Rule{Backend: "web", Match: Match{Host: "a."}}, `host "a.", want an ASCII host name or address without a port, or *. and a name`},
		{"IPv6 host without brackets", Rule{Backend: "web", Match: Match{Host: "::1"}}, `host "::1", want an ASCII host name or address without a port, or *. and a name`},
		{"no IPv6 in brackets", Rule{Backend: "web", Match: Match{Host: "[a]"}}, `host "[a]", want an ASCII host name or address without a port, or *. and a name`},
		{"path that no request has", Rule{Backend: "web", Match: Match{Path: "/a/../%62"}}, `path "/a/../%62" can never match, want its canonical form "/b"`},
		{"relative path", Rule{Backend: "web", Match: Match{Path: "a"}}, `path "a": path does not start with a slash`},
		{"prefix with an encoded slash", Rule{Backend: "web", Match: Match{PathPrefix: "/%2f"}}, `path_prefix "/%2f": path holds an encoded slash or backslash`},
		{"prefix that no request has", Rule{Backend: "web", Match: Match{PathPrefix: "/a/./"}}, `path_prefix "/a/./" can never match, want its canonical form "/a/"`},
		{"prefix that cuts an escape", Rule{Backend: "web", Match: Match{PathPrefix: "/%4"}}, `path_prefix "/%4": path holds a % that two hexadecimal digits do not follow`},
		{"not everything", Rule{Backend: "web", Match: Match{Not: &Match{}}}, "not: matches everything, so the rule could never match"},
		{"fault inside not", Rule{Backend: "web", Match: Match{Not: &Match{Path: "a"}}}, `not: path "a": path does not start with a slash`},
		{"redirect code", Rule{Redirect: &Redirect{Code: 300, Scheme: "https"}}, "redirect: code 300, want 301, 302, 303, 307 or 308"},
		{"redirect to nowhere", Rule{Redirect: &Redirect{}}, "redirect: want exactly one of scheme and location"},
		{"redirect to two places", Rule{Redirect: &Redirect{Scheme: "https", Location: "/"}}, "redirect: want exactly one of scheme and location"},
		{"redirect scheme", Rule{Redirect: &Redirect{Scheme: "ftp"}}, `redirect: scheme "ftp", want http or https`},
		{"redirect to a relative path", Rule{Redirect: &Redirect{Location: "x"}}, `redirect: location "x", want a whole URL or an absolute path`},
		{"redirect to another host unawares", Rule{Redirect: &Redirect{Location: "//x/"}}, `redirect: location "//x/", want a whole URL or an absolute path`},
		{"redirect that splits the head", Rule{Redirect: &Redirect{Location: "/\r\nx: y"}}, `redirect: location "/\r\nx: y", want a whole URL or an absolute path`},
		{"response status", Rule{Respond: &Respond{Status: 199}}, "respond: status 199, want 200 to 599"},
		{"body where none can be", Rule{Respond: &Respond{Status: 204, Body: "x"}}, "respond: status 204 has no body, want an empty one"},
		{"content type that splits the head", Rule{Respond: &Respond{Status: 200, ContentType: "a\nb"}}, `respond: content_type "a\nb", want printable ASCII`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile([]Rule{tt.rule})
			if want := "rule 1: " + tt.want; err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestCompileReportsEverything(t *testing.T) {
	t.Parallel()
	_, err := Compile([]Rule{
		{Match: Match{Host: "*"}, Respond: &Respond{Status: 1}},
		{Backend: "fine"},
		{Redirect: &Redirect{Code: 1, Scheme: "x"}},
	})
	want := `rule 1: host "*", want an ASCII host name or address without a port, or *. and a name
rule 1: respond: status 1, want 200 to 599
rule 3: redirect: code 1, want 301, 302, 303, 307 or 308
rule 3: redirect: scheme "x", want http or https`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestCompileAccepts(t *testing.T) {
	t.Parallel()
	mustCompile(t,
		Rule{Match: Match{Host: "a_b-1.example", PathPrefix: "/."}, Backend: "web"},
		Rule{Match: Match{Host: "192.0.2.1"}, Redirect: &Redirect{Code: 308, Location: "https://example.com:8443/x?y"}},
		Rule{Match: Match{Host: "[2001:db8::1]"}, Redirect: &Redirect{Location: "/login?next=%2F"}},
		Rule{Respond: &Respond{Status: 204}},
		Rule{Match: nested(deepest), Backend: "web"},
		Rule{Match: Match{Host: "*.example.com", SNI: "*.example.com", PathRegexp: `^/\d+$`}, Backend: "web"},
		Rule{Respond: &Respond{Status: 200, Body: "healthy\n", ContentType: "text/plain; charset=utf-8"}},
	)
}
