package vip

import (
	"sync"
	"time"
)

// Pacer keeps announcements on an interface apart, whichever Set they come from. The zero value is ready.
type Pacer struct {
	mu   sync.Mutex
	last map[string]time.Time // by interface
}

// Take says how long to wait until gap has passed since the last announcement on the interface. When that is 0 the
// announcement counts as sent now.
func (p *Pacer) Take(now time.Time, ifname string, gap time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last, ok := p.last[ifname]; ok {
		if wait := last.Add(gap).Sub(now); wait > 0 {
			return wait
		}
	}
	if p.last == nil {
		p.last = make(map[string]time.Time)
	}
	p.last[ifname] = now
	return 0
}
