package tracker

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

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

// run is how one run of a fakeRunner goes.
type run struct {
	takes  time.Duration
	result Result
}

// ok and fail are runs that end after d.
func ok(d time.Duration) run { return run{takes: d} }
func fail(d time.Duration) run {
	return run{takes: d, result: Result{ExitCode: 1, Output: "connection refused\n"}}
}

// hang is a run that never ends by itself, and that no one can kill.
var hang = run{takes: 1000 * time.Hour}

// fakeRunner plays runs in order, the last one again and again. It notes when each started.
type fakeRunner struct {
	mu     sync.Mutex
	epoch  time.Time
	runs   []run           // guarded by mu
	starts []time.Duration // guarded by mu, since epoch
	ids    []string        // guarded by mu
	active int             // guarded by mu
	worst  int             // guarded by mu: most runs at a time
}

func newFakeRunner(runs ...run) *fakeRunner { return &fakeRunner{epoch: time.Now(), runs: runs} }

func (f *fakeRunner) Exec(ctx context.Context, id string, args, env []string) Result {
	f.mu.Lock()
	r := f.runs[min(len(f.starts), len(f.runs)-1)]
	f.starts = append(f.starts, time.Since(f.epoch))
	f.ids = append(f.ids, id)
	f.active++
	f.worst = max(f.worst, f.active)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.active--
		f.mu.Unlock()
	}()
	started := time.Now()
	select {
	case <-ctx.Done():
		return Result{Err: ctx.Err(), Duration: time.Since(started)}
	case <-time.After(r.takes):
		r.result.Duration = r.takes
		return r.result
	}
}

func (f *fakeRunner) started() []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.starts)
}

// journal collects the changes that a Set passes on, as "2s up" lines since its start.
type journal struct {
	mu    sync.Mutex
	epoch time.Time
	lines []string // guarded by mu
}

func newJournal() *journal { return &journal{epoch: time.Now()} }

func (j *journal) note(s State) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf("%v %v", time.Since(j.epoch), s.Status))
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, ", ")
}

// checkApp is the script of the tests: every 2 s, 1 s timeout, rise 2, fall 3.
func checkApp() Script {
	return Script{Name: "check_app", Command: []string{"/usr/local/bin/check_app"}, Interval: 2 * time.Second, Timeout: time.Second, Rise: 2, Fall: 3}
}

// bind binds each script with weight 0.
func bind(scripts ...Script) Config {
	cfg := Config{Scripts: scripts}
	for _, s := range scripts {
		cfg.Bindings = append(cfg.Bindings, Binding{ID: ID{Kind: KindScript, Name: s.Name}})
	}
	return cfg
}

// start runs a Set on cfg in the test's bubble until the test ends.
func start(t *testing.T, src Sources, onChange func(State), cfg Config) *Set {
	t.Helper()
	s := NewSet(src, onChange, nil)
	if err := s.Apply(cfg); err != nil {
		t.Fatalf("Apply: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	return s
}

// sleep lets d pass in the bubble, and everything that happens then.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestScriptLoop(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		runs    []run
		edit    func(*Script)
		lasts   time.Duration
		changes string // of the status
		text    string // at the end
		starts  []time.Duration
		skipped uint64
	}{
		{
			name: "the first run is at once, and one success is enough", runs: []run{ok(100 * time.Millisecond)}, lasts: 5 * time.Second,
			changes: "100ms up", text: "exit status 0",
			starts: []time.Duration{0, 2 * time.Second, 4 * time.Second},
		},
		{
			name: "one failure is enough at start", runs: []run{fail(0)}, lasts: time.Second,
			changes: "0s down", text: "exit status 1: connection refused", starts: []time.Duration{0},
		},
		{
			name: "fall failures in a row, then rise successes", runs: []run{ok(0), fail(0), fail(0), fail(0), ok(0), ok(0)}, lasts: 11 * time.Second,
			changes: "0s up, 6s down, 10s up", text: "exit status 0",
			starts: []time.Duration{0, 2 * time.Second, 4 * time.Second, 6 * time.Second, 8 * time.Second, 10 * time.Second},
		},
		{
			name: "a success between failures starts the count again", runs: []run{ok(0), fail(0), fail(0), ok(0), fail(0), fail(0), ok(0)}, lasts: 13 * time.Second,
			changes: "0s up", text: "exit status 0",
			starts: []time.Duration{0, 2 * time.Second, 4 * time.Second, 6 * time.Second, 8 * time.Second, 10 * time.Second, 12 * time.Second},
		},
		{
			name: "pain 9: a hanging script fails at its deadline and at every start it blocks", runs: []run{ok(0), hang}, lasts: 7 * time.Second,
			changes: "0s up, 6s down", text: "the run before has timed out and is still not gone",
			starts: []time.Duration{0, 2 * time.Second}, skipped: 2,
		},
		{
			name: "the first run hangs", runs: []run{hang}, lasts: 1500 * time.Millisecond,
			changes: "1s down", text: "timed out after 1s", starts: []time.Duration{0},
		},
		{
			name: "a late success does not undo the timeout", runs: []run{ok(1500 * time.Millisecond)}, lasts: 1900 * time.Millisecond,
			changes: "1s down", text: "timed out after 1s", starts: []time.Duration{0},
		},
		{
			name: "a run within its timeout is not overlapped, and that is no failure", runs: []run{ok(3 * time.Second)}, lasts: 7500 * time.Millisecond,
			edit:    func(s *Script) { s.Timeout = 5 * time.Second },
			changes: "3s up", text: "exit status 0",
			starts: []time.Duration{0, 4 * time.Second}, skipped: 2,
		},
		{
			name: "a run that the runner killed at the timeout", runs: []run{{result: Result{TimedOut: true, Output: "slow"}}}, lasts: time.Second,
			changes: "0s down", text: "timed out after 1s: slow", starts: []time.Duration{0},
		},
		{
			name: "pain 8: a script that cannot run at all has failed", runs: []run{{result: Result{Err: errors.New("no such file")}}}, lasts: time.Second,
			changes: "0s down", text: "cannot run: no such file", starts: []time.Duration{0},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				script := checkApp()
				if tt.edit != nil {
					tt.edit(&script)
				}
				runner, changes := newFakeRunner(tt.runs...), newJournal()
				set := start(t, Sources{Runner: runner}, changes.note, bind(script))
				sleep(tt.lasts)
				if got := changes.String(); got != tt.changes {
					t.Errorf("changes: got %q, want %q", got, tt.changes)
				}
				if got := runner.started(); !slices.Equal(got, tt.starts) {
					t.Errorf("starts: got %v, want %v", got, tt.starts)
				}
				state := set.Snapshot()[0]
				if state.Text != tt.text {
					t.Errorf("text: got %q, want %q", state.Text, tt.text)
				}
				if state.Skipped != tt.skipped {
					t.Errorf("skipped: got %d, want %d", state.Skipped, tt.skipped)
				}
				if runner.worst > 1 {
					t.Errorf("%d runs at a time, want at most 1", runner.worst)
				}
			})
		})
	}
}

func TestScriptState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runner := newFakeRunner(ok(50*time.Millisecond), fail(70*time.Millisecond))
		begin := time.Now()
		set := start(t, Sources{Runner: runner}, func(State) {}, bind(checkApp()))
		sleep(3 * time.Second)
		want := State{
			ID: ID{Kind: KindScript, Name: "check_app"}, Status: hysteresis.Up, Text: "exit status 1: connection refused",
			Since: begin.Add(50 * time.Millisecond), LastCheck: begin.Add(2070 * time.Millisecond), Duration: 70 * time.Millisecond,
			Run: 1, Limit: 3, Runs: 2, Failures: 1,
		}
		if got := set.Snapshot()[0]; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if runner.ids[0] != "script/check_app" {
			t.Errorf("command id: got %q, want script/check_app", runner.ids[0])
		}
	})
}

// Starts that a suspended machine missed are not made up for in a burst.
func TestScriptRunMissedStarts(t *testing.T) {
	t.Parallel()
	epoch := time.Unix(1000, 0)
	r := scriptRun{script: checkApp(), next: epoch}
	tr := newTrack(atOnce(), State{}, func(State) {})
	if !r.tick(epoch, tr) {
		t.Fatal("the first tick did not start a run")
	}
	r.ended(epoch, Result{}, tr)
	if !r.tick(epoch.Add(61*time.Second), tr) {
		t.Fatal("the tick after a minute did not start a run")
	}
	if want := epoch.Add(62 * time.Second); !r.next.Equal(want) {
		t.Errorf("next start: got %v, want %v", r.next.Sub(epoch), want.Sub(epoch))
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"one line", "ok", "ok"},
		{"lines are joined", "a\n\n  b\r\nc\n", "a b c"},
		{"terminal controls are gone", "\x1b[31mred\x07\x00!", "[31mred !"},
		{"not UTF-8", "caf\xe9", "caf"},
		{"UTF-8 stays", "größe", "größe"},
		{"bounded, not in the middle of a rune", strings.Repeat("x", 511) + "ß", strings.Repeat("x", 511)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := printable(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What is assumed before the first result holds for as many results as if it had been observed. Keepalived's init_fail
// is Down.
func TestScriptInit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		init    hysteresis.Status
		run     run
		changes string
		waits   bool // an instance with weight 0, before the first result
		fault   bool // then
	}{
		{"unknown, the first success decides", unknown, ok(0), "0s up", true, true},
		{"unknown, the first failure decides", unknown, fail(0), "0s down", true, true},
		{"down, rise successes make it up", down, ok(0), "2s up", false, true},
		{"down stays down", down, fail(0), "", false, true},
		{"up, fall failures make it down", up, fail(0), "4s down", false, false},
		{"up stays up", up, ok(0), "", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				script, changes := checkApp(), newJournal()
				script.Init = tt.init
				cfg := bind(script)
				set := NewSet(Sources{Runner: newFakeRunner(tt.run)}, changes.note, nil)
				if err := set.Apply(cfg); err != nil {
					t.Fatal(err)
				}
				out := Tally(100, set.Inputs(cfg.Bindings))
				if out.Waiting != tt.waits || (len(out.Faults) > 0) != tt.fault {
					t.Errorf("before the first result: got faults %q, waiting %v; want %v, %v", out.Faults, out.Waiting, tt.fault, tt.waits)
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- set.Run(ctx) }()
				sleep(5 * time.Second)
				if got := changes.String(); got != tt.changes {
					t.Errorf("changes: got %q, want %q", got, tt.changes)
				}
				cancel()
				if err := <-ended; err != nil {
					t.Errorf("Run: got %v, want nil", err)
				}
			})
		})
	}
}
