package daemon

import (
	"context"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/tracker"
)

// neighbours is Interfaces that also has the neighbours on an interface asked at once when it is usable again. Without it,
// health checks fail for up to a second after a cable is back, and a node that has taken its addresses back by then gives
// them up again.
type neighbours struct {
	links tracker.Interfaces
	ask   func(ifname string) (asked int, err error) // may take its time
	log   hclog.Logger

	wake chan struct{} // Watch sends without blocking, Run receives; nobody closes

	mu   sync.Mutex
	back map[string]bool // guarded by mu: the interfaces that are usable again
}

func newNeighbours(links tracker.Interfaces, ask func(string) (int, error), log hclog.Logger) *neighbours {
	return &neighbours{links: links, ask: ask, log: log, wake: make(chan struct{}, 1), back: map[string]bool{}}
}

// Watch is tracker.Interfaces.
func (n *neighbours) Watch(ctx context.Context, name string, f func(tracker.Link)) error {
	out := false // what is usable from the beginning has lost nothing
	return n.links.Watch(ctx, name, func(l tracker.Link) {
		if out && l.Usable() {
			n.again(name)
		}
		out = !l.Usable()
		f(l)
	})
}

func (n *neighbours) again(name string) {
	n.mu.Lock()
	n.back[name] = true
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Run asks until ctx ends, which is a nil error.
func (n *neighbours) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.wake:
		}
		n.mu.Lock()
		names := n.back
		n.back = map[string]bool{}
		n.mu.Unlock()
		for name := range names {
			asked, err := n.ask(name)
			if err != nil {
				n.log.Warn("neighbours that did not answer are asked again when the kernel sees fit", "interface", name, "err", err)
			}
			if asked > 0 {
				n.log.Debug("asked again for neighbours that did not answer", "interface", name, "neighbours", asked)
			}
		}
	}
}
