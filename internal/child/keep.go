package child

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// firstPause and maxPause bound the pause before a child is started again: the first restart follows within the
	// second in which its end must be noticed, and a child that can't live costs one start each five seconds.
	firstPause = 50 * time.Millisecond
	maxPause   = 5 * time.Second
	// settled is how long a child must have lived for its end to count as the first one.
	settled = 10 * time.Second
)

// ErrClosed is what a start function returns when no further child is wanted.
var ErrClosed = errors.New("closed")

// Keep watches p and, each time it has ended, calls ended and then start, until ctx ends or start returns ErrClosed;
// both are no error. It is for one goroutine. It does not end the child it watches when ctx ends: the owner does.
func Keep(ctx context.Context, p *Process, ended func(how string), start func() (*Process, error), log hclog.Logger) error {
	pause := firstPause
	for {
		began := time.Now()
		if err := p.Wait(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		ended(p.End())
		pause = nextPause(pause, time.Since(began))
		var err error
		if p, err = restart(ctx, pause, start, log); err != nil {
			if ctx.Err() != nil || errors.Is(err, ErrClosed) {
				return nil
			}
			return err
		}
	}
}

// nextPause is the pause after a child that lived so long.
func nextPause(last, lived time.Duration) time.Duration {
	if lived >= settled {
		return firstPause
	}
	return min(2*last, maxPause)
}

// restart starts a child after the pause, and tries until one starts.
func restart(ctx context.Context, pause time.Duration, start func() (*Process, error), log hclog.Logger) (*Process, error) {
	last := ""
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
		p, err := start()
		if err == nil || errors.Is(err, ErrClosed) {
			return p, err
		}
		if err.Error() != last {
			last = err.Error()
			log.Error("child process does not start, trying again", "err", err)
		}
		pause = nextPause(pause, 0)
	}
}
