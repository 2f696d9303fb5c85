package daemon

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/tracker"
)

const (
	// askEvery is the pause between two questions: a switch may have a port pass nothing for a moment after its link is up,
	// and a question that is lost then is, again, repeated only after a second.
	askEvery = 100 * time.Millisecond
	// askTimes is how often they are asked, for that second.
	askTimes = 10
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
	left map[string]int // guarded by mu: how often the neighbours on an interface are still to be asked
}

func newNeighbours(links tracker.Interfaces, ask func(string) (int, error), log hclog.Logger) *neighbours {
	return &neighbours{links: links, ask: ask, log: log, wake: make(chan struct{}, 1), left: map[string]int{}}
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
	n.left[name] = askTimes
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Run asks until ctx ends, which is a nil error.
func (n *neighbours) Run(ctx context.Context) error {
	var next <-chan time.Time // none while there is nothing to ask
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.wake:
		case <-next:
		}
		next = nil
		names := n.due()
		for _, name := range names {
			n.askOn(name)
		}
		if len(names) > 0 {
			next = time.After(askEvery)
		}
	}
}

// due returns the interfaces whose turn it is, and counts it.
func (n *neighbours) due() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	names := slices.Sorted(maps.Keys(n.left))
	for _, name := range names {
		if n.left[name]--; n.left[name] == 0 {
			delete(n.left, name)
		}
	}
	return names
}

func (n *neighbours) askOn(name string) {
	asked, err := n.ask(name)
	if err != nil {
		n.log.Warn("neighbours that did not answer are asked again when the kernel sees fit", "interface", name, "err", err)
		n.giveUp(name)
	}
	if asked > 0 {
		n.log.Debug("asked again for neighbours that did not answer", "interface", name, "neighbours", asked)
	}
}

// giveUp asks no more until the interface is back once more: what failed is told of once.
func (n *neighbours) giveUp(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.left, name)
}
