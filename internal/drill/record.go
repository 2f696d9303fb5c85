package drill

import (
	"fmt"
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
	// Outage is the longest time between two successes with a failed request between them; while the last request of
	// the span failed it reaches to that request's end. 0: nothing failed.
	Outage   time.Duration
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
	var s Summary
	good := since // the success before the span is not known: the span's start stands for it
	failing := false
	for _, o := range outcomes {
		if o.Start.Before(since) {
			continue
		}
		s.Requests++
		if o.Err != nil {
			s.Failed++
			if s.FirstErr == nil {
				s.FirstErr = o.Err
			}
			failing = true
			continue
		}
		if failing {
			s.Outage = max(s.Outage, o.End.Sub(good))
		}
		failing = false
		good, s.LastGood = o.End, o.End
	}
	if failing {
		s.Outage = max(s.Outage, outcomes[len(outcomes)-1].End.Sub(good))
	}
	return s
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
