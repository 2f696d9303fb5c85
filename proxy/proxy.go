package proxy

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy/stdhttp"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// DefaultDrain is how long Run lets requests finish once its context has ended: more than most responses take, less than
// a service manager's patience.
const DefaultDrain = 5 * time.Second

// Options are what a Proxy is made with.
type Options struct {
	Log   hclog.Logger  // nil: nothing is logged
	Drain time.Duration // how long Run lets requests finish once its context has ended; 0: DefaultDrain
}

// Proxy is the balancer of a node. It is safe for concurrent use.
type Proxy struct {
	log        hclog.Logger
	drain      time.Duration
	engine     *stdhttp.Engine
	conns      *conns
	alwaysOpen *Gate           // of the binds that are no virtual addresses
	checking   context.Context // of the health checks
	endChecks  context.CancelFunc

	acceptors sync.WaitGroup // of the listeners
	tasks     sync.WaitGroup // all other goroutines

	gateMu sync.Mutex           // apart from mu: a role change waits for nothing
	gates  map[netip.Addr]*Gate // guarded by gateMu

	mu        sync.Mutex // guards what follows
	now       state
	listeners map[socketKey]*listener
	lanes     map[*lane]struct{} // those of listeners, and retired ones with connections
	checks    map[*upstream.Server]*check
	health    chan struct{} // closed and replaced by wakeWatchers; nobody sends
	pending   []func()      // starts goroutines once Run runs
	running   bool
	ended     bool
}

// state is what has been applied.
type state struct {
	frontends []frontendState
	backends  []*backend
}

type frontendState struct {
	live      *frontend
	listeners []*listener
}

// New returns a Proxy that has no configuration yet; Run serves.
func New(o Options) *Proxy {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.Drain == 0 {
		o.Drain = DefaultDrain
	}
	p := &Proxy{
		log:        o.Log,
		drain:      o.Drain,
		engine:     stdhttp.New(o.Log),
		conns:      newConns(),
		alwaysOpen: newGate(Open),
		gates:      map[netip.Addr]*Gate{},
		listeners:  map[socketKey]*listener{},
		lanes:      map[*lane]struct{}{},
		checks:     map[*upstream.Server]*check{},
		health:     make(chan struct{}),
	}
	p.checking, p.endChecks = context.WithCancel(context.Background())
	return p
}

// Run serves what has been and will be applied until ctx ends. Then it stops accepting, ends the connections that wait
// for a request, lets requests that are under way finish for Options.Drain at most (a tunnel counts as one), ends the
// rest, and returns nil when nothing of it runs any more. It can be called once.
func (p *Proxy) Run(ctx context.Context) error {
	p.mu.Lock()
	if p.running {
		p.mu.Unlock()
		return errors.New("run the proxy: it has been run before")
	}
	p.running = true
	for _, start := range p.pending {
		start()
	}
	p.pending = nil
	p.mu.Unlock()
	<-ctx.Done()
	p.stop()
	return nil
}

// start runs f in a goroutine of group, as soon as Run runs. mu is held.
func (p *Proxy) start(group *sync.WaitGroup, f func()) {
	if p.running {
		group.Go(f)
		return
	}
	p.pending = append(p.pending, func() { group.Go(f) })
}

// stop ends everything, in the order that Run promises.
func (p *Proxy) stop() {
	p.mu.Lock()
	p.ended = true
	listeners, lanes := p.listeners, p.lanes
	p.mu.Unlock() // from here on nobody changes the two
	p.endChecks()
	for _, l := range listeners {
		l.close()
	}
	p.acceptors.Wait()
	for l := range lanes {
		l.server.Drain()
	}
	p.conns.end(func(c *conn) bool { return !c.heard.Load() })
	ctx, cancel := context.WithTimeout(context.Background(), p.drain)
	defer cancel()
	p.conns.drained(ctx)
	p.conns.end(func(*conn) bool { return true })
	for l := range lanes {
		l.stop()
		l.server.Wait()
	}
	p.engine.CloseIdle()
	p.tasks.Wait()
}

// Gate returns the gate of a virtual address. It starts Closed and lives as long as the Proxy, whether or not a
// configuration binds the address.
func (p *Proxy) Gate(addr netip.Addr) *Gate {
	p.gateMu.Lock()
	defer p.gateMu.Unlock()
	g, ok := p.gates[addr]
	if !ok {
		g = newGate(Closed)
		p.gates[addr] = g
	}
	return g
}

// EndConnections ends every connection on a virtual address at once, and returns how many there were. It is for an
// address that has left the node, after its gate was closed: no further packet can reach them.
func (p *Proxy) EndConnections(addr netip.Addr) int {
	gate := p.Gate(addr)
	return p.conns.end(func(c *conn) bool { return c.gate == gate })
}
