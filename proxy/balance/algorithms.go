package balance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxWeight is the largest weight that a configuration may give a server, HAProxy's.
const MaxWeight = 256

// The names of the algorithms that others refer to.
const (
	RoundRobin = "round_robin" // the default
)

// Balancer picks servers by index. It belongs to one goroutine at a time. At first no server has a weight.
type Balancer interface {
	// SetWeight says what share of the traffic a server is to have, beside the others'; with 0 it is not picked. The unit is the
	// caller's, the range 0 to math.MaxInt16.
	SetWeight(server, weight int)
	// Pick returns the server for the next request, or -1 where none has a weight. key is the hash of what the request is known by
	// (Hash), 0 where it has none.
	Pick(key uint64) int
}

// Loaded is a Balancer that goes by requests in flight.
type Loaded interface {
	Balancer
	// SetInFlight says how many requests a server has. To be called after each change, that by a pick too.
	SetInFlight(server int, n int64)
}

// Config is what a balancer is made of.
type Config struct {
	Algorithm string // empty: round_robin
	Servers   []Server
}

// Server is what is known of a server beforehand.
type Server struct {
	Name   string // it keeps its clients by that name, wherever it stands in the list
	Weight int    // that it is meant to have, in the unit of SetWeight
}

// algorithm is a line of the table.
type algorithm struct {
	construct func(Config) Balancer
}

// algorithms is the one table of algorithms; never written.
var algorithms = map[string]algorithm{
	RoundRobin: {newRoundRobin},
}

// Algorithms returns the names that New knows, sorted.
func Algorithms() []string {
	return slices.Sorted(maps.Keys(algorithms))
}

// New returns the balancer that c describes.
func New(c Config) (Balancer, error) {
	if c.Algorithm == "" {
		c.Algorithm = RoundRobin
	}
	a, ok := algorithms[c.Algorithm]
	if !ok {
		return nil, fmt.Errorf("balance algorithm %q, want %s", c.Algorithm, strings.Join(Algorithms(), ", "))
	}
	return a.construct(c), nil
}
