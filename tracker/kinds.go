package tracker

import (
	"context"
	"errors"
	"fmt"
)

// Config is what the instances of a node bind, and what those bindings name. Of two scripts, files or gateways of one name
// the first counts.
type Config struct {
	Scripts  []Script
	Files    []File
	Gateways []Gateway
	Bindings []Binding // of all instances; a tracker that several of them name runs once
}

// Sources are what the kinds look at. A source that no binding needs may be nil.
type Sources struct {
	Runner     Runner
	Interfaces Interfaces
	Backends   Backends
}

// watcher watches one thing and says what it sees.
type watcher interface {
	// newTrack prepares the account of the results, going on from last.
	newTrack(last State, report func(State)) *track
	// watch feeds t until ctx ends, and has ended all it started when it returns. A watcher that cannot go on
	// returns why; that counts as a failure, and it is started again.
	watch(ctx context.Context, t *track) error
	// same reports whether other watches the same thing in the same way, so that a reload need not replace it. Both
	// have the same ID.
	same(other watcher) bool
}

// maker builds the watcher for id, or says why there can be none.
type maker func(id ID, cfg Config, src Sources) (watcher, error)

// kinds is the one table of kinds.
func kinds() map[Kind]maker {
	return map[Kind]maker{
		KindScript:    newScriptWatcher,
		KindInterface: newInterfaceWatcher,
		KindBackend:   newBackendWatcher,
		KindFile:      newFileWatcher,
		KindGateway:   newGatewayWatcher,
	}
}

// plan builds the watchers that the bindings of cfg need, each once.
func plan(cfg Config, src Sources) (map[ID]watcher, error) {
	watchers := map[ID]watcher{}
	var errs []error
	for _, b := range cfg.Bindings {
		if _, ok := watchers[b.ID]; ok {
			continue
		}
		build, ok := kinds()[b.ID.Kind]
		if !ok {
			errs = append(errs, fmt.Errorf("track %s: unknown kind %q", b.ID, b.ID.Kind))
			continue
		}
		w, err := build(b.ID, cfg, src)
		if err != nil {
			errs = append(errs, fmt.Errorf("track %s: %w", b.ID, err))
			continue
		}
		watchers[b.ID] = w
	}
	return watchers, errors.Join(errs...)
}
