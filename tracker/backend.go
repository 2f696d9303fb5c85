package tracker

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Backends tells how many servers of the balancer's backends are healthy.
type Backends interface {
	// Watch calls f with the servers of the backend named name, at once and at each change, until ctx ends. known is
	// false until the first round of checks has ended. Calls are serialised, and none comes after Watch has returned.
	// f must neither block nor call Backends.
	Watch(ctx context.Context, name string, f func(healthy, total int, known bool)) error
}

// backendWatcher is up while enough servers are healthy. Rise and fall belong to the servers' own checks, so a change
// counts at once here.
type backendWatcher struct {
	name     string
	minUp    int
	backends Backends
}

func newBackendWatcher(id ID, _ Config, src Sources) (watcher, error) {
	if src.Backends == nil {
		return nil, errors.New("no source of backends")
	}
	if id.MinUp < 1 {
		return nil, fmt.Errorf("min_up %d, want at least 1", id.MinUp)
	}
	return backendWatcher{name: id.Name, minUp: id.MinUp, backends: src.Backends}, nil
}

func (w backendWatcher) newTrack(last State, report func(State)) *track {
	return newTrack(atOnce(), last, report)
}

func (w backendWatcher) same(watcher) bool { return true } // name and min_up are all there is, and they are in the ID

// watch takes nothing from a backend whose first round of checks has not ended: after a reload that replaced its
// servers the old status holds until the new ones are known.
func (w backendWatcher) watch(ctx context.Context, t *track) error {
	return w.backends.Watch(ctx, w.name, func(healthy, total int, known bool) {
		if !known {
			return
		}
		t.observe(time.Now(), observation{
			ok:   healthy >= w.minUp,
			text: fmt.Sprintf("%d of %d servers healthy, want %d", healthy, total, w.minUp),
		})
	})
}
