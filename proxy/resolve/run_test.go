package resolve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// oracle is a looker with answers of the test's.
type oracle struct {
	mu     sync.Mutex
	start  time.Time
	took   time.Duration
	answer answer
	err    error
	asked  []string // when and what
	now    int      // lookups under way
	most   int
}

func (o *oracle) lookup(ctx context.Context, _ *Config, q Query) (answer, error) {
	o.mu.Lock()
	o.asked = append(o.asked, fmt.Sprintf("%v %s", time.Since(o.start), q.Name))
	o.now++
	o.most = max(o.most, o.now)
	took := o.took
	o.mu.Unlock()
	select {
	case <-time.After(took):
	case <-ctx.Done():
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now--
	return o.answer, o.err
}

func (o *oracle) say(words string, ttl time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer, o.err = answer{endpoints: hosts(words), ttl: ttl}, err
}

// times returns when what was asked for.
func (o *oracle) times() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.asked)
}

// running runs a Resolver in a bubble until the test ends. changes counts what it tells.
func running(t *testing.T, o *oracle) (r *Resolver, changes *atomic.Int64) {
	changes = new(atomic.Int64)
	o.start = time.Now()
	r = newResolver(Options{Changed: func() { changes.Add(1) }}, o, &counters{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("got %v, want nil", err)
		}
	})
	return r, changes
}

// Names are asked for when the time to live of their answers has passed, all of them beside each other, and who wants to know is told
// of what has changed alone.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{took: 10 * time.Millisecond}
		o.say("1", 30*time.Second, nil)
		r, changes := running(t, o)
		synctest.Wait()
		r.Apply(times, []Query{{Name: "a"}})
		time.Sleep(time.Second)
		if got := words(r.State(Query{Name: "a"}).Endpoints); got != "1" || changes.Load() != 1 {
			t.Fatalf("got %q, %d changes, want 1 and 1", got, changes.Load())
		}
		r.Apply(times, []Query{{Name: "a"}, {Name: "b"}})
		time.Sleep(time.Minute)
		if changes.Load() != 2 {
			t.Errorf("got %d changes, want 2: those of the first answers", changes.Load())
		}
		o.say("2", 30*time.Second, nil)
		r.Apply(times, []Query{{Name: "a"}}) // nothing is asked again for that
		time.Sleep(30 * time.Second)
		if got := words(r.State(Query{Name: "a"}).Endpoints); got != "2" || changes.Load() != 3 {
			t.Errorf("got %q, %d changes, want 2 and 3", got, changes.Load())
		}
		if got := r.State(Query{Name: "b"}); got.Endpoints != nil || !got.Asked.IsZero() {
			t.Errorf("nobody asks for b, and yet %v is known", got)
		}
		want := []string{"0s a", "1s b", "30.01s a", "31.01s b", "1m0.02s a", "1m30.03s a"}
		if got := o.times(); !slices.Equal(got, want) {
			t.Errorf("asked at %v, want %v", got, want)
		}
	})
}

// A change of how names are asked for is tried at once; Hurry asks again, but not in less than min_ttl.
func TestAskedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{}
		o.say("1", time.Minute, nil)
		r, _ := running(t, o)
		a := Query{Name: "a"}
		r.Apply(times, []Query{a})
		time.Sleep(10 * time.Second)
		c := times
		c.MinTTL = 5 * time.Second
		r.Apply(c, []Query{a})
		time.Sleep(time.Second)
		r.Hurry(a)
		r.Hurry(Query{Name: "nobody asks for it"})
		time.Sleep(10 * time.Second)
		r.Hurry(a)
		synctest.Wait()
		if got, want := o.times(), []string{"0s a", "10s a", "15s a", "21s a"}; !slices.Equal(got, want) {
			t.Errorf("asked at %v, want %v", got, want)
		}
	})
}

// A failure is tried again after a second, then after longer; what was known stays known.
func TestFailuresAreTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{}
		o.say("", 0, errors.New("SERVFAIL"))
		r, changes := running(t, o)
		a := Query{Name: "a"}
		r.Apply(times, []Query{a})
		time.Sleep(20 * time.Second)
		if s := r.State(a); s.Err == nil || s.Failures != 5 || s.Asked.IsZero() || !s.Good.IsZero() {
			t.Errorf("got %+v, want 5 failures", s)
		}
		if changes.Load() != 1 || r.Counters().Failures != 5 {
			t.Errorf("got %d changes, %d failures, want 1 and 5", changes.Load(), r.Counters().Failures)
		}
		o.say("1", time.Minute, nil)
		time.Sleep(10 * time.Second)
		o.say("", 0, errors.New("SERVFAIL"))
		time.Sleep(time.Hour)
		if s := r.State(a); words(s.Endpoints) != "1" || s.Err == nil || changes.Load() != 2 {
			t.Errorf("got %+v, %d changes, want 1 kept", s, changes.Load())
		}
		if got, want := o.times()[:7], []string{"0s a", "1s a", "3s a", "7s a", "15s a", "25s a", "1m25s a"}; !slices.Equal(got, want) {
			t.Errorf("asked at %v, want %v", got, want)
		}
	})
}

// So many names at once as lookups may be under way, and the others after them.
func TestLookupsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{took: time.Second}
		o.say("1", time.Hour, nil)
		r, changes := running(t, o)
		var all []Query
		for i := range 100 {
			all = append(all, Query{Name: fmt.Sprint(i)})
		}
		r.Apply(times, all)
		time.Sleep(4500 * time.Millisecond)
		o.mu.Lock()
		defer o.mu.Unlock()
		if n := changes.Load(); n != 8 { // the first of those that end together at once, and all the others after it
			t.Errorf("told %d times, want 8", n)
		}
		if len(o.asked) != 100 || o.most != maxLookups {
			t.Errorf("got %d lookups, %d at once, want 100 and %d", len(o.asked), o.most, maxLookups)
		}
	})
}

// Await returns with the first answer to each of its queries, be it a failure, or when it has taken too long.
func TestAwait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{took: time.Second}
		o.say("", 0, errNoName)
		r, _ := running(t, o)
		r.Apply(times, nil)
		start := time.Now()
		r.Await(t.Context(), times, []Query{{Name: "a"}, {Name: "b"}})
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v, want 1s", took)
		}
		r.Await(t.Context(), times, []Query{{Name: "a"}})
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v, want nothing more", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		r.Await(ctx, times, []Query{{Name: "c"}})
		if took := time.Since(start); took != 1100*time.Millisecond {
			t.Errorf("it took %v, want 100ms more", took)
		}
	})
}
