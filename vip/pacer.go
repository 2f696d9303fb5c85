package vip

import (
	"sync"
	"time"
)

// The first announcement of an address is what moves its clients, and is not held up. Repeats are for those who missed it:
// those of five thousand addresses at once would fill the queues of the interface, and of switches and hosts that all have to
// look at each broadcast. Neither bound is met by fewer than a hundred addresses.
const (
	repeatsPerSecond = 5000                  // on one interface
	repeatsAtOnce    = 500                   // of those that went without one for a while
	repeatPause      = 50 * time.Millisecond // what is over waits so long, and many then go on together
)

// Pacer keeps announcements on an interface apart, whichever Set they come from. The zero value is ready.
type Pacer struct {
	mu      sync.Mutex
	last    map[string]time.Time // by interface: the last announcement
	credits map[string]credit    // by interface: the repeats
}

// credit is how many repeats may go out at a time.
type credit struct {
	left float64
	at   time.Time
}

// Take says how long to wait until gap has passed since the last announcement on the interface, and until a repeat has its
// turn. When that is 0 the announcement counts as sent now.
func (p *Pacer) Take(now time.Time, ifname string, gap time.Duration, repeat bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last, ok := p.last[ifname]; ok {
		if wait := last.Add(gap).Sub(now); wait > 0 {
			return wait
		}
	}
	if repeat && !p.spend(now, ifname) {
		return repeatPause
	}
	if p.last == nil {
		p.last = make(map[string]time.Time)
	}
	p.last[ifname] = now
	return 0
}

// spend takes a repeat off the interface's credit, or says that there is none; mu is held.
func (p *Pacer) spend(now time.Time, ifname string) bool {
	if p.credits == nil {
		p.credits = make(map[string]credit)
	}
	c, ok := p.credits[ifname]
	if !ok {
		c = credit{left: repeatsAtOnce, at: now}
	}
	c.left = min(c.left+now.Sub(c.at).Seconds()*repeatsPerSecond, repeatsAtOnce)
	c.at = now
	spent := c.left >= 1
	if spent {
		c.left--
	}
	p.credits[ifname] = c
	return spent
}
