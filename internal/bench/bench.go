package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// bench is what is measured, and how.
type bench struct {
	workloads   []workload
	proxies     []proxy
	rounds      int
	duration    time.Duration // of a proxy's turn in a round
	connections int           // instead of what the workloads say; 0: as they say
	settle      time.Duration // how long connections are idle before they are weighed
	progress    io.Writer
	site        *site
}

// results are what it found; parts that were not asked for are empty.
type results struct {
	machine machine
	proxies []proxy
	rounds  int
	costs   []cost
	memory  []held
	latency []latency
}

// parts are what to measure.
type parts struct{ memory, latency bool }

// measure does it all. With an error it returns what it has.
func (b *bench) measure(ctx context.Context, c cores, p parts) (r results, err error) {
	r = results{proxies: b.proxies, rounds: b.rounds}
	if r.machine, err = lookAround(ctx, c, b.proxies); err != nil {
		return r, err
	}
	if b.site, err = newSite(c); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.site.close()) }()
	if r.costs, err = b.costs(ctx); err != nil {
		return r, err
	}
	if p.memory {
		if r.memory, err = b.memory(ctx); err != nil {
			return r, err
		}
	}
	if p.latency {
		if r.latency, err = b.latencies(ctx); err != nil {
			return r, err
		}
	}
	return r, r.machine.after()
}

// startAll starts every proxy; stop ends them.
func (b *bench) startAll(ctx context.Context) (running []*process, stop func(), err error) {
	stop = func() {
		for _, r := range running {
			r.stop()
		}
	}
	for _, p := range b.proxies {
		r, err := b.site.start(ctx, p)
		if err != nil {
			stop()
			return nil, nil, err
		}
		running = append(running, r)
	}
	return running, stop, nil
}

// peers are the names of those that Tandem is compared with.
func (r results) peers() []string {
	var names []string
	for _, p := range r.proxies {
		if isPeer(p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// faults are what proxies did wrong; figures beside them prove nothing.
func (r results) faults() error {
	var all []error
	for _, c := range r.costs {
		all = append(all, c.fault())
	}
	for _, l := range r.latency {
		all = append(all, l.fault)
	}
	if err := errors.Join(all...); err != nil {
		return fmt.Errorf("wrong answers:\n%w", err)
	}
	return nil
}
