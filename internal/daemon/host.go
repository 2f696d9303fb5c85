package daemon

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/internal/runner"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
)

// keeperSilence is how long the state machine's loop may be silent before the keeper kills the daemon, and before the
// daemon itself stops renewing leases: with the kill and the removal a frozen node's addresses are gone within 2 s.
const keeperSilence = 1500 * time.Millisecond

// host is what all instances of a node share: the kernel, the links, the child processes, the trackers. A node without
// instances has none of it: it is a plain load balancer and needs no privileges.
type host struct {
	log      hclog.Logger
	kernel   *vip.Netlink
	links    *tracker.Links
	nearby   *neighbours
	keeper   *keeper.Client
	runner   *runner.Client
	trackers *tracker.Set
	health   *healthBoard
	gates    *gates

	started       time.Time
	recoveryUntil time.Time
	handovers     *handovers

	wg sync.WaitGroup // of the services

	mu        sync.Mutex
	ctx       context.Context         // guarded by mu; of the services, which end after every instance has; nil before start
	adverts   map[linkKey]*advertLink // guarded by mu
	addresses []netip.Addr            // guarded by mu: every virtual address of the node
	changed   context.Context         // guarded by mu; ends when addresses change
	change    context.CancelFunc      // guarded by mu
}

// hostConfig says what a host is made of.
type hostConfig struct {
	dir, node     string
	lock          *os.File
	started       time.Time // of the daemon
	recoveryUntil time.Time
	proxy         *proxy.Proxy
	realTime      config.RealTime
	log           hclog.Logger
	logJSON       bool   // what the keeper itself says is JSON too
	onChange      func() // a tracker's or a backend's verdict changed
}

// openHost opens everything that instances need. The child processes come first, while the daemon has the privileges
// that they keep.
func openHost(cfg hostConfig) (h *host, err error) {
	h = &host{
		log: cfg.log, started: cfg.started, recoveryUntil: cfg.recoveryUntil, adverts: map[linkKey]*advertLink{},
		gates: newGates(cfg.proxy, cfg.log), handovers: newHandovers(),
	}
	h.changed, h.change = context.WithCancel(context.Background())
	if err := h.open(cfg); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *host) open(cfg hostConfig) (err error) {
	h.replay(cfg)
	if h.keeper, err = keeper.Start(keeper.Config{
		Dir: cfg.dir, Name: cfg.node, Silence: keeperSilence, LockFile: cfg.lock, Log: cfg.log.Named("keeper"), LogJSON: cfg.logJSON,
		RTPriority: cfg.realTime.Priority, NoSwap: cfg.realTime.NoSwap,
	}); err != nil {
		return err
	}
	if h.runner, err = runner.Start(runner.Config{Log: cfg.log.Named("runner")}); err != nil {
		return err
	}
	if err := exposeToOOM(); err != nil {
		h.log.Warn("the out-of-memory killer spares this process: it may take another one", "err", err)
	}
	if h.kernel, err = vip.OpenKernel(); err != nil {
		return err
	}
	h.links = tracker.NewLinks(cfg.log.Named("tracker"))
	h.nearby = newNeighbours(h.links, h.kernel.AskNeighbours, cfg.log)
	h.trackers = tracker.NewSet(tracker.Sources{
		Runner: scriptRunner{h.runner}, Interfaces: h.nearby, Backends: backends{cfg.proxy},
	}, func(tracker.State) { cfg.onChange() }, cfg.log.Named("tracker"))
	h.health = newHealthBoard(cfg.proxy, cfg.onChange)
	return nil
}

// replay carries out what the keeper of a former run could not. A node that cannot do all of it starts nevertheless: each
// instance clears its own leftovers too.
func (h *host) replay(cfg hostConfig) {
	effects, err := newEffects()
	n := 0
	if err == nil {
		defer effects.close()
		n, err = keeper.Replay(cfg.dir, cfg.node, effects)
	}
	if n > 0 {
		h.log.Warn("carried out the last will of a former run", "wills", n)
	}
	if err != nil {
		h.log.Error("carry out the last will of a former run", "err", err)
	}
}

// start runs the services until ctx ends. One that cannot go on is told to fail, which must not block.
func (h *host) start(ctx context.Context, fail func(service string, err error)) {
	service := func(name string, run func(context.Context) error) {
		h.wg.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				fail(name, err)
			}
		})
	}
	service("kernel events", h.kernel.Run)
	service("links", h.links.Run)
	service("neighbours", h.nearby.Run)
	service("keeper", h.keeper.Run)
	service("runner", h.runner.Run)
	service("trackers", h.trackers.Run)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ctx = ctx
	for _, l := range h.adverts {
		h.runLink(l)
	}
}

// services is the context of the services; nil before start.
func (h *host) services() context.Context {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ctx
}

// stop joins the services, whose context has ended, and closes what they used.
func (h *host) stop() error {
	h.health.close()
	h.wg.Wait()
	return h.close()
}

// close closes what was opened. The keeper's wills are cancelled: nothing is held any more.
func (h *host) close() error {
	var errs []error
	if h.keeper != nil {
		errs = append(errs, h.keeper.Close())
	}
	if h.runner != nil {
		h.runner.Close()
	}
	if h.kernel != nil {
		errs = append(errs, h.kernel.Close())
	}
	h.closeLinks()
	h.change()
	return errors.Join(errs...)
}

// setVirtual tells which addresses are virtual: no advert is sent from them.
func (h *host) setVirtual(addresses []netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.Equal(addresses, h.addresses) {
		return
	}
	h.addresses = addresses
	h.change()
	h.changed, h.change = context.WithCancel(context.Background())
}

// watchVirtual returns the node's virtual addresses, and a context that ends when they change.
func (h *host) watchVirtual() ([]netip.Addr, context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.addresses, h.changed
}
