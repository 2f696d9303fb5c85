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
		{"many still, and little memory", 4 * many, slackHeap / 5, 400},
		{"more memory", 6 * many, slackHeap/5 + 1, 300},
		{"a third of what there may be", 8 * many, slackHeap / 3, 200},
		{"more than a third", 10 * many, slackHeap/3 + 1, 100},
		{"more than there may be", 12 * many, 2 * slackHeap, 100},
		{"little again", 14 * many, 0, 400},
		{"none", 14 * many, 0, 100},
	} {
		if p.adapt(step.handshakes, step.heap); percent() != step.want {
			t.Errorf("%s: got %d percent, want %d", step.name, percent(), step.want)
		}
	}
	p.adapt(16*many, 0)
	if p.tighten(); percent() != 100 {
		t.Errorf("at the end: got %d percent, want 100", percent())
	}
}
