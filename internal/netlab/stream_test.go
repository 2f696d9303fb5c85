package netlab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func numbered(i int) Event { return Event{Kind: LinkAdded, Interface: fmt.Sprintf("eth%d", i)} }

func named(name string) func(Event) bool {
	return func(e Event) bool { return e.Interface == name }
}

func TestStreamAwait(t *testing.T) {
	tests := []struct {
		name  string
		after time.Duration // until the event comes; 0: before await is called
	}{
		{name: "an event that came before the call"},
		{name: "an event that comes later", after: time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStream(8)
				s.add(numbered(1))
				from := s.mark()
				add := func() { s.add(numbered(2)); s.add(numbered(3), numbered(4)) }
				if tt.after == 0 {
					add()
				} else {
					time.AfterFunc(tt.after, add)
				}
				start := time.Now()
				got, err := s.await(t.Context(), from, named("eth3"))
				if err != nil || got.Interface != "eth3" {
					t.Errorf("got %v, %v, want eth3", got, err)
				}
				if waited := time.Since(start); waited != tt.after {
					t.Errorf("waited %v, want %v", waited, tt.after)
				}
			})
		})
	}
}

func TestStreamAwaitIgnoresWhatIsBeforeTheMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream(8)
		s.add(numbered(1))
		from := s.mark()
		s.add(numbered(2))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.await(ctx, from, named("eth1"))
		want := "await event: context deadline exceeded; 1 others came\n\t00:00:00.000000  eth2 link added"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want it to wrap %v", err, context.DeadlineExceeded)
		}
	})
}

func TestStreamLoss(t *testing.T) {
	tests := []struct {
		name string
		lose func(*stream)
	}{
		{"more events than the ring holds", func(s *stream) {
			s.add(numbered(0), numbered(1), numbered(2), numbered(3), numbered(4))
		}},
		{"the kernel dropped some", func(s *stream) { s.lose() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStream(4)
				before := s.mark()
				time.AfterFunc(time.Second, func() { tt.lose(s) })
				for _, when := range []string{"while waiting", "before the call"} {
					if _, err := s.await(t.Context(), before, named("none")); !errors.Is(err, ErrLost) {
						t.Errorf("%s: got %v, want %v", when, err, ErrLost)
					}
				}
				after := s.mark()
				s.add(numbered(9))
				if _, err := s.await(t.Context(), after, named("eth9")); err != nil {
					t.Errorf("from a mark after the loss: got %v, want eth9", err)
				}
			})
		})
	}
}

func TestStreamKeepsAsManyAsItsSize(t *testing.T) {
	s := newStream(4)
	from := s.mark()
	for i := range 4 {
		s.add(numbered(i))
	}
	events, _, _, err := s.since(from)
	if err != nil || len(events) != 4 || events[0].Interface != "eth0" || events[3].Interface != "eth3" {
		t.Errorf("got %v, %v, want eth0 to eth3", events, err)
	}
}

func TestStreamClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream(4)
		from := s.mark()
		time.AfterFunc(time.Second, func() { s.add(numbered(1)); s.close() })
		if _, err := s.await(t.Context(), from, named("eth2")); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want %v", err, ErrClosed)
		}
		if _, err := s.await(t.Context(), from, named("eth1")); err != nil {
			t.Errorf("an event from before the end: got %v, want eth1", err)
		}
		s.add(numbered(2)) // a reader that is not yet stopped
		s.close()
	})
}

func TestStreamExplainsWithTheLatest(t *testing.T) {
	s := newStream(64)
	for i := range 40 {
		s.add(numbered(i))
	}
	text := s.explain(0, ErrClosed).Error()
	if got := strings.Count(text, "\n"); got != shown {
		t.Errorf("events shown: got %d, want %d", got, shown)
	}
	if !strings.HasSuffix(text, "eth39 link added") {
		t.Errorf("got %q, want it to end with the latest", text)
	}
}
