package health

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/proxyproto"
)

const (
	// defaultInterval is HAProxy's and Keepalived users' habit.
	defaultInterval = 2 * time.Second
	// maxStartSpread bounds how long a first probe waits for its random place: hundreds of servers start apart, and
	// nobody waits for a verdict longer than one would notice.
	maxStartSpread = 100 * time.Millisecond
	// patience is how long a server that is well, and near, may take for what it does at once. A lost packet is sent again after 200 ms
	// on a connection that stands, after 1 s on one that does not.
	patience = 250 * time.Millisecond
	// slower is how much slower than usual a server may be before that is odd.
	slower = 3
	// maxCaution bounds how many times patience a server is left that was doubted for nothing before.
	maxCaution = 16
)

// Target is the server that is probed.
type Target struct {
	Backend string
	Server  string
	Address netip.AddrPort
	Path    string             // in its place, of a Unix socket. Ports of probes are not for it
	Host    string             // what it is called where a question has to name it; empty: by its address
	Proxy   proxyproto.Version // what the server is told first on its own port: that the probe is for no client; 0: nothing
	TLS     *tls.Config        // nil: plain. Only read
	OwnTLS  bool               // it is that of the check, which a probe with a port of its own uses too
	HTTP2   bool               // it speaks HTTP/2
	Runner  Runner             // of scripts; nil: there is none
}

// Result is what one probe found, and what follows for the server.
type Result struct {
	Status   hysteresis.Status // after this probe
	Changed  bool              // this probe changed it; the first one always does, but for a server that is taken for something before it
	OK       bool              // this probe succeeded
	Text     string            // what it found, for people
	Code     int               // HTTP status of the answer, that of gRPC, or a script's exit status; 0: none, or that
	Duration time.Duration     // of the probe
	At       time.Time         // when it ended
	// Patience is how long a connection to the server may take to come about before that is odd, for what good probes have seen; 0: not
	// known.
	Patience time.Duration
}

// Checker probes one server.
type Checker struct {
	target  Target
	config  Check // its zero values replaced
	probe   probe
	report  func(Result)
	counter hysteresis.Counter                // owned by Run, as those that follow
	connect time.Duration                     // what the connection of a good probe took last
	caution int                               // how many times patience doubts wait for
	doubted bool                              // since Hurry was called, until a probe succeeds or the server is down
	random  func(time.Duration) time.Duration // uniform from 0 to below its argument, which is positive

	hurry chan struct{} // capacity 1: Hurry has been called. Sent to by anybody, never closed
	mu    sync.Mutex
	cut   context.CancelFunc // guarded by mu: ends the probe that runs; nil: none runs that is to be cut short
}

// New returns a checker of one server; its Run does the work. since is what is known of the server, Unknown for nothing. report is called
// from Run's goroutine after each probe: the next one waits for it.
func New(c Check, t Target, since hysteresis.Status, report func(Result)) *Checker {
	if c.Interval <= 0 {
		c.Interval = defaultInterval
	}
	for _, d := range [...]*time.Duration{&c.FastInterval, &c.DownInterval, &c.Timeout} {
		if *d <= 0 {
			*d = c.Interval
		}
	}
	counter := c.Init.counter(c.Rise, c.Fall)
	if since != hysteresis.Unknown {
		counter = hysteresis.Start(c.Rise, c.Fall, since, max(c.Rise, c.Fall))
	}
	return &Checker{target: t, config: c, probe: c.kind().newProbe(t), report: report, counter: counter, caution: 1, random: rand.N[time.Duration], hurry: make(chan struct{}, 1)}
}

// Hurry has the server probed at once, for somebody has reason to think that its host is gone: that it does not take a connection is learnt
// in short. One that it takes has the time of any probe. Until a probe succeeds, or the server is down, the next ones follow as quickly. It does
// not block, and may be called by anybody, any number of times.
func (c *Checker) Hurry() {
	select {
	case c.hurry <- struct{}{}:
	default: // it has been called already
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut != nil {
		c.cut()
	}
}

// Run probes until ctx is cancelled, and returns nil then. The first result decides the status at once, unless the configuration says
// otherwise; afterwards rise and fall do. A probe that ctx interrupts says nothing about the server and is not reported.
//
// The interval is from start to start, 10 % more or less each time. A probe that takes longer is followed by the next
// one at once.
func (c *Checker) Run(ctx context.Context) error {
	next := time.NewTimer(c.random(min(c.config.Interval/10+1, maxStartSpread)))
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.hurry:
			c.doubted = true
		case <-next.C:
		}
		start := time.Now()
		result, whole := c.check(ctx, start)
		if ctx.Err() != nil {
			return nil
		}
		if whole {
			c.report(result)
		}
		next.Reset(c.pause() - time.Since(start))
	}
}

// pause is the time from the start of the last probe to that of the next.
func (c *Checker) pause() time.Duration {
	interval := c.config.Interval
	switch run, _ := c.counter.Progress(); {
	case c.doubted:
		return min(c.haste(), interval)
	case run > 0:
		interval = c.config.FastInterval
	case c.counter.Status() == hysteresis.Down:
		interval = c.config.DownInterval
	}
	return interval*9/10 + c.random(interval/5+1)
}

// haste is the time that a connection to a server has that is in doubt.
func (c *Checker) haste() time.Duration { return min(patience+slower*c.connect, c.config.Timeout) }

// check probes once and counts what came out. whole is false where the probe was cut short.
func (c *Checker) check(ctx context.Context, start time.Time) (r Result, whole bool) {
	connect := c.config.Timeout
	if c.doubted {
		connect = c.haste()
		select {
		case <-c.hurry: // called again before this probe, which is what it asks for
		default:
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	if !c.doubted {
		c.cutBy(cancel)
	}
	found := c.probe(ctx, connect)
	c.cutBy(nil)
	end := time.Now()
	if !found.ok && ctx.Err() == context.Canceled {
		return Result{}, false
	}
	if found.ok {
		c.connect = found.connect
		if c.doubted { // for nothing
			c.caution = min(2*c.caution, maxCaution)
		} else {
			c.caution = max(c.caution-1, 1)
		}
	}
	changed := c.counter.Observe(found.ok)
	if found.ok || c.counter.Status() == hysteresis.Down {
		c.doubted = false
	}
	r = Result{
		Status:   c.counter.Status(),
		Changed:  changed,
		OK:       found.ok,
		Text:     found.text,
		Code:     found.code,
		Duration: end.Sub(start),
		At:       end,
	}
	if c.connect > 0 {
		r.Patience = time.Duration(c.caution)*patience + slower*c.connect
	}
	return r, true
}

// cutBy says how Hurry ends the probe that runs.
func (c *Checker) cutBy(f context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = f
	if f != nil && len(c.hurry) > 0 { // it was called while nothing ran
		f()
	}
}
