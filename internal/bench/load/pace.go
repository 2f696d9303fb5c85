package load

import "time"

// pace says when the requests of an open loop fall due: evenly, from a start on.
type pace struct {
	start time.Time
	gap   time.Duration
	taken int // requests that a client has taken up
}

func newPace(start time.Time, rate float64) *pace {
	return &pace{start: start, gap: time.Duration(float64(time.Second) / rate)}
}

// due counts the requests that have fallen due and are not taken.
func (p *pace) due(now time.Time) int { return int(now.Sub(p.start)/p.gap) + 1 - p.taken }

// take takes the request that waits longest, due or not, and returns when it falls due.
func (p *pace) take() time.Time {
	at := p.next()
	p.taken++
	return at
}

// next is when the request falls due that take would take.
func (p *pace) next() time.Time { return p.start.Add(time.Duration(p.taken) * p.gap) }
