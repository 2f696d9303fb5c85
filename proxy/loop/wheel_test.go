package loop

import (
	"testing"

	"pgregory.net/rapid"
)

// idleLinks returns n rows that hang nowhere.
func idleLinks(n int) *pages[link] {
	links := &pages[link]{}
	for range n {
		links.at(links.add()).deadline = never
	}
	return links
}

// A wheel does what a list of deadlines would: none is early, none late by more than the tick in which it is asked.
func TestWheelAgainstAList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const sockets = 20
		w, links := &wheel{}, idleLinks(sockets+1)
		want := map[uint32]uint64{}
		now := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				i := rapid.Uint32Range(1, sockets).Draw(t, "socket")
				d := now + rapid.Uint64Range(0, 3*buckets).Draw(t, "in")
				w.set(links, i, d)
				want[i] = d
			},
			"clear": func(t *rapid.T) {
				i := rapid.Uint32Range(1, sockets).Draw(t, "socket")
				w.clear(links, i)
				delete(want, i)
			},
			"pass": func(t *rapid.T) {
				now += rapid.Uint64Range(0, 2*buckets).Draw(t, "ticks")
				for i := w.due(links, now); i != 0; i = w.due(links, now) {
					if d, ok := want[i]; !ok || d > now {
						t.Fatalf("socket %d is due at %d, want %d, %v", i, now, d, ok)
					}
					delete(want, i)
				}
				for i, d := range want {
					if d < now { // one that was set for a tick which is over passes with the next
						t.Fatalf("socket %d is not due at %d, though its deadline is %d", i, now, d)
					}
				}
			},
			"": func(t *rapid.T) {
				if w.count != len(want) {
					t.Fatalf("%d sockets hang, want %d", w.count, len(want))
				}
			},
		})
	})
}

// A wheel that stood still for long, because nothing hung on it, is not late with the next deadline.
func TestWheelAfterARest(t *testing.T) {
	t.Parallel()
	w, links := &wheel{}, idleLinks(2)
	const now = 1 << 38 // 87 years of ticks: to walk through them one by one would take minutes
	if i := w.due(links, now); i != 0 {
		t.Fatalf("socket %d is due on an empty wheel", i)
	}
	w.set(links, 1, now+1)
	if got, want := w.rest(now*tick), tick; got != want {
		t.Errorf("rests for %v, want %v", got, want)
	}
	if i := w.due(links, now+1); i != 1 {
		t.Errorf("socket %d is due, want 1", i)
	}
}
