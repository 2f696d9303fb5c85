package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages returns the Markdown files that users read, by their path from here.
func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range append(files, "../README.md", "../CHANGELOG.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = string(text)
	}
	return all
}

var link = regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	found := 0
	for file, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			found++
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			}
		}
	}
	if found < 10 {
		t.Errorf("found %d links, want the index at least", found)
	}
}

var testName = regexp.MustCompile(`\bTestIntegration[A-Z]\w+`)

// What the pages say is tested is the name of a test.
func TestTestsThatPagesName(t *testing.T) {
	t.Parallel()
	sources := ""
	files, err := filepath.Glob("../internal/e2e/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources += string(text)
	}
	found := 0
	for file, text := range pages(t) {
		for _, name := range testName.FindAllString(text, -1) {
			found++
			if !strings.Contains(sources, "\nfunc "+name+"(") {
				t.Errorf("%s names %s, which is no test of internal/e2e", file, name)
			}
		}
	}
	if found < 5 {
		t.Errorf("found %d names, want those of vrrp.md's interop table at least", found)
	}
}
