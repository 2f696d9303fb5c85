package engine

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// TLS handshakes make garbage, some 60 KB each, and little else does. With the Go runtime's usual pace its collection takes a sixth of
// the time of a processor that does nothing but handshakes, so the pace is slackened as long as there are many, and the
// memory given back when there are no more.
const (
	collectEach  = 500 * time.Millisecond // how often the pace is thought over
	many         = 50                     // handshakes in that time
	slackPercent = 400                    // as GOGC, at most
	slackHeap    = 32 << 20               // octets that are in use or garbage: the pace is not slackened beyond that
)

// collect sets the garbage collector's pace until ctx ends. Whoever has set GOGC has decided.
func (e *Engine) collect(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	ticker := time.NewTicker(collectEach)
	defer ticker.Stop()
	var p pace
	defer p.tighten()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			p.adapt(e.handshakes.Load(), inUse())
		}
	}
}

// pace is that of the garbage collector.
type pace struct {
	seen    int64 // handshakes
	usual   int   // percent
	percent int   // 0: the usual pace
}

// adapt takes in how many handshakes there were so far, and how many octets are in use.
func (p *pace) adapt(handshakes int64, heap uint64) {
	busy := handshakes-p.seen >= many
	p.seen = handshakes
	percent := slacken(heap)
	switch {
	case !busy || percent == 0:
		p.tighten()
	case percent != p.percent:
		before := debug.SetGCPercent(percent)
		if p.percent == 0 {
			p.usual = before
		}
		p.percent = percent
	}
}

// slacken returns the pace that has collections begin before there are more than slackHeap octets, in hundreds of percent, since
// each change stops the loops for a moment; 0: there is no room for a slack one. It was a flood's to double the memory, when the
// pace was the same with little and with much in use.
func slacken(heap uint64) (percent int) {
	room := slackHeap - min(int(heap), slackHeap)
	percent = min(room/max(int(heap), 1), slackPercent/100) * 100
	if percent <= 100 {
		return 0
	}
	return percent
}

// tighten goes back to the usual pace.
func (p *pace) tighten() {
	if p.percent == 0 {
		return
	}
	p.percent = 0
	debug.SetGCPercent(p.usual)
	debug.FreeOSMemory()
}

// inUse is how many octets of the heap the last collection has found in use.
func inUse() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 { // a runtime that does not tell
		return 0
	}
	return sample[0].Value.Uint64()
}
