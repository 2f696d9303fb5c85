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

var (
	ruleRow  = regexp.MustCompile(`(?m)^\| (\d+) \|`)
	ruleTest = regexp.MustCompile(`(?m)(^func Test(Integration)?Rule|"rule )\d+((And|_|, | and )\d+)*`)
	number   = regexp.MustCompile(`\d+`)
)

// Every rule that vrrp.md claims is in the name of a test, or of a case in one.
func TestEveryRuleHasATest(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	// viptest has the cases that the kernel in memory and the real one share.
	for _, pattern := range []string{"../vrrp/*_test.go", "../vip/*_test.go", "../vip/viptest/*.go", "../internal/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range ruleTest.FindAllString(string(text), -1) {
				for _, n := range number.FindAllString(name, -1) {
					tested[n] = true
				}
			}
		}
	}
	rows := ruleRow.FindAllStringSubmatch(pages(t)["vrrp.md"], -1)
	if len(rows) < 40 {
		t.Fatalf("vrrp.md lists %d rules, want the whole table", len(rows))
	}
	for _, row := range rows {
		if !tested[row[1]] {
			t.Errorf("no test has rule %s in its name", row[1])
		}
	}
}
