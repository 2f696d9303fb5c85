package rule

import "testing"

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
