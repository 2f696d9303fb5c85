package balance

import (
	"math"
	"math/bits"
	"slices"
)

// leastTime picks the server that is likely to answer first: the one with the lowest time to the first byte (Latency), times its
// requests in flight and one, for its weight. The time of a server that gets no requests falls with the clock, so a slow one is asked
// again after a while, by one request. Failures count as slow answers: a server that fails quickly does not draw the traffic.
//
// A server of which nothing is known begins at the median of the others. As the quickest of all it would get everything at once.
type leastTime struct {
	weight   []float64 // by server
	inFlight []float64
	level    []float64 // of its latency, or what stands for it
	score    []float64 // logarithm of what servers are compared by
	known    []bool    // it has a latency of its own
	knowns   []int32   // who has
	heap
}

func newLeastTime(c Config) Balancer {
	n := len(c.Servers)
	l := &leastTime{
		weight: make([]float64, n), inFlight: make([]float64, n), level: make([]float64, n), score: make([]float64, n),
		known: make([]bool, n), knowns: make([]int32, 0, n),
	}
	l.heap = heap{at: places(n), less: l.before}
	return l
}

// before is the order of the heap. Of equals those come first of which nothing is known: it is time to find out.
func (l *leastTime) before(a, b int32) bool {
	switch {
	case l.score[a] != l.score[b]:
		return l.score[a] < l.score[b]
	case l.known[a] != l.known[b]:
		return l.known[b]
	}
	return a < b
}

// staleBy is how far, in logarithms, a server may be below the median when it comes back: it has been away for three times fallTime
// longer than the others' last response, or was twenty times as fast. More says nothing about it, and it would draw all requests until
// the first response.
const staleBy = 3

// SetWeight implements Balancer.
func (l *leastTime) SetWeight(server, weight int) {
	switch {
	case weight == 0 && l.at[server] != out:
		l.remove(server)
	case weight > 0 && l.at[server] == out:
		if m, ok := l.median(); ok && (!l.known[server] || l.level[server] < m-staleBy) {
			l.level[server] = m
		}
		l.weight[server] = float64(weight)
		l.rate(server)
		l.push(server)
	case weight > 0:
		l.weight[server] = float64(weight)
		l.rate(server)
		l.fix(server)
	}
}

// SetInFlight implements Loaded.
func (l *leastTime) SetInFlight(server int, n int64) {
	if l.inFlight[server] != float64(n) {
		l.inFlight[server] = float64(n)
		l.rate(server)
		l.fix(server)
	}
}

// SetLatency implements Timed.
func (l *leastTime) SetLatency(server int, now Latency) {
	if !now.known() {
		return
	}
	before := l.known[server]
	l.known[server] = true
	l.level[server] = now.level()
	l.rate(server)
	l.fix(server)
	if before {
		return
	}
	l.knowns = append(l.knowns, int32(server))
	if bits.OnesCount(uint(len(l.knowns))) == 1 { // the median is of more servers than before, twice as many
		l.guess()
	}
}

// guess has the servers of which nothing is known begin at the median.
func (l *leastTime) guess() {
	m, ok := l.median()
	if !ok || len(l.knowns) == len(l.known) {
		return
	}
	for i, known := range l.known {
		if !known {
			l.level[i] = m
			l.rate(i)
		}
	}
	l.order()
}

// medianOf is how many servers the median is taken of. Of more it would cost more, and be hardly better.
const medianOf = 64

// median returns the median of the levels of servers that can be picked; ok is false where nothing is known of any.
func (l *leastTime) median() (m float64, ok bool) {
	var levels [medianOf]float64
	n := 0
	for i := 0; i < len(l.knowns) && n < medianOf; i += 1 + len(l.knowns)/(medianOf+1) {
		if server := l.knowns[i]; l.at[server] != out {
			levels[n] = l.level[server]
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	slices.Sort(levels[:n])
	return levels[n/2], true
}

// rate reckons the score of a server.
func (l *leastTime) rate(server int) {
	l.score[server] = l.level[server] + math.Log((l.inFlight[server]+1)/l.weight[server])
}

// Pick implements Balancer.
func (l *leastTime) Pick(uint64) int { return l.top() }
