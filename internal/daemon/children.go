package daemon

import (
	"context"

	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/internal/runner"
	"github.com/tandem-lb/tandem/tracker"
)

var (
	_ tracker.Runner = scriptRunner{}
	_ notify.Runner  = notifyRunner{}
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
