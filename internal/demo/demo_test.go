package demo

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tandem-lb/tandem/internal/drill"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func rows() []row {
	return []row{
		{"cable pulled (carrier lost) on lb1", drill.Summary{Requests: 942, Failed: 703, Outage: 3520 * time.Millisecond}, 3659 * time.Millisecond, "3 x interval + skew + 50 ms"},
		{"  and back to lb1", drill.Summary{Requests: 957}, contest, "a contest's 200 ms"},
		{"daemon killed (kill -9) on lb1", drill.Summary{Requests: 366, Failed: 160, Outage: 801 * time.Millisecond}, 750 * time.Millisecond, "the keeper's last will"},
		{"nobody asked", drill.Summary{}, time.Second, "never"},
	}
}

func TestTable(t *testing.T) {
	var got strings.Builder
	printTable(&got, rows())
	want := `
FAULT                               OUTAGE   FAILED  REQUESTS  BOUND                                  VERDICT
cable pulled (carrier lost) on lb1  3520 ms  703     942       3659 ms (3 x interval + skew + 50 ms)  ok
  and back to lb1                   0 ms     0       957       200 ms (a contest's 200 ms)            ok
daemon killed (kill -9) on lb1      801 ms   160     366       750 ms (the keeper's last will)        TOO LONG
nobody asked                        0 ms     0       0         1000 ms (never)                        TOO LONG
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

// The bounds that the demo promises, of VRRP version 2 with 1 s and priorities 101 and 100.
func TestBounds(t *testing.T) {
	want := map[string]time.Duration{
		"cable pulled (carrier lost)": 3659375 * time.Microsecond,
		"cable dead (carrier stays)":  3659375 * time.Microsecond,
		"clean stop (SIGTERM)":        759375 * time.Microsecond,
		"daemon killed (kill -9)":     750 * time.Millisecond,
		"daemon frozen (SIGSTOP)":     2759375 * time.Microsecond,
	}
	for _, f := range faults() {
		if f.bound != want[f.name] {
			t.Errorf("%s: bound %v, want %v", f.name, f.bound, want[f.name])
		}
		delete(want, f.name)
		if f.strike == nil || f.mend == nil || f.why == "" {
			t.Errorf("%s is not told whole", f.name)
		}
	}
	if len(want) > 0 {
		t.Errorf("no fault for %v", want)
	}
}

// screen is a writer that several goroutines may use.
type screen struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// showing is a live line whose holders and record are the test's.
func showing(rewrite bool, holders func() ([]string, error), record *drill.Record) (*live, *screen) {
	s := &screen{}
	return &live{out: s, rewrite: rewrite, holders: holders, record: record, done: make(chan struct{}), happened: "all is well"}, s
}

func TestLiveLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		holders, failure := []string{"lb1"}, error(nil) // guarded by mu
		record := &drill.Record{}
		l, out := showing(false, func() ([]string, error) {
			mu.Lock()
			defer mu.Unlock()
			return holders, failure
		}, record)
		l.wg.Go(l.run)
		ask := func(err error) { record.Add(drill.Outcome{Start: time.Now(), End: time.Now(), Err: err}) }
		time.Sleep(linePeriod / 2)
		ask(nil)
		ask(nil)
		next := func(change func()) {
			time.Sleep(linePeriod)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			change()
		}
		next(func() {
			holders = nil
			l.say("%s on %s", "cable pulled", "lb1")
			ask(errors.New("no route"))
		})
		next(func() { holders = []string{"lb1", "lb2"} })
		next(func() { failure = errors.New("no namespace") })
		time.Sleep(linePeriod)
		l.stop()
		want := `   1.0s  10.77.0.100 on lb1          last second:   2 requests,   0 failed  | all is well
   2.0s  10.77.0.100 on nobody       last second:   1 requests,   1 failed  | cable pulled on lb1
   3.0s  10.77.0.100 on lb1 and lb2  last second:   0 requests,   0 failed  | cable pulled on lb1
   4.0s  10.77.0.100 on ?            last second:   0 requests,   0 failed  | cable pulled on lb1
`
		if got := out.String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestLiveLineOfATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, out := showing(true, func() ([]string, error) { return []string{"lb1"}, nil }, &drill.Record{})
		l.wg.Go(l.run)
		time.Sleep(2*livePeriod + livePeriod/2)
		l.stop()
		line := func(seconds string) string {
			return "\r\033[K\033[?7l   " + seconds + "s  10.77.0.100 on lb1          last second:   0 requests,   0 failed  | all is well\033[?7h"
		}
		if got, want := out.String(), line("0.1")+line("0.2")+"\n"; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}
