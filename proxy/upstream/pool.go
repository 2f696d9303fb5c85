package upstream

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/balance"
)

// Options are what a Pool chooses by.
type Options struct {
	Algorithm   string  // a name of balance.Algorithms; empty: round_robin
	Draws       int     // as in balance.Config
	BoundedLoad float64 // as in balance.Config
	FirstBackup bool    // of the backups that can be used only the first is
	// PanicThreshold is what share of the servers that are up, in percent, has to be left by those that are held back; else they are not.
	PanicThreshold int
	MaxConnections int    // requests at once, of all servers together; 0: any number
	MaxQueue       int    // how many requests may wait for a server; 0: any number
	Queue          *Queue // of the pool that this one takes the place of; nil: one of its own, where somebody may have to wait
}

// Request is what a server is chosen for.
type Request struct {
	Now   time.Time
	Key   uint64    // balance.HashKey of what it is known by; 0: nothing
	Tried []*Server // connecting to them has failed for this request; they are a last resort
	Stick []*Server // that the request belongs to: the first of them that may be used is chosen, whatever its weight
	Firm  bool      // no other server will do where too many wait for that already
}

// Outcome says what came of a choice.
type Outcome uint8

// The outcomes.
const (
	Picked  Outcome = iota
	None            // nobody may be used
	Full            // those who may be used have as many requests as they may; of Enter: and as many wait as may, for the server that comes along if it belongs to one
	Waiting         // of Enter: the request waits
)

// Pool is one backend of one configuration. It is safe for concurrent use.
type Pool struct {
	options Options
	members []Member        // never written
	index   map[*Server]int // never written
	seats   []seat          // never written

	queue    *Queue      // nil: nobody ever waits
	attached atomic.Bool // the servers tell what changes in them

	mu       sync.Mutex // guards what follows
	balancer balance.Balancer
	loaded   balance.Loaded // the same; nil: it does not go by requests in flight
	timed    balance.Timed  // the same; nil: it does not go by how long servers take
	standing []standing     // by member
	count    [unusable + 1]int
	known    []int64  // by member: its requests in flight; nil: nobody asks
	total    int64    // of these
	now      standing // of those who are chosen among
	only     int      // who of them is; -1: all are
	scarce   bool     // those that are held back are among them
	told     []int    // by member: the weight that the balancer knows
	slow     slowStart
}

// seat is the place of a server in a pool.
type seat struct {
	pool   *Pool
	i      int
	counts bool // it matters how many requests are in flight
	times  bool // and how long they take
}

// NewPool returns a pool that chooses among members.
func NewPool(o Options, members []Member) (*Pool, error) {
	c := balance.Config{Algorithm: o.Algorithm, Draws: o.Draws, BoundedLoad: o.BoundedLoad}
	for _, m := range members {
		if m.Weight < 0 || m.Weight > balance.MaxWeight {
			return nil, fmt.Errorf("weight %d of server %s, want 0 to %d", m.Weight, m.Key().Name, balance.MaxWeight)
		}
		c.Servers = append(c.Servers, balance.Server{Name: m.Key().Name, Weight: m.Weight * rampSteps})
	}
	b, err := balance.New(c)
	if err != nil {
		return nil, err
	}
	p := &Pool{
		options: o, members: slices.Clone(members), index: map[*Server]int{}, seats: make([]seat, len(members)),
		balancer: b, standing: make([]standing, len(members)), told: make([]int, len(members)),
	}
	p.loaded, _ = b.(balance.Loaded)
	p.timed, _ = b.(balance.Timed)
	for i, m := range p.members {
		p.index[m.Server] = i
		p.seats[i] = seat{pool: p, i: i, counts: p.loaded != nil || m.MaxConnections > 0 || o.MaxConnections > 0, times: p.timed != nil}
		p.standing[i] = unusable
		p.slow.on = p.slow.on || m.SlowStart > 0
	}
	p.count[unusable] = len(members)
	if o.MaxConnections > 0 {
		p.known = make([]int64, len(members))
	}
	if p.queue = o.Queue; p.queue == nil && p.limited() {
		p.queue = newQueue(p)
	}
	p.slow.rises = make([]bool, len(members))
	p.refresh()
	return p, nil
}

// Members returns the servers in the order of the configuration. The result must not be changed.
func (p *Pool) Members() []Member { return p.members }

// Attach has the servers tell the pool what changes in them. A server tells one pool, the last that was attached; the one before, which
// does not hear of everything any more, looks at all of its servers for each choice from then on, as pools do that were never attached.
// Those who wait in the pool's queue wait for this pool's servers from then on.
func (p *Pool) Attach() {
	p.mu.Lock()
	for i, m := range p.members {
		if before := m.seat.Swap(&p.seats[i]); before != nil && before.pool != p {
			before.pool.attached.Store(false)
		}
	}
	p.attached.Store(true)
	p.refresh()
	p.mu.Unlock()
	if p.queue != nil {
		p.queue.follow(p)
	}
}

// Queue is where requests wait for the pool's servers; nil: nobody ever does.
func (p *Pool) Queue() *Queue { return p.queue }

// Pick chooses a server and takes one of its slots; nil where none may get the request, and why. A request that comes while others wait is
// told Full.
func (p *Pool) Pick(r Request) (*Server, Outcome) {
	if p.queue != nil && p.queue.waiting.Load() > 0 {
		return nil, Full
	}
	return p.take(&r)
}

// Enter has a request wait that Pick has told Full, with w as its place. A server may be given to it at once, or be refused.
func (p *Pool) Enter(r Request, w *Waiter) (*Server, Outcome) { return p.queue.enter(r, w) }

// take is Pick without regard to those who wait.
func (p *Pool) take(r *Request) (*Server, Outcome) {
	p.mu.Lock()
	if !p.attached.Load() {
		p.refresh()
	}
	if p.slow.on {
		p.climb(r.Now)
	}
	i, outcome := p.choose(r)
	if outcome != Picked {
		p.mu.Unlock()
		return nil, outcome
	}
	s := p.members[i].Server
	s.acquire()
	p.load(i)
	alone := !p.attached.Load()
	p.mu.Unlock()
	if alone {
		s.tellLoad() // to the pool that is. No queue hears of it: there is no more room than before, and its lock may be held here
	}
	return s, Picked
}

// choose returns the member that is to get the request. mu is held.
func (p *Pool) choose(r *Request) (int, Outcome) {
	if p.known != nil && p.total >= int64(p.options.MaxConnections) && p.now != unusable {
		return -1, Full
	}
	for _, s := range r.Stick {
		if i, outcome := p.stick(s, r.Tried); outcome != None {
			return i, outcome
		}
	}
	i := -1
	if len(r.Tried) == 0 {
		i = p.balancer.Pick(r.Key)
	} else {
		i = p.retry(r)
	}
	switch {
	case i >= 0:
		return i, Picked
	case p.now == unusable:
		return -1, None
	}
	return -1, Full
}

// stick returns the member that a server is which the request belongs to; None where it may not be used. mu is held.
func (p *Pool) stick(s *Server, tried []*Server) (int, Outcome) {
	switch i := p.index[s]; {
	case !p.takes(s, tried):
		return -1, None
	case p.members[i].full():
		return -1, Full
	default:
		return i, Picked
	}
}

// takes reports whether a server may be used by requests that belong to it. mu is held.
func (p *Pool) takes(s *Server, tried []*Server) bool {
	i, ok := p.index[s]
	return ok && !p.members[i].Vacant && s.Health().Status != hysteresis.Down && !slices.Contains(tried, s) && !(s.held() && p.now < heldActive && !p.scarce)
}

// own returns the server that a request belongs to and may use; nil: none.
func (p *Pool) own(r *Request) *Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range r.Stick {
		if p.takes(s, r.Tried) {
			return s
		}
	}
	return nil
}

// deserted reports whether nobody may be used.
func (p *Pool) deserted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now == unusable
}

// limited reports whether there may be requests for which the servers have no room.
func (p *Pool) limited() bool {
	return p.options.MaxConnections > 0 || slices.ContainsFunc(p.members, func(m Member) bool { return m.MaxConnections > 0 })
}

// retry chooses one that has not been tried, maybe a backup or one that is held back, and only then one that has. mu is held.
func (p *Pool) retry(r *Request) int {
	p.exclude(r.Tried, true)
	i := p.balancer.Pick(r.Key)
	p.exclude(r.Tried, false)
	if i < 0 {
		i = p.spare(r.Tried)
	}
	if i < 0 {
		i = p.balancer.Pick(r.Key)
	}
	return i
}

// exclude takes servers away from the balancer, or gives them back.
func (p *Pool) exclude(tried []*Server, away bool) {
	for _, s := range tried {
		i, ok := p.index[s]
		switch {
		case !ok || p.told[i] == 0:
		case away:
			p.balancer.SetWeight(i, 0)
		default:
			p.balancer.SetWeight(i, p.told[i])
		}
	}
}

// spare returns the backup with the fewest requests for its weight that has not been tried, or one that is held back, or -1. It is for a
// request that all others have failed, where the others have not failed the checks, or not yet.
func (p *Pool) spare(tried []*Server) int {
	best := -1
	for want := max(p.now, upBackup); want < unusable && best < 0; want++ {
		for i := range p.members {
			m := &p.members[i]
			if p.standing[i] != want || m.full() || slices.Contains(tried, m.Server) {
				continue
			}
			if best < 0 || m.inFlight.Load()*int64(p.members[best].Weight) < p.members[best].inFlight.Load()*int64(m.Weight) {
				best = i
			}
			if p.options.FirstBackup && m.Backup {
				break
			}
		}
	}
	return best
}

// Healthy counts the servers that may get new traffic, backups too (total), and those of them that are up. known is false until the
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
