package tracker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Runner runs one command of the checked configuration.
type Runner interface {
	// Exec runs the command registered as id, with args after its own arguments and env added to its environment, and
	// returns when its process group is gone. At the command's own timeout the group is killed. When ctx ends Exec
	// returns early, and the group is killed.
	Exec(ctx context.Context, id string, args, env []string) Result
}

// Result is how one run ended. It succeeded when Err is nil, TimedOut is false and ExitCode is 0.
type Result struct {
	ExitCode int           // exit status; 128 plus the signal's number after a signal
	TimedOut bool          // killed at the timeout
	Output   string        // standard output and error together, bounded by the runner
	Duration time.Duration // from start to end
	Err      error         // why it could not run at all
}

// CommandID is the id under which the Runner knows a tracker's script.
func CommandID(script string) string { return "script/" + script }

// scriptWatcher runs a command every interval. A run that is still going when the next one is due is not overlapped:
// that start is skipped.
type scriptWatcher struct {
	script Script
	runner Runner
}

func newScriptWatcher(id ID, cfg Config, src Sources) (watcher, error) {
	if src.Runner == nil {
		return nil, errors.New("no runner for scripts")
	}
	i := slices.IndexFunc(cfg.Scripts, func(s Script) bool { return s.Name == id.Name })
	if i < 0 {
		return nil, errors.New("no such script")
	}
	if s := cfg.Scripts[i]; s.Interval <= 0 || s.Timeout <= 0 {
		return nil, fmt.Errorf("interval %v and timeout %v must be positive", s.Interval, s.Timeout)
	}
	return scriptWatcher{script: cfg.Scripts[i], runner: src.Runner}, nil
}

func (w scriptWatcher) newTrack(last State, report func(State)) *track {
	return newTrack(thresholds{rise: w.script.Rise, fall: w.script.Fall, init: w.script.Init}, last, report)
}

func (w scriptWatcher) same(other watcher) bool {
	o, ok := other.(scriptWatcher)
	if !ok || !slices.Equal(w.script.Command, o.script.Command) {
		return false
	}
	a, b := w.script, o.script
	return a.Interval == b.Interval && a.Timeout == b.Timeout && a.Rise == b.Rise && a.Fall == b.Fall && a.User == b.User
}

// watch is the loop: one goroutine a run, one timer for the next start and for the deadline of the run under way.
func (w scriptWatcher) watch(ctx context.Context, t *track) error {
	done := make(chan Result, 1) // from the run under way; capacity 1, so that it never waits for the loop
	run := scriptRun{script: w.script, next: time.Now()}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			if run.going {
				<-done // Exec returns when its ctx ends
			}
			return nil
		case r := <-done:
			run.ended(time.Now(), r, t)
		case <-timer.C:
			if run.tick(time.Now(), t) {
				go func() { done <- w.runner.Exec(ctx, CommandID(w.script.Name), nil, nil) }()
			}
		}
		timer.Reset(time.Until(run.wake()))
	}
}

// scriptRun decides when a script starts and what its end, or its not ending, means. Owned by the loop.
type scriptRun struct {
	script   Script
	next     time.Time // of the next start
	going    bool      // a run is under way
	deadline time.Time // of the run under way
	overdue  bool      // that run has passed its deadline, and was counted as failed then
}

// wake is when tick has to be called next, at the latest.
func (r *scriptRun) wake() time.Time {
	if r.going && !r.overdue && r.deadline.Before(r.next) {
		return r.deadline
	}
	return r.next
}

// tick does what is due at now and reports whether to start a run. A run past its deadline counts as failed then and
// there, not when it has been buried; and where it is still not gone, each start it prevents counts as one more
// failure, so that a script that hangs for ever does not stop the count.
func (r *scriptRun) tick(now time.Time, t *track) (start bool) {
	late := observation{text: fmt.Sprintf("timed out after %v", r.script.Timeout), took: r.script.Timeout}
	if r.going && !r.overdue && !now.Before(r.deadline) {
		r.overdue = true
		t.observe(now, late)
	}
	if now.Before(r.next) {
		return false
	}
	// Starts that were missed altogether, in a suspended machine for example, are not made up for.
	r.next = r.next.Add((now.Sub(r.next)/r.script.Interval + 1) * r.script.Interval)
	if !r.going {
		r.going, r.overdue, r.deadline = true, false, now.Add(r.script.Timeout)
		return true
	}
	t.skip()
	if r.overdue {
		late.text, late.took = "the run before has timed out and is still not gone", now.Sub(r.deadline)+r.script.Timeout
		t.observe(now, late)
	}
	return false
}

// ended takes the result of the run under way. What comes after the deadline was counted as failed at the deadline.
func (r *scriptRun) ended(now time.Time, res Result, t *track) {
	if !r.overdue {
		t.observe(now, r.verdict(res))
	}
	r.going = false
}

// verdict words how a run ended.
func (r *scriptRun) verdict(res Result) observation {
	o := observation{took: res.Duration}
	switch {
	case res.Err != nil:
		o.text = "cannot run: " + res.Err.Error()
		return o
	case res.TimedOut:
		o.text = fmt.Sprintf("timed out after %v", r.script.Timeout)
	default:
		o.ok = res.ExitCode == 0
		o.text = fmt.Sprintf("exit status %d", res.ExitCode)
	}
	if output := printable(res.Output); output != "" {
		o.text += ": " + output
	}
	return o
}
