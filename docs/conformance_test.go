package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// lastRule is the highest number of vrrp.md's list, which has no gaps.
const lastRule = 95

var (
	ruleRow = regexp.MustCompile(`(?m)^\| (\d+) \| (.*?) \|`)
	notYet  = regexp.MustCompile(`^(later|declined): `)

	// A rule is in the name of a test or of a case; what formats a value is a message.
	function = regexp.MustCompile(`^func (?:\([^)]*\) )?(\w+)`)
	ruleTest = regexp.MustCompile(`^func Test(?:Integration)?Rule\d+(?:(?:And|_)\d+)*|"rule \d+\b[^"%]*"`)
	numbers  = regexp.MustCompile(`\d+(?:(?:And|_)\d+)*`)
	number   = regexp.MustCompile(`\d+`)
)

// TestConformance prints every rule with its tests, or with the reason why there is none, and fails where there is neither.
func TestConformance(t *testing.T) {
	t.Parallel()
	tests := ruleTests(t)
	rows := ruleRow.FindAllStringSubmatch(pages(t)["vrrp.md"], -1)
	for i, row := range rows {
		n, text := row[1], row[2]
		if want := strconv.Itoa(i + 1); n != want {
			t.Fatalf("vrrp.md lists rule %s, want rule %s there", n, want)
		}
		open := notYet.MatchString(text)
		switch {
		case open && len(tests[n]) > 0:
			t.Errorf("vrrp.md has of rule %s %q, but it is tested: %v", n, text, tests[n])
		case !open && len(tests[n]) == 0:
			t.Errorf("no test has rule %s in its name", n)
		}
		_, _ = fmt.Fprintf(t.Output(), "rule %2s: %s\n", n, text) // the test's own output
		for _, name := range tests[n] {
			_, _ = fmt.Fprintf(t.Output(), "         %s\n", name)
		}
	}
	if len(rows) != lastRule {
		t.Errorf("vrrp.md lists %d rules, want %d", len(rows), lastRule)
	}
}

// ruleTests returns the names of the functions that test each rule, with their directories.
func ruleTests(t *testing.T) map[string][]string {
	t.Helper()
	tests := map[string][]string{}
	// viptest has the cases that the kernel in memory and the real one share.
	for _, pattern := range []string{"../vrrp/*_test.go", "../vrrp/*/*_test.go", "../vip/*_test.go", "../vip/viptest/*.go", "../internal/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in := ""
			for line := range strings.Lines(string(text)) {
				if f := function.FindStringSubmatch(line); f != nil {
					in = strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), "../") + "." + f[1]
				}
				for _, name := range ruleTest.FindAllString(line, -1) {
					for _, n := range number.FindAllString(numbers.FindString(name), -1) {
						if !slices.Contains(tests[n], in) {
							tests[n] = append(tests[n], in)
						}
					}
				}
			}
		}
	}
	return tests
}
