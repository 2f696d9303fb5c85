package engine

import (
	"sync/atomic"
	"testing"

	"github.com/tandem-lb/tandem/proxy/loop"
)

// What waits is bounded, and no more runs at once than there are turns.
func TestVerifierIsBounded(t *testing.T) {
	t.Parallel()
	v := newVerifier(2)
	var running, most, ran atomic.Int64
	hold := make(chan struct{})
	check := func() bool {
		if n := running.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-hold
		running.Add(-1)
		ran.Add(1)
		return true
	}
	at := func(f func(*loop.Loop)) bool {
		f(nil)
		return true
	}
	taken := 0
	for range maxVerifying + 10 {
		if v.start(at, check, func(bool) {}) {
			taken++
		}
	}
	if taken != maxVerifying {
		t.Errorf("%d wait, want %d", taken, maxVerifying)
	}
	close(hold)
	v.all.Wait()
	if most.Load() > 2 || ran.Load() != maxVerifying || v.waiting.Load() != 0 {
		t.Errorf("%d at once, %d in all, %d left; want at most 2, %d and none", most.Load(), ran.Load(), v.waiting.Load(), maxVerifying)
	}
}
