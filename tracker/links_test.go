package tracker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	linkUp   = Link{Exists: true, Up: true, Carrier: true}
	linkDark = Link{Exists: true, Up: true}
)

// fakeSocket is a linkSocket whose events the test sends. A batch of nil is an error.
type fakeSocket struct {
	events chan []linkEvent
	once   sync.Once
	closed chan struct{}
}

func newFakeSocket() *fakeSocket {
	return &fakeSocket{events: make(chan []linkEvent), closed: make(chan struct{})}
}

func (f *fakeSocket) receive() ([]linkEvent, error) {
	select {
	case e := <-f.events:
		if e == nil {
			return nil, errors.New("no buffer space available")
		}
		return e, nil
	case <-f.closed:
		return nil, errors.New("closed")
	}
}

func (f *fakeSocket) close() { f.once.Do(func() { close(f.closed) }) }

// opener hands out its sockets in order; a nil one cannot be opened.
type opener struct {
	sockets []*fakeSocket
	opened  atomic.Int64
}

func (o *opener) open() (linkSocket, error) {
	s := o.sockets[o.opened.Add(1)-1]
	if s == nil {
		return nil, errors.New("too many open files")
	}
	return s, nil
}

// follow runs Links on o in the test's bubble and returns what a watcher of eth0 was told.
func follow(t *testing.T, o *opener) *told {
	l := NewLinks(nil)
	l.open = o.open
	ctx, cancel := context.WithCancel(context.Background())
	heard := &told{}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.Run(ctx); err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	wg.Go(func() { _ = l.Watch(ctx, "eth0", heard.add) }) // always nil
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	synctest.Wait()
	return heard
}

// told is what a watcher was told, in order.
type told struct {
	mu    sync.Mutex
	links []string // guarded by mu
}

func (r *told) add(l Link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.links = append(r.links, l.String())
}

// expect compares all that was told so far.
func (r *told) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.links, want) {
		t.Errorf("told: got %q, want %q", r.links, want)
	}
}

func event(index int, name string, l Link) linkEvent {
	return linkEvent{index: index, name: name, link: l}
}

func TestLinksTellNothingBeforeTheDumpEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeSocket()
		heard := follow(t, &opener{sockets: []*fakeSocket{s}})
		s.events <- []linkEvent{event(1, "lo", linkUp), event(2, "eth0", linkUp)}
		heard.expect(t)
		s.events <- []linkEvent{{done: true}}
		heard.expect(t, "up")
	})
}

func TestLinksTellEveryChangeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeSocket()
		heard := follow(t, &opener{sockets: []*fakeSocket{s}})
		s.events <- []linkEvent{{done: true}}
		heard.expect(t, "does not exist")
		s.events <- []linkEvent{event(2, "eth0", linkDark), event(2, "eth0", linkUp)} // no debounce, also in one batch
		s.events <- []linkEvent{event(2, "eth0", linkUp)}                             // something else about it changed
		s.events <- []linkEvent{event(3, "eth1", linkDark)}                           // another one
		s.events <- []linkEvent{event(2, "lan0", linkUp)}                             // renamed
		s.events <- []linkEvent{event(4, "eth0", linkUp)}                             // another one takes its name
		s.events <- []linkEvent{event(4, "eth0", Link{})}                             // deleted
		heard.expect(t, "does not exist", "no carrier", "up", "does not exist", "up", "does not exist")
	})
}

func TestLinksStartAfreshWhenEventsWereLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := newFakeSocket(), newFakeSocket()
		o := &opener{sockets: []*fakeSocket{first, nil, nil, second}}
		heard := follow(t, o)
		first.events <- []linkEvent{event(2, "eth0", linkUp), {done: true}}
		first.events <- nil
		for _, step := range []struct {
			delay time.Duration
			want  int64 // sockets asked for by then
		}{{49 * time.Millisecond, 1}, {1 * time.Millisecond, 2}, {99 * time.Millisecond, 2}, {1 * time.Millisecond, 3}, {199 * time.Millisecond, 3}, {1 * time.Millisecond, 4}} {
			sleep(step.delay)
			if got := o.opened.Load(); got != step.want {
				t.Fatalf("the delay doubles: asked for %d sockets, want %d", got, step.want)
			}
		}
		<-first.closed
		second.events <- []linkEvent{event(1, "lo", linkUp)}
		heard.expect(t, "up") // what was known holds until the new dump is whole
		second.events <- []linkEvent{{done: true}}
		heard.expect(t, "up", "does not exist") // it was deleted meanwhile
	})
}

func TestLinksThatCannotBeOpenedAtStart(t *testing.T) {
	t.Parallel()
	l := NewLinks(nil)
	l.open = (&opener{sockets: []*fakeSocket{nil}}).open
	err := l.Run(t.Context())
	if want := "subscribe to network interfaces: too many open files"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestWatchEndsItsCalls(t *testing.T) {
	t.Parallel()
	l := NewLinks(nil)
	l.table = linkTable{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := 0
	if err := l.Watch(ctx, "eth0", func(Link) { calls++ }); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	l.table.apply(event(2, "eth0", linkUp))
	l.tellAll()
	l.mu.Unlock()
	if calls != 1 {
		t.Errorf("got %d calls, want 1: none after Watch has returned", calls)
	}
}
