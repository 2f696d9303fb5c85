package loadtest

import (
	"fmt"
	"slices"
	"time"
)

// Latencies are how long requests took, in no order.
type Latencies []time.Duration

// At returns the latency that the share q of the requests, 0 to 1, did not exceed; 0 where there are none.
func (l Latencies) At(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (l Latencies) String() string {
	round := func(q float64) time.Duration { return l.At(q).Round(10 * time.Microsecond) }
	return fmt.Sprintf("%d requests, p50 %v, p99 %v, longest %v", len(l), round(0.5), round(0.99), round(1))
}
