package exchange

import (
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/tandem-lb/tandem/proxy/balance"
	"github.com/tandem-lb/tandem/proxy/edit"
)

// Choice is a backend that a request may go to.
type Choice struct {
	Backend *Backend
	Edits   *Edits // all that are carried out then; nil: none
}

// Split shares requests out among backends, by weight. It is safe for concurrent use.
type Split struct {
	choices []Choice
	weights []int
	total   int
	key     *edit.Template // nil: in turn
	turns   []uint16       // of a cycle: the numbers of choices, each as often as its weight says and as evenly as can be
	next    atomic.Uint64
}

// NewSplit returns a Split in which each choice has its weight, 0 to 1000, of which one is above 0. With a key the requests for which it
// comes out the same go the same way; without one, and where it comes out empty, they go in turn, exactly by weight in each cycle.
func NewSplit(choices []Choice, weights []int, key *edit.Template) *Split {
	s := &Split{choices: choices, weights: weights, key: key}
	divisor := 0
	for _, w := range weights {
		s.total += w
		divisor = gcd(divisor, w)
	}
	credit := make([]int, len(weights)) // whoever has the most is next, as in smooth weighted round robin
	for range s.total / divisor {
		for i, w := range weights {
			credit[i] += w
		}
		best := 0
		for i := range credit {
			if credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= s.total
		s.turns = append(s.turns, uint16(best))
	}
	return s
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Tells reports whether what some choice changes is as f asks.
func (s *Split) Tells(f func(*Edits) bool) bool {
	return slices.ContainsFunc(s.choices, func(c Choice) bool { return f(c.Edits) })
}

// choose returns where a request goes.
func (s *Split) choose(f edit.Facts) *Choice {
	if s.key != nil {
		var room [128]byte
		if key := s.key.Append(room[:0], f); len(key) > 0 {
			return s.by(key)
		}
	}
	turn := (s.next.Add(1) - 1) % uint64(len(s.turns))
	return &s.choices[s.turns[turn]]
}

// by returns the choice of a key: its place on a line on which each choice has as much as its weight. Where weights move from one choice to
// the next, only the keys in between do.
func (s *Split) by(key []byte) *Choice {
	place, _ := bits.Mul64(balance.HashKey(key), uint64(s.total))
	i := slices.IndexFunc(s.weights, func(w int) bool {
		if int(place) < w {
			return true
		}
		place -= uint64(w)
		return false
	})
	return &s.choices[i]
}
