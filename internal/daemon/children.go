package daemon

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/internal/runner"
	"github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/tracker"
)

var (
	_ tracker.Runner = scriptRunner{}
	_ notify.Runner  = notifyRunner{}
	_ health.Runner  = (*checkRunner)(nil)
)

// scriptRunner runs the scripts of trackers.
type scriptRunner struct{ *runner.Client }

// Exec implements tracker.Runner.
func (r scriptRunner) Exec(ctx context.Context, id string, args, env []string) tracker.Result {
	res, err := r.Client.Exec(ctx, id, args, env)
	return tracker.Result{ExitCode: res.ExitCode, TimedOut: res.TimedOut, Output: res.Output, Duration: res.Duration, Err: err}
}

// notifyRunner runs notify scripts.
type notifyRunner struct{ *runner.Client }

// Exec implements notify.Runner.
func (r notifyRunner) Exec(ctx context.Context, id string, args, env []string) notify.Result {
	return notify.Result(scriptRunner(r).Exec(ctx, id, args, env))
}

// checkRunner runs the scripts of health checks. The balancer has it before there is a runner.
type checkRunner struct{ client atomic.Pointer[runner.Client] }

var errNoRunner = errors.New("nothing runs scripts here")

// Exec implements health.Runner.
func (r *checkRunner) Exec(ctx context.Context, id string, args, env []string) (status int, output string, err error) {
	c := r.client.Load()
	if c == nil {
		return 0, "", errNoRunner
	}
	res, err := c.Exec(ctx, id, args, env)
	if err == nil && res.TimedOut {
		err = context.DeadlineExceeded
	}
	return res.ExitCode, res.Output, err
}
