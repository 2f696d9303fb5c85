package daemon

import (
	"context"
	"net/netip"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
)

var (
	_ addresses = (*vip.Set)(nil)
	_ inputsOf  = (*host)(nil)
)

// addresses are the virtual addresses of an instance.
type addresses interface {
	Run(ctx context.Context) error
	ClearLeftovers(ctx context.Context) ([]vip.Address, error)
	Acquire(ctx context.Context) error
	Release(ctx context.Context) error
	Apply(ctx context.Context, cfg vip.Config) error
	Announce()
	Answer()
	Status() vip.Status
}

// testator leaves a last will, and proves that it is not due.
type testator interface {
	SetWill(instance string, ops []keeper.Op) error
	Heartbeat(instance string)
}

// inputsOf gathers what moves an instance; see inputs.
type inputsOf interface {
	inputs(cfg config.Instance) inputs
}

// instance is one virtual router with all that hangs on it: the state machine, which its group runs, decides; its addresses,
// gates, last will and scripts follow. Its loops are started and joined by follow.
type instance struct {
	name    string // a reload never changes it
	log     hclog.Logger
	sources sources
	inputs  inputsOf
	keeper  testator
	gates   *gates
	router  router // of the group; set before the loops start
	vips    addresses
	exec    *executor // what the machine wants done, in its order
	beat    *beatLine // what the keeper sends for us
	notify  *notify.Queue
	judged  chan struct{} // capacity 1: a token says that inputs changed; sent by rejudge, never closed
	moved   chan struct{} // capacity 1: a token says that cfg.Source changed; sent by reconfigure, never closed

	applied vip.Config // what the addresses are; owned by exec's worker once it runs

	mu          sync.Mutex
	cfg         config.Instance     // guarded by mu
	source      netip.Addr          // guarded by mu: where adverts leave from; invalid while the interface has no such address
	verdict     verdict             // guarded by mu; what the group was told last
	transitions []status.Transition // guarded by mu; replaced, never written to
}

// newInstance makes an instance whose addresses are kept while its group is alive. It lacks its router.
func newInstance(h *host, cfg config.Instance, alive func() bool) (*instance, error) {
	name := cfg.VRRP.Name
	log := h.log.With("instance", name)
	i := &instance{
		name: name, log: log, sources: h, inputs: h, keeper: h.keeper, gates: h.gates, cfg: cfg, applied: cfg.VIP,
		exec:    newExecutor(),
		beat:    newBeatLine(h.keeper, log),
		notify:  notify.New(notifyConfig(cfg), notifyRunner{h.runner}, h.log.Named("notify")),
		judged:  make(chan struct{}, 1),
		moved:   make(chan struct{}, 1),
		verdict: verdict{outcome: tracker.Outcome{Priority: cfg.VRRP.Priority}}, // what a new machine assumes
	}
	vips, err := vip.New(cfg.VIP, h.kernel, h.kernel, h.log)
	if err != nil {
		return nil, err
	}
	vips.Alive = alive
	vips.Listener = h.kernel // who else claims an address is answered
	i.vips = vips
	return i, nil
}

// config is the configuration in force.
func (i *instance) config() config.Instance {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cfg
}

// follow carries out what the state machine wants, and tells it what happens, until ended is closed and all that it asked for
// is done.
func (i *instance) follow(ctx context.Context, ended <-chan struct{}) {
	services, stop := context.WithCancel(ctx)
	defer stop()
	telling, stopTelling := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTelling()
	beatEnd := make(chan struct{})
	var wg, beat sync.WaitGroup
	wg.Go(func() { _ = i.vips.Run(services) }) // nil, as for every Run whose context ends
	wg.Go(func() { i.watchSource(services) })
	wg.Go(func() { i.watchInputs(services) })
	wg.Go(func() { _ = i.notify.Run(telling) }) // nil too
	beat.Go(func() { i.beat.run(services, beatEnd) })

	i.exec.run(services, ended) // it finishes what the last transition asked for, and may wait for the beat to

	close(beatEnd)
	beat.Wait()
	stop()
	stopTelling() // the script still gets the last state
	wg.Wait()
}

func (i *instance) clearLeftovers(ctx context.Context) {
	if _, err := i.vips.ClearLeftovers(ctx); err != nil { // what it removed it has logged
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
