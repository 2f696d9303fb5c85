package rule

import (
	"net/netip"
	"testing"

	"github.com/tandem-lb/tandem/proxy/edit"
)

func TestOfConnection(t *testing.T) {
	t.Parallel()
	yes := true
	for _, tt := range []struct {
		name string
		r    Rule
		want bool
	}{
		{"everything", Rule{Backend: "b"}, true},
		{"of the connection", Rule{Match: Match{Source: make([]netip.Prefix, 1), TLS: &yes, SNI: "a"}, Deny: 403, NoLog: true}, true},
		{"not that", Rule{Match: Match{Not: &Match{SNI: "a"}}}, true},
		{"a split", Rule{Split: []Share{{Backend: "b", Weight: 1}}}, true},
		{"a split by key", Rule{Split: []Share{{Backend: "b", Weight: 1}}, SplitKey: "{client_ip}"}, false},
		{"a map by name", Rule{Map: &Map{Key: "{sni}"}}, true},
		{"a map by address", Rule{Map: &Map{Key: "{client_ip}"}}, true},
		{"a map by host", Rule{Map: &Map{Key: "{host}"}}, false},
		{"a map by a map", Rule{Map: &Map{Key: "{map:a}"}}, false},
		{"a map by a cookie", Rule{Map: &Map{Key: "{sni}{cookie:a}"}}, false},
		{"an answer", Rule{Respond: &Respond{}}, false},
		{"a redirect", Rule{Redirect: &Redirect{}}, false},
		{"a password", Rule{Auth: &Auth{}}, false},
		{"another path", Rule{Rewrite: &Rewrite{}}, false},
		{"edits", Rule{ResponseEdits: make([]edit.Edit, 1)}, false},
		{"how large a body may be", Rule{MaxBody: 1}, false},
		{"what is compressed", Rule{AsItIs: true}, false},
		{"a host", Rule{Match: Match{Host: "a"}}, false},
		{"a method", Rule{Match: Match{Method: []string{"GET"}}}, false},
		{"not a path", Rule{Match: Match{Not: &Match{Path: "/"}}}, false},
		{"any cookie", Rule{Match: Match{Any: []Match{{SNI: "a"}, {Cookie: make([]Test, 1)}}}}, false},
		{"all with a query", Rule{Match: Match{All: []Match{{All: []Match{{Query: make([]Test, 1)}}}}}}, false},
	} {
		if got := tt.r.OfConnection(); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
}
