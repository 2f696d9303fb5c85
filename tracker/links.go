package tracker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Pauses before a lost subscription is opened again: doubled from the first to the last.
const (
	firstReopenDelay = 50 * time.Millisecond
	lastReopenDelay  = 5 * time.Second
)

// linkEvent is one message of the subscription.
type linkEvent struct {
	index int    // the kernel's number of the interface
	name  string // its present name
	link  Link   // Exists is false when it was deleted
	done  bool   // no link, but the end of the first dump: what it did not name does not exist
}

// linkSocket is one subscription to the links of a network namespace. The events of a dump come first.
type linkSocket interface {
	// receive waits for the next events. An error means that some may have been lost, or that the socket was closed.
	receive() ([]linkEvent, error)
	close()
}

var _ Interfaces = (*Links)(nil)

// linkTable holds the links that exist, by the kernel's number.
type linkTable map[int]linkEvent

// apply takes one event. A renamed link keeps its number, so that its old name stops existing.
func (t linkTable) apply(e linkEvent) {
	switch {
	case e.done:
	case e.link.Exists:
		t[e.index] = e
	default:
		delete(t, e.index)
	}
}

// find returns the link named name, the zero Link when there is none.
func (t linkTable) find(name string) Link {
	for _, e := range t {
		if e.name == name {
			return e.link
		}
	}
	return Link{}
}

// Links follows the network interfaces of one network namespace, that of the thread that calls Run.
type Links struct {
	open func() (linkSocket, error)
	log  hclog.Logger

	mu       sync.Mutex
	table    linkTable          // guarded by mu, its content too; nil until a whole dump was read
	watchers map[*watching]bool // guarded by mu
}

// watching is one call of Watch, guarded by Links.mu.
type watching struct {
	name string
	f    func(Link)
	told bool
	last Link // what f was told last, once told
}

// NewLinks returns Links that know nothing until Run. A nil log is a null logger.
func NewLinks(log hclog.Logger) *Links {
	if log == nil {
		log = hclog.NewNullLogger()
	}
	return &Links{open: openLinkSocket, log: log, watchers: map[*watching]bool{}}
}

// Watch is what Interfaces says. It returns nil.
func (l *Links) Watch(ctx context.Context, name string, f func(Link)) error {
	w := &watching{name: name, f: f}
	l.mu.Lock()
	l.watchers[w] = true
	l.tell(w)
	l.mu.Unlock()
	<-ctx.Done()
	l.mu.Lock()
	delete(l.watchers, w)
	l.mu.Unlock()
	return nil
}

// Run follows the links until ctx ends, which is a nil error. A subscription that cannot be opened at the start is an
// error. A later one that breaks, because events were lost for example, is opened again, with a fresh look at every
// link; until then the last known states hold.
func (l *Links) Run(ctx context.Context) error {
	socket, err := l.open()
	if err != nil {
		return fmt.Errorf("subscribe to network interfaces: %w", err)
	}
	for delay := firstReopenDelay; ; {
		complete, err := l.follow(ctx, socket)
		if ctx.Err() != nil {
			return nil
		}
		if complete {
			delay = firstReopenDelay
		}
		l.log.Warn("events of network interfaces were lost; looking at all of them again", "err", err)
		if socket, delay = l.reopen(ctx, delay); socket == nil {
			return nil
		}
	}
}

// reopen opens a new subscription after delay, trying until ctx ends (then nil). It returns the delay for next time.
func (l *Links) reopen(ctx context.Context, delay time.Duration) (linkSocket, time.Duration) {
	for first := true; ; first = false {
		select {
		case <-ctx.Done():
			return nil, 0
		case <-time.After(delay):
		}
		delay = min(2*delay, lastReopenDelay)
		socket, err := l.open()
		if err == nil {
			return socket, delay
		}
		if first {
			l.log.Error("cannot subscribe to network interfaces; trying again", "err", err)
		}
	}
}

// follow reads one subscription until it breaks or ctx ends, and closes it. complete: its dump was read to the end.
func (l *Links) follow(ctx context.Context, socket linkSocket) (complete bool, err error) {
	stop := context.AfterFunc(ctx, socket.close) // ends a receive that waits
	defer func() {
		if stop() {
			socket.close()
		}
	}()
	table := linkTable{} // becomes l.table at the end of the dump; until then the table of before holds
	for {
		events, err := socket.receive()
		if err != nil {
			return complete, err
		}
		l.mu.Lock()
		for _, e := range events {
			table.apply(e)
			if complete = complete || e.done; complete {
				l.table = table
				l.tellAll()
			}
		}
		l.mu.Unlock()
	}
}

// tellAll tells every watcher what changed for it. The caller holds mu.
func (l *Links) tellAll() {
	for w := range l.watchers {
		l.tell(w)
	}
}

// tell tells one watcher what changed for it. The caller holds mu.
func (l *Links) tell(w *watching) {
	if l.table == nil {
		return
	}
	link := l.table.find(w.name)
	if w.told && link == w.last {
		return
	}
	w.told, w.last = true, link
	w.f(link)
}
