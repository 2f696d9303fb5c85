package health

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

// bench is a checker with an injected probe, and what came of it. Its results are read while the bubble is idle.
type bench struct {
	checker *Checker
	results []Result
	starts  []time.Duration // of each probe, since the start of the test
}

// newBench makes a checker whose probes are answered by script in turn; the last answer is repeated.
func newBench(c Check, script ...probe) *bench {
	b := &bench{}
	b.checker = New(c, Target{Backend: "web", Server: "web1"}, hysteresis.Unknown, func(r Result) { b.results = append(b.results, r) })
	b.checker.random = func(time.Duration) time.Duration { return 0 }
	begin, n := time.Now(), 0
	b.checker.probe = func(ctx context.Context, connect time.Duration) outcome {
		b.starts = append(b.starts, time.Since(begin))
		p := script[min(n, len(script)-1)]
		n++
		return p(ctx, connect)
	}
	return b
}

// runFor runs the checker for d, in a bubble.
func (b *bench) runFor(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := b.checker.Run(ctx); err != nil {
		t.Errorf("Run: got %v, want nil when cancelled", err)
	}
}

func good(context.Context, time.Duration) outcome {
	return outcome{ok: true, text: "fine", code: 200}
}
func bad(context.Context, time.Duration) outcome { return outcome{text: "broken", code: 503} }

// slow takes d, or until the probe's time is up.
func slow(d time.Duration) probe {
	return func(ctx context.Context, _ time.Duration) outcome {
		select {
		case <-time.After(d):
			return outcome{ok: true, text: "slow"}
		case <-ctx.Done():
			return outcome{text: "timeout"}
		}
	}
}

// R32 of the design: rise and fall, and the first check decides.
func TestR32_RiseAndFall(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		script []probe
		want   string // the status after each probe: u or d, in upper case where it changed
	}{
		{"up at once, down after fall", []probe{good, bad, bad, bad}, "UuuD"},
		{"down at once, up after rise", []probe{bad, good, good, good}, "DdUu"},
		{"a success starts the fall again", []probe{good, bad, bad, good, bad, bad, bad}, "UuuuuuD"},
		{"a failure starts the rise again", []probe{bad, good, bad, good, good}, "DdddU"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(Check{Interval: time.Second, Rise: 2, Fall: 3}, tt.script...)
				b.runFor(t, time.Duration(len(tt.want))*900*time.Millisecond-1)
				if got := letters(b.results); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
			})
		})
	}
}

func letters(results []Result) string {
	var s strings.Builder
	for _, r := range results {
		letter := map[hysteresis.Status]string{hysteresis.Unknown: "?", hysteresis.Up: "u", hysteresis.Down: "d"}[r.Status]
		if r.Changed {
			letter = strings.ToUpper(letter)
		}
		s.WriteString(letter)
	}
	return s.String()
}

func TestResult(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		b := newBench(Check{Interval: time.Second}, slow(300*time.Millisecond))
		b.runFor(t, 500*time.Millisecond)
		want := []Result{{Status: hysteresis.Up, Changed: true, OK: true, Text: "slow", Duration: 300 * time.Millisecond, At: begin.Add(300 * time.Millisecond)}}
		if !slices.Equal(b.results, want) {
			t.Errorf("got %+v, want %+v", b.results, want)
		}
	})
}

// The interval is from start to start, whatever a probe takes, and probes never overlap.
func TestInterval(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := []struct {
		name   string
		check  Check
		random float64 // of its argument
		probe  probe
		want   []time.Duration // starts within 2.5 s
	}{
		{"shortest", Check{Interval: time.Second}, 0, good, []time.Duration{0, 900 * ms, 1800 * ms}},
		{"middle", Check{Interval: time.Second}, 0.5, good, []time.Duration{50 * ms, 1050 * ms, 2050 * ms}},
		{"longest", Check{Interval: time.Second}, 1, good, []time.Duration{100 * ms, 1200 * ms, 2300 * ms}},
		{"first probe of a short interval", Check{Interval: 500 * ms}, 1, good, []time.Duration{50 * ms, 600 * ms, 1150 * ms, 1700 * ms, 2250 * ms}},
		{"probe time counts", Check{Interval: time.Second}, 0.5, slow(600 * ms), []time.Duration{50 * ms, 1050 * ms, 2050 * ms}},
		{"longer than the interval", Check{Interval: time.Second, Timeout: 5 * time.Second}, 0.5, slow(1200 * ms),
			[]time.Duration{50 * ms, 1250 * ms, 2450 * ms}},
		{"default", Check{}, 0.5, good, []time.Duration{50 * ms, 2050 * ms}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(tt.check, tt.probe)
				b.checker.random = func(d time.Duration) time.Duration {
					return time.Duration(float64(d) * tt.random).Truncate(ms)
				}
				b.runFor(t, 2500*ms)
				if !slices.Equal(b.starts, tt.want) {
					t.Errorf("got starts %v, want %v", b.starts, tt.want)
				}
			})
		})
	}
}

// R33 of the design: servers are not probed in step.
func TestR33_ChecksAreSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for range 20 {
			b := newBench(Check{Interval: time.Second}, good)
			b.checker.random = New(Check{}, Target{}, hysteresis.Unknown, nil).random
			b.runFor(t, 10*time.Second)
			if first := b.starts[0]; first < 0 || first >= maxStartSpread {
				t.Errorf("first probe after %v, want within %v", first, maxStartSpread)
			}
			for i := 1; i < len(b.starts); i++ {
				if gap := b.starts[i] - b.starts[i-1]; gap < 900*time.Millisecond || gap > 1100*time.Millisecond {
					t.Errorf("got %v between two starts, want 1 s and 10 %% more or less", gap)
				}
				seen[b.starts[i]-b.starts[i-1]] = true
			}
		}
		if len(seen) < 100 {
			t.Errorf("got %d different gaps between starts, want them random", len(seen))
		}
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		check Check
		want  time.Duration
	}{
		{"set", Check{Interval: 2 * time.Second, Timeout: 700 * time.Millisecond}, 700 * time.Millisecond},
		{"default is the interval", Check{Interval: 3 * time.Second}, 3 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(tt.check, slow(time.Hour))
				b.runFor(t, tt.want+time.Millisecond)
				if len(b.results) != 1 || b.results[0].Text != "timeout" || b.results[0].Duration != tt.want {
					t.Errorf("got %+v, want one timeout after %v", b.results, tt.want)
				}
			})
		})
	}
}

// A daemon that stops must not leave its servers marked down.
func TestInterruptedProbeIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Check{Interval: time.Minute}, slow(time.Hour))
		b.runFor(t, time.Second)
		if len(b.starts) != 1 || len(b.results) != 0 {
			t.Errorf("got %d probes and results %+v, want one probe and no result", len(b.starts), b.results)
		}
	})
}

// R32 of the design: what follows a result. "fastinter/downinter", as HAProxy has them.
func TestR32_IntervalFollowsTheStatus(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	c := Check{Interval: 2 * time.Second, FastInterval: 500 * ms, DownInterval: 4 * time.Second, Rise: 2, Fall: 3}
	for _, tt := range []struct {
		name   string
		check  Check
		script []probe
		want   []time.Duration // between starts
	}{
		{"up", c, []probe{good}, []time.Duration{1800 * ms, 1800 * ms}},
		{"going down", c, []probe{good, bad, bad, bad}, []time.Duration{1800 * ms, 450 * ms, 450 * ms, 3600 * ms}},
		{"going up", c, []probe{bad, good, good, good}, []time.Duration{3600 * ms, 450 * ms, 1800 * ms, 1800 * ms}},
		{"back from a failure", c, []probe{good, bad, good}, []time.Duration{1800 * ms, 450 * ms, 1800 * ms}},
		{"the defaults are the interval", Check{Interval: 2 * time.Second, Rise: 1, Fall: 2}, []probe{good, bad, bad, bad}, []time.Duration{1800 * ms, 1800 * ms, 1800 * ms, 1800 * ms}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(tt.check, tt.script...)
				b.runFor(t, 30*time.Second)
				var got []time.Duration
				for i := range tt.want {
					got = append(got, b.starts[i+1]-b.starts[i])
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("got %v between starts, want %v", got, tt.want)
				}
			})
		})
	}
}

// R32 of the design: "assert configurable init-state", and what a new check makes of what is known.
func TestR32_InitState(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		init   Init
		since  hysteresis.Status
		first  hysteresis.Status
		script []probe
		want   string // as in TestR32_RiseAndFall
	}{
		{"unknown, good", InitUnknown, hysteresis.Unknown, hysteresis.Unknown, []probe{good}, "Uu"},
		{"unknown, bad", InitUnknown, hysteresis.Unknown, hysteresis.Unknown, []probe{bad}, "Dd"},
		{"up, one failure from down", InitUp, hysteresis.Unknown, hysteresis.Up, []probe{bad}, "Dd"},
		{"up, and a success makes it whole", InitUp, hysteresis.Unknown, hysteresis.Up, []probe{good, bad, bad, bad}, "uuuD"},
		{"down, one success from up", InitDown, hysteresis.Unknown, hysteresis.Down, []probe{good}, "Uu"},
		{"fully-up", InitFullyUp, hysteresis.Unknown, hysteresis.Up, []probe{bad}, "uuD"},
		{"fully-down", InitFullyDown, hysteresis.Unknown, hysteresis.Down, []probe{good}, "dUu"},
		{"known to be up, whatever init says", InitDown, hysteresis.Up, hysteresis.Down, []probe{bad}, "uuD"},
		{"known to be down", InitUnknown, hysteresis.Down, hysteresis.Unknown, []probe{good}, "dUu"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if got := tt.init.Status(); got != tt.first {
					t.Errorf("before: got %v, want %v", got, tt.first)
				}
				b := newBench(Check{}, tt.script...)
				b.checker.counter = New(Check{Rise: 2, Fall: 3, Init: tt.init}, Target{}, tt.since, nil).counter
				b.runFor(t, time.Duration(len(tt.want))*1800*time.Millisecond-1)
				if got := letters(b.results); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// What Hurry is for: a server that answers nothing any more is down in less than a second, however patient its check is.
func TestHurry(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	well := func(context.Context, time.Duration) outcome {
		return outcome{ok: true, text: "fine", connect: 2 * ms}
	}
	gone := func(ctx context.Context, connect time.Duration) outcome {
		ctx, cancel := context.WithTimeout(ctx, connect)
		defer cancel()
		return slow(time.Hour)(ctx, connect)
	}
	late := func(ctx context.Context, connect time.Duration) outcome {
		found := slow(700*ms)(ctx, connect)
		found.connect = 2 * ms
		return found
	}
	for _, tt := range []struct {
		name   string
		script []probe
		at     time.Duration // of Hurry
		starts []time.Duration
		want   string
	}{
		{"gone", []probe{well, gone}, 500 * ms, []time.Duration{0, 500 * ms, 756 * ms, 1012 * ms, 2812 * ms, 4812 * ms}, "UuuDd"},
		{"gone while it is probed", []probe{well, gone}, 2 * time.Second, []time.Duration{0, 1800 * ms, 2000 * ms, 2256 * ms, 2512 * ms, 4312 * ms}, "UuuD"},
		{"nothing is the matter", []probe{well}, 500 * ms, []time.Duration{0, 500 * ms, 2300 * ms, 4100 * ms}, "Uuuu"},
		{"a packet was lost", []probe{well, gone, well}, 500 * ms, []time.Duration{0, 500 * ms, 756 * ms, 2556 * ms, 4356 * ms}, "Uuuuu"},
		{"its host is there, and it had no processor", []probe{well, late}, 500 * ms, []time.Duration{0, 500 * ms, 2300 * ms, 4100 * ms}, "Uuuu"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(Check{Interval: 2 * time.Second, Timeout: 2 * time.Second, Rise: 2, Fall: 3}, tt.script...)
				go func() { time.Sleep(tt.at); b.checker.Hurry() }()
				b.runFor(t, 5*time.Second)
				if !slices.Equal(b.starts, tt.starts) || letters(b.results) != tt.want {
					t.Errorf("got %v, %s, want %v, %s", b.starts, letters(b.results), tt.starts, tt.want)
				}
				for _, r := range b.results[:1] {
					if want := 256 * ms; r.Patience != want {
						t.Errorf("got the patience %v, want %v", r.Patience, want)
					}
				}
			})
		})
	}
	t.Run("doubted for nothing, again and again", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBench(Check{Interval: time.Hour, Timeout: 2 * time.Second, Rise: 2, Fall: 3}, well)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() { _ = b.checker.Run(ctx) }()
			for range 6 {
				time.Sleep(time.Second)
				b.checker.Hurry()
			}
			time.Sleep(20 * time.Hour) // and never again
			synctest.Wait()
			var got []time.Duration
			for _, r := range b.results {
				got = append(got, r.Patience-6*ms)
			}
			want := []time.Duration{250 * ms, 500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 4000 * ms, 4000 * ms, 3750 * ms, 3500 * ms}
			if !slices.Equal(got[:len(want)], want) || got[len(got)-1] != 250*ms {
				t.Errorf("got %v, want %v and in the end 250 ms", got, want)
			}
		})
	})
	t.Run("called again before anything ran", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBench(Check{Interval: 2 * time.Second}, well)
			for range 3 {
				b.checker.Hurry()
			}
			b.runFor(t, time.Second)
			if len(b.starts) > 2 { // the first one may have been due at the same time
				t.Errorf("got starts %v, want one probe for all", b.starts)
			}
		})
	})
	t.Run("a server that is slow by habit", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBench(Check{Interval: 2 * time.Second, Rise: 2, Fall: 3}, slow(400*ms))
			go func() { time.Sleep(time.Second); b.checker.Hurry() }()
			b.runFor(t, 2*time.Second)
			if got := letters(b.results); got != "Uu" {
				t.Errorf("got %s, want it to be left the time it takes", got)
			}
		})
	})
}
