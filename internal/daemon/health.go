package daemon

import (
	"context"
	"maps"
	"sync"

	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/tracker"
)

var (
	_ tracker.Backends = backends{}
	_ backendWatcher   = (*proxy.Proxy)(nil)
)

// backendWatcher reports how a backend is, at once and whenever that has changed, until ctx ends.
type backendWatcher interface {
	WatchBackend(ctx context.Context, name string, report func(healthy, total int, known bool))
}

// backends lets trackers see the balancer's health.
type backends struct{ watcher backendWatcher }

// Watch implements tracker.Backends.
func (b backends) Watch(ctx context.Context, name string, f func(healthy, total int, known bool)) error {
	b.watcher.WatchBackend(ctx, name, f)
	return nil
}

// healthBoard is what is known of every backend of the node.
type healthBoard struct {
	watcher  backendWatcher
	onChange func() // must not block

	mu     sync.Mutex
	states map[string]backendHealth // guarded by mu
	stop   context.CancelFunc       // guarded by mu; ends the present watchers
	wg     sync.WaitGroup
}

func newHealthBoard(w backendWatcher, onChange func()) *healthBoard {
	return &healthBoard{watcher: w, onChange: onChange, states: map[string]backendHealth{}, stop: func() {}}
}

// watch watches these backends and no others, until ctx ends. What was known of one that stays is kept.
func (h *healthBoard) watch(ctx context.Context, names []string) {
	h.close()
	ctx, stop := context.WithCancel(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stop = stop
	states := make(map[string]backendHealth, len(names))
	for _, name := range names {
		states[name] = h.states[name]
		h.wg.Go(func() {
			h.watcher.WatchBackend(ctx, name, func(healthy, total int, known bool) {
				h.set(name, backendHealth{healthy: healthy, total: total, known: known})
			})
		})
	}
	h.states = states
}

// close ends the watchers.
func (h *healthBoard) close() {
	h.mu.Lock()
	h.stop()
	h.mu.Unlock()
	h.wg.Wait()
}

func (h *healthBoard) set(name string, state backendHealth) {
	h.mu.Lock()
	changed := h.states[name] != state
	h.states[name] = state
	h.mu.Unlock()
	if changed {
		h.onChange()
	}
}

func (h *healthBoard) all() map[string]backendHealth {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.states)
}
