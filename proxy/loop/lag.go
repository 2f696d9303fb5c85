package loop

import (
	"sync/atomic"
	"time"
)

// Lag says how long sockets had to wait for others.
type Lag struct {
	Pass  time.Duration // the longest time from hearing of what has happened to having seen to all of it; microseconds, rounded down
	Calls int           // of Handlers and others in that time: one alone has blocked the Loop
}

// lag keeps the longest pass: microseconds in the upper 40 bits, calls in the lower 24, so that one word can be exchanged.
type lag struct{ longest atomic.Uint64 }

const callBits = 24

// note is told of each pass by the Loop's goroutine.
func (g *lag) note(pass time.Duration, calls int) {
	if calls == 0 {
		return
	}
	n := uint64(pass/time.Microsecond)<<callBits | uint64(min(calls, 1<<callBits-1))
	for old := g.longest.Load(); n > old && !g.longest.CompareAndSwap(old, n); {
		old = g.longest.Load()
	}
}

// Lag returns the longest pass since it was last asked for. Any goroutine may ask. The Loop reads its clock once in a pass, so how
// long a single call took shows only where the pass had no other.
func (l *Loop) Lag() Lag {
	n := l.lag.longest.Swap(0)
	return Lag{Pass: time.Duration(n>>callBits) * time.Microsecond, Calls: int(n & (1<<callBits - 1))}
}
