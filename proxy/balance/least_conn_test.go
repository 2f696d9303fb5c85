package balance

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func newLeast(t interface{ Fatal(...any) }, weights ...int) *crew {
	return newCrew(t, Config{Algorithm: LeastConn}, weights...)
}

// R24: idle servers take turns by weight, as nginx's do.
func TestR24_LeastConnIdle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		weights []int
		want    []int // one cycle
	}{
		{"3:2:1", []int{3, 2, 1}, []int{0, 1, 0, 2, 1, 0}},
		{"60:40:20 is the same", []int{60, 40, 20}, []int{0, 1, 0, 2, 1, 0}},
		{"equals", []int{1, 1, 1}, []int{0, 1, 2}},
	} {
		g := newLeast(t, tt.weights...)
		for cycle := range 3 {
			if got := g.serve(len(tt.want)); !slices.Equal(got, tt.want) {
				t.Errorf("%s, cycle %d: got %v, want %v", tt.name, cycle, got, tt.want)
			}
		}
	}
}

// The shares of idle servers are exact in each cycle.
func TestR24_LeastConnIdleShares(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 20), 1, 6).Draw(t, "weights")
		g := newLeast(t, weights...)
		g.serve(rapid.IntRange(0, 100).Draw(t, "skip"))
		if got := g.shares(total(weights)); !slices.Equal(got, weights) {
			t.Fatalf("one cycle: got shares %v, want %v", got, weights)
		}
	})
}

// R24: who is picked has the fewest requests for its weight, whatever they did before.
func TestR24_LeastConnByLoad(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 9), 1, 8).Draw(t, "weights")
		g := newLeast(t, weights...)
		for range 300 {
			i := rapid.IntRange(0, len(weights)-1).Draw(t, "server")
			if rapid.Bool().Draw(t, "ends") && g.inFlight[i] > 0 {
				g.end(i)
				continue
			}
			before := slices.Clone(g.inFlight)
			got := g.begin(0)
			for j := range weights {
				if before[j]*int64(weights[got]) < before[got]*int64(weights[j]) {
					t.Fatalf("got server %d; in flight %v, weights %v", got, before, weights)
				}
			}
		}
	})
}

// Requests that stay spread by weight.
func TestLeastConnFillsUpByWeight(t *testing.T) {
	t.Parallel()
	g := newLeast(t, 3, 2, 1)
	for range 60 {
		g.begin(0)
	}
	if want := []int64{30, 20, 10}; !slices.Equal(g.inFlight, want) {
		t.Errorf("got %v in flight, want %v", g.inFlight, want)
	}
}

// A server that was busy for a while does not get what it missed, all at once, when it is idle.
func TestLeastConnNobodyCatchesUp(t *testing.T) {
	t.Parallel()
	g := newLeast(t, 1, 1, 1)
	first := g.begin(0)
	if got := g.shares(3000); got[first] != 0 {
		t.Errorf("busy: got shares %v, want none for %d", got, first)
	}
	g.end(first)
	for i, got := range g.shares(30) {
		if got < 9 || got > 11 {
			t.Errorf("idle again: server %d got %d of 30, want 10 or one off", i, got)
		}
	}
}
