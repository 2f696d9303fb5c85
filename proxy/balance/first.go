package balance

// first picks the first server that has a weight, in the order of the configuration; the next ones serve when that is down or has as many
// requests as it may. So no more servers are busy than have to be.
type first struct {
	heap
}

func newFirst(c Config) Balancer {
	return &first{heap{at: places(len(c.Servers)), less: func(a, b int32) bool { return a < b }}}
}

// SetWeight implements Balancer.
func (f *first) SetWeight(server, weight int) {
	switch in := f.at[server] != out; {
	case in && weight == 0:
		f.remove(server)
	case !in && weight > 0:
		f.push(server)
	}
}

// Pick implements Balancer.
func (f *first) Pick(uint64) int { return f.top() }
