package vip

import "sync"

// Feed hands the events of a kernel to those whom they concern. It never blocks: a subscriber that is behind finds
// one value for all it missed, and looks for itself. The zero value is ready.
type Feed struct {
	mu   sync.Mutex
	subs map[*subscriber]struct{}
}

type subscriber struct {
	match   func(Event) bool
	changed chan struct{} // the feed sends without blocking, no one closes; one value says all there is to say
}

// Subscribe is Kernel.Subscribe.
func (f *Feed) Subscribe(match func(Event) bool) (changed <-chan struct{}, cancel func()) {
	s := &subscriber{match: match, changed: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subs == nil {
		f.subs = make(map[*subscriber]struct{})
	}
	f.subs[s] = struct{}{}
	return s.changed, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.subs, s)
	}
}

// Publish tells the subscribers whose match picks the event.
func (f *Feed) Publish(e Event) {
	f.tell(func(s *subscriber) bool { return s.match(e) })
}

// Lost tells every subscriber that events were lost, so that each looks for itself.
func (f *Feed) Lost() {
	f.tell(func(*subscriber) bool { return true })
}

func (f *Feed) tell(pick func(*subscriber) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.subs {
		if !pick(s) {
			continue
		}
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}
