package tracker

import (
	"fmt"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

// maxText bounds State.Text, in bytes: a status line, not a log.
const maxText = 512

// String returns the ID as logs and status show it: "script check_app", "backend web (min_up 2)".
func (id ID) String() string {
	if id.MinUp > 1 {
		return fmt.Sprintf("%s %s (min_up %d)", id.Kind, id.Name, id.MinUp)
	}
	return string(id.Kind) + " " + id.Name
}

// State is what one tracker has concluded, and from what.
type State struct {
	ID        ID
	Status    hysteresis.Status
	Text      string        // why: the last output or reason, one printable line of at most 512 bytes
	Since     time.Time     // when Status last changed; zero while Unknown
	LastCheck time.Time     // when the last result came; zero before the first one
	Duration  time.Duration // how long the last check took; 0 for kinds that wait for events

	Run, Limit int    // results in a row against Status, of the number that would change it
	Runs       uint64 // results so far
	Failures   uint64 // of those, how many were failures
	Skipped    uint64 // scripts only: starts left out because an earlier run was still going
}

// observation is one result of a tracker.
type observation struct {
	ok   bool
	text string
	took time.Duration
}

// track turns the observations of one tracker into States. It is owned by the goroutine that watches, except that
// callbacks of a source may use it while the source serialises them.
type track struct {
	state   State
	counter hysteresis.Counter
	report  func(State) // gets every new State, also those in which only the text or a count differs
}

// newTrack goes on from last, the state of an earlier watcher with the same ID. Unknown, the first observation
// decides. A known status holds until the first contrary observation: so a reload that changes a script's command
// neither makes its instances wait nor keeps an outdated verdict for longer than one run.
func newTrack(rise, fall int, last State, report func(State)) *track {
	t := &track{state: last, counter: hysteresis.Start(rise, fall, last.Status, 1), report: report}
	t.state.Run, t.state.Limit = t.counter.Progress()
	return t
}

// observe counts one result.
func (t *track) observe(now time.Time, o observation) {
	if t.counter.Observe(o.ok) {
		t.state.Since = now
	}
	t.state.Status = t.counter.Status()
	t.state.Run, t.state.Limit = t.counter.Progress()
	t.state.Text = printable(o.text)
	t.state.LastCheck, t.state.Duration = now, o.took
	t.state.Runs++
	if !o.ok {
		t.state.Failures++
	}
	t.report(t.state)
}

// skip counts a start that was left out.
func (t *track) skip() {
	t.state.Skipped++
	t.report(t.state)
}

// printable makes one bounded line of s. Output of scripts goes to terminals and pages, so control characters do not.
func printable(s string) string {
	s = s[:min(len(s), maxText)]
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}
