package balance

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func newDraws(t interface{ Fatal(...any) }, draws int, weights ...int) *crew {
	return newCrew(t, Config{Algorithm: Random, Draws: draws, Random: rand.New(rand.NewPCG(1, 2)).Uint64}, weights...)
}

// R27: chance follows the weights.
func TestR27_RandomShares(t *testing.T) {
	t.Parallel()
	g := newDraws(t, 1, 30, 20, 10, 0)
	for i, got := range g.shares(60_000) {
		if want := []float64{30_000, 20_000, 10_000, 0}[i]; math.Abs(float64(got)-want) > 4*math.Sqrt(want) {
			t.Errorf("server %d: got %d of 60000, want %v", i, got, want)
		}
	}
}

// R27: of two servers the less loaded, for its weight; and never the same twice.
func TestR27_TwoChoices(t *testing.T) {
	t.Parallel()
	g := newDraws(t, 2, 3, 1)
	for range 40 {
		before := slices.Clone(g.inFlight)
		i := g.begin(0)
		if other := 1 - i; before[other]*int64(g.weights[i]) < before[i]*int64(g.weights[other]) {
			t.Errorf("two servers with %v in flight: got %d", before, i)
		}
	}
	// The longest of many is far shorter than by chance: log log n to log n.
	most := func(draws int) int64 {
		g := newDraws(t, draws, alike(1000, 1)...)
		for range 1000 {
			g.begin(0)
		}
		return slices.Max(g.inFlight)
	}
	if one, two := most(1), most(2); two > 3 || one < 5 {
		t.Errorf("1000 requests of 1000 servers: the most loaded has %d with one draw, %d with two; want 5 or more, 3 at most", one, two)
	}
}

func TestSums(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int64Range(0, 3), 1, 40).Draw(t, "weights")
		s := newSums(len(weights))
		for i, w := range weights {
			s.add(i, 7)
			s.add(i, w-7)
		}
		n := int64(0)
		for i, w := range weights {
			for range w {
				before := sumOf(weights[:i])
				if got, sum := s.find(n); got != i || sum != before {
					t.Fatalf("find(%d) in %v: got server %d after %d, want %d after %d", n, weights, got, sum, i, before)
				}
				n++
			}
		}
		if s.total != n {
			t.Fatalf("got total %d, want %d", s.total, n)
		}
	})
}

func sumOf(weights []int64) (sum int64) {
	for _, w := range weights {
		sum += w
	}
	return sum
}
