package balance

import "sync"

// roundRobin is smooth weighted round robin. Each pick gives every eligible server its weight as credit, takes the one
// with the most, and charges it what the pick gave in all. So the credits always add up to zero, each cycle of picks has
// exact shares, and a heavy server's picks are spread over the cycle: 3:2:1 goes 1 2 1 3 2 1.
//
// A server that is not eligible keeps its credit untouched. Forgetting it, or starting afresh when the eligible set
// changes, would be wrong: a retry excludes one server for a single pick, and if that disturbed the others, a refusing
// server would bend everyone's share. The credit is small, so a server that returns after hours is served like the rest,
// give or take a pick or two.
type roundRobin struct {
	weights []int // never written

	mu     sync.Mutex
	credit []int // guarded by mu
}

func newRoundRobin(weights []int) Balancer {
	return &roundRobin{weights: append([]int(nil), weights...), credit: make([]int, len(weights))}
}

// Pick implements Balancer. A tie goes to the server that was configured first.
func (r *roundRobin) Pick(eligible func(server int) bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	best, given := -1, 0
	for i, w := range r.weights {
		if w == 0 || !eligible(i) {
			continue
		}
		given += w
		r.credit[i] += w
		if best < 0 || r.credit[i] > r.credit[best] {
			best = i
		}
	}
	if best >= 0 {
		r.credit[best] -= given
	}
	return best
}
