package beside

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the differences of docs/compatibility.md")

const (
	page  = "../../docs/compatibility.md"
	above = "<!-- Made from the exams of internal/beside by `go test ./internal/beside -run Page -update`. Edit their sentences. -->\n"
	below = "<!-- end of what is made -->\n"
)

// sections are the part of the page that the exams say, each sentence where it comes first.
func sections(all []area) string {
	var b strings.Builder
	var told []string
	for _, a := range all {
		b.WriteString("\n## " + a.title + "\n\n")
		before := len(told)
		for _, d := range a.differs {
			if !slices.Contains(told, d.why) {
				told = append(told, d.why)
				b.WriteString(bullet(d.why))
			}
		}
		if len(told) == before {
			b.WriteString("None but what is said above.\n")
		}
	}
	return b.String() + "\n"
}

// bullet is an item of a list, in lines of no more than 140 octets.
func bullet(text string) string {
	var b strings.Builder
	n := 1
	b.WriteString("-")
	for word := range strings.FieldsSeq(text) {
		if n+1+len(word) > 140 {
			b.WriteString("\n ")
			n = 1
		}
		b.WriteString(" " + word)
		n += 1 + len(word)
	}
	return b.String() + "\n"
}

// The page has every difference that an exam declares, and no other.
func TestPageHasTheDifferences(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), above)
	made, tail, more := strings.Cut(rest, below)
	if !ok || !more {
		t.Fatalf("%s does not have the lines between which the differences stand", page)
	}
	want := sections(areas())
	if *update {
		if err := os.WriteFile(page, []byte(head+above+want+below+tail), 0o644); err != nil { //nolint:gosec // a page of the documentation
			t.Fatal(err)
		}
		return
	}
	if made != want {
		t.Errorf("%s has not what the exams declare: go test ./internal/beside -run Page -update", page)
	}
}

// Every exam has a name of its own, and every difference an exam that is held with its peer, and a reason.
func TestDifferencesBelongToExams(t *testing.T) {
	named := map[string]bool{}
	for _, a := range areas() {
		held := map[string]bool{}
		for _, e := range a.exams {
			if named[e.name] {
				t.Errorf("two exams are called %q", e.name)
			}
			named[e.name] = true
			held[e.name+haproxy], held[e.name+nginx] = e.site.haproxy != nil, e.site.nginx != nil
			if e.site.tandem == nil || e.site.haproxy == nil && e.site.nginx == nil {
				t.Errorf("%s: there is nobody to compare", e.name)
			}
		}
		for _, d := range a.differs {
			if !held[d.exam+d.peer] {
				t.Errorf("%s: a difference of %q from %s, with which there is no such exam", a.title, d.exam, d.peer)
			}
			if d.why == "" || d.ours == "" && d.theirs == "" {
				t.Errorf("%s: a difference of %q without a reason, or without a difference", a.title, d.exam)
			}
		}
	}
}
