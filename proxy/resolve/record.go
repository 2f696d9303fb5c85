package resolve

import (
	"errors"
	"slices"
	"time"
)

// What DNS says of names that stand for nothing.
var (
	errNoName   = errors.New("no such name (NXDOMAIN)")
	errNoRecord = errors.New("there is the name, but no such record")
	errNoHost   = errors.New("none of its hosts has an address")
)

// isAbsent reports whether an error is an answer: that there is nothing.
func isAbsent(err error) bool {
	return errors.Is(err, errNoName) || errors.Is(err, errNoRecord) || errors.Is(err, errNoHost)
}

// A failure is followed by another try after firstRetry, then after twice as long each time up to lastRetry: soon enough for who waits for
// a name to come back, seldom enough for a nameserver that a thousand names wait for.
const (
	firstRetry = time.Second
	lastRetry  = 10 * time.Second
)

// answer is what a lookup has found.
type answer struct {
	endpoints []Endpoint // tidy
	failed    []string   // hosts of a service that nobody told the addresses of: they keep those that they had
	fault     error      // why; nil: there are none
	ttl       time.Duration
}

// record is what is known of a query. It is pure: what is asked, and when, is told to it.
type record struct {
	kept   []held
	asking bool
	next   time.Time // when it is asked for
	began  time.Time // the last lookup
	asked  time.Time // when that had ended; zero: none has
	good   time.Time // when one last ended with an answer

	err      error // of the last lookup; nil: it had none
	failures int   // in a row
	failing  time.Time
	absent   time.Time // since when all answers are that there is nothing
}

// held is an endpoint that is kept.
type held struct {
	Endpoint
	seen time.Time // in an answer
}

// begin notes that it is being asked for.
func (r *record) begin(now time.Time) { r.asking, r.began = true, now }

// end takes in what came of that, and reports whether the endpoints are others than before.
func (r *record) end(now time.Time, c *Config, a answer, err error) (changed bool) {
	before := r.endpoints()
	r.asking, r.asked, r.err = false, now, err
	if err == nil {
		r.err = a.fault
		r.succeed(now, c, a)
	} else {
		r.fail(now, c, err)
	}
	return !slices.Equal(before, r.endpoints())
}

func (r *record) succeed(now time.Time, c *Config, a answer) {
	r.good, r.failures, r.failing, r.absent = now, 0, time.Time{}, time.Time{}
	r.next = now.Add(min(max(a.ttl, c.MinTTL), c.MaxTTL))
	old := r.kept
	r.kept = nil
	for _, e := range a.endpoints {
		r.kept = append(r.kept, held{e, now})
	}
	for _, h := range old {
		switch {
		case slices.ContainsFunc(a.endpoints, func(e Endpoint) bool { return e.Address == h.Address }):
		case slices.Contains(a.failed, h.Target):
			r.kept = append(r.kept, held{h.Endpoint, now})
		case now.Sub(h.seen) < c.HoldGone:
			r.kept = append(r.kept, h)
			r.askBy(h.seen.Add(c.HoldGone), now)
		}
	}
	slices.SortFunc(r.kept, func(a, b held) int { return order(a.Endpoint, b.Endpoint) })
	r.kept = r.kept[:min(len(r.kept), maxEndpoints)]
}

func (r *record) fail(now time.Time, c *Config, err error) {
	r.failures++
	if r.failing.IsZero() {
		r.failing = now
	}
	r.next = now.Add(max(min(firstRetry<<min(r.failures-1, 10), lastRetry), c.MinTTL))
	since, hold := r.failing, c.HoldFailed
	if isAbsent(err) {
		if r.absent.IsZero() {
			r.absent = now
		}
		since, hold = r.absent, c.HoldAbsent
	} else if hold == 0 {
		return // as long as it takes
	}
	if now.Sub(since) >= hold {
		r.kept = nil
	} else if len(r.kept) > 0 {
		r.askBy(since.Add(hold), now)
	}
}

// askBy has it asked for no later than at a time, but not at once again.
func (r *record) askBy(at, now time.Time) {
	at = latest(at, now.Add(firstRetry))
	if at.Before(r.next) {
		r.next = at
	}
}

// hurry has it asked for as soon as it may be: the addresses that are known are of no use.
func (r *record) hurry(now time.Time, c *Config) (sooner bool) {
	soon := latest(now, r.began.Add(c.MinTTL))
	if r.asking || !soon.Before(r.next) {
		return false
	}
	r.next = soon
	return true
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// endpoints returns what is known.
func (r *record) endpoints() []Endpoint {
	var all []Endpoint
	for _, h := range r.kept {
		all = append(all, h.Endpoint)
	}
	return all
}

// State is what is known of a query at one moment.
type State struct {
	Endpoints []Endpoint // in order
	Asked     time.Time  // when a lookup last ended; zero: none has
	Good      time.Time  // when one last ended with an answer; zero: none has
	Next      time.Time  // when it is asked for again; zero: it is being asked for
	Failures  int        // lookups in a row without an answer
	Err       error      // what went wrong with the last one; nil: nothing
}

func (r *record) state() State {
	s := State{Endpoints: r.endpoints(), Asked: r.asked, Good: r.good, Next: r.next, Failures: r.failures, Err: r.err}
	if r.asking {
		s.Next = time.Time{}
	}
	return s
}
