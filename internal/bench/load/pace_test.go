package load

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	t.Parallel()
	start := time.Unix(1000, 0)
	p := newPace(start, 1000)
	for _, c := range []struct {
		name  string
		after time.Duration
		due   int
	}{
		{"the first is due at once", 0, 1},
		{"not yet another", 999 * time.Microsecond, 1},
		{"a second one", time.Millisecond, 2},
		{"as many as time has gone by", 100 * time.Millisecond, 101},
	} {
		if got := p.due(start.Add(c.after)); got != c.due {
			t.Errorf("%s: got %d due, want %d", c.name, got, c.due)
		}
	}
	for i := range 3 {
		if got, want := p.take(), start.Add(time.Duration(i)*time.Millisecond); !got.Equal(want) {
			t.Errorf("request %d: got due at %v, want %v: not when it was taken", i, got, want)
		}
	}
	if got := p.due(start.Add(time.Millisecond)); got != -1 {
		t.Errorf("got %d due after three were taken and two fell due, want -1", got)
	}
}
