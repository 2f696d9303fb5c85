package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/internal/runner"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
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
	keeper   *keeper.Client
	runner   *runner.Client
	trackers *tracker.Set
	health   *healthBoard

	started       time.Time
	recoveryUntil time.Time

	ctx context.Context // of the services; ends after every instance has ended
	wg  sync.WaitGroup  // of the services

	mu        sync.Mutex
	adverts   map[string]*vrrp.Link // guarded by mu; by interface
	addresses []netip.Addr          // guarded by mu: every virtual address of the node
	changed   context.Context       // guarded by mu; ends when addresses change
	change    context.CancelFunc    // guarded by mu
}

// hostConfig says what a host is made of.
type hostConfig struct {
	dir, node     string
	lock          *os.File
	recoveryUntil time.Time
	proxy         *proxy.Proxy
	log           hclog.Logger
	onChange      func() // a tracker's or a backend's verdict changed
}

// openHost opens everything that instances need. The child processes come first, while the daemon has the privileges
// that they keep.
func openHost(cfg hostConfig) (h *host, err error) {
	h = &host{log: cfg.log, started: time.Now(), recoveryUntil: cfg.recoveryUntil, adverts: map[string]*vrrp.Link{}}
	h.changed, h.change = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	if err := h.replay(cfg); err != nil {
		return h, err
	}
	if h.keeper, err = keeper.Start(keeper.Config{
		Dir: cfg.dir, Name: cfg.node, Silence: keeperSilence, LockFile: cfg.lock, Log: cfg.log.Named("keeper"),
	}); err != nil {
		return h, err
	}
	if h.runner, err = runner.Start(runner.Config{Log: cfg.log.Named("runner")}); err != nil {
		return h, err
	}
	if h.kernel, err = vip.OpenKernel(); err != nil {
		return h, err
	}
	h.links = tracker.NewLinks(cfg.log.Named("tracker"))
	h.trackers = tracker.NewSet(tracker.Sources{
		Runner: scriptRunner{h.runner}, Interfaces: h.links, Backends: backends{cfg.proxy},
	}, func(tracker.State) { cfg.onChange() }, cfg.log.Named("tracker"))
	h.health = newHealthBoard(cfg.proxy, cfg.onChange)
	return h, nil
}

// replay carries out what the keeper of a former run could not.
func (h *host) replay(cfg hostConfig) error {
	effects, err := newEffects()
	if err != nil {
		return err
	}
	defer effects.close()
	n, err := keeper.Replay(cfg.dir, cfg.node, effects)
	if err != nil {
		return fmt.Errorf("carry out the last will of a former run: %w", err)
	}
	if n > 0 {
		h.log.Warn("carried out the last will of a former run", "wills", n)
	}
	return nil
}

// start runs the services until ctx ends.
func (h *host) start(ctx context.Context) {
	h.ctx = ctx
	service := func(name string, run func(context.Context) error) {
		h.wg.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				h.log.Error("service ended", "service", name, "err", err)
			}
		})
	}
	service("kernel events", h.kernel.Run)
	service("links", h.links.Run)
	service("keeper", h.keeper.Run)
	service("runner", h.runner.Run)
	service("trackers", h.trackers.Run)
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
	h.change()
	return errors.Join(errs...)
}

// link is the link of an interface; it is opened for the first instance on it and stays.
func (h *host) link(name string) (*vrrp.Link, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.adverts[name]; l != nil {
		return l, nil
	}
	l, err := vrrp.NewLink(vrrp.LinkConfig{Interface: name, Log: h.log.Named("vrrp")})
	if err != nil {
		return nil, err
	}
	h.adverts[name] = l
	h.wg.Go(func() { _ = l.Run(h.ctx) }) // it has no error to tell
	return l, nil
}

// setVirtual tells which addresses are virtual: no advert is sent from them.
func (h *host) setVirtual(addresses []netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.addresses = addresses
	h.change()
	h.changed, h.change = context.WithCancel(context.Background())
}

func (h *host) virtual() []netip.Addr {
	addresses, _ := h.watchVirtual()
	return addresses
}

// watchVirtual returns the node's virtual addresses, and a context that ends when they change.
func (h *host) watchVirtual() ([]netip.Addr, context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.addresses, h.changed
}
