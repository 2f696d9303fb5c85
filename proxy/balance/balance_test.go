package balance

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// variant is a way to use an algorithm. The tests of this file hold every one to doc.go's promises.
type variant struct {
	name   string
	config Config
}

// variants are all algorithms of the table, and what else some of them can be asked for.
func variants() []variant {
	all := []variant{
		{"random, one draw", Config{Algorithm: Random, Draws: 1}},
		{"hash, bounded", Config{Algorithm: Hash, BoundedLoad: 1.25}},
	}
	for _, name := range Algorithms() {
		all = append(all, variant{name, Config{Algorithm: name}})
	}
	return all
}

// crew is a balancer whose servers are named 0, 1, 2… and have the requests that it gave them.
type crew struct {
	Balancer
	weights  []int
	inFlight []int64
}

func newCrew(t interface{ Fatal(...any) }, c Config, weights ...int) *crew {
	c.Servers = nil
	for i, w := range weights {
		c.Servers = append(c.Servers, Server{Name: fmt.Sprint(i), Weight: w})
	}
	b, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	g := &crew{Balancer: b, weights: slices.Clone(weights), inFlight: make([]int64, len(weights))}
	for i, w := range weights {
		b.SetWeight(i, w)
	}
	return g
}

func alike(n, weight int) []int { return slices.Repeat([]int{weight}, n) }

// set changes a weight.
func (g *crew) set(server, weight int) {
	g.weights[server] = weight
	g.SetWeight(server, weight)
}

// begin picks a server, which has one request more then.
func (g *crew) begin(key uint64) int {
	i := g.Pick(key)
	if i >= 0 {
		g.count(i, 1)
	}
	return i
}

// end ends a request of a server.
func (g *crew) end(server int) { g.count(server, -1) }

func (g *crew) count(server int, n int64) {
	g.inFlight[server] += n
	if l, ok := g.Balancer.(Loaded); ok {
		l.SetInFlight(server, g.inFlight[server])
	}
}

// serve returns who got each of n requests, one at a time, of as many clients.
func (g *crew) serve(n int) []int {
	got := make([]int, n)
	for i := range got {
		if got[i] = g.begin(client(i)); got[i] >= 0 {
			g.end(got[i])
		}
	}
	return got
}

// shares counts who got n such requests.
func (g *crew) shares(n int) []int {
	counts := make([]int, len(g.weights))
	for _, i := range g.serve(n) {
		counts[i]++
	}
	return counts
}

// client returns the key of one of many.
func client(i int) uint64 { return uint64(i)*0x9e3779b97f4a7c15 + 1 }

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		config Config
		want   string
	}{
		{Config{Algorithm: "roundrobin"}, `balance algorithm "roundrobin", want ` + strings.Join(Algorithms(), ", ")},
		{Config{Algorithm: Hash, BoundedLoad: 1}, "bounded load 1, want 1.01 or more"},
		{Config{Algorithm: Hash, BoundedLoad: math.NaN()}, "bounded load NaN, want 1.01 or more"},
		{Config{Algorithm: Random, Draws: 3}, "3 draws, want 1 or 2"},
		{Config{Algorithm: Random, Draws: -1}, "-1 draws, want 1 or 2"},
	} {
		if _, err := New(tt.config); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func TestAllDown(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		for _, n := range []int{0, 1, 3, 40} {
			t.Run(fmt.Sprint(v.name, "/", n), func(t *testing.T) {
				t.Parallel()
				g := newCrew(t, v.config, alike(n, 5)...)
				g.serve(10)
				for i := range n {
					g.set(i, 0)
				}
				for i := range 5 {
					if got := g.begin(client(i)); got != -1 {
						t.Fatalf("got server %d, want -1", got)
					}
				}
				if n > 0 {
					g.set(n-1, 5)
					if got := g.begin(0); got != n-1 {
						t.Errorf("one is back: got %d, want %d", got, n-1)
					}
				}
			})
		}
	}
}

func TestOneServer(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		for _, weights := range [][]int{{7}, {0, 7, 0}} {
			g := newCrew(t, v.config, weights...)
			for i := range 20 {
				if got, want := g.begin(client(i)), len(weights)/2; got != want {
					t.Fatalf("%s: got server %d, want %d", v.name, got, want)
				}
			}
		}
	}
}

// A server that goes gets nothing, the others share what it had, and when it is back it has its share again.
func TestRemoval(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		for _, n := range []int{3, 40} {
			t.Run(fmt.Sprint(v.name, "/", n), func(t *testing.T) {
				t.Parallel()
				g := newCrew(t, v.config, alike(n, 2)...)
				picks := 300 * n
				before := g.shares(picks)
				g.set(1, 0)
				away := g.shares(picks)
				if sum := total(away); away[1] != 0 || sum != picks {
					t.Errorf("while server 1 is away: it got %d, all of them %d of %d", away[1], sum, picks)
				}
				g.set(1, 2)
				if got := g.shares(picks)[1]; got < before[1]*2/3 || got > before[1]*3/2 {
					t.Errorf("when server 1 is back: got %d, before %d", got, before[1])
				}
			})
		}
	}
}

func total(of []int) (sum int) {
	for _, n := range of {
		sum += n
	}
	return sum
}

// Whatever the weights and whatever comes and goes: a pick has a weight, and there is one where there can be one.
func TestPickKeepsItsPromises(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.IntRange(0, 24).Draw(t, "servers")
			g := newCrew(t, v.config, rapid.SliceOfN(rapid.IntRange(0, 20*MaxWeight), n, n).Draw(t, "weights")...)
			for range 60 {
				if n > 0 && rapid.Bool().Draw(t, "change") {
					g.set(rapid.IntRange(0, n-1).Draw(t, "server"), rapid.SampledFrom([]int{0, 1, 20, 5120}).Draw(t, "weight"))
				}
				got := g.begin(rapid.Uint64().Draw(t, "key"))
				possible := slices.Max(append([]int{0}, g.weights...)) > 0
				if possible != (got >= 0) || got >= 0 && g.weights[got] == 0 {
					t.Fatalf("got server %d of weights %v", got, g.weights)
				}
				if i := slices.Index(g.inFlight, slices.Max(append([]int64{0}, g.inFlight...))); i >= 0 && g.inFlight[i] > 0 && rapid.Bool().Draw(t, "end") {
					g.end(i)
				}
			}
		})
	}
}

func TestPickDoesNotAllocate(t *testing.T) {
	for _, v := range variants() {
		for _, n := range []int{3, 1000} {
			g := newCrew(t, v.config, alike(n, 3)...)
			key := 0
			if got := testing.AllocsPerRun(1000, func() {
				key++
				g.end(g.begin(client(key)))
				g.set(key%n, 0) // as for a retry
				g.set(key%n, 3)
			}); got != 0 {
				t.Errorf("%s of %d: got %v allocations a pick, want 0", v.name, n, got)
			}
		}
	}
}

// What a pick costs grows with the logarithm of the number of servers at most: linear would be a thousandfold here.
func TestPickTakesLogarithmicTime(t *testing.T) {
	for _, v := range variants() {
		few, many := cost(t, v, 10), cost(t, v, 10_000)
		if many > 60*few {
			t.Errorf("%s: a pick of 10 servers took %v, of 10,000 %v", v.name, few, many)
		}
	}
}

// cost returns what a request costs the balancer, at best.
func cost(t *testing.T, v variant, n int) time.Duration {
	const rounds, picks = 10, 2000
	g := newCrew(t, v.config, mixed(n)...)
	best := time.Duration(math.MaxInt64)
	for range rounds {
		start := time.Now()
		for i := range picks {
			g.end(g.begin(client(i)))
		}
		best = min(best, time.Since(start)/picks)
	}
	return best
}

// mixed returns weights as people give them.
func mixed(n int) []int {
	weights := make([]int, n)
	for i := range weights {
		weights[i] = 20 * (1 + i%3)
	}
	return weights
}

func BenchmarkPick(b *testing.B) {
	for _, v := range variants() {
		for _, n := range []int{1, 10, 100, 10_000} {
			b.Run(fmt.Sprint(v.name, "/", n), func(b *testing.B) {
				g := newCrew(b, v.config, mixed(n)...)
				var busy [64]int // who has the requests that are in flight
				for i := range busy {
					busy[i] = g.begin(client(i))
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					g.end(busy[i%64])
					busy[i%64] = g.begin(client(i))
					i++
				}
			})
		}
	}
}
