package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/secure"
)

// Options are what an Engine is made with.
type Options struct {
	Log   hclog.Logger // nil: nothing is logged
	Loops int          // how many loops serve, 1 to 1024; 0: one for each core that the process may use

	Limit      *Limit // how many clients are served at once; nil: no bound
	Handshakes int    // TLS handshakes that may be under way at once, each with its memory; the others wait for their turn; 0: DefaultHandshakes
}

// DefaultHandshakes is how many TLS handshakes may be under way at once unless Options say otherwise: for
// the clients that are slow to answer, since the processors work on few of them at a time.
const DefaultHandshakes = 1024

// Engine serves the connections of clients. It is safe for concurrent use.
type Engine struct {
	log        hclog.Logger
	loops      int
	workers    int // of handshakes
	limit      *Limit
	handshaker *secure.Handshaker // for clients
	dialer     *secure.Handshaker // for servers: no flood of clients keeps these waiting
	verifier   *verifier
	squeezers  *squeezers

	reserve reserve

	open       atomic.Int64  // connections of clients
	handshakes atomic.Int64  // of TLS with clients that have succeeded
	emptied    chan struct{} // capacity 1: somebody may wait for open to be 0; sent to by the loops, never closed

	mu        sync.Mutex // guards what follows
	cores     []*core    // of Run
	running   bool       // they are served by goroutines
	listeners map[*Listener]struct{}
}

// New returns an Engine; Run serves.
func New(o Options) *Engine {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.Loops <= 0 {
		o.Loops = runtime.NumCPU()
	}
	return &Engine{
		log: o.Log, loops: o.Loops, workers: 2 * o.Loops, limit: o.Limit,
		handshaker: secure.NewHandshaker(secure.Limits{Workers: o.Loops, Open: cmp.Or(o.Handshakes, DefaultHandshakes)}),
		dialer:     secure.NewHandshaker(secure.Limits{Workers: o.Loops, Open: DefaultHandshakes}),
		verifier:   newVerifier(max(o.Loops/2, 1)), squeezers: newSqueezers(o.Loops),
		emptied: make(chan struct{}, 1), listeners: map[*Listener]struct{}{},
	}
}

// Run serves until ctx ends, and closes all connections then. An error says that the kernel gave no means to serve. It can be called
// once.
func (e *Engine) Run(ctx context.Context) error {
	loops, err := e.openLoops()
	if err != nil {
		return err
	}
	e.makeRoom()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(loops))
	var group sync.WaitGroup
	for i, l := range loops {
		group.Go(func() {
			errs[i] = l.Run(ctx)
			e.cores[i].turnAway()
			cancel() // without one of them the others must not serve on: its clients would wait for ever
		})
	}
	for _, h := range []*secure.Handshaker{e.handshaker, e.dialer} {
		group.Go(func() { _ = h.Run(ctx) }) // nil, as for every Run whose context ends
	}
	group.Go(func() { _ = e.squeezers.Run(ctx) })
	group.Go(func() { e.collect(ctx) })
	group.Wait()
	e.verifier.all.Wait() // no loop starts one any more
	return errors.Join(errs...)
}

// makeRoom lets the Go runtime run the loops, the handshakes' workers and two goroutines more at once. Each loop has a thread of its own
// that waits in the kernel most of the time; without a processor to spare the runtime's monitor would take the loop's away in each
// wait, and wake every 20 us to look for the next one: 5 to 7 % of the processor time at high rates.
func (e *Engine) makeRoom() {
	if n := e.loops + e.workers + 2; runtime.GOMAXPROCS(0) < n {
		runtime.GOMAXPROCS(n)
	}
}

// openLoops makes the loops, and gives them what is to be served.
func (e *Engine) openLoops() (loops []*loop.Loop, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running {
		return nil, errors.New("run the engine: it has been run before")
	}
	var kernels []loop.Kernel
	for range e.loops {
		k, err := loop.OpenEpoll()
		if err != nil {
			for _, k := range kernels {
				_ = k.CloseAll() // the error is the one to tell
			}
			return nil, fmt.Errorf("open an event loop: %w", err)
		}
		kernels = append(kernels, k)
		loops = append(loops, loop.New(k))
	}
	e.attach(loops)
	return loops, nil
}

// attach has loops serve, with the listeners that are open. mu is held.
func (e *Engine) attach(loops []*loop.Loop) {
	for _, l := range loops {
		if len(loops) > 1 {
			l.Share()
		}
		e.cores = append(e.cores, newCore(e, l))
	}
	for li := range e.listeners {
		if li.open {
			for _, c := range e.cores {
				li.listen(c)
			}
		}
	}
	e.running = true
}

// each calls f on the goroutine of every loop, and returns when all have done so. f must return soon. Before Run there are
// no loops, and f is not called.
func (e *Engine) each(f func(c *core)) {
	var done sync.WaitGroup
	for _, c := range e.cores {
		done.Add(1)
		if !c.loop.Post(func(*loop.Loop) {
			defer done.Done()
			f(c)
		}) {
			done.Done() // that loop has ended, and closed everything
		}
	}
	done.Wait()
}

// eachClient calls f for every connection of a client, as each does.
func (e *Engine) eachClient(f func(c client)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.each(func(c *core) {
		c.loop.Each(func(_ loop.Ref, h loop.Handler) {
			if client, ok := h.(client); ok {
				f(client)
			}
		})
	})
}

// client is a connection of a client, whatever it speaks.
type client interface {
	owner() *Bind
	retire() // ends it if it waits for a request and has nothing to lose
	kill()   // ends it at once, and what is under way on it
}

// End ends the connections of the binds that which chooses at once, and returns how many there were.
func (e *Engine) End(which func(*Bind) bool) int {
	var n atomic.Int64
	e.eachClient(func(c client) {
		if which(c.owner()) {
			n.Add(1)
			c.kill()
		}
	})
	return int(n.Load())
}

// Retire ends the connections of the binds that which chooses: those that wait for a request now, the others after their response.
func (e *Engine) Retire(which func(*Bind) bool) {
	e.mu.Lock()
	for li := range e.listeners {
		if b := li.bind.Load(); which(b) {
			b.leaving.Store(true)
		}
	}
	e.mu.Unlock()
	e.eachClient(func(c client) {
		if b := c.owner(); which(b) {
			b.leaving.Store(true)
			c.retire()
		}
	})
}

// Wait returns when no client has a connection, or ctx has ended. One caller at a time.
func (e *Engine) Wait(ctx context.Context) {
	for e.open.Load() > 0 {
		select {
		case <-e.emptied:
		case <-ctx.Done():
			return
		}
	}
}

// closed counts a connection of a client that is gone.
func (e *Engine) closed() {
	if e.open.Add(-1) == 0 {
		select {
		case e.emptied <- struct{}{}:
		default: // it says so already
		}
	}
}
