package loadtest

import (
	"context"
	"crypto/x509"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Target is where the balancer is reached.
type Target struct {
	Plain string // address and port of HTTP/1, and of h2c where that is served
	TLS   string
	Roots *x509.CertPool // what its certificate, for www.example.com, is signed by
	// Dial connects; the scenarios set deadlines themselves. The connections are *net.TCPConn.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Config is one load.
type Config struct {
	Target    Target
	Ways      []Target // further ways to the same; each scenario takes one
	Origins   *Origins // what stands behind the balancer
	Scenarios []Scenario
	Workers   int    // how many scenarios run at a time, at least 1
	Seed      uint64 // the same seed makes the same requests in each worker, as far as it gets
	Report    *Report
}

// Run plays scenarios, drawn by their weights, until the context ends; each that has begun then comes to its end, which
// takes at most a few seconds. What came of them is in the report.
func Run(ctx context.Context, cfg Config) {
	var wg sync.WaitGroup
	for i := range cfg.Workers {
		wg.Go(func() {
			w := &worker{Config: cfg, random: rand.New(rand.NewPCG(cfg.Seed, uint64(i))), number: uint64(i)}
			for ctx.Err() == nil {
				s := pick(cfg.Scenarios, w.random)
				w.scenario, w.Target = s.Name, cfg.Target
				if n := w.random.IntN(1 + len(cfg.Ways)); n > 0 {
					w.Target = cfg.Ways[n-1]
				}
				s.run(w)
			}
		})
	}
	wg.Wait()
}

// pick draws a scenario.
func pick(all []Scenario, random *rand.Rand) Scenario {
	sum := 0
	for _, s := range all {
		sum += s.Weight
	}
	n := random.IntN(sum)
	for _, s := range all {
		if n -= s.Weight; n < 0 {
			return s
		}
	}
	panic("loadtest: weights that do not add up")
}

// worker plays one scenario at a time. It belongs to one goroutine; what a scenario starts besides gets its own scripts.
type worker struct {
	Config
	scenario string
	random   *rand.Rand
	number   uint64
	made     uint64 // requests
}

// script returns a request of the present scenario with an ID of its own: GET, and an empty response with a length.
func (w *worker) script() script {
	w.made++
	return script{Kind: w.scenario, ID: w.Seed<<48 | w.number<<32 | w.made, Up: -1, Frame: byLength}
}

// size draws the size of a body: nothing, a few octets, some KiB, and now and then megabytes.
func (w *worker) size() int64 {
	switch n := w.random.IntN(100); {
	case n < 10:
		return 0
	case n < 20:
		return 1
	case n < 60:
		return w.random.Int64N(2 << 10)
	case n < 95:
		return w.random.Int64N(64 << 10)
	default:
		return w.random.Int64N(4 << 20)
	}
}

// chance is true n times of 100.
func (w *worker) chance(n int) bool { return w.random.IntN(100) < n }

// conclude counts what came of a request.
func (w *worker) conclude(s script, local string, began time.Time, err error) {
	e, scripted := err.(expected)
	switch {
	case err == nil:
		w.Report.succeed(w.scenario, max(s.Up, 0)+s.Down)
	case scripted:
		w.Report.expect(w.scenario, string(e))
	default:
		if why := w.Origins.explain(s, began, err); why != "" {
			w.Report.expect(w.scenario, why+": "+manner(err))
			return
		}
		w.Report.fail(Failure{w.scenario, s.ID, s.target(), local, began, time.Since(began), err})
	}
}
