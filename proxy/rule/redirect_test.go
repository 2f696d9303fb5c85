package rule

import (
	"testing"

	"github.com/tandem-lb/tandem/proxy/edit"
)

// R19 and F8 of the design: the scheme changes, the port of the old scheme does not come along, and the asterisk or
// no path at all is the root.
func TestR19_RedirectTarget(t *testing.T) {
	t.Parallel()
	https := Redirect{Scheme: "https"}
	tests := []struct {
		name     string
		redirect Redirect
		host     string
		path     string
		want     string
	}{
		{"path and query", https, "example.com", "/a?b=c&d", "https://example.com/a?b=c&d"},
		{"port is dropped", https, "example.com:8080", "/", "https://example.com/"},
		{"IPv6", https, "[2001:db8::1]:80", "/", "https://[2001:db8::1]/"},
		{"IPv6 without a port", https, "[2001:db8::1]", "/", "https://[2001:db8::1]/"},
		{"empty path", https, "example.com", "", "https://example.com/"},
		{"asterisk", https, "example.com", "*", "https://example.com/"},
		{"double slash stays a path", https, "example.com", "//evil.example/", "https://example.com//evil.example/"},
		{"no host", https, "", "/", ""},
		{"only a port", https, ":80", "/", ""},
		{"to plain", Redirect{Scheme: "http"}, "example.com:8443", "/a", "http://example.com/a"},
		{"location", Redirect{Location: "https://example.org/x"}, "example.com", "/a?b", "https://example.org/x"},
		{"location without a host in the request", Redirect{Location: "/x"}, "", "/a", "/x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.redirect.Target(tt.host, tt.path, nil); got != tt.want {
				t.Errorf("Target(%q, %q): got %q, want %q", tt.host, tt.path, got, tt.want)
			}
		})
	}
}

// asking is a request whose facts are these.
type asking map[edit.Variable]string

func (a asking) AppendFact(dst []byte, v edit.Variable, _ string) []byte { return append(dst, a[v]...) }

// Whatever a client asks for, a path stays one of the host that was asked: "A relative reference that begins with two slash characters is
// termed a network-path reference" (https://www.rfc-editor.org/rfc/rfc3986#section-4.2).
func TestRedirectsWithVariables(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ location, host, path, query, want string }{
		{"{path}/", "a.example:80", "/x", "", "/x/"},
		{"{path}", "a.example", "//evil.example/", "", "/.//evil.example/"},
		{"/{query}", "a.example", "/", "/evil.example", "/.//evil.example"},
		{"/{query}", "a.example", "/", `\evil.example`, `/./\evil.example`},
		{"/{query}", "a.example", "/", "\t/evil.example", "/./\t/evil.example"},
		{"/{query}", "a.example", "/", "", "/"},
		{"/{query}", "a.example", "/", "\t", "/\t"},
		{"https://{host}{path}", "a.example:80", "//x", "", "https://a.example//x"},
		{"https://{host}{path}", "", "/evil.example", "", ""},
		{"https://{authority}/", ":80", "/", "", ""},
		{"{scheme}://b.example{path}", "", "/x", "", "https://b.example/x"},
	} {
		r := Redirect{Location: tt.location}
		if err := r.compile(); err != nil {
			t.Fatal(err)
		}
		facts := asking{edit.Host: withoutPort(tt.host), edit.Authority: tt.host, edit.Path: tt.path, edit.Query: tt.query, edit.Scheme: "https"}
		if got := r.Target(tt.host, tt.path, facts); got != tt.want {
			t.Errorf("%s with %q, %q, %q: got %q, want %q", tt.location, tt.host, tt.path, tt.query, got, tt.want)
		}
	}
}
