package balance

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func newTurns(t interface{ Fatal(...any) }, weights ...int) *crew {
	return newCrew(t, Config{Algorithm: RoundRobin}, weights...)
}

// R22 and R23 of the design: strict alternation of equals, exact shares in each cycle, nginx's order.
func TestR22_RoundRobinOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		weights []int
		want    []int // one cycle
	}{
		{"equals alternate", []int{1, 1}, []int{0, 1}},
		{"equals alternate, whatever the weight", []int{5, 5, 5}, []int{0, 1, 2}},
		{"3:2:1", []int{3, 2, 1}, []int{0, 1, 0, 2, 1, 0}},
		{"60:40:20 is the same", []int{60, 40, 20}, []int{0, 1, 0, 2, 1, 0}},
		{"5:1:1 is spread", []int{5, 1, 1}, []int{0, 0, 1, 0, 2, 0, 0}},
		{"zero takes no part", []int{0, 2, 0, 1}, []int{1, 3, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newTurns(t, tt.weights...)
			for cycle := range 3 {
				if got := g.serve(len(tt.want)); !slices.Equal(got, tt.want) {
					t.Errorf("cycle %d: got %v, want %v", cycle, got, tt.want)
				}
			}
		})
	}
}

// plain is smooth weighted round robin as it is described everywhere, one server at a time.
type plain struct{ weights, credit []int }

func (p *plain) pick() int {
	best, given := -1, 0
	for i, w := range p.weights {
		if w == 0 {
			continue
		}
		given += w
		p.credit[i] += w
		if best < 0 || p.credit[i] > p.credit[best] {
			best = i
		}
	}
	if best >= 0 {
		p.credit[best] -= given
	}
	return best
}

// The classes change nothing: the order is that of the plain algorithm, whatever comes and goes.
func TestRoundRobinIsThePlainOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(0, 4), 1, 9).Draw(t, "weights")
		g, p := newTurns(t, weights...), plain{slices.Clone(weights), make([]int, len(weights))}
		for range 300 {
			if rapid.IntRange(0, 3).Draw(t, "change") == 0 {
				i, w := rapid.IntRange(0, len(weights)-1).Draw(t, "server"), rapid.IntRange(0, 4).Draw(t, "weight")
				g.set(i, w)
				p.weights[i] = w
			}
			if got, want := g.Pick(0), p.pick(); got != want {
				t.Fatalf("got server %d, want %d; weights %v", got, want, p.weights)
			}
		}
	})
}

// Every window of one cycle has exact shares, wherever it starts.
func TestR23_RoundRobinShares(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(0, 20), 1, 6).Draw(t, "weights")
		cycle := 0
		for _, w := range weights {
			cycle += w
		}
		g := newTurns(t, weights...)
		g.serve(rapid.IntRange(0, 100).Draw(t, "skip"))
		if cycle == 0 {
			return
		}
		if got := g.shares(cycle); !slices.Equal(got, weights) {
			t.Fatalf("one cycle: got shares %v, want %v", got, weights)
		}
	})
}

func TestRoundRobinServerLeavesAndReturns(t *testing.T) {
	t.Parallel()
	g := newTurns(t, 3, 2, 1)
	g.shares(4) // leave in the middle of a cycle
	g.set(0, 0)
	if got := g.shares(300); got[0] != 0 || got[1] < 199 || got[1] > 201 {
		t.Errorf("while the first is away: got shares %v, want 0, 200, 100 or one off", got)
	}
	g.set(0, 3)
	// No crowd of picks for who was away, and none for who was not.
	if got := g.shares(6); got[0] < 2 || got[0] > 4 {
		t.Errorf("first cycle after its return: got shares %v, want 3 or one off for the first", got)
	}
	if got, want := g.shares(600), []int{300, 200, 100}; !slices.Equal(got, want) {
		t.Errorf("after its return: got shares %v, want %v", got, want)
	}
}

// A refusing server is excluded for single picks, the retries. The others keep their shares through it.
func TestRoundRobinRetriesDoNotBendShares(t *testing.T) {
	t.Parallel()
	g := newTurns(t, 1, 1, 1)
	got := make([]int, 3)
	for range 3000 {
		i := g.Pick(0)
		if i == 0 { // refuses: the retry goes to another one
			g.set(0, 0)
			i = g.Pick(0)
			g.set(0, 1)
		}
		got[i]++
	}
	if want := []int{0, 1500, 1500}; !slices.Equal(got, want) {
		t.Errorf("got shares %v, want %v", got, want)
	}
}
