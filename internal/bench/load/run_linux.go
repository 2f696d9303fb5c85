package load

import (
	"context"
	"fmt"
	"time"

	"github.com/tandem-lb/tandem/internal/bench/poll"
)

const (
	// maxErrors ends a run: what is that broken needs no further proof.
	maxErrors = 100
	// scratch is how much a client reads at once of what it has to look at.
	scratch = 16 << 10
	// patience is how long a turn of the loop waits where nothing happens, so that a proxy which hangs is noticed.
	patience = 10 * time.Millisecond
)

// run is what all clients of a measurement share.
type run struct {
	Config
	ctx     context.Context
	timing  Timing
	began   time.Time
	clients []*visitor
	asked   []byte // the request of HTTP/1
	scratch []byte // of the client that reads at the moment
	pace    *pace  // nil: a closed loop
	idle    []*visitor
	counts  bool          // Warmup is over, Duration is not
	from    time.Time     // when it began to count
	cpu     time.Duration // what the proxy had used by then
	broken  error         // the measuring cannot go on
	result  Result
}

// Run measures, on a Loop that may have other tasks, and leaves none of its own there. The error says that it could not be
// done; what the proxy did wrong is in the Result.
func Run(ctx context.Context, l *poll.Loop, c Config, t Timing) (Result, error) {
	r := newRun(ctx, c, t)
	for i := range c.Connections {
		v := newVisitor(r, i)
		r.clients = append(r.clients, v)
		v.task = l.Start(v.live)
	}
	err := l.Run(r.turn)
	r.stop()
	if err != nil {
		return Result{}, err
	}
	if ctx.Err() != nil {
		return Result{}, fmt.Errorf("broken off: %w", context.Cause(ctx))
	}
	r.fault(r.unanswered())
	return r.result, r.broken
}

func newRun(ctx context.Context, c Config, t Timing) *run {
	r := &run{Config: c, ctx: ctx, timing: t, began: time.Now(), asked: c.request(), scratch: make([]byte, scratch)}
	if t.Rate > 0 {
		r.pace = newPace(r.began, t.Rate)
	}
	return r
}

// stop ends all clients.
func (r *run) stop() {
	for _, v := range r.clients {
		v.task.Stop()
	}
}

// turn is the Loop's.
func (r *run) turn() (wait time.Duration, more bool) {
	now := time.Now()
	switch {
	case r.counts && now.Sub(r.from) >= r.timing.Duration: // from when it began, however long the turn before that took
		r.finish(now)
	case !r.counts && now.Sub(r.began) >= r.timing.Warmup:
		r.counts, r.from, r.cpu = true, now, r.used()
	}
	if r.result.Elapsed > 0 || r.ctx.Err() != nil || r.broken != nil || r.result.Errors >= maxErrors {
		return 0, false
	}
	if r.pace == nil {
		return patience, true
	}
	return min(patience, r.release(now)), true
}

// release wakes clients for the requests that have fallen due, and returns how long it is until the next one.
func (r *run) release(now time.Time) time.Duration {
	for n := r.pace.due(now); n > 0 && len(r.idle) > 0; n-- {
		r.idle[0].waits = false
		r.idle[0].task.Wake()
		r.idle = r.idle[1:]
	}
	return max(r.pace.next().Sub(now), 0)
}

// finish ends the window. Requests of an open loop that are still waiting for their answer have waited for so long at
// least, and count with that: else a proxy that has stopped would have the best times.
func (r *run) finish(now time.Time) {
	r.result.Elapsed, r.result.CPU = now.Sub(r.from), r.used()-r.cpu
	if r.pace == nil {
		return
	}
	for _, v := range r.clients {
		if v.asking {
			r.result.Times = append(r.result.Times, now.Sub(v.due))
		}
	}
	for r.pace.due(now) > 0 {
		r.result.Times = append(r.result.Times, now.Sub(r.pace.take()))
	}
}

// used is the proxy's CPU time.
func (r *run) used() time.Duration {
	cpu, err := r.timing.CPU()
	if err != nil {
		r.broken = fmt.Errorf("read the proxy's CPU time: %w", err)
	}
	return cpu
}

// done counts an answer.
func (v *visitor) done() {
	v.answers++
	v.asking = false
	if !v.counts {
		return
	}
	v.result.Requests++
	if v.pace != nil {
		v.result.Times = append(v.result.Times, time.Since(v.due))
	}
}

// fault counts an error.
func (r *run) fault(err error) {
	if err == nil {
		return
	}
	r.result.Errors++
	if r.result.Err == nil {
		r.result.Err = err
	}
}

// unanswered is an error if clients of a closed loop had no answer at all.
func (r *run) unanswered() error {
	none := 0
	for _, v := range r.clients {
		if v.answers == 0 {
			none++
		}
	}
	if none == 0 || r.pace != nil || r.result.Errors > 0 {
		return nil
	}
	return fmt.Errorf("%d of %d connections had no answer in %v", none, len(r.clients), r.timing.Warmup+r.timing.Duration)
}
