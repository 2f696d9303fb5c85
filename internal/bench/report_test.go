package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/bench/load"
)

// answered is a round in which n requests cost so many microseconds each.
func answered(n int, each time.Duration) load.Result {
	return load.Result{Requests: n, Elapsed: time.Second, CPU: time.Duration(n) * each * time.Microsecond}
}

// found is a small measurement: a64 meets its target, d misses it, f cannot be compared.
func found() results {
	all, _ := pick([]string{"a64", "d", "f"})
	r := results{proxies: proxies("bin/tandem"), rounds: 2}
	r.costs = []cost{
		{workload: all[0], rounds: map[string][]load.Result{
			"tandem":  {answered(1000, 10), answered(1000, 12)},
			"haproxy": {answered(1000, 15), answered(1000, 20)},
			"nginx":   {answered(1000, 20), answered(1000, 18)},
		}},
		{workload: all[1], rounds: map[string][]load.Result{
			"tandem":  {answered(1000, 20), answered(1000, 20)},
			"haproxy": {answered(1000, 20), answered(1000, 20)},
			"nginx":   {answered(1000, 30), answered(1000, 30)},
		}},
		{workload: all[2], rounds: map[string][]load.Result{
			"haproxy": {answered(1000, 15), answered(1000, 15)},
			"nginx":   {answered(1000, 16), answered(1000, 16)},
		}},
	}
	r.memory = []held{
		{idle: idles()[0], bytes: map[string]float64{"tandem": 400, "haproxy": 600, "nginx": 700}},
		{idle: idles()[2], bytes: map[string]float64{"tandem": 4000, "haproxy": 600, "nginx": 700}},
	}
	r.latency = []latency{{workload: all[0], rate: 20000, rounds: map[string][]times{
		"tandem":  {{1000, 2000, 3000}, {1000, 2000, 3000}},
		"haproxy": {{1000, 4000, 5000}, {1000, 4000, 5000}},
		"nginx":   {{1000, 3000, 5000}, {1000, 2000, 5000}},
	}}}
	return r
}

const wantMarkdown = `facts

### CPU time for a request

Microseconds, median (least to most) of 2 rounds. Beside the best: the cheaper peer's over Tandem's in the same round, above 1 Tandem is the cheaper. Requests a second, and the share of its core that each proxy used, in the same order.

| Workload | Tandem | HAProxy | nginx | beside the best | target | verdict | requests a second | busy |
|---|---|---|---|---|---|---|---|---|
| a64: 1 KB, 64 connections | 11.0 (10.0 to 12.0) | 17.5 (15.0 to 20.0) | 19.0 (18.0 to 20.0) | 1.50 (1.50 to 1.50) | 1.20 | met | 1000, 1000, 1000 | 1 %, 2 %, 2 % |
| d: TLS, 1 KB, 64 connections | 20.0 (20.0 to 20.0) | 20.0 (20.0 to 20.0) | 30.0 (30.0 to 30.0) | 1.00 (1.00 to 1.00) | 1.35 | missed by 26 % | 1000, 1000, 1000 | 2 %, 2 %, 3 % |
| f: HTTP/2, 1 KB, 16 connections of 32 streams | - | 15.0 (15.0 to 15.0) | 16.0 (16.0 to 16.0) | - | 1.20 | - | -, 1000, 1000 | -, 2 %, 2 % |

### Memory of an idle connection

Bytes by which the proxy's processes grow for each connection that has had its answer and waits.

| Connection | Tandem | HAProxy | nginx | target | verdict |
|---|---|---|---|---|---|
| 8000, plain, after a request of 1 KB | 400 | 600 | 700 | 500 | met |
| 2000, plain, after 1 MB each way | 4000 | 600 | 700 | - | - |

### Latency at the same rate

Microseconds from when a request was due to its answer, medians of 2 rounds; all are asked for 60 % of what the slowest can do. Beside the best: the better peer's p99 over Tandem's in the same round; within 5 % they count as equal.

| Workload | Tandem | HAProxy | nginx | beside the best | verdict |
|---|---|---|---|---|---|
| a64 at 20000 a second: p50, p99, p99.9 | 1, 2, 3 | 1, 4, 5 | 1, 2, 5 | 1.25 (1.00 to 1.50) | met |
`

func TestTables(t *testing.T) {
	t.Parallel()
	tables, met := found().tables()
	if met {
		t.Error("all targets are met, want one missed")
	}
	var b strings.Builder
	if err := markdown(&b, "facts", tables); err != nil {
		t.Fatal(err)
	}
	if b.String() != wantMarkdown {
		t.Errorf("got\n%s\nwant\n%s", b.String(), wantMarkdown)
	}
	b.Reset()
	if err := write(&b, tables); err != nil {
		t.Fatal(err)
	}
	if want := "d: TLS, 1 KB, 64 connections                   20.0 (20.0 to 20.0)"; !strings.Contains(b.String(), want) {
		t.Errorf("got\n%s\nwant a line with %q", b.String(), want)
	}
}

func TestAllMet(t *testing.T) {
	t.Parallel()
	r := found()
	r.costs = append(r.costs[:1:1], r.costs[2])
	if _, met := r.tables(); !met {
		t.Error("a target is missed, want all met: what was not compared misses none")
	}
	if err := r.faults(); err != nil {
		t.Errorf("got %v, want no faults", err)
	}
}

func TestWrongAnswersProveNothing(t *testing.T) {
	t.Parallel()
	r := found()
	r.costs = r.costs[:1]
	r.costs[0].rounds["nginx"][1].Errors, r.costs[0].rounds["nginx"][1].Err = 3, errors.New("a body of 1 bytes, want 1024")
	tables, met := r.tables()
	if got := tables[0].rows[1][6]; met || got != "WRONG ANSWERS" {
		t.Errorf("got %q, met %v, want WRONG ANSWERS, false", got, met)
	}
	want := "wrong answers:\na64, nginx: 3 errors, the first: a body of 1 bytes, want 1024"
	if err := r.faults(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTandemAlone(t *testing.T) {
	t.Parallel()
	r := found()
	r.proxies = r.proxies[:1]
	r.latency, r.memory = nil, nil
	for i := range r.costs {
		delete(r.costs[i].rounds, "haproxy")
		delete(r.costs[i].rounds, "nginx")
	}
	tables, met := r.tables()
	if len(tables) != 1 || !met {
		t.Fatalf("got %d tables, met %v, want 1, true", len(tables), met)
	}
	want := "a64: 1 KB, 64 connections|11.0 (10.0 to 12.0)|-|1.20|-|1000|1 %"
	if got := strings.Join(tables[0].rows[1], "|"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLogTable(t *testing.T) {
	t.Parallel()
	all, err := pick([]string{"log"})
	if err != nil {
		t.Fatal(err)
	}
	r := results{proxies: proxies("bin/tandem"), rounds: 2}
	r.costs = []cost{{
		workload: all[0],
		rounds:   map[string][]load.Result{"tandem": {answered(1000, 21), answered(1000, 22)}, "haproxy": {answered(1000, 30)}},
		bare:     map[string][]load.Result{"tandem": {answered(1000, 20), answered(1000, 20)}, "haproxy": {answered(1000, 25)}},
	}}
	tables, _ := r.tables()
	want := []string{"log: a64, with an access log in a file", "7.5 (5.0 to 10.0)", "20.0 (20.0 to 20.0)", "-", "8", "met"}
	if len(tables) != 2 || !slices.Equal(tables[1].rows[1], want) {
		t.Errorf("got %q, want a table of logs with %q", tables, want)
	}
	r.costs[0].bare["tandem"][1] = answered(1000, 19)
	tables, met := r.tables()
	if got := tables[1].rows[1][5]; got != "missed by 30 %" || met {
		t.Errorf("got %q, met %t; want it missed", got, met)
	}
}
