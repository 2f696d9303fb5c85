package hysteresis

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// trace feeds results ("+" success, "-" failure) to a counter and returns its status after each: u, d or ? for Unknown.
func trace(c Counter, results string) string {
	var b strings.Builder
	for _, r := range results {
		c.Observe(r == '+')
		b.WriteByte("?ud"[c.Status()])
	}
	return b.String()
}

func TestObserve(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		counter Counter
		results string
		want    string
	}{
		{"zero value flips at once", Counter{}, "+-+", "udu"},
		{"first success is enough at start", New(3, 2), "+", "u"},
		{"first failure is enough at start", New(3, 2), "-", "d"},
		{"fall failures in a row", New(3, 2), "+--", "uud"},
		{"rise successes in a row", New(3, 2), "-+++", "dddu"},
		{"a success between failures starts the count again", New(1, 3), "+--+---", "uuuuuud"},
		{"a failure between successes starts the count again", New(3, 1), "-++-+++", "ddddddu"},
		{"up, one failure from down", Start(2, 3, Up, 1), "-", "d"},
		{"up, one failure from down, a success restores fall", Start(2, 3, Up, 1), "+---", "uuud"},
		{"up with two left of three", Start(2, 3, Up, 2), "--", "ud"},
		{"down, one success from up", Start(4, 1, Down, 1), "+", "u"},
		{"left above the limit is the limit", Start(2, 2, Up, 9), "--", "ud"},
		{"left below one is one", Start(2, 2, Down, 0), "+", "u"},
		{"unknown ignores left", Start(2, 2, Unknown, 9), "-", "d"},
		{"rise and fall below one count as one", New(0, -1), "+-+", "udu"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := trace(tt.counter, tt.results); got != tt.want {
				t.Errorf("after %q: got %q, want %q", tt.results, got, tt.want)
			}
		})
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	c := New(2, 3)
	c.Observe(true)
	c.Observe(false)
	c.Observe(false)
	if run, limit := c.Progress(); run != 2 || limit != 3 {
		t.Errorf("after two failures: got %d of %d, want 2 of 3", run, limit)
	}
	c.Observe(true)
	if run, _ := c.Progress(); run != 0 {
		t.Errorf("after a success: got run %d, want 0", run)
	}
}

func TestStatusString(t *testing.T) {
	t.Parallel()
	for status, want := range map[Status]string{Unknown: "unknown", Up: "up", Down: "down"} {
		text, err := status.MarshalText()
		if err != nil || string(text) != want || status.String() != want {
			t.Errorf("status %d: got %q and %q, %v; want %q", status, status, text, err, want)
		}
	}
}

// The status after any results is what a look back over them says: it changes exactly when the last `limit` results
// all contradict it.
func TestObserveMatchesHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rise, fall := rapid.IntRange(1, 5).Draw(t, "rise"), rapid.IntRange(1, 5).Draw(t, "fall")
		results := rapid.SliceOfN(rapid.Bool(), 1, 60).Draw(t, "results")
		c := New(rise, fall)
		want, since := Unknown, 0 // since: first result that counts against want
		for i, ok := range results {
			seen, limit := Down, fall
			if ok {
				seen, limit = Up, rise
			}
			if want == Unknown {
				limit = 1
			}
			if seen == want {
				since = i + 1
			}
			flips := seen != want && i+1-since >= limit
			if flips {
				want, since = seen, i+1
			}
			if changed := c.Observe(ok); changed != flips || c.Status() != want {
				t.Fatalf("result %d: got changed %v, %v; want %v, %v", i, changed, c.Status(), flips, want)
			}
		}
	})
}
