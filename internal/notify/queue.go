package notify

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// killGrace is how long after Config.Timeout the queue still waits for the Runner to bury the process group. Only a
// process stuck in the kernel outlives it; the queue goes on then.
const killGrace = 2 * time.Second

// maxOutput bounds the output that Status and the log keep of a run, in bytes.
const maxOutput = 512

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

// failure describes what went wrong, "" when nothing did.
func (r Result) failure() string {
	switch {
	case r.Err != nil:
		return "cannot run: " + r.Err.Error()
	case r.TimedOut:
		return "timed out"
	case r.ExitCode != 0:
		return fmt.Sprintf("exit status %d", r.ExitCode)
	default:
		return ""
	}
}

// Event is one state of the instance.
type Event struct {
	State    string // MASTER, BACKUP, FAULT or STOP
	Priority uint8  // the effective priority
	Epoch    uint64 // grows with every transition of the instance
	Reason   string // one line for people
}

// Status is what a queue has done so far.
type Status struct {
	Instance  string
	Runs      uint64 // scripts that ended, in whatever way
	Failures  uint64 // of those, how many failed
	Coalesced uint64 // states that a newer one replaced before their script could start
	Running   bool

	Last     Event         // of the last run that ended; the fields below too
	LastRun  time.Time     // when it started; zero before the first one
	Duration time.Duration // how long it took
	ExitCode int           // its exit status
	Failure  string        // why it counts as failed, "" when it succeeded
	Output   string        // its output, bounded
}

// CommandID is the id under which the Runner knows the notify script of an instance.
func CommandID(instance string) string { return "notify/" + instance }

// Queue runs the notify script of one instance. Post and Status may be called from any goroutine.
type Queue struct {
	runner Runner
	log    hclog.Logger
	posted chan struct{} // Post -> Run; capacity 1, because one wake-up covers every state posted before it; never closed

	mu      sync.Mutex
	cfg     Config // guarded by mu
	pending *Event // guarded by mu: the newest state that no script has been told; nil: none
	status  Status // guarded by mu
}

// New returns the queue of one instance. It does nothing until Run. A nil log is a null logger.
func New(cfg Config, runner Runner, log hclog.Logger) *Queue {
	if log == nil {
		log = hclog.NewNullLogger()
	}
	return &Queue{
		cfg:    cfg,
		runner: runner,
		log:    log.With("instance", cfg.Instance),
		posted: make(chan struct{}, 1),
		status: Status{Instance: cfg.Instance},
	}
}

// Post leaves a state for the script and never blocks. A state that still waits is replaced by it. Without a script
// nothing happens; after Run has returned nothing is delivered any more.
func (q *Queue) Post(e Event) {
	if !q.put(e) {
		return
	}
	select {
	case q.posted <- struct{}{}:
	default: // a wake-up is already there
	}
}

// put makes e the pending state. It reports false when there is no script to tell.
func (q *Queue) put(e Event) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.cfg.Script) == 0 {
		return false
	}
	if q.pending != nil {
		q.status.Coalesced++
	}
	q.pending = &e
	return true
}

// Apply takes over the configuration of a reload; the instance is the same. The next run goes by it.
func (q *Queue) Apply(cfg Config) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cfg = cfg
}

// Status returns what the queue has done so far. It never waits for a script.
func (q *Queue) Status() Status {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.status
}

// Run tells the script each newest state until ctx ends. What was posted before that is still delivered: a run that is
// under way may finish and the last state gets its own, each within the timeout, so Run takes at most twice the
// timeout and a few seconds to return. It returns nil.
func (q *Queue) Run(ctx context.Context) error {
	for {
		select {
		case <-q.posted:
			q.deliver(ctx)
		case <-ctx.Done():
			q.deliver(ctx)
			return nil
		}
	}
}

// deliver runs the script for the pending state, if there is one. The end of ctx does not touch a run: the state that
// is told at a shutdown is the one that must not get lost.
func (q *Queue) deliver(ctx context.Context) {
	cfg, e, ok := q.take()
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Timeout+killGrace)
	defer cancel()
	started := time.Now()
	result := q.runner.Exec(ctx, CommandID(cfg.Instance), args(cfg.Instance, e), env(cfg.Instance, e))
	q.record(e, started, result)
}

// take removes the pending state, and says how to tell it.
func (q *Queue) take() (Config, Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pending == nil {
		return Config{}, Event{}, false
	}
	e := *q.pending
	q.pending = nil
	q.status.Running = true
	return q.cfg, e, true
}

// record keeps how a run ended and logs a failure.
func (q *Queue) record(e Event, started time.Time, r Result) {
	output, failure := printable(r.Output), r.failure()
	q.mu.Lock()
	s := &q.status
	s.Running = false
	s.Runs++
	if failure != "" {
		s.Failures++
	}
	s.Last, s.LastRun, s.Duration = e, started, r.Duration
	s.ExitCode, s.Failure, s.Output = r.ExitCode, failure, output
	q.mu.Unlock()

	if failure != "" {
		q.log.Warn("notify script failed", "state", e.State, "err", failure, "output", output)
		return
	}
	q.log.Debug("notify script ended", "state", e.State, "duration", r.Duration)
}

// args are the arguments after the script's own: Keepalived's TYPE NAME STATE PRIORITY.
func args(instance string, e Event) []string {
	return []string{"INSTANCE", instance, e.State, strconv.Itoa(int(e.Priority))}
}

// env is what the environment of a run adds.
func env(instance string, e Event) []string {
	return []string{
		"TANDEM_INSTANCE=" + instance,
		"TANDEM_STATE=" + e.State,
		"TANDEM_PRIORITY=" + strconv.Itoa(int(e.Priority)),
		"TANDEM_EPOCH=" + strconv.FormatUint(e.Epoch, 10),
		"TANDEM_REASON=" + printable(e.Reason),
	}
}

// printable makes one bounded line of s, without control characters: execve(2) refuses a NUL, and terminals obey others.
func printable(s string) string {
	s = s[:min(len(s), maxOutput)]
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}
