package netlab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// ErrLost is returned when events since the mark are no longer, or were never, in the stream: more came than
// Config.Events, or faster than they could be read from the kernel.
var ErrLost = errors.New("events since the mark are lost")

// Mark is a position in the stream of events.
type Mark uint64

// stream keeps the latest events and wakes those who wait for more.
type stream struct {
	mu     sync.Mutex // guards what follows
	ring   []Event    // event number i is at i modulo its length
	next   Mark       // number of the next event
	whole  Mark       // events before this one may be incomplete
	closed bool
	grown  chan struct{} // closed, and replaced unless the stream has ended, when there is news; nothing is sent
}

func newStream(size int) *stream {
	return &stream{ring: make([]Event, size), grown: make(chan struct{})}
}

func (s *stream) add(events ...Event) {
	if len(events) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.ring[s.next%Mark(len(s.ring))] = e
		s.next++
	}
	if size := Mark(len(s.ring)); s.next > size {
		s.whole = max(s.whole, s.next-size)
	}
	s.wake()
}

// lose notes that the kernel had events which we could not read.
func (s *stream) lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++ // so that a mark made before is before the gap
	s.whole = s.next
	s.wake()
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.wake()
}

// wake is called with mu held. After close there is nothing to wait for, so the channel stays closed.
func (s *stream) wake() {
	select {
	case <-s.grown:
	default:
		close(s.grown)
	}
	if !s.closed {
		s.grown = make(chan struct{})
	}
}

func (s *stream) mark() Mark {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}

// since returns the events from the mark on, the mark after them and what tells of more. With ErrLost it returns
// those that are left.
func (s *stream) since(from Mark) (events []Event, next Mark, grown <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from < s.whole {
		from, err = s.whole, ErrLost
	}
	for i := from; i < s.next; i++ {
		events = append(events, s.ring[i%Mark(len(s.ring))])
	}
	if err == nil && s.closed {
		err = ErrClosed
	}
	return events, s.next, s.grown, err
}

func (s *stream) await(ctx context.Context, from Mark, match func(Event) bool) (Event, error) {
	for at := from; ; {
		events, next, grown, err := s.since(at)
		if errors.Is(err, ErrLost) {
			return Event{}, s.explain(from, err)
		}
		for _, e := range events {
			if match(e) {
				return e, nil
			}
		}
		if err != nil {
			return Event{}, s.explain(from, err)
		}
		at = next
		select {
		case <-grown:
		case <-ctx.Done():
			return Event{}, s.explain(from, context.Cause(ctx))
		}
	}
}

// shown is how many events an error of await shows: enough to see what came instead, on a screen.
const shown = 15

// explain adds the latest events to the reason why none was the right one.
func (s *stream) explain(from Mark, reason error) error {
	events, _, _, _ := s.since(from)
	var b strings.Builder
	for _, e := range events[max(0, len(events)-shown):] {
		b.WriteString("\n\t" + e.String())
	}
	return fmt.Errorf("await event: %w; %d others came%s", reason, len(events), b.String())
}

// Mark returns the present end of the stream: events that are recorded from now on come after it. Make a mark, do
// the deed, then Await its effect from the mark: an effect that is quicker than the call of Await is not missed.
func (l *Lab) Mark() Mark { return l.stream.mark() }

// Await returns the first event after the mark for which match is true, waiting for it if need be. Errors wrap the
// context's cause, ErrClosed or ErrLost, and show the latest events since the mark.
func (l *Lab) Await(ctx context.Context, from Mark, match func(Event) bool) (Event, error) {
	return l.stream.await(ctx, from, match)
}

// Since returns the events after the mark that are recorded now, with ErrLost those that are left.
func (l *Lab) Since(from Mark) ([]Event, error) {
	events, _, _, err := l.stream.since(from)
	if errors.Is(err, ErrClosed) {
		err = nil // a closed lab's record can still be read
	}
	return events, err
}
