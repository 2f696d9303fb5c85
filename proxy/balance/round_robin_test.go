package balance

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func picks(b Balancer, n int, eligible func(int) bool) []int {
	got := make([]int, n)
	for i := range got {
		got[i] = b.Pick(eligible)
	}
	return got
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
		{"5:1:1 is spread", []int{5, 1, 1}, []int{0, 0, 1, 0, 2, 0, 0}},
		{"zero takes no part", []int{0, 2, 0, 1}, []int{1, 3, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBalancer(t, RoundRobin, tt.weights...)
			for cycle := range 3 {
				if got := picks(b, len(tt.want), all); !slices.Equal(got, tt.want) {
					t.Errorf("cycle %d: got %v, want %v", cycle, got, tt.want)
				}
			}
		})
	}
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
		b := newRoundRobin(weights)
		picks(b, rapid.IntRange(0, 100).Draw(t, "skip"), all)
		got := make([]int, len(weights))
		for range cycle {
			got[b.Pick(all)]++
		}
		if !slices.Equal(got, weights) {
			t.Fatalf("one cycle: got shares %v, want %v", got, weights)
		}
	})
}

func TestRoundRobinServerLeavesAndReturns(t *testing.T) {
	t.Parallel()
	b := newBalancer(t, RoundRobin, 3, 2, 1)
	share := func(n int, eligible func(int) bool) (got [3]int) {
		for _, i := range picks(b, n, eligible) {
			got[i]++
		}
		return got
	}
	share(4, all) // leave in the middle of a cycle
	if got := share(300, func(i int) bool { return i != 0 }); got[0] != 0 || got[1] < 199 || got[1] > 201 {
		t.Errorf("while the first is away: got shares %v, want 0, 200, 100 or one off", got)
	}
	// No crowd of picks for who was away, and none for who was not.
	if got := share(6, all); got[0] < 2 || got[0] > 4 {
		t.Errorf("first cycle after its return: got shares %v, want 3 or one off for the first", got)
	}
	if got, want := share(600, all), [3]int{300, 200, 100}; got != want {
		t.Errorf("after its return: got shares %v, want %v", got, want)
	}
}

// A refusing server is excluded for single picks, the retries. The others keep their shares through it.
func TestRoundRobinRetriesDoNotBendShares(t *testing.T) {
	t.Parallel()
	b := newBalancer(t, RoundRobin, 1, 1, 1)
	var got [3]int
	for range 3000 {
		i := b.Pick(all)
		if i == 0 { // refuses: the retry goes to another one
			i = b.Pick(func(i int) bool { return i != 0 })
		}
		got[i]++
	}
	if want := [3]int{0, 1500, 1500}; got != want {
		t.Errorf("got shares %v, want %v", got, want)
	}
}

// Credits add up to zero and stay small, however servers come and go.
func TestRoundRobinCreditsAreBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(0, MaxWeight), 1, 8).Draw(t, "weights")
		total := 0
		for _, w := range weights {
			total += w
		}
		r := newRoundRobin(weights).(*roundRobin)
		for range 500 {
			up := rapid.Uint8().Draw(t, "up")
			r.Pick(func(i int) bool { return up&(1<<i) != 0 })
			sum := 0
			for i, c := range r.credit {
				sum += c
				if limit := len(weights) * total; c > limit || c < -limit {
					t.Fatalf("credit of server %d: got %d, want within ±%d", i, c, limit)
				}
			}
			if sum != 0 {
				t.Fatalf("credits %v add up to %d, want 0", r.credit, sum)
			}
		}
	})
}
