package balance

import "math/rand/v2"

// random draws servers by weight and takes, of two that it has drawn, the one with fewer requests in flight for its weight: that is
// nearly as even as looking at all of them, and two balancers that know nothing of each other don't run to the same server. With one draw
// it is chance alone.
type random struct {
	number   func() uint64
	draws    int
	weight   []int64
	inFlight []int64
	sum      sums
}

func newRandom(c Config) Balancer {
	n := len(c.Servers)
	r := &random{number: c.Random, draws: c.Draws, weight: make([]int64, n), inFlight: make([]int64, n), sum: newSums(n)}
	if r.number == nil {
		r.number = rand.Uint64
	}
	return r
}

// SetWeight implements Balancer.
func (r *random) SetWeight(server, weight int) {
	r.sum.add(server, int64(weight)-r.weight[server])
	r.weight[server] = int64(weight)
}

// SetInFlight implements Loaded.
func (r *random) SetInFlight(server int, n int64) { r.inFlight[server] = n }

// Pick implements Balancer.
func (r *random) Pick(uint64) int {
	if r.sum.total == 0 {
		return -1
	}
	one, before := r.sum.find(r.below(r.sum.total))
	rest := r.sum.total - r.weight[one]
	if r.draws == 1 || rest == 0 {
		return one
	}
	n := r.below(rest)
	if n >= before { // the one that has been drawn is left out
		n += r.weight[one]
	}
	other, _ := r.sum.find(n)
	if r.inFlight[other]*r.weight[one] < r.inFlight[one]*r.weight[other] {
		return other
	}
	return one
}

// below returns a number from 0 to n - 1. That some are likelier than others by n / 2^64 matters to nobody.
func (r *random) below(n int64) int64 { return int64(r.number() % uint64(n)) }

// sums knows the sums of the weights up to each server: a Fenwick tree.
type sums struct {
	tree  []int64 // tree[i] is that of the servers i - (i & -i) to i - 1
	total int64
	top   int // the largest power of two that is an index
}

func newSums(n int) sums {
	s := sums{tree: make([]int64, n+1), top: 1}
	for 2*s.top <= n {
		s.top *= 2
	}
	return s
}

// add adds to a server's weight.
func (s *sums) add(server int, n int64) {
	s.total += n
	for i := server + 1; i < len(s.tree); i += i & -i {
		s.tree[i] += n
	}
}

// find returns the server at which the sum of the weights exceeds n, which is below total, and the sum of those before it.
func (s *sums) find(n int64) (server int, before int64) {
	for step := s.top; step > 0; step /= 2 {
		if i := server + step; i < len(s.tree) && before+s.tree[i] <= n {
			server, before = i, before+s.tree[i]
		}
	}
	return server, before
}
