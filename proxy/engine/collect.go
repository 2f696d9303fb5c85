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
	slackPercent = 400                    // as GOGC
	slackHeap    = 32 << 20               // octets that are in use: with more the usual pace is kept
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
	seen  int64 // handshakes
	usual int   // percent
	slack bool
}

// adapt takes in how many handshakes there were so far, and how many octets are in use.
func (p *pace) adapt(handshakes int64, heap uint64) {
	busy := handshakes-p.seen >= many && heap <= slackHeap
	p.seen = handshakes
	switch {
	case busy && !p.slack:
		p.usual, p.slack = debug.SetGCPercent(slackPercent), true
	case !busy:
		p.tighten()
	}
}

// tighten goes back to the usual pace.
func (p *pace) tighten() {
	if !p.slack {
		return
	}
	p.slack = false
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
