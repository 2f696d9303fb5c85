package drill

import (
	"errors"
	"testing"
	"time"
)

func TestSummary(t *testing.T) {
	base := time.Unix(1000, 0)
	at := func(ms int) time.Time { return base.Add(time.Duration(ms) * time.Millisecond) }
	bad := errors.New("no route")
	ok := func(start, end int) Outcome { return Outcome{Start: at(start), End: at(end)} }
	fail := func(start, end int) Outcome { return Outcome{Start: at(start), End: at(end), Err: bad} }
	tests := []struct {
		name     string
		outcomes []Outcome
		since    int
		want     Summary
	}{
		{"nothing", nil, 0, Summary{}},
		{"all good: a long pause without a failure is no outage", []Outcome{ok(0, 1), ok(500, 501)}, 0,
			Summary{Requests: 2, LastGood: at(501)}},
		{"one failure between two successes", []Outcome{ok(0, 1), fail(5, 105), ok(110, 111)}, 0,
			Summary{Requests: 3, Failed: 1, Outage: 110 * time.Millisecond, Trouble: 100 * time.Millisecond, LastGood: at(111), FirstErr: bad}},
		{"the longest of two outages", []Outcome{ok(0, 1), fail(2, 3), ok(4, 5), fail(6, 50), fail(7, 60), ok(70, 71), ok(80, 81)}, 0,
			Summary{Requests: 7, Failed: 3, Outage: 66 * time.Millisecond, Trouble: 58 * time.Millisecond, LastGood: at(81), FirstErr: bad}},
		{"a short outage: the requests of it end after those that came after it", []Outcome{ok(0, 1), ok(65, 66), ok(70, 71), fail(5, 105), fail(10, 110), ok(75, 120)}, 0,
			Summary{Requests: 6, Failed: 2, Outage: 65 * time.Millisecond, Trouble: 105 * time.Millisecond, LastGood: at(120), FirstErr: bad}},
		{"still failing at the end", []Outcome{ok(0, 1), fail(5, 105), fail(10, 110)}, 0,
			Summary{Requests: 3, Failed: 2, Outage: 109 * time.Millisecond, Trouble: 105 * time.Millisecond, LastGood: at(1), FirstErr: bad}},
		{"what started before the span does not count", []Outcome{fail(0, 100), ok(50, 101), fail(60, 160), ok(165, 166)}, 50,
			Summary{Requests: 3, Failed: 1, Outage: 65 * time.Millisecond, Trouble: 100 * time.Millisecond, LastGood: at(166), FirstErr: bad}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := summarize(tt.outcomes, at(tt.since)); got != tt.want {
				t.Errorf("summarize = %+v, want %+v", got, tt.want)
			}
		})
	}
}
