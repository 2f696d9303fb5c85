package upstream

import (
	"slices"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/balance"
)

// Member is a server as one configuration has it.
type Member struct {
	*Server
	Weight int // 0 to balance.MaxWeight; 0: no new traffic
}

// Pool is one backend of one configuration. It is safe for concurrent use.
type Pool struct {
	members  []Member // never written
	balancer balance.Balancer
	is       map[hysteresis.Status]func(i int) bool // whether member i has that status; made once, so that a pick allocates nothing
}

// NewPool returns a pool that chooses among members by the named algorithm; empty is round_robin.
func NewPool(algorithm string, members []Member) (*Pool, error) {
	weights := make([]int, len(members))
	for i, m := range members {
		weights[i] = m.Weight
	}
	b, err := balance.New(algorithm, weights)
	if err != nil {
		return nil, err
	}
	p := &Pool{members: slices.Clone(members), balancer: b, is: map[hysteresis.Status]func(i int) bool{}}
	for _, status := range [...]hysteresis.Status{hysteresis.Up, hysteresis.Unknown} {
		p.is[status] = func(i int) bool { return p.members[i].health.Load().Status == status }
	}
	return p, nil
}

// Members returns the servers in the order of the configuration. The result must not be changed.
func (p *Pool) Members() []Member { return p.members }

// Pick chooses a server and takes one of its slots; nil where none may get a request. A server of tried is chosen only
// where no other of its step (see the package comment) is left.
func (p *Pool) Pick(tried []*Server) *Server {
	for _, status := range [...]hysteresis.Status{hysteresis.Up, hysteresis.Unknown} {
		i := p.balancer.Pick(p.untried(status, tried))
		if i < 0 && len(tried) > 0 {
			i = p.balancer.Pick(p.is[status])
		}
		if i >= 0 {
			s := p.members[i].Server
			s.acquire()
			return s
		}
	}
	return nil
}

// untried returns whether a member has that status and is none of tried.
func (p *Pool) untried(status hysteresis.Status, tried []*Server) func(i int) bool {
	if len(tried) == 0 {
		return p.is[status]
	}
	return func(i int) bool { return p.is[status](i) && !slices.Contains(tried, p.members[i].Server) }
}

// Healthy counts the servers that may get new traffic (total) and those of them that are up. known is false until the
// first check of each of them has ended.
func (p *Pool) Healthy() (healthy, total int, known bool) {
	known = true
	for _, m := range p.members {
		if m.Weight == 0 {
			continue
		}
		total++
		switch m.Health().Status {
		case hysteresis.Up:
			healthy++
		case hysteresis.Unknown:
			known = false
		}
	}
	return healthy, total, known
}
