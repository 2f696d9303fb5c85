package loadtest

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Steady is traffic at a rate of its own, whatever the balancer makes of it: what users notice while something else
// happens. Half of its requests come over connections that stay open, half over one each.
type Steady struct {
	Target   Target
	Origins  *Origins
	Report   *Report
	Interval time.Duration // between the starts of two requests
	Seed     uint64
}

// Name of its requests in the report.
const steadyName = "steady"

// steadySize is a page of moderate size.
const steadySize = 1 << 10

// keptOpen is how many connections stay open.
const keptOpen = 4

// Run sends requests until the context ends, and returns how long the good ones took, counted from when each was due.
// The others are in the report.
func (s Steady) Run(ctx context.Context) Latencies {
	var (
		mu   sync.Mutex
		all  Latencies // guarded by mu
		wg   sync.WaitGroup
		pool = make(chan *conn, keptOpen) // connections that stay open and are free now; nil: one is to be opened
	)
	w := &worker{
		Config:   Config{Target: s.Target, Origins: s.Origins, Report: s.Report, Seed: s.Seed},
		scenario: steadyName, random: rand.New(rand.NewPCG(s.Seed, 0)),
	}
	for range keptOpen {
		pool <- nil
	}
	due := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		due = due.Add(s.Interval)
		time.Sleep(time.Until(due))
		one, at := w.script(), due
		one.Down = steadySize
		wg.Go(func() {
			if w.once(one, n%2 == 0, pool) {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, time.Since(at))
			}
		})
	}
	wg.Wait()
	for range keptOpen {
		if c := <-pool; c != nil {
			_ = c.Close()
		}
	}
	return all
}

// once makes a request and says whether it went well.
func (w *worker) once(s script, kept bool, pool chan *conn) bool {
	var c *conn
	if kept {
		c = <-pool
	}
	if c == nil || c.spent {
		c = w.dial(nil)
	}
	ok := c != nil && c.ask(s, options{}) == nil
	switch {
	case kept && ok:
		pool <- c
	case kept:
		pool <- nil
		fallthrough
	default:
		if c != nil {
			_ = c.Close()
		}
	}
	return ok
}
