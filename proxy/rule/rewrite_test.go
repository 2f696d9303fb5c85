package rule

import (
	"testing"

	"github.com/tandem-lb/tandem/proxy/edit"
)

// What servers are asked for is canonical and a host, whatever clients have put into it; else nobody is asked.
func TestRewrite(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		w          Rewrite
		path       string
		query      string // what {query} stands for
		want, host string // the path, empty: nothing comes out
	}{
		{"a prefix goes", Rewrite{StripPrefix: "/api"}, "/api/x", "", "/x", ""},
		{"all of it", Rewrite{StripPrefix: "/api"}, "/api", "", "/", ""},
		{"a prefix of a word", Rewrite{StripPrefix: "/api"}, "/apis", "", "/s", ""},
		{"another one stays", Rewrite{StripPrefix: "/api"}, "/x/api", "", "/x/api", ""},
		{"with its slash", Rewrite{StripPrefix: "/api/"}, "/api/x", "", "/x", ""},
		{"found and replaced", Rewrite{Find: "^/u/([a-z]+)", With: "/users/$1"}, "/u/ann/x", "", "/users/ann/x", ""},
		{"each of them", Rewrite{Find: "a", With: "b"}, "/a/a", "", "/b/b", ""},
		{"in this order", Rewrite{StripPrefix: "/a", Find: "^/b", With: "/c", Path: "/d{path}"}, "/a/b", "", "/d/c", ""},
		{"nobody climbs", Rewrite{Find: "x", With: "."}, "/a/x./b", "", "/b", ""},
		{"no query is made up", Rewrite{Path: "/{query}"}, "/", "a?b", "", ""},
		{"no end of the line", Rewrite{Path: "/{query}"}, "/", "a\r\nb", "", ""},
		{"no blanks", Rewrite{Path: "/{query}"}, "/", "a b", "", ""},
		{"not even a path", Rewrite{Find: "^/", With: ""}, "/a", "", "", ""},
		{"the asterisk stays", Rewrite{Path: "/x"}, "*", "", "*", ""},
		{"a host", Rewrite{Host: "{query}.example:80"}, "/", "a", "/", "a.example:80"},
		{"in IPv6", Rewrite{Host: "{query}"}, "/", "[::1]:80", "/", "[::1]:80"},
		{"none", Rewrite{Host: "{query}"}, "/", "", "", ""},
		{"none of two words", Rewrite{Host: "{query}"}, "/", "a b", "", ""},
		{"none with a user", Rewrite{Host: "{query}"}, "/", "u@a", "", ""},
		{"none with a zone, which may be any text", Rewrite{Host: "{query}"}, "/", "[fe80::1%a b]", "", ""},
		{"no port behind the colon", Rewrite{Host: "{query}"}, "/", "a:", "", ""},
		{"a port that is none", Rewrite{Host: "{query}"}, "/", "a:b", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := tt.w.compile(); err != nil {
				t.Fatal(err)
			}
			path, host, ok := tt.w.Apply(tt.path, asking{edit.Query: tt.query, edit.Path: "not this one"})
			if !ok {
				path, host = "", ""
			}
			if path != tt.want || host != tt.host {
				t.Errorf("got %q at %q, want %q at %q", path, host, tt.want, tt.host)
			}
		})
	}
}
