package config

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Problem is one thing wrong with a file, or doubtful in it.
type Problem struct {
	File    string
	Line    int    // from 1; 0: the file as a whole
	Column  int    // in characters, from 1
	Path    string // of the value, "vrrp.instances[0].priority"; empty: the text as a whole
	What    string // "300 is out of range"
	Want    string // "a whole number from 1 to 255"; empty: What says it all
	Warning bool   // the file is usable, but is it meant?
	Source  string // the line of the text, secrets hidden
}

// String is the short form, one line: file:line:col: path: what, want what.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.What)
	if p.Want != "" {
		b.WriteString(", want " + p.Want)
	}
	return b.String()
}

// Problems are what is wrong with a file, in the order of the text.
type Problems []Problem

// Errors returns those that make the file unusable.
func (ps Problems) Errors() Problems { return ps.filter(false) }

// Warnings returns those that do not.
func (ps Problems) Warnings() Problems { return ps.filter(true) }

func (ps Problems) filter(warning bool) Problems {
	var kept Problems
	for _, p := range ps {
		if p.Warning == warning {
			kept = append(kept, p)
		}
	}
	return kept
}

// Err returns the errors as one error, a line each, or nil where there are only warnings.
func (ps Problems) Err() error {
	errs := ps.Errors()
	if len(errs) == 0 {
		return nil
	}
	lines := make([]string, len(errs))
	for i, p := range errs {
		lines[i] = p.String()
	}
	return errors.New(strings.Join(lines, "\n"))
}

// WriteTo writes the long form: each problem, then its source line and a caret below the place.
func (ps Problems) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.String() + "\n")
		if p.Line > 0 {
			source, caret := excerpt(p.Source, p.Column)
			fmt.Fprintf(&b, "%5d | %s\n      | %s\n", p.Line, source, caret)
		}
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// excerptWidth is how much of a source line is shown: it fits a terminal beside the line number.
const excerptWidth = 110

// excerpt returns what is shown of a source line, and the line below it with a caret under column.
func excerpt(source string, column int) (line, caret string) {
	runes := []rune(source)
	at := min(max(column-1, 0), len(runes))
	start := 0
	if at > excerptWidth*3/4 {
		start = at - excerptWidth/2
	}
	shown := runes[start:min(start+excerptWidth, len(runes))]
	blank := slices.Clone(shown[:at-start])
	for i, r := range blank {
		if r != '\t' { // a tab stays one, so that the caret stands where the terminal puts the text
			blank[i] = ' '
		}
	}
	return string(shown), string(blank) + "^"
}

// sorted returns ps in the order of the text, each problem once.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	var once Problems
	seen := map[Problem]bool{}
	for _, p := range ps {
		if !seen[p] {
			once = append(once, p)
		}
		seen[p] = true
	}
	return once
}
