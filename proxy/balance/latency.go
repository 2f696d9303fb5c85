package balance

import (
	"math"
	"time"
)

// Latency is how long a server takes for the first byte of a response, as far as is known: a moving average that believes a rise at
// once and a fall by and by. The zero value knows nothing.
type Latency struct {
	seconds float64
	at      time.Time // of the last response
}

// The average: long enough that one quick answer does not clear a server, short enough that it is asked again within a minute or so when
// it was slow. A failure counts as a response that took failureCost, or longer if it did: by time and not at once, since one in a thousand
// is no reason to leave a server.
const (
	fallTime    = 10 * time.Second // after which a third is left of what was
	failureCost = 5 * time.Second
	least       = time.Microsecond // what no response can beat
)

// After returns what is known after another response, or the lack of one.
func (l Latency) After(now time.Time, took time.Duration, failed bool) Latency {
	if failed {
		took = max(took, failureCost)
	}
	sample := max(took, least).Seconds()
	keep := 0.0
	if !l.at.IsZero() {
		keep = math.Exp(-max(now.Sub(l.at), 0).Seconds() / fallTime.Seconds())
	}
	if !failed && sample >= l.seconds*keep {
		return Latency{sample, now}
	}
	return Latency{l.seconds*keep + sample*(1-keep), now}
}

// known reports whether there was a response.
func (l Latency) known() bool { return !l.at.IsZero() }

// level is what servers are compared by: the logarithm of the average at time 0, if it had fallen from then to what it is now without a
// response. As time passes all averages fall by the same factor, so levels stay as they are, and so does who is first.
func (l Latency) level() float64 {
	return math.Log(l.seconds) + float64(l.at.UnixMicro())/1e6/fallTime.Seconds()
}
