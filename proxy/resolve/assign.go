package resolve

import (
	"net/netip"
	"slices"
)

// Assign gives the endpoints of an answer, in order, to n slots. now has the address of each slot, the zero one for a slot that is free. What
// is in a slot and still in the answer stays there; the others come into the free ones, first the first. What finds no slot is left out,
// from the end. A slot without an endpoint gets the zero one. What is only for want of others gets what these leave.
func Assign(now []netip.AddrPort, all []Endpoint, n int) []Endpoint {
	if best := slices.IndexFunc(all, func(e Endpoint) bool { return e.Priority != all[0].Priority }); best >= 0 {
		all = all[:min(len(all), max(best, n))]
	}
	slots := make([]Endpoint, n)
	placed := map[netip.AddrPort]bool{}
	for _, e := range all {
		for i, a := range now {
			if i < n && a == e.Address && !placed[a] {
				slots[i], placed[a] = e, true
			}
		}
	}
	free := 0
	for _, e := range all {
		if placed[e.Address] {
			continue
		}
		for free < n && slots[free].Address.IsValid() {
			free++
		}
		if free == n {
			break
		}
		slots[free] = e
	}
	return slots
}

// maxWeight is the highest weight of a server.
const maxWeight = 256

// Weights returns what weights servers have for those that the records of their service have, which go further: in proportion to the
// highest, and never none at all, for a record of weight 0 is to be used too, seldom (RFC 2782). backup has those of a higher priority than
// the lowest. Endpoints without a target are skipped.
func Weights(all []Endpoint) (weights []int, backup []bool) {
	weights, backup = make([]int, len(all)), make([]bool, len(all))
	best, most, none := -1, 0, false
	for _, e := range all {
		if e.Target != "" {
			if best < 0 || int(e.Priority) < best {
				best = int(e.Priority)
			}
			most, none = max(most, int(e.Weight)), none || e.Weight == 0
		}
	}
	for i, e := range all {
		weights[i] = max(int(e.Weight), 1)
		if most > maxWeight || none && most > 0 {
			weights[i] = max(int(e.Weight)*maxWeight/most, 1)
		}
		backup[i] = e.Target != "" && int(e.Priority) > best
	}
	return weights, backup
}
