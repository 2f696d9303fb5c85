package balance

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestMarks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{0, 1, 63, 64, 65, 4096, 4097, 300_000}).Draw(t, "size")
		m, in := newMarks(n), map[int]bool{}
		if got := m.next(0); got != -1 {
			t.Fatalf("empty: got %d", got)
		}
		for range 60 {
			if n > 0 {
				i := rapid.IntRange(0, n-1).Draw(t, "number")
				if rapid.Bool().Draw(t, "set") {
					m.set(i)
					in[i] = true
				} else {
					m.clear(i)
					delete(in, i)
				}
			}
			from, want := rapid.IntRange(0, n).Draw(t, "from"), -1
			for i := range in {
				if i >= from && (want < 0 || i < want) {
					want = i
				}
			}
			if got := m.next(from); got != want {
				t.Fatalf("next(%d): got %d, want %d of %v", from, got, want, slices.Collect(maps.Keys(in)))
			}
		}
	})
}
