package proxy

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy/accesslog"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/engine"
	"github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/proxy/resolve"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// DefaultDrain is how long Run lets requests finish once its context has ended: more than most responses take, less than
// a service manager's patience.
const DefaultDrain = 5 * time.Second

// Options are what a Proxy is made with.
type Options struct {
	Log   hclog.Logger  // nil: nothing is logged
	Drain time.Duration // how long Run lets requests finish once its context has ended; 0: DefaultDrain

	Handshakes int // TLS handshakes that may be under way at once; 0: the engine's default

	Scripts health.Runner // of checks by script; nil: those fail

	Threads int // event loops, 1 to 1024; 0: one for each core that the process may use
}

// Proxy is the balancer of a node. It is safe for concurrent use.
type Proxy struct {
	log        hclog.Logger
	drain      time.Duration
	engine     *engine.Engine
	limit      *engine.Limit
	keychain   *certs.Keychain
	maps       *mapFiles
	outputs    *accesslog.Outputs
	alwaysOpen *Gate           // of the binds that are no virtual addresses
	checking   context.Context // of the health checks
	endChecks  context.CancelFunc
	scripts    health.Runner
	sentinel   *sentinel
	names      *resolve.Resolver

	tasks sync.WaitGroup // goroutines, but for the engine's

	gateMu sync.Mutex           // apart from mu: a role change waits for nothing
	gates  map[netip.Addr]*Gate // guarded by gateMu

	mu        sync.Mutex // guards what follows
	now       state
	listeners map[socketKey]*listener
	checks    map[*upstream.Server]*check
	followers map[*upstream.Server][]*upstream.Server // those that track a server; replaced by applyChecks
	health    chan struct{}                           // closed and replaced by wakeWatchers; nobody sends
	pending   []func()                                // starts goroutines once Run runs
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
	bounds    *bounds
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
	limit := &engine.Limit{}
	p := &Proxy{
		log:        o.Log,
		drain:      o.Drain,
		engine:     engine.New(engine.Options{Log: o.Log, Loops: o.Threads, Limit: limit, Handshakes: o.Handshakes}),
		limit:      limit,
		keychain:   certs.NewKeychain(o.Log),
		maps:       newMapFiles(o.Log),
		outputs:    accesslog.NewOutputs(o.Log),
		alwaysOpen: newGate(Open),
		scripts:    o.Scripts,
		sentinel:   newSentinel(),
		gates:      map[netip.Addr]*Gate{},
		listeners:  map[socketKey]*listener{},
		checks:     map[*upstream.Server]*check{},
		health:     make(chan struct{}),
	}
	p.names = resolve.New(resolve.Options{Log: o.Log, Changed: p.renamed})
	p.checking, p.endChecks = context.WithCancel(context.Background())
	return p
}

// Run serves what has been and will be applied until ctx ends. Then it stops accepting, ends the connections that wait
// for a request, lets requests that are under way finish for Options.Drain at most (a tunnel counts as one), ends the
// rest, and returns nil when nothing of it runs any more. An error says that the kernel gave no means to serve. It can be called
// once.
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
	serving, end := context.WithCancel(context.Background())
	defer end()
	watching, endWatch := context.WithCancel(ctx)
	defer endWatch()
	p.tasks.Go(func() { _ = p.keychain.Run(watching) }) // it returns no error
	p.tasks.Go(func() { _ = p.maps.Run(watching) })     // nor does this
	logging, endLogs := context.WithCancel(context.Background())
	defer endLogs()
	p.tasks.Go(func() { _ = p.outputs.Run(logging) }) // as above
	p.tasks.Go(func() { p.watchServers(p.checking) })
	p.tasks.Go(func() { _ = p.names.Run(p.checking) }) // as above
	ended := make(chan error, 1)                       // gets what the engine's Run returns
	go func() { ended <- p.engine.Run(serving) }()
	var err error
	select {
	case <-ctx.Done():
		p.stop()
		end()
		err = <-ended
	case err = <-ended:
		p.stop()
	}
	endWatch()
	endLogs() // now that no request is left that could have a line
	p.tasks.Wait()
	return err
}

// ReopenLogs has the files of access logs opened anew, for they may have been moved. It returns at once.
func (p *Proxy) ReopenLogs() { p.outputs.Reopen() }

// start runs f in a goroutine as soon as Run runs. mu is held.
func (p *Proxy) start(f func()) {
	if p.running {
		p.tasks.Go(f)
		return
	}
	p.pending = append(p.pending, func() { p.tasks.Go(f) })
}

// stop ends everything, in the order that Run promises, but for the engine.
func (p *Proxy) stop() {
	p.mu.Lock()
	p.ended = true
	listeners := p.listeners
	p.mu.Unlock() // from here on nobody changes them
	p.endChecks()
	for _, l := range listeners {
		l.close()
	}
	everyone := func(*engine.Bind) bool { return true }
	p.engine.Retire(everyone)
	ctx, cancel := context.WithTimeout(context.Background(), p.drain)
	defer cancel()
	p.engine.Wait(ctx)
	p.engine.End(everyone)
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
	return p.engine.End(func(b *engine.Bind) bool { return b.Owner.(*lane).gate == gate })
}
