package balance

// leastConn picks the server with the fewest requests in flight for its weight. Those that are equal in that take turns by weight, as
// nginx has it (HAProxy's take turns without regard to weight): a site without traffic to speak of distributes 3:2:1.
//
// The turns are by date. The k-th turn of a server of weight w is at (k + 1/2) / w, and the earliest is next: that is exact over each
// cycle. A server that was passed over because it had more to do does not catch up on what it missed: its date is never before that of
// the latest turn.
type leastConn struct {
	weight   []int64
	inFlight []int64
	turns    []int64 // by server: k
	latest   date    // of the turns that were taken
	heap
}

// date is a moment of the turns: (2k + 1) / 2w.
type date struct{ turns, weight int64 }

// turnAt returns how many turns a server of that weight has had at the date.
func (d date) turnAt(weight int64) int64 {
	if d.weight == 0 {
		return 0
	}
	return (2*d.turns + 1) * weight / (2 * d.weight)
}

// before compares two dates. The products stay exact: weights are below 2^15, and turns will not reach 2^46.
func (d date) before(other date) bool {
	return (2*d.turns+1)*other.weight < (2*other.turns+1)*d.weight
}

func newLeastConn(c Config) Balancer {
	n := len(c.Servers)
	l := &leastConn{weight: make([]int64, n), inFlight: make([]int64, n), turns: make([]int64, n)}
	l.heap = heap{at: places(n), less: l.before}
	return l
}

// before is the order of the heap: by load, then by turns, then as configured.
func (l *leastConn) before(a, b int32) bool {
	if x, y := l.inFlight[a]*l.weight[b], l.inFlight[b]*l.weight[a]; x != y {
		return x < y
	}
	x, y := date{l.turns[a], l.weight[a]}, date{l.turns[b], l.weight[b]}
	if x.before(y) || y.before(x) {
		return x.before(y)
	}
	return a < b
}

// SetWeight implements Balancer.
func (l *leastConn) SetWeight(server, weight int) {
	if l.at[server] != out {
		l.remove(server)
	}
	if weight == 0 {
		return
	}
	if l.weight[server] != int64(weight) {
		l.weight[server] = int64(weight)
		l.turns[server] = l.latest.turnAt(int64(weight))
	}
	l.push(server)
}

// SetInFlight implements Loaded.
func (l *leastConn) SetInFlight(server int, n int64) {
	if l.inFlight[server] != n {
		l.inFlight[server] = n
		l.fix(server)
	}
}

// Pick implements Balancer.
func (l *leastConn) Pick(uint64) int {
	i := l.top()
	if i < 0 {
		return -1
	}
	l.turns[i] = max(l.turns[i], l.latest.turnAt(l.weight[i]))
	if now := (date{l.turns[i], l.weight[i]}); l.latest.weight == 0 || l.latest.before(now) {
		l.latest = now
	}
	l.turns[i]++
	l.fix(i)
	return i
}
