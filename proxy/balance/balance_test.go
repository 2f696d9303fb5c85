package balance

import (
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func newBalancer(t testing.TB, algorithm string, weights ...int) Balancer {
	t.Helper()
	b, err := New(algorithm, weights)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func all(int) bool { return true }

// promises names the algorithms that the tests of this file hold to doc.go's promises.
var promises = []string{RoundRobin}

func TestEveryAlgorithmIsHeldToThePromises(t *testing.T) {
	t.Parallel()
	if got := Algorithms(); !slices.Equal(got, promises) {
		t.Errorf("got algorithms %v, tested are %v", got, promises)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		algorithm string
		weights   []int
		want      string
	}{
		{"unknown algorithm", "roundrobin", nil, `balance algorithm "roundrobin", want round_robin`},
		{"negative weight", "", []int{1, -1}, "weight -1 of server 1, want 0 to 256"},
		{"weight above HAProxy's", RoundRobin, []int{257}, "weight 257 of server 0, want 0 to 256"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := New(tt.algorithm, tt.weights); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestNothingToPick(t *testing.T) {
	t.Parallel()
	for _, algorithm := range promises {
		tests := []struct {
			name     string
			weights  []int
			eligible func(int) bool
		}{
			{"no servers", nil, all},
			{"all down", []int{1, 2, 3}, func(int) bool { return false }},
			{"all weights zero", []int{0, 0}, all},
			{"weight left is down", []int{0, 5}, func(i int) bool { return i == 0 }},
		}
		for _, tt := range tests {
			t.Run(algorithm+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				b := newBalancer(t, algorithm, tt.weights...)
				for range 5 {
					if got := b.Pick(tt.eligible); got != -1 {
						t.Fatalf("got server %d, want -1", got)
					}
				}
			})
		}
	}
}

func TestSingleServer(t *testing.T) {
	t.Parallel()
	for _, algorithm := range promises {
		b := newBalancer(t, algorithm, 7)
		for range 20 {
			if got := b.Pick(all); got != 0 {
				t.Fatalf("%s: got server %d, want 0", algorithm, got)
			}
		}
	}
}

// Whatever the weights and whatever comes and goes: a pick is eligible and has a weight, there is one where there can be
// one, and nobody is asked twice.
func TestPickKeepsItsPromises(t *testing.T) {
	t.Parallel()
	for _, algorithm := range promises {
		rapid.Check(t, func(t *rapid.T) {
			weights := rapid.SliceOfN(rapid.IntRange(0, MaxWeight), 0, 8).Draw(t, "weights")
			b, err := New(algorithm, weights)
			if err != nil {
				t.Fatal(err)
			}
			for range 200 {
				up := rapid.Uint8().Draw(t, "up")
				eligible := func(i int) bool { return up&(1<<i) != 0 }
				asked := make([]int, len(weights))
				got := b.Pick(func(i int) bool { asked[i]++; return eligible(i) })
				possible := false
				for i, w := range weights {
					possible = possible || w > 0 && eligible(i)
					if asked[i] > 1 {
						t.Fatalf("server %d was asked %d times, want once at most", i, asked[i])
					}
				}
				switch {
				case !possible && got != -1:
					t.Fatalf("got server %d, want -1", got)
				case possible && (got < 0 || !eligible(got) || weights[got] == 0):
					t.Fatalf("got server %d, want one of %v with a weight and in %08b", got, weights, up)
				}
			}
		})
	}
}

// No mixture of weights makes a pick slow: the loops are bounded by the number of servers.
func TestPickTakesBoundedTime(t *testing.T) {
	t.Parallel()
	weights := make([]int, 1000)
	for i := range weights {
		weights[i] = 1
	}
	weights[0], weights[1] = MaxWeight, 0
	for _, algorithm := range promises {
		b := newBalancer(t, algorithm, weights...)
		start := time.Now()
		for range 1000 {
			b.Pick(func(i int) bool { return i != 0 })
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: 1000 picks of 1000 servers took %v, want under 2 s", algorithm, took)
		}
	}
}

// Concurrent picks share the cycle: the shares are exact whoever picks.
func TestPickConcurrently(t *testing.T) {
	t.Parallel()
	const workers, picks = 8, 600
	b := newBalancer(t, RoundRobin, 3, 2, 1)
	counts := make([][3]int, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for range picks {
				counts[w][b.Pick(all)]++
			}
		})
	}
	wg.Wait()
	var got [3]int
	for _, c := range counts {
		for i, n := range c {
			got[i] += n
		}
	}
	if want := [3]int{2400, 1600, 800}; got != want {
		t.Errorf("got shares %v, want %v", got, want)
	}
}

func TestPickDoesNotAllocate(t *testing.T) {
	for _, algorithm := range promises {
		b := newBalancer(t, algorithm, 3, 2, 1)
		if n := testing.AllocsPerRun(100, func() { b.Pick(all) }); n != 0 {
			t.Errorf("%s: got %v allocations a pick, want 0", algorithm, n)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	for _, algorithm := range promises {
		for name, n := range map[string]int{"3": 3, "30": 30} {
			weights := make([]int, n)
			for i := range weights {
				weights[i] = 1 + i%3
			}
			b.Run(algorithm+"/"+name, func(b *testing.B) {
				balancer := newBalancer(b, algorithm, weights...)
				b.ReportAllocs()
				for b.Loop() {
					balancer.Pick(all)
				}
			})
		}
	}
}
