package engine

import "testing"

// A request that is over while its turn is on the way does nothing with it.
func TestGathererThatIsLeft(t *testing.T) {
	t.Parallel()
	s := &stream{core: &core{}}
	g := &gatherer{s: s, most: 10}
	g.data([]byte("abc"))
	if !g.room() {
		t.Error("no room below what may be held")
	}
	g.data([]byte("defghijk"))
	if g.room() {
		t.Error("room beyond what may be held")
	}
	g.leave()
	g.done(nil)
	if s.gathered != nil || g.body != nil {
		t.Error("a body was handed over that nobody waits for")
	}
}
