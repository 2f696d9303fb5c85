package tracker

import (
	"fmt"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

// maxText bounds State.Text, in bytes: a status line, not a log.
const maxText = 512

// String returns the ID as logs and status show it: "script check_app", "backend web (min_up 2)", "gateway 10.0.0.1 on
// eth0".
func (id ID) String() string {
	switch {
	case id.MinUp > 1:
		return fmt.Sprintf("%s %s (min_up %d)", id.Kind, id.Name, id.MinUp)
	case id.Interface != "":
		return fmt.Sprintf("%s %s on %s", id.Kind, id.Name, id.Interface)
	default:
		return string(id.Kind) + " " + id.Name
	}
}

// State is what one tracker has concluded, and from what.
type State struct {
	ID        ID
	Status    hysteresis.Status
	Text      string        // why: the last output or reason, one printable line of at most 512 bytes
	Value     int           // files only: the number that counts
	Since     time.Time     // when Status last changed; zero before that
	LastCheck time.Time     // when the last result came; zero before the first one
	Duration  time.Duration // how long the last check took; 0 for kinds that wait for events

	Run, Limit int    // results in a row against Status, of the number that would change it
	Runs       uint64 // results so far
	Failures   uint64 // of those, how many were failures
	Skipped    uint64 // scripts only: starts left out because an earlier run was still going
}

// verdict words what a tracker has concluded, for the log: "up", or a file's number as "up, 50".
func (s State) verdict() string {
	if s.ID.Kind == KindFile {
		return fmt.Sprintf("%s, %d", s.Status, s.Value)
	}
	return s.Status.String()
}

// observation is one result of a tracker.
type observation struct {
	ok    bool
	text  string
	took  time.Duration
	value int // files only; counts if ok
}

// track turns the observations of one tracker into States. It is owned by the goroutine that watches, except that
// callbacks of a source may use it while the source serialises them.
type track struct {
	state   State
	counter hysteresis.Counter
	report  func(State) // gets every new State, also those in which only the text or a count differs
}

// thresholds say how observations become a status.
type thresholds struct {
	rise, fall int               // observations in a row that make it up, or down; at least 1
	init       hysteresis.Status // what holds before the first one
}

// atOnce takes every observation at its word.
func atOnce() thresholds { return thresholds{rise: 1, fall: 1} }

// newTrack goes on from last, the state of an earlier watcher with the same ID. Without any observation so far, what is
// assumed holds for as many of them as if it had been observed; Unknown, the first one decides. An observed status holds
// until the first contrary observation: so a reload that changes a script's command neither makes its instances wait nor
// keeps an outdated verdict for longer than one run.
func newTrack(limit thresholds, last State, report func(State)) *track {
	t := &track{state: last, report: report}
	left := 1
	if last.Runs == 0 {
		t.state.Status, t.state.Text, left = limit.init, "", max(limit.rise, limit.fall)
		if limit.init != hysteresis.Unknown {
			t.state.Text = "assumed before the first result"
		}
	}
	t.counter = hysteresis.Start(limit.rise, limit.fall, t.state.Status, left)
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
	if o.ok {
		t.state.Value = o.value
	} else {
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
