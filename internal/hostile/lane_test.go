package hostile

import (
	"net"
	"runtime"
	"sync"
	"testing"
	"time"
)

// lane is one way through a proxy to an origin of its own, so that what arrives belongs to the case that was sent.
type lane struct {
	origin *origin
	dial   func() (net.Conn, error) // HTTP/1
	dialH2 func() (net.Conn, error) // HTTP/2, by prior knowledge or ALPN; nil: it is not spoken
	limit  time.Duration            // for an answer; what takes longer hangs
}

// subject is a proxy to be judged.
type subject struct {
	name   string
	lanes  []*lane
	strict bool // held to Tandem's rules beyond the RFC's, and to the statuses
}

// laneCount makes waiting cheap: most time goes by in timeouts.
func laneCount() int { return 16 * runtime.GOMAXPROCS(0) }

// newLanes makes origins; dial is to be filled in.
func newLanes(t *testing.T) []*lane {
	t.Helper()
	lanes := make([]*lane, laneCount())
	for i := range lanes {
		lanes[i] = &lane{origin: newOrigin(t), limit: patience}
	}
	return lanes
}

// tries are how often Tandem may be late in a case: a busy machine is not its fault, and being late always is.
const tries = 3

// late reports whether all that is wrong may come from a machine that was busy for seconds.
func late(f finding) bool {
	v := f.faults.verdict()
	return v == Hanging || v == Refused || v == Impolite
}

// runCases runs each case on a lane of the subject.
func runCases[C any](s subject, cases []C, one func(s subject, l *lane, c C) finding) tally {
	work, results := make(chan C), make(chan finding) // work: closed below; results: one a case
	var workers sync.WaitGroup
	for _, l := range s.lanes {
		workers.Go(func() {
			for c := range work {
				f := one(s, l, c)
				for again := 1; s.strict && again < tries && late(f); again++ {
					f = one(s, l, c)
				}
				results <- f
			}
		})
	}
	go func() {
		for _, c := range cases {
			work <- c
		}
		close(work)
		workers.Wait()
		close(results)
	}()
	var all []finding
	for f := range results {
		all = append(all, f)
	}
	return tallyOf(all)
}

// tcp dials an address.
func tcp(address string) func() (net.Conn, error) {
	return func() (net.Conn, error) { return net.Dial("tcp4", address) }
}

// unixSocket dials a path.
func unixSocket(path string) func() (net.Conn, error) {
	return func() (net.Conn, error) { return net.Dial("unix", path) }
}
