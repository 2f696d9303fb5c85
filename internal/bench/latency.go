package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tandem-lb/tandem/internal/bench/load"
)

const (
	// share is how much of what the slowest proxy can do all of them are asked for.
	share = 0.6
	// slack is how much worse than the better peer's a p99 may be and still count as equal: rounds differ by more.
	slack = 0.05
)

// timed are the workloads whose answers are timed.
var timed = []string{"a64", "c64k", "d"}

// latency is how long answers took each proxy at the same rate.
type latency struct {
	workload workload
	rate     float64 // requests a second
	rounds   map[string][]times
	fault    error
}

// times are quantiles of one round.
type times struct{ p50, p99, p999 time.Duration }

// latencies times answers.
func (b *bench) latencies(ctx context.Context) (all []latency, err error) {
	running, stop, err := b.startAll(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	some, err := pick(timed)
	if err != nil {
		return nil, err
	}
	for _, w := range some {
		l := latency{workload: w, rounds: map[string][]times{}}
		if l.rate, err = b.common(ctx, running, w); err != nil {
			return all, err
		}
		for round := range b.rounds {
			for i := range running {
				r := running[(round+i)%len(running)]
				result, err := b.ask(ctx, r, w, load.Timing{Warmup: warmup, Duration: 2 * b.duration, Rate: l.rate})
				if err != nil {
					return all, err
				}
				if result.Err != nil && l.fault == nil {
					l.fault = fmt.Errorf("latency, %s, %s: %d errors, the first: %w", w.name, r.proxy.name, result.Errors, result.Err)
				}
				t := quantiles(result.Times)
				fmt.Fprintf(b.progress, "%-6s %-8s at %.0f req/s: p50 %v, p99 %v, p99.9 %v\n", w.name, r.proxy.name, result.Rate(), t.p50, t.p99, t.p999)
				l.rounds[r.proxy.name] = append(l.rounds[r.proxy.name], t)
			}
		}
		all = append(all, l)
	}
	return all, nil
}

// common is the rate that all proxies are asked for: a share of what the slowest one can do.
func (b *bench) common(ctx context.Context, running []*process, w workload) (float64, error) {
	slowest := 0.0
	for _, r := range running {
		result, err := b.ask(ctx, r, w, load.Timing{Warmup: warmup, Duration: b.duration})
		if err != nil {
			return 0, err
		}
		if rate := result.Rate(); slowest == 0 || rate < slowest {
			slowest = rate
		}
	}
	if slowest == 0 {
		return 0, fmt.Errorf("%s: a proxy answered nothing", w.name)
	}
	return share * slowest, nil
}

func quantiles(all []time.Duration) times {
	slices.Sort(all)
	return times{quantile(all, 0.5), quantile(all, 0.99), quantile(all, 0.999)}
}

// figures are one quantile of a proxy, microseconds, one a round.
func (l latency) figures(name string, of func(times) time.Duration) []float64 {
	var all []float64
	for _, t := range l.rounds[name] {
		all = append(all, micros(of(t)))
	}
	return all
}

// ratios compares Tandem's p99 with the better peer's.
func (l latency) ratios(peers []string) []float64 {
	p99 := func(t times) time.Duration { return t.p99 }
	var theirs [][]float64
	for _, p := range peers {
		if f := l.figures(p, p99); len(f) > 0 {
			theirs = append(theirs, f)
		}
	}
	return beside(l.figures("tandem", p99), theirs...)
}
