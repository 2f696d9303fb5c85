package daemon

import (
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/tracker"
)

func TestJudge(t *testing.T) {
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	web := tracker.ID{Kind: tracker.KindBackend, Name: "web", MinUp: 1}
	tracked := func(weight int, s hysteresis.Status) []tracker.Input {
		return []tracker.Input{{Binding: tracker.Binding{ID: web, Weight: weight}, State: tracker.State{ID: web, Status: s}}}
	}
	up := backendHealth{healthy: 2, total: 2, known: true}
	down := backendHealth{healthy: 0, total: 2, known: true}
	const pending = "the first health checks are still out"
	tests := []struct {
		name     string
		in       inputs
		after    time.Duration // since the start
		priority uint8
		holds    []string
		due      time.Duration // since the start; 0: never
	}{
		{"nothing tracked, no backends", inputs{base: 100}, 0, 100, nil, 0},
		{"a tracked backend with healthy servers",
			inputs{base: 100, tracked: tracked(-30, hysteresis.Up), backends: map[string]backendHealth{"web": up}}, 0, 100, nil, 0},
		{"a tracked backend without one lowers the priority and holds back",
			inputs{base: 100, tracked: tracked(-30, hysteresis.Down), backends: map[string]backendHealth{"web": down}}, time.Hour, 70,
			[]string{"backend web has no healthy server"}, 0},
		{"another backend without one holds nothing back",
			inputs{base: 100, tracked: tracked(-30, hysteresis.Up), backends: map[string]backendHealth{"web": up, "api": down}}, 0, 100, nil, 0},
		{"a tracked backend that is not known yet holds back",
			inputs{base: 100, tracked: tracked(-30, hysteresis.Unknown), backends: map[string]backendHealth{"web": {}}}, time.Second, 100,
			[]string{"backend web: " + pending}, warmUp},
		{"but not for ever",
			inputs{base: 100, tracked: tracked(-30, hysteresis.Unknown), backends: map[string]backendHealth{"web": {}}}, warmUp, 100, nil, 0},
		{"nothing tracked: every backend's first round is waited for",
			inputs{base: 100, backends: map[string]backendHealth{"web": {}, "api": {}, "mail": up}}, time.Second, 100,
			[]string{"backend api: " + pending, "backend web: " + pending}, warmUp},
		{"nothing tracked: unhealthy is known, so it holds nothing back",
			inputs{base: 100, backends: map[string]backendHealth{"web": down}}, time.Second, 100, nil, 0},
		{"nothing tracked: at most ten seconds",
			inputs{base: 100, backends: map[string]backendHealth{"web": {}}}, warmUp, 100, nil, 0},
		{"after an unclean end",
			inputs{base: 100, recoveryUntil: start.Add(30 * time.Second)}, 29 * time.Second, 100,
			[]string{"the last run ended uncleanly: no preemption until 12:00:30"}, 30 * time.Second},
		{"long after an unclean end",
			inputs{base: 100, recoveryUntil: start.Add(30 * time.Second)}, 30 * time.Second, 100, nil, 0},
		{"handed over",
			inputs{base: 100, handoverUntil: start.Add(10 * time.Minute)}, time.Minute, 100,
			[]string{"handed over: it leaves a live master alone until 12:10:00, or tandem handover --release"}, 10 * time.Minute},
		{"long after a handover",
			inputs{base: 100, handoverUntil: start.Add(10 * time.Minute)}, 10 * time.Minute, 100, nil, 0},
		{"two reasons: the first to end is due first",
			inputs{base: 100, recoveryUntil: start.Add(30 * time.Second), backends: map[string]backendHealth{"web": {}}}, time.Second, 100,
			[]string{"backend web: " + pending, "the last run ended uncleanly: no preemption until 12:00:30"}, warmUp},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.started = start
			v := tt.in.judge(start.Add(tt.after))
			if v.outcome.Priority != tt.priority {
				t.Errorf("priority %d, want %d", v.outcome.Priority, tt.priority)
			}
			if !slices.Equal(v.holds, tt.holds) {
				t.Errorf("holds %q, want %q", v.holds, tt.holds)
			}
			want := time.Time{}
			if tt.due != 0 {
				want = start.Add(tt.due)
			}
			if !v.due.Equal(want) {
				t.Errorf("due %v, want %v", v.due, want)
			}
		})
	}
}
