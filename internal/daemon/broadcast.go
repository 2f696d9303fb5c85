package daemon

import "sync"

// broadcast tells whoever waits that something changed.
type broadcast struct {
	mu      sync.Mutex
	changed chan struct{} // guarded by mu; closed and replaced by raise; nobody sends
}

func newBroadcast() *broadcast { return &broadcast{changed: make(chan struct{})} }

// raise wakes all who wait. It never waits.
func (b *broadcast) raise() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
}

// next returns a channel that the next raise closes: take it before you look.
func (b *broadcast) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}
