package proxy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
)

// What `tandem check` says of files is what a start would.
func TestR48_FilesOfSites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	known := func(name string) bool { return name == "web" }
	page := file("503.html", "<p>later")
	users := file("users", "anna:$2y$05$abcdefghijklmnopqrstuuDVZ7Wp0GmKEcqLJDdh0gbd8c9mPUdZq\n")
	for _, tt := range []struct {
		name string
		got  error
		want string // without the directory; empty: none
	}{
		{"page", proxy.CheckErrorPage(page), ""},
		{"no page", proxy.CheckErrorPage(filepath.Join(dir, "404.html")), "stat 404.html: no such file or directory"},
		{"page of another kind", proxy.CheckErrorPage(users), "users: want a file that ends in .html, .htm, .txt or .json"},
		{"users", proxy.CheckUsers(users), ""},
		{"no users", proxy.CheckUsers(page), "503.html: line 1: want user:hash"},
		{"map", proxy.CheckMap(file("map", "a.example web\n"), false, known), ""},
		{"no map", proxy.CheckMap(file("map", "a.example\n"), false, known), `map: line 1: "a.example" alone, want a key and a value`},
		{"map of nobody", proxy.CheckMap(file("map", "a.example web\nb.example nobody\n"), true, known), "map: no backend nobody"},
	} {
		got := ""
		if tt.got != nil {
			got = strings.ReplaceAll(tt.got.Error(), dir+"/", "")
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
