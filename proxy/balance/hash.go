package balance

import "math"

// keyed gives all requests of a key to one server, and requests without a key to the servers in turn. When a server goes, its keys are
// spread over the others and no others move; when it is back they are too. Who gets a key depends on the names and weights of the
// servers that there are, and on nothing that was before.
type keyed struct {
	order order
	turns Balancer
}

// order is the order in which the servers come into question for a key.
type order interface {
	SetWeight(server, weight int)
	// find returns the first server for the key that has room, -1 where none has a weight.
	find(key uint64, room *bound) int
}

// fewServers is how many servers are looked at one by one. Of more a choice has to cost less than that.
const fewServers = 16

func newKeyed(c Config) Balancer {
	k := &keyed{turns: newRoundRobin(c)}
	if len(c.Servers) <= fewServers {
		k.order = newRendezvous(c.Servers)
	} else {
		k.order = newRing(c.Servers)
	}
	if c.BoundedLoad == 0 {
		return k
	}
	n := len(c.Servers)
	return &bounded{keyed: k, bound: bound{factor: c.BoundedLoad, weight: make([]int64, n), inFlight: make([]int64, n)}}
}

// SetWeight implements Balancer.
func (k *keyed) SetWeight(server, weight int) {
	k.order.SetWeight(server, weight)
	k.turns.SetWeight(server, weight)
}

// Pick implements Balancer.
func (k *keyed) Pick(key uint64) int {
	if key == 0 {
		return k.turns.Pick(0)
	}
	return k.order.find(key, nil)
}

// bounded is keyed, but a server that has more than its share of all requests in flight, times a factor, is passed over: what is asked
// for most is served by more servers than one.
type bounded struct {
	*keyed
	bound
}

// bound is how many requests each server may have.
type bound struct {
	factor   float64
	weight   []int64
	inFlight []int64
	weights  int64 // sum
	requests int64 // sum of those of servers with a weight
}

// SetWeight implements Balancer.
func (b *bounded) SetWeight(server, weight int) {
	if b.weight[server] > 0 {
		b.requests -= b.inFlight[server]
	}
	if weight > 0 {
		b.requests += b.inFlight[server]
	}
	b.weights += int64(weight) - b.weight[server]
	b.weight[server] = int64(weight)
	b.keyed.SetWeight(server, weight)
}

// SetInFlight implements Loaded.
func (b *bounded) SetInFlight(server int, n int64) {
	if b.weight[server] > 0 {
		b.requests += n - b.inFlight[server]
	}
	b.inFlight[server] = n
}

// Pick implements Balancer.
func (b *bounded) Pick(key uint64) int {
	if key == 0 {
		return b.turns.Pick(0)
	}
	return b.order.find(key, &b.bound)
}

// has reports whether a server has room for one more. Some server always has: the bounds add up to more than there are requests.
func (b *bound) has(server int) bool {
	if b == nil {
		return true
	}
	share := float64(b.weight[server]) / float64(b.weights)
	return float64(b.inFlight[server]) < math.Ceil(float64(b.requests+1)*b.factor*share)
}
