package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tandem-lb/tandem/internal/bench/load"
)

// warmup is how long a proxy is asked before it counts.
const warmup = 500 * time.Millisecond

// cost is what a workload cost each proxy.
type cost struct {
	workload workload
	rounds   map[string][]load.Result // by the proxy's name
	bare     map[string][]load.Result // of a logged workload: the same without a log, just before
}

// costs measures CPU time for a request. With an error it returns what it has.
func (b *bench) costs(ctx context.Context) (all []cost, err error) {
	running, stop, err := b.startAll(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	for _, w := range b.workloads {
		c := cost{workload: w, rounds: map[string][]load.Result{}, bare: map[string][]load.Result{}}
		unlogged := w
		unlogged.port = usual
		for round := range b.rounds {
			for i := range running {
				r := running[(round+i)%len(running)] // nobody is always the first after a break
				if w.port == logged {
					result, err := b.ask(ctx, r, unlogged, load.Timing{Warmup: warmup, Duration: b.duration})
					if err != nil {
						return append(all, c), err
					}
					fmt.Fprintf(b.progress, "%-6s %-8s %v, without a log\n", w.name, r.proxy.name, describe(result))
					c.bare[r.proxy.name] = append(c.bare[r.proxy.name], result)
				}
				result, err := b.ask(ctx, r, w, load.Timing{Warmup: warmup, Duration: b.duration})
				if err != nil {
					return append(all, c), err
				}
				fmt.Fprintf(b.progress, "%-6s %-8s %v\n", w.name, r.proxy.name, describe(result))
				c.rounds[r.proxy.name] = append(c.rounds[r.proxy.name], result)
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// ask runs a workload against a proxy.
func (b *bench) ask(ctx context.Context, r *process, w workload, t load.Timing) (load.Result, error) {
	c, err := complete(w.at(b.connections))
	if err != nil {
		return load.Result{}, err
	}
	c.To = r.place.plain
	switch {
	case c.TLS:
		c.To = r.place.tls
	case w.port == logged:
		c.To = r.place.logged
	case w.port == tcp:
		c.To = r.place.tcp
	}
	t.CPU = r.cpu
	result, err := load.Run(ctx, b.site.loop, c, t)
	if err == nil {
		err = b.site.origins.Err()
	}
	if err != nil {
		return result, fmt.Errorf("%s, %s: %w", w.name, r.proxy.name, err)
	}
	return result, nil
}

func describe(r load.Result) string {
	text := fmt.Sprintf("%.2f us/req, %.0f req/s, %.0f %% of its core", micros(r.PerRequest()), r.Rate(), 100*r.Busy())
	if r.Err != nil {
		text += fmt.Sprintf(", %d ERRORS: %v", r.Errors, r.Err)
	}
	return text
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// figures are a proxy's microseconds for a request, one a round.
func (c cost) figures(name string) []float64 {
	var all []float64
	for _, r := range c.rounds[name] {
		all = append(all, micros(r.PerRequest()))
	}
	return all
}

// added is by how much a log raised a proxy's figures, one a round: 0.05 is 5 %.
func (c cost) added(name string) []float64 {
	var all []float64
	figures := c.figures(name)
	for i, r := range c.bare[name] {
		if bare := micros(r.PerRequest()); i < len(figures) && bare > 0 {
			all = append(all, figures[i]/bare-1)
		}
	}
	return all
}

// ratios compares Tandem with the cheaper peer of each round.
func (c cost) ratios(peers []string) []float64 {
	var theirs [][]float64
	for _, p := range peers {
		if f := c.figures(p); len(f) > 0 {
			theirs = append(theirs, f)
		}
	}
	return beside(c.figures("tandem"), theirs...)
}

// fault is the first error of any proxy.
func (c cost) fault() error {
	for _, all := range []map[string][]load.Result{c.rounds, c.bare} {
		for name, rounds := range all {
			for _, r := range rounds {
				if r.Err != nil {
					return fmt.Errorf("%s, %s: %d errors, the first: %w", c.workload.name, name, r.Errors, r.Err)
				}
			}
		}
	}
	return nil
}
