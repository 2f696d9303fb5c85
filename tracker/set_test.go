package tracker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeInterfaces is an Interfaces whose links the test moves.
type fakeInterfaces struct {
	mu       sync.Mutex
	links    map[string]Link
	watchers map[string][]func(Link)
}

func (f *fakeInterfaces) Watch(ctx context.Context, name string, fn func(Link)) error {
	f.mu.Lock()
	if f.watchers == nil {
		f.watchers = map[string][]func(Link){}
	}
	f.watchers[name] = append(f.watchers[name], fn)
	fn(f.links[name])
	f.mu.Unlock()
	<-ctx.Done()
	return nil
}

func (f *fakeInterfaces) set(name string, l Link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fn := range f.watchers[name] {
		fn(l)
	}
}

// fakeBackends is a Backends whose counts the test sends. A Watch of "broken" fails, at once.
type fakeBackends struct{ counts chan [3]int }

func (f *fakeBackends) Watch(ctx context.Context, name string, fn func(healthy, total int, known bool)) error {
	if name == "broken" {
		return errors.New("no such backend")
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-f.counts:
			fn(c[0], c[1], c[2] == 1)
		}
	}
}

// statuses words a snapshot: "interface eth0 up".
func statuses(s *Set) []string {
	var all []string
	for _, state := range s.Snapshot() {
		all = append(all, state.ID.String()+" "+state.Status.String())
	}
	return all
}

func TestInterfaceTracker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good := Link{Exists: true, Up: true, Carrier: true}
		interfaces := &fakeInterfaces{links: map[string]Link{"eth0": good}}
		set := start(t, Sources{Interfaces: interfaces}, func(State) {}, Config{Bindings: []Binding{OwnInterface("eth0")}})
		steps := []struct {
			link Link
			want string
		}{
			{good, "up up"},
			{Link{Exists: true, Up: true}, "down no carrier"},
			{Link{Exists: true, Carrier: true}, "down down"},
			{Link{}, "down does not exist"},
			{good, "up up"},
		}
		for _, step := range steps {
			synctest.Wait()
			interfaces.set("eth0", step.link)
			state := set.Snapshot()[0]
			if got := state.Status.String() + " " + state.Text; got != step.want {
				t.Errorf("link %+v: got %q, want %q", step.link, got, step.want)
			}
		}
	})
}

func TestBackendTracker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backends := &fakeBackends{counts: make(chan [3]int)}
		id := ID{Kind: KindBackend, Name: "web", MinUp: 2}
		set := start(t, Sources{Backends: backends}, func(State) {}, Config{Bindings: []Binding{{ID: id, Weight: -30}}})
		steps := []struct {
			counts [3]int // healthy, total, known
			want   string
		}{
			{[3]int{3, 3, 0}, "unknown "},
			{[3]int{1, 3, 1}, "down 1 of 3 servers healthy, want 2"},
			{[3]int{2, 3, 1}, "up 2 of 3 servers healthy, want 2"},
			{[3]int{0, 1, 0}, "up 2 of 3 servers healthy, want 2"}, // replaced, and its first round is still out
			{[3]int{0, 1, 1}, "down 0 of 1 servers healthy, want 2"},
		}
		for _, step := range steps {
			backends.counts <- step.counts
			synctest.Wait()
			state := set.Snapshot()[0]
			if got := state.Status.String() + " " + state.Text; got != step.want {
				t.Errorf("counts %v: got %q, want %q", step.counts, got, step.want)
			}
		}
	})
}

// A source that ends is a failure with its reason, and is asked again each second.
func TestBrokenSourceIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Bindings: []Binding{{ID: ID{Kind: KindBackend, Name: "broken", MinUp: 1}}}}
		set := start(t, Sources{Backends: &fakeBackends{}}, func(State) {}, cfg)
		sleep(2500 * time.Millisecond)
		got := set.Snapshot()[0]
		if got.Status != down || got.Text != "cannot watch: no such backend" || got.Failures != 3 {
			t.Errorf("got %v, %q, %d failures; want down, cannot watch: no such backend, 3", got.Status, got.Text, got.Failures)
		}
	})
}

func TestSetRunsEachTrackerOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runner := newFakeRunner(ok(0))
		cfg := bind(checkApp())
		cfg.Bindings = append(cfg.Bindings, cfg.Bindings[0])
		set := start(t, Sources{Runner: runner}, func(State) {}, cfg)
		sleep(time.Second)
		if got := len(runner.started()); got != 1 {
			t.Errorf("two instances bind one script: got %d starts, want 1", got)
		}
		in := set.Inputs(cfg.Bindings)
		if len(in) != 2 || in[0].State.Status != up || in[0] != in[1] {
			t.Errorf("inputs: got %+v, want the state twice", in)
		}
	})
}

func TestSnapshotIsOrdered(t *testing.T) {
	t.Parallel()
	set := NewSet(Sources{Interfaces: &fakeInterfaces{}, Backends: &fakeBackends{}}, func(State) {}, nil)
	web1, web2 := ID{Kind: KindBackend, Name: "web", MinUp: 1}, ID{Kind: KindBackend, Name: "web", MinUp: 2}
	if err := set.Apply(Config{Bindings: []Binding{{ID: web2}, OwnInterface("eth1"), {ID: web1}, OwnInterface("eth0")}}); err != nil {
		t.Fatal(err)
	}
	want := []string{"backend web unknown", "backend web (min_up 2) unknown", "interface eth0 unknown", "interface eth1 unknown"}
	if got := statuses(set); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestInputsOfAnUnwatchedTracker(t *testing.T) {
	t.Parallel()
	in := NewSet(Sources{}, func(State) {}, nil).Inputs([]Binding{OwnInterface("eth9")})
	if want := (State{ID: ID{Kind: KindInterface, Name: "eth9"}}); in[0].State != want {
		t.Errorf("got %+v, want %+v", in[0].State, want)
	}
}

// Pain 10: a reload that changes nothing starts nothing and stops nothing.
func TestApplyOfTheSameKeepsTheLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runner, changes := newFakeRunner(ok(0)), newJournal()
		set := start(t, Sources{Runner: runner}, changes.note, bind(checkApp()))
		sleep(time.Second)
		cfg := bind(checkApp())
		cfg.Bindings[0].Weight = -20 // weights are the tally's
		if err := set.Apply(cfg); err != nil {
			t.Fatal(err)
		}
		sleep(1500 * time.Millisecond)
		if got, want := runner.started(), []time.Duration{0, 2 * time.Second}; !slices.Equal(got, want) {
			t.Errorf("starts: got %v, want %v", got, want)
		}
		if got := set.Snapshot()[0].Runs; got != 2 {
			t.Errorf("runs: got %d, want 2", got)
		}
		if got := changes.String(); got != "0s up" {
			t.Errorf("changes: got %q, want 0s up", got)
		}
	})
}

func TestApplyOfAChangedScript(t *testing.T) {
	t.Parallel()
	edits := map[string]func(*Script){
		"command":  func(s *Script) { s.Command = []string{"/bin/true"} },
		"interval": func(s *Script) { s.Interval = 3 * time.Second },
		"timeout":  func(s *Script) { s.Timeout = 3 * time.Second },
		"rise":     func(s *Script) { s.Rise = 4 },
		"fall":     func(s *Script) { s.Fall = 4 },
		"user":     func(s *Script) { s.User = "nobody" },
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// The second run goes on until its replacement stops it; the third one fails.
				runner, changes := newFakeRunner(ok(0), hang, fail(100*time.Millisecond)), newJournal()
				set := start(t, Sources{Runner: runner}, changes.note, bind(checkApp()))
				sleep(2500 * time.Millisecond)
				script := checkApp()
				edit(&script)
				if err := set.Apply(bind(script)); err != nil {
					t.Fatal(err)
				}
				sleep(50 * time.Millisecond)
				if got, want := runner.started(), []time.Duration{0, 2 * time.Second, 2500 * time.Millisecond}; !slices.Equal(got, want) {
					t.Errorf("starts: got %v, want %v", got, want)
				}
				if got := set.Snapshot()[0].Status; got != up {
					t.Errorf("before the first result of the new script: got %v, want up still", got)
				}
				sleep(100 * time.Millisecond)
				if got, want := changes.String(), "0s up, 2.6s down"; got != want {
					t.Errorf("changes: got %q, want %q", got, want)
				}
				if runner.worst > 1 {
					t.Errorf("%d runs at a time, want at most 1", runner.worst)
				}
			})
		})
	}
}

// A changed script that says what the old one said changes nothing that people see.
func TestApplyOfAChangedScriptThatAgrees(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun, changes := time.Now(), newJournal()
		set := start(t, Sources{Runner: newFakeRunner(ok(0))}, changes.note, bind(checkApp()))
		sleep(time.Second)
		script := checkApp()
		script.Interval = time.Second
		if err := set.Apply(bind(script)); err != nil {
			t.Fatal(err)
		}
		sleep(time.Second)
		state := set.Snapshot()[0]
		if state.Status != up || !state.Since.Equal(begun) || state.Runs != 3 {
			t.Errorf("got %v since %v, %d runs; want up since 0s, 3 runs", state.Status, state.Since.Sub(begun), state.Runs)
		}
		if got := changes.String(); got != "0s up" {
			t.Errorf("changes: got %q, want 0s up", got)
		}
	})
}

// A watcher that a reload has replaced may still have a result at hand; it is about the old configuration.
func TestReplacedWatcherIsNotListenedTo(t *testing.T) {
	t.Parallel()
	changes := newJournal()
	set := NewSet(Sources{Runner: newFakeRunner(ok(0))}, changes.note, nil)
	if err := set.Apply(bind(checkApp())); err != nil {
		t.Fatal(err)
	}
	id := ID{Kind: KindScript, Name: "check_app"}
	replaced := set.entries[id]
	script := checkApp()
	script.Command = []string{"/bin/true"}
	if err := set.Apply(bind(script)); err != nil {
		t.Fatal(err)
	}
	set.store(id, replaced, State{ID: id, Status: down})
	if got := set.Snapshot()[0].Status; got != unknown || changes.String() != "" {
		t.Errorf("got %v and changes %q, want unknown and none", got, changes)
	}
}

func TestApplyAddsAndRemoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := checkApp(), checkApp()
		b.Name = "check_db"
		runner := newFakeRunner(ok(0))
		set := start(t, Sources{Runner: runner}, func(State) {}, bind(a))
		sleep(time.Second)
		if err := set.Apply(bind(b)); err != nil {
			t.Fatal(err)
		}
		// It is Unknown, or the set has been quick and its first run is over.
		if got := statuses(set); len(got) != 1 || !strings.HasPrefix(got[0], "script check_db ") {
			t.Errorf("right after Apply: got %q, want script check_db alone", got)
		}
		sleep(4 * time.Second)
		want := []string{"script/check_app", "script/check_db", "script/check_db", "script/check_db"}
		if !slices.Equal(runner.ids, want) {
			t.Errorf("runs: got %q, want %q", runner.ids, want)
		}
	})
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	backend := func(minUp int) Config {
		return Config{Bindings: []Binding{{ID: ID{Kind: KindBackend, Name: "web", MinUp: minUp}}}}
	}
	noInterval := checkApp()
	noInterval.Interval = 0
	full := Sources{Runner: newFakeRunner(ok(0)), Interfaces: &fakeInterfaces{}, Backends: &fakeBackends{}}
	tests := []struct {
		name string
		src  Sources
		cfg  Config
		want string
	}{
		{"unknown kind", full, Config{Bindings: []Binding{{ID: ID{Kind: "moon", Name: "full"}}}}, `track moon full: unknown kind "moon"`},
		{"unknown script", full, Config{Bindings: bind(checkApp()).Bindings}, "track script check_app: no such script"},
		{"no interval", full, bind(noInterval), "track script check_app: interval 0s and timeout 1s must be positive"},
		{"no min_up", full, backend(0), "track backend web: min_up 0, want at least 1"},
		{"no runner", Sources{}, bind(checkApp()), "track script check_app: no runner for scripts"},
		{"no interfaces", Sources{}, Config{Bindings: []Binding{OwnInterface("eth0")}}, "track interface eth0: no source of interfaces"},
		{"no backends", Sources{}, backend(1), "track backend web: no source of backends"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			set := NewSet(tt.src, func(State) {}, nil)
			if err := set.Check(tt.cfg); err == nil || err.Error() != tt.want {
				t.Errorf("Check: got %v, want %s", err, tt.want)
			}
			if err := set.Apply(tt.cfg); err == nil || err.Error() != tt.want {
				t.Errorf("Apply: got %v, want %s", err, tt.want)
			}
			if got := set.Snapshot(); len(got) != 0 {
				t.Errorf("a refused configuration left %v", got)
			}
		})
	}
}
