package balance

import "math"

// rendezvous gives each key an order of the servers by chance that depends on nothing but the key and the servers' names: weighted
// rendezvous hashing. The shares are as even as the keys are many.
type rendezvous struct {
	seeds  []uint64 // by server
	weight []float64
}

func newRendezvous(servers []Server) *rendezvous {
	r := &rendezvous{weight: make([]float64, len(servers))}
	for _, s := range servers {
		r.seeds = append(r.seeds, HashKey(s.Name))
	}
	return r
}

// SetWeight implements order.
func (r *rendezvous) SetWeight(server, weight int) { r.weight[server] = float64(weight) }

// find implements order.
func (r *rendezvous) find(key uint64, room *bound) int {
	best, most, heaviest := -1, uint64(0), 0.0
	for i, w := range r.weight {
		if w == 0 || !room.has(i) {
			continue
		}
		if h := mix(key ^ r.seeds[i]); best < 0 || beats(h, w, most, heaviest) {
			best, most, heaviest = i, h, w
		}
	}
	return best
}

// beats compares the scores -weight / ln(hash) of two servers, hashes taken as parts of 1. Logarithms are needed only where the one
// has the higher hash and the other the higher weight.
func beats(hash uint64, weight float64, other uint64, others float64) bool {
	switch {
	case weight >= others && hash > other:
		return true
	case weight <= others && hash <= other:
		return false
	}
	return weight*lnOf(other) < others*lnOf(hash)
}

// lnOf returns the logarithm of a hash taken as a part of 1, below 0.
func lnOf(hash uint64) float64 { return math.Log((float64(hash>>11) + 0.5) / (1 << 53)) }
