package balance

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// sizes are those of a rendezvous and of a ring.
var sizes = []int{2, 5, fewServers, fewServers + 1, 60}

func newHash(t interface{ Fatal(...any) }, weights ...int) *crew {
	return newCrew(t, Config{Algorithm: Hash}, weights...)
}

// owners returns who each of n clients belongs to.
func owners(b Balancer, n int) []int {
	got := make([]int, n)
	for i := range got {
		got[i] = b.Pick(client(i))
	}
	return got
}

// R25: the shares follow the weights.
func TestR25_HashShares(t *testing.T) {
	t.Parallel()
	const clients = 60_000
	for _, n := range sizes {
		weights := mixed(n)
		g := newHash(t, weights...)
		// A rendezvous is as even as chance. A ring's shares differ by as much as its points are few: 8 %, more for light servers.
		tolerance := 0.05
		if n > fewServers {
			tolerance = 0.35
		}
		for i, got := range g.shares(clients) {
			if want := clients * float64(weights[i]) / float64(total(weights)); math.Abs(float64(got)-want) > tolerance*want+4*math.Sqrt(want) {
				t.Errorf("%d servers: server %d with weight %d got %d, want %.0f", n, i, weights[i], got, want)
			}
		}
	}
}

// R25: a client keeps its server, and when a server is lost only its clients move, to all the others; when it is back so are they.
func TestR25_HashRemoval(t *testing.T) {
	t.Parallel()
	for _, n := range sizes {
		g := newHash(t, mixed(n)...)
		before := owners(g, 5000)
		if again := owners(g, 5000); !slices.Equal(again, before) {
			t.Errorf("%d servers: clients move by themselves", n)
		}
		g.set(1, 0)
		heirs := map[int]bool{}
		for i, got := range owners(g, 5000) {
			if before[i] == 1 {
				heirs[got] = true
			}
			if got == 1 || before[i] != 1 && got != before[i] {
				t.Fatalf("%d servers: client %d of server %d is with %d when 1 is away", n, i, before[i], got)
			}
		}
		if len(heirs) < min(n-1, 20) {
			t.Errorf("%d servers: the clients of one went to %d others", n, len(heirs))
		}
		g.set(1, mixed(n)[1])
		if after := owners(g, 5000); !slices.Equal(after, before) {
			t.Errorf("%d servers: not all clients are back", n)
		}
	}
}

// A server that grows takes clients from others, and no others move: slow start, and weights that are set.
func TestHashWeightsMoveNoOthers(t *testing.T) {
	t.Parallel()
	for _, n := range sizes {
		g := newHash(t, alike(n, 20)...)
		g.set(0, 0)
		before := owners(g, 3000)
		for _, w := range []int{1, 5, 19, 20, 40, 5120} {
			g.set(0, w)
			now := owners(g, 3000)
			for i, got := range now {
				if got != before[i] && got != 0 {
					t.Fatalf("%d servers: with weight %d client %d went from %d to %d", n, w, i, before[i], got)
				}
			}
			if before = now; w == 5120 && n > 2 {
				if got := float64(count(now, 0)) / 3000; math.Abs(got-5120/float64(5120+20*(n-1))) > 0.1 {
					t.Errorf("%d servers: with weight %d it has %.2f of the clients", n, w, got)
				}
			}
		}
	}
}

func count(in []int, what int) (n int) {
	for _, i := range in {
		if i == what {
			n++
		}
	}
	return n
}

// Another server in the configuration, and another order, move no more clients than they have to: servers are known by their names.
func TestHashKnowsServersByName(t *testing.T) {
	t.Parallel()
	for _, n := range []int{4, 40} {
		var servers []Server
		for i := range n {
			servers = append(servers, Server{fmt.Sprint("web", i), 20})
		}
		pick := func(servers []Server) (names []string) {
			b, err := New(Config{Algorithm: Hash, Servers: servers})
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range servers {
				b.SetWeight(i, s.Weight)
			}
			for _, i := range owners(b, 3000) {
				names = append(names, servers[i].Name)
			}
			return names
		}
		before := pick(servers)
		slices.Reverse(servers)
		if got := pick(servers); !slices.Equal(got, before) {
			t.Errorf("%d servers: clients move when the servers are in another order", n)
		}
		moved := 0
		for i, got := range pick(append(servers, Server{"new", 20})) {
			if got != before[i] {
				moved++
				if got != "new" {
					t.Fatalf("%d servers and a new one: client %d went from %s to %s", n, i, before[i], got)
				}
			}
		}
		if want := 3000 / (n + 1); moved < want/2 || moved > want*2 {
			t.Errorf("%d servers and a new one: %d clients moved, want about %d", n, moved, want)
		}
	}
}

// Requests without a key are spread in turn.
func TestHashWithoutAKey(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 30} {
		g := newHash(t, alike(n, 20)...)
		for i := range 2 * n {
			if got := g.Pick(0); got != i%n {
				t.Errorf("%d servers, request %d: got %d, want %d", n, i, got, i%n)
			}
		}
	}
}

// The bound of the design, with everything going to one key: no server ever has more than ceil((all + 1) * factor * its share), and the
// key's own server is used up to that.
func TestBoundedLoad(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{1, 3, 16, 30}).Draw(t, "servers")
		factor := rapid.SampledFrom([]float64{1.01, 1.25, 2}).Draw(t, "factor")
		g := newCrew(t, Config{Algorithm: Hash, BoundedLoad: factor}, rapid.SliceOfN(rapid.IntRange(1, 60), n, n).Draw(t, "weights")...)
		free := newHash(t, g.weights...)
		for range 100 {
			if i := rapid.IntRange(0, n-1).Draw(t, "ends"); g.inFlight[i] > 0 && rapid.Bool().Draw(t, "end") {
				g.end(i)
				continue
			}
			if rapid.IntRange(0, 9).Draw(t, "change") == 0 {
				i, w := rapid.IntRange(0, n-1).Draw(t, "server"), rapid.IntRange(0, 60).Draw(t, "weight")
				g.set(i, w)
				free.set(i, w)
			}
			var all int64
			for i, w := range g.weights {
				if w > 0 {
					all += g.inFlight[i]
				}
			}
			most := func(i int) int64 {
				return int64(math.Ceil(float64(all+1) * factor * (float64(g.weights[i]) / float64(total(g.weights)))))
			}
			key := client(rapid.IntRange(0, 1).Draw(t, "client"))
			home, got := free.Pick(key), g.begin(key)
			switch {
			case home < 0 && got >= 0, home >= 0 && got < 0:
				t.Fatalf("got %d, without a bound %d", got, home)
			case got >= 0 && g.inFlight[got] > most(got):
				t.Fatalf("server %d has %d requests of %d, want %d at most", got, g.inFlight[got], all+1, most(got))
			case got != home && g.inFlight[home] < most(home):
				t.Fatalf("server %d has %d of %d requests, and %d got one of its own", home, g.inFlight[home], most(home), got)
			}
		}
	})
}
