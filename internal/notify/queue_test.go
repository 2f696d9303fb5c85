package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call is one run that a fakeRunner was asked for.
type call struct {
	id        string
	args, env []string
	begun     time.Duration // since the runner was made
	cut       bool          // its ctx ended before the run did
}

// fakeRunner takes a fixed time for each run, and a fixed result. Its runs must not overlap.
type fakeRunner struct {
	takes  time.Duration
	result Result
	epoch  time.Time

	mu     sync.Mutex
	calls  []call // guarded by mu
	active int    // guarded by mu
	worst  int    // guarded by mu: most runs at a time
}

func newFakeRunner(takes time.Duration, result Result) *fakeRunner {
	return &fakeRunner{takes: takes, result: result, epoch: time.Now()}
}

func (f *fakeRunner) Exec(ctx context.Context, id string, args, env []string) Result {
	c := call{id: id, args: args, env: env, begun: time.Since(f.epoch)}
	f.mu.Lock()
	f.active++
	f.worst = max(f.worst, f.active)
	f.mu.Unlock()
	select {
	case <-time.After(f.takes):
	case <-ctx.Done():
		c.cut = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active--
	f.calls = append(f.calls, c)
	if c.cut {
		return Result{Err: context.Cause(ctx)}
	}
	r := f.result
	r.Duration = f.takes
	return r
}

// told words the runs that have ended: "0s MASTER".
func (f *fakeRunner) told() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, c := range f.calls {
		all = append(all, fmt.Sprintf("%v %s", c.begun, c.args[2]))
	}
	return strings.Join(all, ", ")
}

func config() Config {
	return Config{Instance: "VI_1", Script: []string{"/etc/tandem/notify.sh"}, Timeout: 10 * time.Second}
}

// start runs a queue in the test's bubble. The function it returns stops it and waits.
func start(t *testing.T, cfg Config, r Runner) (*Queue, func()) {
	t.Helper()
	q := New(cfg, r, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	return q, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	}
}

// post posts states, each once the one before has been looked at.
func post(q *Queue, states ...string) {
	for _, s := range states {
		q.Post(Event{State: s})
		synctest.Wait()
	}
}

func TestArgumentsAndEnvironment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newFakeRunner(0, Result{})
		q, stop := start(t, config(), r)
		q.Post(Event{State: "MASTER", Priority: 101, Epoch: 7, Reason: "the master\nis\x00 silent"})
		stop()
		want := call{
			id:   "notify/VI_1",
			args: []string{"INSTANCE", "VI_1", "MASTER", "101"},
			env: []string{
				"TANDEM_INSTANCE=VI_1", "TANDEM_STATE=MASTER", "TANDEM_PRIORITY=101", "TANDEM_EPOCH=7",
				"TANDEM_REASON=the master is silent",
			},
		}
		if len(r.calls) != 1 {
			t.Fatalf("got %d runs, want 1", len(r.calls))
		}
		got := r.calls[0]
		if got.id != want.id || !slices.Equal(got.args, want.args) || !slices.Equal(got.env, want.env) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// Pain 5: scripts that run concurrently, so that BACKUP may finish after MASTER.
func TestOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		states    []string
		want      string
		coalesced uint64
	}{
		{"one", []string{"BACKUP"}, "0s BACKUP", 0},
		{"the second waits for the first", []string{"BACKUP", "MASTER"}, "0s BACKUP, 3s MASTER", 0},
		{"the newest of those that wait wins", []string{"BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER"}, "0s BACKUP, 3s MASTER", 3},
		{"the same state again is told again", []string{"MASTER", "MASTER"}, "0s MASTER, 3s MASTER", 0},
		{"back to the state that runs is told too", []string{"MASTER", "BACKUP", "MASTER"}, "0s MASTER, 3s MASTER", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newFakeRunner(3*time.Second, Result{})
				q, stop := start(t, config(), r)
				post(q, tt.states...)
				time.Sleep(time.Minute)
				if got := r.told(); got != tt.want {
					t.Errorf("told: got %q, want %q", got, tt.want)
				}
				if got := q.Status().Coalesced; got != tt.coalesced {
					t.Errorf("coalesced: got %d, want %d", got, tt.coalesced)
				}
				stop()
				if r.worst > 1 {
					t.Errorf("%d runs at a time, want at most 1", r.worst)
				}
			})
		})
	}
}

func TestShutdownTellsTheLastState(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		states []string // posted, and then the queue is stopped
		want   string
		within time.Duration
	}{
		{"nothing posted", nil, "", 0},
		{"the run under way ends", []string{"BACKUP"}, "0s BACKUP", 3 * time.Second},
		{"the state that waits is told", []string{"MASTER", "BACKUP", "FAULT"}, "0s MASTER, 3s FAULT", 6 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newFakeRunner(3*time.Second, Result{})
				q, stop := start(t, config(), r)
				post(q, tt.states...)
				begun := time.Now()
				stop()
				if got := r.told(); got != tt.want {
					t.Errorf("told: got %q, want %q", got, tt.want)
				}
				if got := time.Since(begun); got != tt.within {
					t.Errorf("stopping took %v, want %v", got, tt.within)
				}
			})
		})
	}
}

// The state that is posted right before the stop, which the loop has not seen yet, is not lost.
func TestShutdownTellsWhatWasPostedJustBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newFakeRunner(0, Result{})
		q := New(config(), r, nil)
		ctx, cancel := context.WithCancel(t.Context())
		q.Post(Event{State: "STOP"})
		cancel()
		if err := q.Run(ctx); err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
		if got := r.told(); got != "0s STOP" {
			t.Errorf("told: got %q, want 0s STOP", got)
		}
	})
}

// A script that no kill ends must not keep the queue, or the daemon's stop, for ever.
func TestRunnerThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newFakeRunner(time.Hour, Result{})
		q, stop := start(t, config(), r)
		post(q, "MASTER", "BACKUP")
		begun := time.Now()
		stop()
		if got, want := time.Since(begun), 2*(10*time.Second+killGrace); got != want {
			t.Errorf("stopping took %v, want %v", got, want)
		}
		if got, want := r.told(), "0s MASTER, 12s BACKUP"; got != want {
			t.Errorf("told: got %q, want %q", got, want)
		}
		if got, want := q.Status().Failure, "cannot run: context deadline exceeded"; got != want {
			t.Errorf("failure: got %q, want %q", got, want)
		}
	})
}

func TestStatus(t *testing.T) {
	t.Parallel()
	event := Event{State: "MASTER", Priority: 101, Epoch: 3, Reason: "preempted"}
	tests := []struct {
		name     string
		result   Result
		failures uint64
		failure  string
		output   string
	}{
		{"success", Result{Output: "moved\nthe address\n"}, 0, "", "moved the address"},
		{"exit status", Result{ExitCode: 3, Output: "no route"}, 1, "exit status 3", "no route"},
		{"timeout", Result{TimedOut: true, ExitCode: 137}, 1, "timed out", ""},
		{"cannot run", Result{Err: errors.New("no such file or directory")}, 1, "cannot run: no such file or directory", ""},
		{"long output", Result{Output: strings.Repeat("x", 5000)}, 0, "", strings.Repeat("x", 512)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, stop := start(t, config(), newFakeRunner(time.Second, tt.result))
				begun := time.Now()
				q.Post(event)
				synctest.Wait()
				if got, want := q.Status(), (Status{Instance: "VI_1", Running: true}); got != want {
					t.Errorf("while it runs: got %+v, want %+v", got, want)
				}
				stop()
				want := Status{
					Instance: "VI_1", Runs: 1, Failures: tt.failures, Last: event, LastRun: begun, Duration: time.Second,
					ExitCode: tt.result.ExitCode, Failure: tt.failure, Output: tt.output,
				}
				if got := q.Status(); got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
			})
		})
	}
}

func TestWithoutAScript(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newFakeRunner(0, Result{})
		q, stop := start(t, Config{Instance: "VI_1"}, r)
		post(q, "MASTER", "BACKUP")
		stop()
		if got, want := q.Status(), (Status{Instance: "VI_1"}); got != want || len(r.calls) != 0 {
			t.Errorf("got %+v and %d runs, want %+v and none", got, len(r.calls), want)
		}
	})
}
