package drill

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Outcome is what became of one request.
type Outcome struct {
	Start, End time.Time
	Server     string // who answered, as the answer says it; empty when nobody did
	Err        error  // nil: answered with status 200
}

// Record collects outcomes. Safe for concurrent use.
type Record struct {
	mu       sync.Mutex
	outcomes []Outcome // guarded by mu; in order of End
}

// Add notes an outcome.
func (r *Record) Add(o Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes = append(r.outcomes, o)
}

// Last is the newest outcome; ok is false while there is none.
func (r *Record) Last() (o Outcome, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.outcomes) == 0 {
		return Outcome{}, false
	}
	return r.outcomes[len(r.outcomes)-1], true
}

// Since sums up the requests that started at or after t.
func (r *Record) Since(t time.Time) Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	return summarize(r.outcomes, t)
}

// Summary is what a client saw in a span of time.
type Summary struct {
	Requests, Failed int
	// Outage is the longest time between the ends of two successes with a failed request that started between theirs;
	// while the last request of the span failed it reaches to the end of the failed ones. 0: nothing failed.
	Outage time.Duration
	// Trouble is the time from the start of the first request that failed to the end of the last one. 0: nothing failed.
	Trouble  time.Duration
	LastGood time.Time // when the newest success ended; zero: none
	FirstErr error     // the first failure, for a message
}

// String is one line for people.
func (s Summary) String() string {
	if s.Failed == 0 {
		return fmt.Sprintf("%d requests, none failed", s.Requests)
	}
	return fmt.Sprintf("%d requests, %d failed (first: %v), outage %s", s.Requests, s.Failed, s.FirstErr, s.Outage.Round(time.Millisecond))
}

func summarize(outcomes []Outcome, since time.Time) Summary {
	outcomes = startedSince(outcomes, since)
	s := Summary{Requests: len(outcomes)}
	good := since           // the success before the span is not known: the span's start stands for it
	var first, last Outcome // the first request that failed, and the failed one that ended last
	failing := false
	for _, o := range outcomes {
		if o.Err == nil {
			if failing {
				s.Outage = max(s.Outage, o.End.Sub(good))
			}
			failing = false
			if good.Before(o.End) {
				good, s.LastGood = o.End, o.End
			}
			continue
		}
		if s.Failed == 0 {
			first, s.FirstErr = o, o.Err
		}
		s.Failed++
		failing = true
		if last.End.Before(o.End) {
			last = o
		}
	}
	if failing {
		s.Outage = max(s.Outage, last.End.Sub(good))
	}
	s.Trouble = last.End.Sub(first.Start)
	return s
}

// startedSince returns the outcomes of requests that started at or after t, in the order in which they started: one that
// failed when its time was up ends after others that began later and were served, and must still count before them.
func startedSince(outcomes []Outcome, t time.Time) []Outcome {
	var since []Outcome
	for _, o := range outcomes {
		if !o.Start.Before(t) {
			since = append(since, o)
		}
	}
	slices.SortStableFunc(since, func(a, b Outcome) int { return a.Start.Compare(b.Start) })
	return since
}

// goodRun is how many of the newest requests succeeded in a row, of those that started at or after t.
func (r *Record) goodRun(t time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for i := len(r.outcomes) - 1; i >= 0; i-- {
		if o := r.outcomes[i]; o.Err != nil || o.Start.Before(t) {
			break
		}
		n++
	}
	return n
}
