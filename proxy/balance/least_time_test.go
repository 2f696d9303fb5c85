package balance

import (
	"math"
	"testing"
	"time"
)

var epoch = time.Unix(1_700_000_000, 0)

func TestLatency(t *testing.T) {
	t.Parallel()
	type answer struct {
		after  time.Duration // the one before
		took   time.Duration
		failed bool
	}
	for _, tt := range []struct {
		name    string
		answers []answer
		want    float64 // seconds
	}{
		{"the first", []answer{{0, time.Second, false}}, 1},
		{"a rise is believed at once", []answer{{0, 10 * time.Millisecond, false}, {time.Millisecond, time.Second, false}}, 1},
		{"a fall by and by", []answer{{0, time.Second, false}, {fallTime, 100 * time.Millisecond, false}}, 1/math.E + 0.1*(1-1/math.E)},
		{"hardly at all within a moment", []answer{{0, time.Second, false}, {time.Millisecond, 0, false}}, 0.9999},
		{"a failure is slow however quick it was", []answer{{0, time.Millisecond, true}}, 5},
		{"or as slow as it was", []answer{{0, time.Minute, true}}, 60},
		{"one of many does little", []answer{{0, 20 * time.Millisecond, false}, {time.Millisecond, time.Millisecond, true}}, 0.0205},
		{"after a while it does much", []answer{{0, 20 * time.Millisecond, false}, {fallTime, time.Millisecond, true}}, 0.02/math.E + 5*(1-1/math.E)},
		{"a clock that went back", []answer{{0, time.Second, false}, {-time.Hour, 100 * time.Millisecond, false}}, 1},
		{"no time at all", []answer{{0, 0, false}}, 1e-6},
	} {
		var l Latency
		now := epoch
		for _, a := range tt.answers {
			now = now.Add(a.after)
			l = l.After(now, a.took, a.failed)
		}
		if math.Abs(l.seconds-tt.want) > tt.want/100 {
			t.Errorf("%s: got %.4f s, want %.4f", tt.name, l.seconds, tt.want)
		}
	}
}

// field is servers that answer after a while, in a time of their own.
type field struct {
	*crew
	now     time.Time
	latency []Latency
	took    []time.Duration // by server
	fails   []bool
	got     []int
	pending []answer // in order
}

type answer struct {
	at     time.Time
	server int
}

func newField(t *testing.T, weights ...int) *field {
	n := len(weights)
	return &field{crew: newCrew(t, Config{Algorithm: LeastTime}, weights...), now: epoch, latency: make([]Latency, n), took: make([]time.Duration, n), fails: make([]bool, n), got: make([]int, n)}
}

// run has a request come each so often, for a while.
func (f *field) run(every, during time.Duration) {
	clear(f.got)
	for end := f.now.Add(during); f.now.Before(end); f.now = f.now.Add(every) {
		f.answer()
		i := f.begin(0)
		f.got[i]++
		f.pending = append(f.pending, answer{f.now.Add(f.took[i]), i})
	}
}

// answer ends the requests whose time has come.
func (f *field) answer() {
	var rest []answer
	for _, a := range f.pending {
		if a.at.After(f.now) {
			rest = append(rest, a)
			continue
		}
		f.latency[a.server] = f.latency[a.server].After(a.at, f.took[a.server], f.fails[a.server])
		f.Balancer.(Timed).SetLatency(a.server, f.latency[a.server])
		f.end(a.server)
	}
	f.pending = rest
}

// R26: the quick one gets most, the slow one is asked now and then, and more when it has become quick.
func TestR26_LeastTimePrefersTheQuick(t *testing.T) {
	t.Parallel()
	f := newField(t, 1, 1, 1)
	f.took = []time.Duration{100 * time.Millisecond, 10 * time.Millisecond, 300 * time.Millisecond}
	f.run(5*time.Millisecond, 10*time.Second) // two requests at a time for the quick one
	if f.got[1] < 1500 {
		t.Errorf("got %v, want most for the second", f.got)
	}
	f.run(5*time.Millisecond, time.Minute)
	if f.got[2] == 0 || f.got[2] > f.got[0] || f.got[0] > f.got[1] {
		t.Errorf("later: got %v, want some for all, by how quick they are", f.got)
	}
	f.took[2] = time.Millisecond
	f.run(5*time.Millisecond, time.Minute)
	if f.got[2] < f.got[1] {
		t.Errorf("the third has become quick: got %v", f.got)
	}
}

// R26, and the fault of others (pain 20): a server that fails at once is no quick one.
func TestR26_QuickFailuresDoNotWin(t *testing.T) {
	t.Parallel()
	f := newField(t, 1, 1)
	f.took = []time.Duration{40 * time.Millisecond, time.Millisecond}
	f.fails[1] = true
	f.run(10*time.Millisecond, time.Minute)
	if f.got[1] > total(f.got)/50 {
		t.Errorf("it failed from the start: got %v, want hardly any for the second", f.got)
	}
	f.fails[1] = false
	f.run(10*time.Millisecond, 2*time.Minute)
	if f.got[1] < f.got[0] {
		t.Errorf("it works: got %v, want most for the second", f.got)
	}
	f.fails[1] = true
	f.run(10*time.Millisecond, time.Second)
	if f.got[1] > 60 {
		t.Errorf("it has begun to fail: %d of 100 requests in the first second, want 60 at most", f.got[1])
	}
	f.run(10*time.Millisecond, time.Minute)
	if f.got[1] > total(f.got)/20 {
		t.Errorf("it goes on: got %v, want hardly any for the second", f.got)
	}
}

// A server that is new, or has been away, does not get everything until its first answer.
func TestLeastTimeColdServers(t *testing.T) {
	t.Parallel()
	f := newField(t, 1, 1, 1, 1)
	f.took = []time.Duration{20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond, 2 * time.Second}
	f.set(3, 0)
	f.run(time.Millisecond, 20*time.Second)
	f.set(3, 1)
	f.run(time.Millisecond, time.Second) // it answers after that
	if f.got[3] < 1 || f.got[3] > 50 {
		t.Errorf("new: got %v, want a few for the last", f.got)
	}
	f.run(time.Millisecond, 10*time.Second)
	f.took[3] = time.Hour // it hangs when it is back
	f.pending = f.pending[:0]
	for range f.inFlight[3] {
		f.end(3)
	}
	f.set(3, 0)
	f.run(20*time.Millisecond, 10*time.Minute)
	f.set(3, 1)
	f.run(time.Millisecond, time.Second)
	if f.got[3] < 1 || f.got[3] > 50 {
		t.Errorf("back after a while: got %v, want a few for the last", f.got)
	}
}

// At the start nobody is known. The first answer does not send all that follows to those who have not answered.
func TestLeastTimeAllCold(t *testing.T) {
	t.Parallel()
	f := newField(t, 1, 1, 1)
	f.took = []time.Duration{10 * time.Millisecond, 10 * time.Millisecond, time.Hour}
	f.run(time.Millisecond, 10*time.Second)
	if f.got[2] > 30 {
		t.Errorf("got %v, want a few for the last, which hangs", f.got)
	}
}

// Idle servers that are equally quick share by weight what is more than one can do.
func TestLeastTimeWeights(t *testing.T) {
	t.Parallel()
	f := newField(t, 3, 1)
	f.took = []time.Duration{50 * time.Millisecond, 50 * time.Millisecond}
	f.run(time.Millisecond, 20*time.Second)
	if share := float64(f.got[0]) / float64(total(f.got)); share < 0.7 || share > 0.8 {
		t.Errorf("got %v, want 3:1", f.got)
	}
}
