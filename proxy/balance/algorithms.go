package balance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// MaxWeight is the largest weight that a configuration may give a server, HAProxy's.
const MaxWeight = 256

// The names of the algorithms.
const (
	RoundRobin = "round_robin" // the default
	LeastConn  = "least_conn"
	First      = "first"
	Random     = "random"
	LeastTime  = "least_time"
	Source     = "source"
	Hash       = "hash"
)

// Balancer picks servers by index. It belongs to one goroutine at a time. At first no server has a weight.
type Balancer interface {
	// SetWeight says what share of the traffic a server is to have, beside the others'; with 0 it is not picked. The unit is the
	// caller's, the range 0 to math.MaxInt16.
	SetWeight(server, weight int)
	// Pick returns the server for the next request, or -1 where none has a weight. key is the hash of what the request is known by
	// (HashKey), 0 where it has none.
	Pick(key uint64) int
}

// Loaded is a Balancer that goes by requests in flight.
type Loaded interface {
	Balancer
	// SetInFlight says how many requests a server has. To be called after each change, that by a pick too.
	SetInFlight(server int, n int64)
}

// Timed is a Balancer that goes by how long servers take to answer.
type Timed interface {
	Balancer
	SetLatency(server int, l Latency)
}

// Config is what a balancer is made of.
type Config struct {
	Algorithm string // empty: round_robin
	Servers   []Server

	Draws       int           // of random: how many servers are drawn, 1 or 2; 0: 2
	BoundedLoad float64       // of source and hash: how many times its share of all requests in flight a server may have, 1.01 or more; 0: any
	Random      func() uint64 // a number by chance; nil: rand.Uint64
}

// Server is what is known of a server beforehand.
type Server struct {
	Name   string // it keeps its clients by that name, wherever it stands in the list
	Weight int    // that it is meant to have, in the unit of SetWeight
}

// algorithm is a line of the table.
type algorithm struct {
	construct func(Config) Balancer
	help      string
}

// algorithms is the one table of algorithms; never written.
var algorithms = map[string]algorithm{
	RoundRobin: {newRoundRobin, "in turn, by weight"},
	LeastConn:  {newLeastConn, "the fewest requests in flight for the weight, in turn where that is equal"},
	LeastTime:  {newLeastTime, "the quickest answers, by time to the first byte and requests in flight; failures count as slow"},
	Random:     {newRandom, "by chance and weight, the less loaded of two (`draws`)"},
	Source:     {newKeyed, "a client keeps its server, by address"},
	Hash:       {newKeyed, "so does whatever has the same `key`"},
	First:      {newFirst, "the first that has room"},
}

// leastBound is the tightest bound of a load: with one that is tighter a request looks at hundreds of servers for one that has room.
const leastBound = 1.01

// Algorithms returns the names that New knows, sorted.
func Algorithms() []string {
	return slices.Sorted(maps.Keys(algorithms))
}

// Help says in a few words whom an algorithm picks.
func Help(algorithm string) string { return algorithms[algorithm].help }

// New returns the balancer that c describes.
func New(c Config) (Balancer, error) {
	if c.Algorithm == "" {
		c.Algorithm = RoundRobin
	}
	a, ok := algorithms[c.Algorithm]
	if !ok {
		return nil, fmt.Errorf("balance algorithm %q, want %s", c.Algorithm, strings.Join(Algorithms(), ", "))
	}
	if c.BoundedLoad != 0 && !(c.BoundedLoad >= leastBound) {
		return nil, fmt.Errorf("bounded load %v, want %v or more", c.BoundedLoad, leastBound)
	}
	if c.Draws < 0 || c.Draws > 2 {
		return nil, fmt.Errorf("%d draws, want 1 or 2", c.Draws)
	}
	return a.construct(c), nil
}
