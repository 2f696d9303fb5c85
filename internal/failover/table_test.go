package main

import (
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestVerdict(t *testing.T) {
	pulled := phase{holder: backup, bound: setting.silence}
	good := result{settled: true, outage: 3610 * ms, failed: 720, holders: []string{backup}}
	with := func(change func(*result)) result { r := good; change(&r); return r }
	for _, tt := range []struct {
		name   string
		phase  phase
		tandem result
		other  result
		want   string
	}{
		{"as good", pulled, good, good, "ok"},
		{"within the noise", pulled, with(func(r *result) { r.outage += 49 * ms; r.failed += 80; r.lost.slow = 2 }), good, "ok"},
		{"above the bound", pulled, with(func(r *result) { r.outage = 3660 * ms }), with(func(r *result) { r.outage = 3660 * ms }), "ABOVE THE BOUND"},
		{"a longer outage", pulled, good, with(func(r *result) { r.outage = 3000 * ms }), "WORSE"},
		{"more requests failed", pulled, good, with(func(r *result) { r.failed = 640 }), "WORSE"},
		{"more lost", pulled, with(func(r *result) { r.lost.idle = 3 }), good, "WORSE"},
		{"the other did not come to an end", pulled, good, result{holders: []string{master, backup}}, "ok"},
		{"neither did", pulled, with(func(r *result) { r.settled = false }), result{}, "NOT OVER, WORSE"},
		{"two holders", pulled, with(func(r *result) { r.holders = []string{master, backup} }), good, "HOLDERS"},
		{"two holders where one cannot hear", phase{holder: backup, shared: true}, with(func(r *result) { r.holders = []string{master, backup} }), good, "ok"},
		{"a request failed where none may", phase{holder: backup, none: true}, good, good, "REQUESTS FAILED"},
		{"lost where nothing may be", phase{holder: backup, keep: true}, with(func(r *result) { r.lost.uploads = 1 }), with(func(r *result) { r.lost.uploads = 1 }), "LOST"},
		{"half is lost, more or less", phase{holder: backup, chance: true}, with(func(r *result) { r.lost.slow = 15 }), good, "ok"},
		{"more than half", phase{holder: backup, chance: true}, with(func(r *result) { r.lost = tally{slow: 19, uploads: 4} }), good, "LOST"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := row{tt.phase, map[string]result{"tandem": tt.tandem, "keepalived": tt.other}}
			if got := w.verdict(settings()[0]); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	told := row{pulled, map[string]result{"tandem": good}}
	if got := told.verdict(settings()[2]); got != "told: above the bound" {
		t.Errorf("of an interval that is told: %q", got)
	}
	if got := (row{pulled, map[string]result{"keepalived": good}}).verdict(settings()[0]); got != "" {
		t.Errorf("without Tandem: %q, want no verdict", got)
	}
}

func TestWorst(t *testing.T) {
	a := result{requests: 10, failed: 3, outage: 5 * ms, settled: true, lost: tally{slow: 2}, holders: []string{backup}, sole: 9 * ms}
	b := result{requests: 20, failed: 1, outage: 7 * ms, settled: true, lost: tally{idle: 1}, holders: []string{backup}, sole: 4 * ms}
	got := worst(a, b)
	if got.failed != 3 || got.outage != 7*ms || got.lost != (tally{slow: 2, idle: 1}) || got.sole != 9*ms || !got.settled {
		t.Errorf("got %+v", got)
	}
	b.settled, b.holders = false, []string{master, backup}
	for _, got := range []result{worst(a, b), worst(b, a)} {
		if got.settled || len(got.holders) != 2 {
			t.Errorf("got %+v, want two holders and no end", got)
		}
	}
}

func TestPrint(t *testing.T) {
	rows := []row{
		{phase{row: "cable pulled", holder: backup, bound: setting.silence, why: "3 x interval + skew + 50 ms"}, map[string]result{
			"tandem":     {settled: true, failed: 72, outage: 364 * ms, lost: tally{20, 20, 5, 5}, holders: []string{backup}, sole: 361 * ms},
			"keepalived": {failed: 72, outage: 5000 * ms, holders: []string{master, backup}},
		}},
		{phase{row: "reload", holder: master, keep: true, why: "nothing", later: "more"}, map[string]result{
			"tandem": {settled: true, lost: tally{idle: 1}, holders: []string{master}},
		}},
	}
	var got strings.Builder
	if print(&got, settings()[1], 1, rows) {
		t.Error("a row with a bad verdict passed")
	}
	want := `
### VRRPv3, an advert each 100 ms

| Fault | Tandem: outage | failed | lost | holder | Keepalived + HAProxy: outage | failed | lost | holder | Bound | Verdict |
|---|---|---|---|---|---|---|---|---|---|---|
| cable pulled | 364 ms | 72 | 20 20 5 5 | lb2 after 361 ms | over 5000 ms | 72 | 0 | lb1 and lb2 | 410 ms: 3 x interval + skew + 50 ms | ok |
| reload | 0 | 0 | 0 1 0 0 | lb1 | | | | | nothing; later more | LOST |
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	if !print(&got, settings()[1], 2, rows[:1]) {
		t.Error("a row with a good verdict did not pass")
	}
	got.Reset()
	if print(&got, settings()[2], 2, rows[1:]) || !strings.HasSuffix(got.String(), "| NOT MEASURED |\n") {
		t.Errorf("a row that lacks a system passed, or is not named:\n%s", got.String())
	}
}
