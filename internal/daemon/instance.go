package daemon

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

// instance is one virtual router with all that hangs on it: the state machine decides, its addresses, gates, last will and
// scripts follow. Its loops are started and joined by run.
type instance struct {
	log    hclog.Logger
	host   *host
	proxy  *proxy.Proxy
	group  *vrrp.Group
	vips   *vip.Set
	exec   *executor // what the machine wants done, in its order
	beat   *beatLine // what the keeper sends for us
	notify *notify.Queue
	pulse  atomic.Int64  // CLOCK_BOOTTIME of the group's last sign of life, in nanoseconds
	judged chan struct{} // capacity 1: a token says that inputs changed; sent by rejudge, never closed

	applied vip.Config // what the addresses are; owned by exec's worker once it runs

	mu          sync.Mutex
	cfg         config.Instance     // guarded by mu
	verdict     verdict             // guarded by mu; what the group was told last
	transitions []status.Transition // guarded by mu; replaced, never written to
}

func newInstance(h *host, p *proxy.Proxy, cfg config.Instance, log hclog.Logger) (*instance, error) {
	log = log.With("instance", cfg.VRRP.Name)
	i := &instance{
		log: log, host: h, proxy: p, cfg: cfg, applied: cfg.VIP,
		exec:    newExecutor(),
		judged:  make(chan struct{}, 1),
		verdict: verdict{outcome: tracker.Outcome{Priority: cfg.VRRP.Priority}}, // what a new machine assumes
	}
	i.beat = newBeatLine(h.keeper, log)
	i.notify = notify.New(notifyConfig(cfg), notifyRunner{h.runner}, log.Named("notify"))
	var err error
	if i.vips, err = vip.New(cfg.VIP, h.kernel, h.kernel, log); err != nil {
		return nil, err
	}
	i.vips.Alive = i.alive
	link, err := h.link(cfg.VRRP.Interface)
	if err != nil {
		return nil, err
	}
	i.group, err = vrrp.NewGroup(vrrp.GroupConfig{
		Instances: []vrrp.Config{cfg.VRRP},
		Links:     map[string]*vrrp.Link{cfg.VRRP.Interface: link},
		Do:        i.do,
		Beat:      i.beat,
		Pulse:     i.beatHeart,
		Log:       h.log.Named("vrrp"),
	})
	return i, err
}

func (i *instance) name() string { return i.cfg.VRRP.Name } // a reload never changes it

// config is the configuration in force.
func (i *instance) config() config.Instance {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cfg
}

// beatHeart is called by the group's own loop: while it is, the state machine is alive.
func (i *instance) beatHeart() {
	i.pulse.Store(int64(bootTime()))
	i.host.keeper.Heartbeat(i.name())
}

// alive says whether the addresses may be kept: the loop that could give them up is running.
func (i *instance) alive() bool {
	return bootTime()-time.Duration(i.pulse.Load()) < keeperSilence
}

// run runs the instance until ctx ends and it has resigned in order. Leftovers of a former run go first.
func (i *instance) run(ctx context.Context) {
	services, stop := context.WithCancel(context.WithoutCancel(ctx)) // resigning needs them after ctx has ended
	stopped := make(chan struct{})
	var wg, workers sync.WaitGroup
	i.clearLeftovers(services)
	i.prepare(ctx)
	wg.Go(func() { i.report("hold the addresses", i.vips.Run(services)) })
	wg.Go(func() { i.watchSource(services) })
	wg.Go(func() { i.watchInputs(services) })
	wg.Go(func() { i.report("notify", i.notify.Run(services)) })
	workers.Go(func() { i.exec.run(services, stopped) })
	workers.Go(func() { i.beat.run(services, stopped) })

	i.report("run the state machine", i.group.Run(ctx))

	close(stopped) // the workers finish what the last transition asked for
	workers.Wait()
	stop()
	wg.Wait()
}

// report logs an error of a part that should have ended without one.
func (i *instance) report(what string, err error) {
	if err != nil {
		i.log.Error("part of the instance ended", "part", what, "err", err)
	}
}

func (i *instance) clearLeftovers(ctx context.Context) {
	removed, err := i.vips.ClearLeftovers(ctx)
	for _, a := range removed {
		i.log.Warn("removed an address that a former run left", "address", a.Prefix, "interface", a.Interface)
	}
	if err != nil {
		i.log.Error("clear leftovers of a former run", "err", err)
	}
}

// notifyConfig is the notify script of an instance, or none.
func notifyConfig(cfg config.Instance) notify.Config {
	if cfg.Notify == nil {
		return notify.Config{Instance: cfg.VRRP.Name}
	}
	return *cfg.Notify
}
