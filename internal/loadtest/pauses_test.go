package loadtest

import (
	"testing"
	"time"
)

func TestPauses(t *testing.T) {
	var p Pauses
	at := func(ms int) time.Time { return time.Date(2026, 11, 21, 17, 29, 24, ms*1e6, time.UTC) }
	p.note(at(0), at(20))
	p.note(at(20), at(119))
	p.note(at(119), at(219))
	p.note(at(219), at(999))
	want := "2 pauses of 100ms or more, the longest of 780ms\n100ms until 17:29:24.219\n780ms until 17:29:24.999"
	if got := p.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
