package balance

// roundRobin is smooth weighted round robin, in nginx's order. Each pick gives every server that has a weight as much credit, takes the
// one with the most, the first of several, and charges it what the pick gave in all. So the credits always add up to zero, each cycle
// of picks has exact shares, and a heavy server's picks are spread over the cycle: 3:2:1 goes 1 2 1 3 2 1.
//
// Servers of the same weight are given the same with each pick, so which of them has the most credit changes only when one is picked.
// They form a class, which keeps in one number what all of them were given and in a heap who is next. A pick looks at the first of each
// class: how many servers there are counts for no more than the depth of a heap, and there are few weights.
//
// A server without a weight keeps its credit untouched. Forgetting it, or starting afresh when the set changes, would be wrong: a retry
// excludes one server for a single pick, and if that disturbed the others, a refusing server would bend everyone's share. The credit is
// small, so a server that returns after hours is served like the rest, give or take a pick or two.
type roundRobin struct {
	classes []*class // those in use, then those that are empty and kept for their memory
	used    int
	of      []*class // by server; nil: it has no weight
	credit  []int    // by server: without what its class was given
	at      []int32  // of the heaps
	total   int      // of the weights
}

// class is the servers of one weight.
type class struct {
	weight int
	given  int // to each of its servers, by the picks since it is in use
	heap
}

func newRoundRobin(c Config) Balancer {
	n := len(c.Servers)
	return &roundRobin{of: make([]*class, n), credit: make([]int, n), at: places(n)}
}

// SetWeight implements Balancer.
func (r *roundRobin) SetWeight(server, weight int) {
	if c := r.of[server]; c != nil {
		if c.weight == weight {
			return
		}
		c.remove(server)
		r.credit[server] += c.given
		r.total -= c.weight
		r.of[server] = nil
		r.retire(c)
	}
	if weight == 0 {
		return
	}
	c := r.class(weight)
	r.of[server] = c
	r.total += weight
	r.credit[server] -= c.given
	c.push(server)
}

// class returns the one of that weight.
func (r *roundRobin) class(weight int) *class {
	for _, c := range r.classes[:r.used] {
		if c.weight == weight {
			return c
		}
	}
	if r.used == len(r.classes) {
		r.classes = append(r.classes, &class{heap: heap{at: r.at, less: r.before}})
	}
	c := r.classes[r.used]
	c.weight, c.given = weight, 0
	r.used++
	return c
}

// retire puts a class aside if it is empty.
func (r *roundRobin) retire(c *class) {
	if len(c.items) > 0 {
		return
	}
	r.used--
	for i, other := range r.classes {
		if other == c {
			r.classes[i], r.classes[r.used] = r.classes[r.used], c
			return
		}
	}
}

// before is the order of a class.
func (r *roundRobin) before(a, b int32) bool {
	if r.credit[a] != r.credit[b] {
		return r.credit[a] > r.credit[b]
	}
	return a < b
}

// Pick implements Balancer.
func (r *roundRobin) Pick(uint64) int {
	best, most := -1, 0
	for _, c := range r.classes[:r.used] {
		c.given += c.weight
		first := c.top()
		if credit := c.given + r.credit[first]; best < 0 || credit > most || credit == most && first < best {
			best, most = first, credit
		}
	}
	if best >= 0 {
		r.credit[best] -= r.total
		r.of[best].fix(best)
	}
	return best
}
