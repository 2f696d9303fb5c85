package persist

import (
	"sync"
	"time"

	"github.com/tandem-lb/tandem/proxy/upstream"
)

// part is a table of Sources, or a part of one: a ring of entries by when their clients were here last.
type part struct {
	size   int
	expire time.Duration

	mu      sync.Mutex // guards what follows
	places  map[client]int32
	entries []entry // the first is nobody's: behind it comes the oldest, and before it the newest
	free    []int32
	evicted int64
}

type entry struct {
	client       client
	server       *upstream.Server
	seen         time.Time
	older, newer int32
}

func (p *part) init(size int, expire time.Duration) {
	p.size, p.expire, p.places, p.entries = size, expire, map[client]int32{}, make([]entry, 1)
}

func (p *part) find(now time.Time, c client) *upstream.Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.places[c]
	if !ok {
		return nil
	}
	if p.over(now, i) {
		p.remove(i)
		return nil
	}
	p.unlink(i)
	p.link(i)
	p.entries[i].seen = now
	return p.entries[i].server
}

func (p *part) learn(now time.Time, c client, to *upstream.Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range 2 { // so that there are soon no more than came lately
		if oldest := p.entries[0].newer; oldest != 0 && p.over(now, oldest) {
			p.remove(oldest)
		}
	}
	if i, ok := p.places[c]; ok {
		p.remove(i)
	}
	if len(p.places) == p.size {
		p.remove(p.entries[0].newer)
		p.evicted++
	}
	i := p.room()
	p.entries[i] = entry{client: c, server: to, seen: now}
	p.link(i)
	p.places[c] = i
}

// each calls f for all entries, the oldest first.
func (p *part) each(f func(*entry)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := p.entries[0].newer; i != 0; i = p.entries[i].newer {
		f(&p.entries[i])
	}
}

// over reports whether a client was not here for too long. mu is held, as for all that follows.
func (p *part) over(now time.Time, i int32) bool { return now.Sub(p.entries[i].seen) > p.expire }

// room returns an entry that is not in use.
func (p *part) room() int32 {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		return i
	}
	p.entries = append(p.entries, entry{})
	return int32(len(p.entries) - 1)
}

func (p *part) remove(i int32) {
	delete(p.places, p.entries[i].client)
	p.unlink(i)
	p.entries[i] = entry{}
	p.free = append(p.free, i)
}

// link makes an entry the newest.
func (p *part) link(i int32) {
	newest := p.entries[0].older
	p.entries[i].older, p.entries[i].newer = newest, 0
	p.entries[newest].newer, p.entries[0].older = i, i
}

func (p *part) unlink(i int32) {
	e := &p.entries[i]
	p.entries[e.older].newer, p.entries[e.newer].older = e.newer, e.older
}
