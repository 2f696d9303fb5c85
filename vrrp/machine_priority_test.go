package vrrp

import (
	"strings"
	"testing"
	"time"
)

// Rule 55: a change of the priority in Backup moves the running timer by the difference of the intervals.
func TestRule55_PriorityMovesTheDownTimer(t *testing.T) {
	b := backup(t, nil)
	b.after(time.Second)
	b.want(b.do(PriorityChanged{228}), "") // 128/256 s less
	b.due(down100 - time.Second - 500*time.Millisecond)
	b.do(PriorityChanged{100})
	b.due(down100 - time.Second)
	t.Run("also after priority 0", func(t *testing.T) {
		b.hear(0, above)
		b.do(PriorityChanged{228})
		b.due(skew100 - 500*time.Millisecond)
	})
	t.Run("into the past: at once", func(t *testing.T) {
		b := backup(t, nil)
		b.after(down100 - 100*time.Millisecond)
		b.do(PriorityChanged{254})
		b.want(b.do(Tick{}), "send 254, acquire, BACKUP>MASTER")
	})
}

// A cable that is silently dead cuts a master off: its servers are gone for it, and its priority falls. Once they are back
// the other master has to hear of it before it fights for the addresses, and the neighbours have to learn anew who has
// them, for a Keepalived that yields says nothing.
func TestMasterThatRecoversAnnounces(t *testing.T) {
	b := master(t, nil)
	b.want(b.do(PriorityChanged{70}), "")
	b.want(b.do(PriorityChanged{70}), "")
	b.want(b.do(PriorityChanged{100}), "send 100, announce")
	t.Run("not while it resigns", func(t *testing.T) {
		b := master(t, nil)
		b.do(PriorityChanged{70})
		b.hear(100, above)
		b.want(b.do(PriorityChanged{100}), "")
	})
	t.Run("not as backup", func(t *testing.T) {
		b := backup(t, nil)
		b.want(b.do(PriorityChanged{200}), "")
	})
	t.Run("an owner has nothing to recover from", func(t *testing.T) {
		b := newBench(t, owner)
		b.do(Startup{})
		b.want(b.do(PriorityChanged{200}), "")
	})
}

// Rule 24: trackers move a priority within 1 to 254, and never an owner's.
func TestRule24_TrackersKeepWithinBounds(t *testing.T) {
	b := backup(t, nil)
	for _, tt := range []struct{ set, want uint8 }{{0, 1}, {255, 254}, {77, 77}} {
		b.do(PriorityChanged{tt.set})
		if got := b.m.Priority(); got != tt.want {
			t.Errorf("set %d: got %d, want %d", tt.set, got, tt.want)
		}
	}
	b = newBench(t, owner)
	b.do(PriorityChanged{10})
	if got := b.m.Priority(); got != PriorityOwner {
		t.Errorf("owner: got %d, want 255", got)
	}
}

func TestMasterAdvertisesItsChangedPriority(t *testing.T) {
	b := master(t, nil)
	b.want(b.do(PriorityChanged{80}), "")
	b.want(b.after(time.Second).do(Tick{}), "beat 80")
}

// Rule 58: the machine only ever compares the times it is given, and theirs is the monotonic reading; a wall clock that is
// set does not reach it.
func TestRule58_WallClockDoesNotMatter(t *testing.T) {
	b := backup(t, nil)
	b.now = time.Now() // with a monotonic reading
	b.hear(200, above)
	deadline := b.m.Deadline()
	if !strings.Contains(deadline.String(), "m=+") {
		t.Errorf("deadline %v has lost the monotonic reading", deadline)
	}
}
