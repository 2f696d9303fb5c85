package loop

import "testing"

// Rows stay where they are, however many come after them.
func TestRowsDoNotMove(t *testing.T) {
	t.Parallel()
	var p pages[uint32]
	first := p.at(p.add())
	for i := uint32(1); i < 3*pageLen; i++ {
		*p.at(p.add()) = i
	}
	*first = 7
	if got, n := *p.at(0), p.len(); got != 7 || n != 3*pageLen {
		t.Errorf("the first of %d rows is %d, want 7 of %d", n, got, 3*pageLen)
	}
	for i := uint32(1); i < p.len(); i++ {
		if got := *p.at(i); got != i {
			t.Fatalf("row %d is %d", i, got)
		}
	}
}
