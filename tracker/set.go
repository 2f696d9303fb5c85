package tracker

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// restartDelay is the pause before a watcher that could not go on is started again.
const restartDelay = time.Second

// Set runs the trackers of a node. Apply, Snapshot and Inputs may be called from any goroutine, before Run too.
type Set struct {
	sources  Sources
	onChange func(State)
	log      hclog.Logger
	applied  chan struct{} // Apply -> Run; capacity 1, because one wake-up covers every Apply before it; never closed

	mu      sync.Mutex
	entries map[ID]*entry // guarded by mu: what should run
}

// entry is one tracker that should run. A reload that leaves the tracker as it was keeps the entry; one that changes it
// makes a new one, which is how Run sees what to replace.
type entry struct {
	watcher watcher
	state   State // guarded by Set.mu
}

// NewSet returns a Set that watches nothing until Apply, and does nothing until Run. onChange is called with each
// State whose Status or Value changed. It is called from several goroutines at once, though in order for one tracker; it must
// not block and not call Apply. To tally without a race, let it take a lock of its own, then call Inputs, then act: who
// gets the lock last sees every change. A nil log is a null logger.
func NewSet(src Sources, onChange func(State), log hclog.Logger) *Set {
	if log == nil {
		log = hclog.NewNullLogger()
	}
	return &Set{
		sources:  src,
		onChange: onChange,
		log:      log,
		applied:  make(chan struct{}, 1),
		entries:  map[ID]*entry{},
	}
}

// Check reports what is wrong with cfg, without changing anything: what Apply would refuse.
func (s *Set) Check(cfg Config) error {
	_, err := plan(cfg, s.sources)
	return err
}

// Apply makes the set watch what cfg binds. A tracker that cfg leaves as it was is not restarted and keeps its State;
// a changed one keeps its Status until the first contrary result; a new one is Unknown, or what its Init says. On an error nothing changes.
// Weights are no part of the set: tally again after Apply.
func (s *Set) Apply(cfg Config) error {
	watchers, err := plan(cfg, s.sources)
	if err != nil {
		return err
	}
	s.mu.Lock()
	next := make(map[ID]*entry, len(watchers))
	for id, w := range watchers {
		old, ok := s.entries[id]
		switch {
		case !ok:
			next[id] = &entry{watcher: w, state: w.newTrack(State{ID: id}, nil).state}
		case old.watcher.same(w):
			next[id] = old
		default:
			next[id] = &entry{watcher: w, state: old.state}
		}
	}
	s.entries = next
	s.mu.Unlock()
	select {
	case s.applied <- struct{}{}:
	default: // a wake-up is already there
	}
	return nil
}

// Snapshot returns the State of every tracker, ordered by kind, name, min_up and interface.
func (s *Set) Snapshot() []State {
	s.mu.Lock()
	all := make([]State, 0, len(s.entries))
	for _, e := range s.entries {
		all = append(all, e.state)
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b State) int {
		return cmp.Or(cmp.Compare(a.ID.Kind, b.ID.Kind), cmp.Compare(a.ID.Name, b.ID.Name), cmp.Compare(a.ID.MinUp, b.ID.MinUp),
			cmp.Compare(a.ID.Interface, b.ID.Interface))
	})
	return all
}

// Inputs pairs the bindings of an instance with the present states of their trackers, for Tally. A tracker that the set
// does not watch is Unknown.
func (s *Set) Inputs(bindings []Binding) []Input {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := make([]Input, 0, len(bindings))
	for _, b := range bindings {
		state := State{ID: b.ID}
		if e, ok := s.entries[b.ID]; ok {
			state = e.state
		}
		in = append(in, Input{Binding: b, State: state})
	}
	return in
}

// Run watches until ctx ends, and then until every watcher has ended. It returns nil.
func (s *Set) Run(ctx context.Context) error {
	jobs := map[ID]*job{}
	for {
		s.reconcile(ctx, jobs)
		select {
		case <-s.applied:
		case <-ctx.Done():
			for _, j := range jobs {
				<-j.ended // its ctx ended with ours
			}
			return nil
		}
	}
}

// job is one running entry. Owned by Run.
type job struct {
	entry *entry
	stop  context.CancelFunc
	ended chan struct{} // closed by the job's goroutine at its end
}

// reconcile stops the jobs whose entry is gone or was replaced, waits for them, and starts what is missing.
func (s *Set) reconcile(ctx context.Context, jobs map[ID]*job) {
	want := s.wanted()
	var stopped []*job
	for id, j := range jobs {
		if want[id] != j.entry {
			j.stop()
			stopped = append(stopped, j)
			delete(jobs, id)
		}
	}
	for _, j := range stopped {
		<-j.ended
	}
	for id, e := range want {
		if jobs[id] != nil {
			continue
		}
		jobCtx, stop := context.WithCancel(ctx)
		j := &job{entry: e, stop: stop, ended: make(chan struct{})}
		jobs[id] = j
		go func() {
			defer close(j.ended)
			defer stop()
			s.keepWatching(jobCtx, id, e)
		}()
	}
}

// wanted copies what should run.
func (s *Set) wanted() map[ID]*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.entries)
}

// keepWatching runs the watcher of one entry until ctx ends. A watcher that cannot go on counts as a failure, and is
// started again after a pause.
func (s *Set) keepWatching(ctx context.Context, id ID, e *entry) {
	s.mu.Lock()
	last := e.state
	s.mu.Unlock()
	t := e.watcher.newTrack(last, func(state State) { s.store(id, e, state) })
	for {
		err := e.watcher.watch(ctx, t)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("ended by itself")
		}
		t.observe(time.Now(), observation{text: "cannot watch: " + err.Error()})
		select {
		case <-ctx.Done():
			return
		case <-time.After(restartDelay):
		}
	}
}

// store keeps a new State and passes on a new Status or Value. A job that a reload has replaced is not listened to any more.
func (s *Set) store(id ID, e *entry, state State) {
	s.mu.Lock()
	if s.entries[id] != e {
		s.mu.Unlock()
		return
	}
	from := e.state
	e.state = state
	s.mu.Unlock()
	if from.Status == state.Status && from.Value == state.Value {
		return
	}
	s.log.Info("tracker changed", "tracker", id.String(), "from", from.verdict(), "to", state.verdict(), "reason", state.Text)
	s.onChange(state)
}
