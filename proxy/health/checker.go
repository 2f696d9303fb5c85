package health

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

const (
	// defaultInterval is HAProxy's and Keepalived users' habit.
	defaultInterval = 2 * time.Second
	// maxStartSpread bounds how long a first probe waits for its random place: hundreds of servers start apart, and
	// nobody waits for a verdict longer than one would notice.
	maxStartSpread = 100 * time.Millisecond
)

// Target is the server that is probed.
type Target struct {
	Backend string
	Server  string
	Address netip.AddrPort
	TLS     *tls.Config // nil: plain. Only read
	HTTP2   bool        // it speaks HTTP/2
}

// Result is what one probe found, and what follows for the server.
type Result struct {
	Status   hysteresis.Status // after this probe
	Changed  bool              // this probe changed it; the first one always does
	OK       bool              // this probe succeeded
	Text     string            // what it found, for people
	Code     int               // HTTP status of the answer; 0: none
	Duration time.Duration     // of the probe
	At       time.Time         // when it ended
}

// Checker probes one server.
type Checker struct {
	target            Target
	interval, timeout time.Duration
	probe             probe
	report            func(Result)
	counter           hysteresis.Counter                // owned by Run
	random            func(time.Duration) time.Duration // uniform from 0 to below its argument, which is positive
}

// New returns a checker of one server; its Run does the work. report is called from Run's goroutine after each probe:
// the next one waits for it.
func New(c Check, t Target, report func(Result)) *Checker {
	if c.Interval <= 0 {
		c.Interval = defaultInterval
	}
	if c.Timeout <= 0 {
		c.Timeout = c.Interval
	}
	return &Checker{
		target:   t,
		interval: c.Interval,
		timeout:  c.Timeout,
		probe:    newProbe(c, t),
		report:   report,
		counter:  hysteresis.New(c.Rise, c.Fall),
		random:   rand.N[time.Duration],
	}
}

// Run probes until ctx is cancelled, and returns nil then. The first result decides the status at once; afterwards rise
// and fall do. A probe that ctx interrupts says nothing about the server and is not reported.
//
// The interval is from start to start, 10 % more or less each time. A probe that takes longer is followed by the next
// one at once.
func (c *Checker) Run(ctx context.Context) error {
	next := time.NewTimer(c.random(min(c.interval/10+1, maxStartSpread)))
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
		next.Reset(c.interval*9/10 + c.random(c.interval/5+1))
		result := c.check(ctx)
		if ctx.Err() != nil {
			return nil
		}
		c.report(result)
	}
}

// check probes once and counts what came out.
func (c *Checker) check(ctx context.Context) Result {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	start := time.Now()
	found := c.probe(ctx)
	end := time.Now()
	changed := c.counter.Observe(found.ok)
	return Result{
		Status:   c.counter.Status(),
		Changed:  changed,
		OK:       found.ok,
		Text:     found.text,
		Code:     found.code,
		Duration: end.Sub(start),
		At:       end,
	}
}
