package hostile

import (
	"fmt"
	"slices"
	"strings"
)

// Verdict is what a case shows of a proxy, from harmless to worst.
type Verdict int

const (
	Fine      Verdict = iota
	Impolite          // refused, but without a status that says so, or the connection went on
	Altered           // a good message arrived changed
	Refused           // a good message was refused
	Lenient           // accepted where the RFC says MUST or SHOULD refuse, or where Tandem promises to
	Hanging           // no answer within the deadline
	Unclean           // octets that the RFC forbids were passed on
	Dangerous         // framing that readers may disagree on was passed on, a hidden message, or an answer to another request
	numVerdicts
)

func (v Verdict) String() string {
	return [numVerdicts]string{"fine", "impolite", "altered", "refused", "lenient", "hanging", "unclean", "dangerous"}[v]
}

// fault is one thing that is wrong with a message.
type fault struct {
	verdict Verdict
	what    string
}

func (f fault) String() string { return f.verdict.String() + ": " + f.what }

// faults are all that is wrong in one case.
type faults []fault

func (fs *faults) add(v Verdict, format string, args ...any) {
	*fs = append(*fs, fault{v, fmt.Sprintf(format, args...)})
}

// verdict is the worst.
func (fs faults) verdict() Verdict {
	worst := Fine
	for _, f := range fs {
		worst = max(worst, f.verdict)
	}
	return worst
}

func (fs faults) String() string {
	words := make([]string, len(fs))
	for i, f := range fs {
		words[i] = f.String()
	}
	return strings.Join(words, "; ")
}

// finding is the judgement of one case.
type finding struct {
	name   string // of the case
	faults faults
	story  string // what was sent and what arrived where
}

// tally counts the verdicts of a corpus.
type tally struct {
	cases int
	of    [numVerdicts]int
	worse []finding // that are not fine, in the order of their names
}

func tallyOf(all []finding) tally {
	t := tally{cases: len(all)}
	for _, f := range all {
		v := f.faults.verdict()
		t.of[v]++
		if v != Fine {
			t.worse = append(t.worse, f)
		}
	}
	slices.SortFunc(t.worse, func(a, b finding) int { return strings.Compare(a.name, b.name) })
	return t
}

func (t tally) String() string {
	words := []string{fmt.Sprintf("%d cases", t.cases)}
	for v := Dangerous; v > Fine; v-- {
		words = append(words, fmt.Sprintf("%d %s", t.of[v], v))
	}
	return strings.Join(words, ", ")
}
