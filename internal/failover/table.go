package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// String is one line of the progress.
func (r result) String() string {
	s := fmt.Sprintf("%s, %d of %d failed, lost %s, %s", r.outageCell(), r.failed, r.requests, r.lost, r.holderCell())
	if r.err != "" {
		s += " (" + r.err + ")"
	}
	return s
}

func (t tally) String() string {
	if t == (tally{}) {
		return "0"
	}
	return fmt.Sprintf("%d %d %d %d", t.slow, t.idle, t.downloads, t.uploads)
}

// worst joins two results of the same phase.
func worst(a, b result) result {
	w := a
	if a.settled && !b.settled || a.settled == b.settled && b.outage > a.outage {
		w = b
	}
	w.outage, w.failed, w.sole = max(a.outage, b.outage), max(a.failed, b.failed), max(a.sole, b.sole)
	w.lost = most(a.lost, b.lost)
	if len(b.holders) != 1 {
		w.holders = b.holders
	}
	return w
}

func (r result) outageCell() string {
	switch {
	case r.failed == 0:
		return "0"
	case !r.settled:
		return "over " + millis(r.outage)
	}
	return millis(r.outage)
}

func (r result) holderCell() string {
	where := strings.Join(r.holders, " and ")
	switch {
	case where == "":
		return "nobody"
	case r.sole > 0 && len(r.holders) == 1:
		return where + " after " + millis(r.sole)
	}
	return where
}

func millis(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// What one run may differ by from the next: a system is worse than another beyond that.
const (
	noise       = 50 * time.Millisecond
	noiseFailed = 10 // requests in that time; and a tenth, as a client on a busy machine asks less often than it would
	noiseLost   = 2  // of the 50 that are held
	tooMany     = 22 // of the 30 requests that are held, where each is lost with one chance in two: one run in 400 has more
)

// verdict says what is wrong with Tandem's result; "ok" when nothing is.
func (w row) verdict(v setting) string {
	t, ok := w.cost["tandem"]
	if !ok {
		return ""
	}
	var wrong []string
	note := func(bad bool, what string) {
		if bad {
			wrong = append(wrong, what)
		}
	}
	sole := slices.Equal(t.holders, []string{w.phase.holder})
	note(!t.settled, "not over")
	note(w.phase.bound != nil && t.outage > w.phase.boundOf(v), "above the bound")
	note(w.phase.none && t.failed > 0, "requests failed")
	note(w.phase.keep && t.lost != tally{}, "lost")
	note(w.phase.chance && t.lost.sum() > tooMany, "lost")
	note(!sole && !w.phase.shared, "holders")
	note(w.worse(), "worse")
	switch {
	case len(wrong) == 0:
		return "ok"
	case v.told:
		return "told: " + strings.Join(wrong, ", ")
	}
	return strings.ToUpper(strings.Join(wrong, ", "))
}

// worse says whether Tandem cost more than the other system did. One that did not come to an end, with two holders or
// without service, has no figure that could be compared.
func (w row) worse() bool {
	t := w.cost["tandem"]
	k, ok := w.cost["keepalived"]
	if !ok || t.settled && !k.settled {
		return false
	}
	return t.outage > k.outage+noise || t.failed > k.failed+k.failed/10+noiseFailed || !w.phase.chance && t.lost.sum() > k.lost.sum()+noiseLost
}

func (t tally) sum() int { return t.slow + t.idle + t.downloads + t.uploads }

func (p phase) boundOf(v setting) time.Duration {
	if p.bound == nil {
		return 0
	}
	return p.bound(v)
}

func (p phase) boundCell(v setting) string {
	text := p.why
	if p.bound != nil {
		text = millis(p.bound(v)) + ": " + text
	}
	if p.later != "" {
		text += "; later " + p.later
	}
	return text
}

// print writes the table of a setting in which so many systems were to be measured; it returns whether every verdict was
// good.
func print(w io.Writer, v setting, systems int, rows []row) bool {
	good := true
	fmt.Fprintf(w, "\n### %s\n\n", v.title)
	fmt.Fprint(w, "| Fault | Tandem: outage | failed | lost | holder | Keepalived + HAProxy: outage | failed | lost | holder | Bound | Verdict |\n")
	fmt.Fprint(w, "|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s |", r.phase.row)
		for _, kind := range []string{"tandem", "keepalived"} {
			c, ok := r.cost[kind]
			if !ok {
				fmt.Fprint(w, " | | | |")
				continue
			}
			fmt.Fprintf(w, " %s | %d | %s | %s |", c.outageCell(), c.failed, c.lost, c.holderCell())
		}
		verdict := r.verdict(v)
		if len(r.cost) < systems {
			verdict = "NOT MEASURED"
		}
		good = good && (verdict == "ok" || verdict == "" || v.told && verdict != "NOT MEASURED")
		fmt.Fprintf(w, " %s | %s |\n", r.phase.boundCell(v), verdict)
	}
	return good
}
