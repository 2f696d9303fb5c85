package loadtest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

// maxFailures is how many unexplained errors are kept with their requests; all are counted.
const maxFailures = 20

// Failure is an error that nothing explains.
type Failure struct {
	Scenario string
	ID       uint64    // of the request: parameter "id" of its target, in every log
	Target   string    // which is all of its script
	Local    string    // the client's address and port
	Began    time.Time // the request
	Took     time.Duration
	Err      error
}

func (f Failure) String() string {
	return fmt.Sprintf("%s: %v (%s, from %s, at %s, after %v)", f.Scenario, f.Err, f.Target, f.Local, f.Began.Format("15:04:05.000"), f.Took.Round(time.Millisecond))
}

// Report counts what came of all requests. It is made by new and may be used by many goroutines.
type Report struct {
	mu       sync.Mutex
	good     map[string]int            // guarded by mu: by scenario
	expected map[string]map[string]int // guarded by mu: by scenario and kind
	notes    map[string]int            // guarded by mu: what happened beside, such as resumed handshakes
	octets   int64                     // guarded by mu: of bodies, verified
	failed   int                       // guarded by mu
	failures []Failure                 // guarded by mu: the first maxFailures
}

// NewReport returns an empty one.
func NewReport() *Report {
	return &Report{good: map[string]int{}, expected: map[string]map[string]int{}, notes: map[string]int{}}
}

func (r *Report) succeed(scenario string, octets int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.good[scenario]++
	r.octets += octets
}

func (r *Report) expect(scenario, kind string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.expected[scenario] == nil {
		r.expected[scenario] = map[string]int{}
	}
	r.expected[scenario][kind]++
}

func (r *Report) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes[what]++
}

func (r *Report) fail(f Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed++
	if len(r.failures) < maxFailures {
		r.failures = append(r.failures, f)
	}
}

// Failures returns the first unexplained errors, and how many there were.
func (r *Report) Failures() (first []Failure, all int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.failures), r.failed
}

// Good returns how many requests of a scenario went well.
func (r *Report) Good(scenario string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.good[scenario]
}

// Expected returns how many requests of a scenario ended as it meant them to; of "" those of all.
func (r *Report) Expected(scenario string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, kinds := range r.expected {
		for _, count := range kinds {
			if scenario == "" || name == scenario {
				n += count
			}
		}
	}
	return n
}

// Noted returns how often something beside the requests happened.
func (r *Report) Noted(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.notes[what]
}

// WriteText writes the counts as a table. The error is that of w.
func (r *Report) WriteText(w io.Writer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	all := 0
	for _, name := range slices.Sorted(maps.Keys(r.good)) {
		fmt.Fprintf(tab, "%s\t%d good\n", name, r.good[name])
		all += r.good[name]
	}
	for _, name := range slices.Sorted(maps.Keys(r.expected)) {
		for _, kind := range slices.Sorted(maps.Keys(r.expected[name])) {
			fmt.Fprintf(tab, "%s\t%d: %s\n", name, r.expected[name][kind], kind)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(r.notes)) {
		fmt.Fprintf(tab, "%s\t%d\n", what, r.notes[what])
	}
	fmt.Fprintf(tab, "in all\t%d good, %d MiB of bodies verified, %d unexplained\n", all, r.octets>>20, r.failed)
	return tab.Flush()
}
