package main

import (
	"context"
	"fmt"

	"github.com/tandem-lb/tandem/internal/bench/load"
)

// idle is a kind of connection that does nothing.
type idle struct {
	title  string
	ask    load.Config // what was exchanged on each before; without To and Length
	target int         // bytes of a connection; 0: none
}

func idles() []idle {
	return []idle{
		{"plain, after a request of 1 KB", load.Config{Path: "/1k", Connections: 8000}, 500},
		{"TLS, after a request of 1 KB", load.Config{Path: "/1k", Connections: 2000, TLS: true}, 10000},
		{"plain, after 1 MB each way", load.Config{Path: "/1m", Connections: 2000, Upload: 1 << 20}, 0},
		{"TLS, after 1 MB each way", load.Config{Path: "/1m", Connections: 2000, Upload: 1 << 20, TLS: true}, 0},
	}
}

// held is what an idle connection of a kind weighs, by the proxy's name, bytes.
type held struct {
	idle  idle
	bytes map[string]float64
}

// memory weighs idle connections: what a proxy that was warm before grows by. Each kind has a proxy of its own, since one
// that gave memory back would fill it again without growing.
func (b *bench) memory(ctx context.Context) (all []held, err error) {
	for _, i := range idles() {
		if b.connections > 0 {
			i.ask.Connections = b.connections
		}
		h := held{idle: i, bytes: map[string]float64{}}
		for _, p := range b.proxies {
			if h.bytes[p.name], err = b.weigh(ctx, p, i.ask); err != nil {
				return all, fmt.Errorf("memory, %s, %s: %w", i.title, p.name, err)
			}
			fmt.Fprintf(b.progress, "idle   %-8s %s: %.0f bytes\n", p.name, i.title, h.bytes[p.name])
		}
		all = append(all, h)
	}
	return all, nil
}

func (b *bench) weigh(ctx context.Context, p proxy, ask load.Config) (bytes float64, err error) {
	r, err := b.site.start(ctx, p)
	if err != nil {
		return 0, err
	}
	defer r.stop()
	warm := workload{name: "warm-up", ask: load.Config{Path: "/1k", Connections: 64, TLS: ask.TLS}}
	result, err := b.ask(ctx, r, warm, load.Timing{Duration: warmup})
	if err != nil {
		return 0, err
	}
	if result.Err != nil {
		return 0, result.Err
	}
	before, err := r.memory()
	if err != nil {
		return 0, err
	}
	ask, err = complete(ask)
	if err != nil {
		return 0, err
	}
	ask.To = r.place.plain
	if ask.TLS {
		ask.To = r.place.tls
	}
	after := 0
	err = load.Hold(ctx, b.site.loop, ask, b.settle, func() (err error) {
		after, err = r.memory()
		return err
	})
	return float64(after-before) / float64(ask.Connections), err
}
