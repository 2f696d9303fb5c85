package engine

import (
	"runtime/debug"
	"testing"
)

// It changes the pace of the whole process, so it does not run beside other tests.
func TestPaceOfCollection(t *testing.T) {
	usual := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(usual) })
	percent := func() int {
		p := debug.SetGCPercent(100)
		debug.SetGCPercent(p)
		return p
	}
	var p pace
	for _, step := range []struct {
		name       string
		handshakes int64 // so far
		heap       uint64
		want       int
	}{
		{"a few", many - 1, 0, 100},
		{"many", 2*many - 1, 0, 400},
		{"many still", 4 * many, slackHeap, 400},
		{"many, and much memory", 6 * many, slackHeap + 1, 100},
		{"many again", 8 * many, 0, 400},
		{"none", 8 * many, 0, 100},
	} {
		if p.adapt(step.handshakes, step.heap); percent() != step.want {
			t.Errorf("%s: got %d percent, want %d", step.name, percent(), step.want)
		}
	}
	p.adapt(10*many, 0)
	if p.tighten(); percent() != 100 {
		t.Errorf("at the end: got %d percent, want 100", percent())
	}
}
