package tracker

import (
	"context"
	"errors"
	"time"
)

// Link is a network interface as far as trackers care.
type Link struct {
	Exists  bool
	Up      bool // switched on by the administrator (IFF_UP)
	Carrier bool // able to pass packets (IFF_RUNNING: RFC 2863's operational state is up, or unknown as for dummy)
}

// Usable reports whether packets can pass.
func (l Link) Usable() bool { return l.Exists && l.Up && l.Carrier }

// String words the link for status: "up", "no carrier", "down" or "does not exist".
func (l Link) String() string {
	switch {
	case !l.Exists:
		return "does not exist"
	case !l.Up:
		return "down"
	case !l.Carrier:
		return "no carrier"
	default:
		return "up"
	}
}

// Interfaces tells about the network interfaces of the node.
type Interfaces interface {
	// Watch calls f with the link named name as soon as it is known, and again at each change, until ctx ends. Calls
	// are serialised, and none comes after Watch has returned. f must neither block nor call Interfaces.
	Watch(ctx context.Context, name string, f func(Link)) error
}

// interfaceWatcher is up while packets can pass. There is no debounce: what the kernel says holds at once.
type interfaceWatcher struct {
	name       string
	interfaces Interfaces
}

func newInterfaceWatcher(id ID, _ Config, src Sources) (watcher, error) {
	if src.Interfaces == nil {
		return nil, errors.New("no source of interfaces")
	}
	return interfaceWatcher{name: id.Name, interfaces: src.Interfaces}, nil
}

func (w interfaceWatcher) newTrack(last State, report func(State)) *track {
	return newTrack(atOnce(), last, report)
}

func (w interfaceWatcher) same(watcher) bool { return true } // the name is all there is, and it is in the ID

func (w interfaceWatcher) watch(ctx context.Context, t *track) error {
	return w.interfaces.Watch(ctx, w.name, func(l Link) {
		t.observe(time.Now(), observation{ok: l.Usable(), text: l.String()})
	})
}
