package balance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxWeight is the largest weight of a server, HAProxy's.
const MaxWeight = 256

// RoundRobin is the name of the default algorithm.
const RoundRobin = "round_robin"

// Balancer picks servers by index. It is safe for concurrent use.
type Balancer interface {
	// Pick returns the index of the server for the next request, or -1 where no server is eligible. It calls eligible at
	// most once for each server, maybe under its lock: eligible must be quick and must not call Pick.
	Pick(eligible func(server int) bool) int
}

// algorithms is the one table of algorithms; never written.
var algorithms = map[string]func(weights []int) Balancer{
	RoundRobin: newRoundRobin,
}

// Algorithms returns the names that New knows, sorted.
func Algorithms() []string {
	return slices.Sorted(maps.Keys(algorithms))
}

// New returns a balancer over len(weights) servers; an empty algorithm means round_robin. A weight is 0 (never picked)
// to MaxWeight.
func New(algorithm string, weights []int) (Balancer, error) {
	if algorithm == "" {
		algorithm = RoundRobin
	}
	construct, ok := algorithms[algorithm]
	if !ok {
		return nil, fmt.Errorf("balance algorithm %q, want %s", algorithm, strings.Join(Algorithms(), ", "))
	}
	for i, w := range weights {
		if w < 0 || w > MaxWeight {
			return nil, fmt.Errorf("weight %d of server %d, want 0 to %d", w, i, MaxWeight)
		}
	}
	return construct(weights), nil
}
