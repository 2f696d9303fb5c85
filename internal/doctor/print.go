package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// WriteText writes findings for people: a line each, and below it the reason and what to do where all is not well.
func WriteText(w io.Writer, findings []Finding) error {
	subjects, checks := 0, 0 // widths of the columns
	for _, f := range findings {
		subjects, checks = max(subjects, len(subjectOf(f))), max(checks, len(f.Check))
	}
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%-7s  %-*s  %-*s  %s\n", f.Level, subjects, subjectOf(f), checks, f.Check, f.Saw)
		if f.Why != "" {
			fmt.Fprintf(&b, "         why: %s\n", f.Why)
		}
		for _, do := range f.Do {
			fmt.Fprintf(&b, "         do:  %s\n", do)
		}
	}
	fmt.Fprintf(&b, "%s, %s\n", counted(Count(findings, Problem), "problem"), counted(Count(findings, Warning), "warning"))
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes findings for programs.
func WriteJSON(w io.Writer, findings []Finding) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false) // what to do holds commands, in which > and & stand for themselves
	return e.Encode(struct {
		Problems int       `json:"problems"`
		Warnings int       `json:"warnings"`
		Findings []Finding `json:"findings"`
	}{Count(findings, Problem), Count(findings, Warning), findings})
}

func subjectOf(f Finding) string {
	if f.Subject == "" {
		return "host"
	}
	return f.Subject
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// joined joins words as a sentence does: a, b and c. Of long lists the end is left out.
func joined(words []string) string {
	const most = 8 // more of them fit no line
	if n := len(words); n > most {
		words = append(append([]string{}, words[:most]...), fmt.Sprintf("%d more", n-most))
	}
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}

// texts are the words of things that have some.
func texts[T fmt.Stringer](things []T) []string {
	words := make([]string, 0, len(things))
	for _, t := range things {
		words = append(words, t.String())
	}
	return words
}
