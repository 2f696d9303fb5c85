package exchange

import (
	"sync"
	"time"
)

// budgetSeconds is the time that a Budget looks back: long enough to be about a share, short enough that what was saved up in good hours is
// not spent in the first minute of an outage.
const budgetSeconds = 10

// Budget bounds how many requests of a backend are sent again, so that servers which fail because they have too much to do are not given
// several times that. It is safe for concurrent use.
type Budget struct {
	percent, least int

	mu      sync.Mutex
	seconds [budgetSeconds]second // guarded by mu: the last ones, each at its number modulo their count
}

// second is what there was in one.
type second struct {
	number            int64 // since 1970
	requests, repeats int
}

// NewBudget returns a Budget that has percent of the requests of the last 10 s sent again, or least a second where that is more.
func NewBudget(percent, least int) *Budget { return &Budget{percent: percent, least: least} }

// Count notes a request.
func (b *Budget) Count(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at(now).requests++
}

// Take reports whether a request may be sent again, and notes that it is.
func (b *Budget) Take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := b.at(now)
	requests, repeats := 0, 0
	for i := range b.seconds {
		if s := &b.seconds[i]; s.number > own.number-budgetSeconds && s.number <= own.number {
			requests += s.requests
			repeats += s.repeats
		}
	}
	if repeats >= max(requests*b.percent/100, b.least*budgetSeconds) {
		return false
	}
	own.repeats++
	return true
}

// Give takes back what Take has noted in this very moment: nobody was there to send the request to.
func (b *Budget) Give(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := b.at(now)
	own.repeats = max(own.repeats-1, 0)
}

// at is the second that it is now. mu is held.
func (b *Budget) at(now time.Time) *second {
	n := now.Unix()
	s := &b.seconds[uint64(n)%budgetSeconds]
	if s.number != n {
		*s = second{number: n}
	}
	return s
}
