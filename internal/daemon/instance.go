package daemon

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/internal/notify"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/tracker"
	"github.com/tandem-lb/tandem/vip"
	"github.com/tandem-lb/tandem/vrrp"
)

var (
	_ router    = (*vrrp.Group)(nil)
	_ addresses = (*vip.Set)(nil)
	_ testator  = (*keeper.Client)(nil)
	_ inputsOf  = (*host)(nil)
)

// router is the state machine of an instance.
type router interface {
	Run(ctx context.Context) error
	Post(instance string, ev vrrp.Event)
	Status() []vrrp.Status
}

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

// instance is one virtual router with all that hangs on it: the state machine decides, its addresses, gates, last will and
// scripts follow. Its loops are started and joined by run.
type instance struct {
	name    string // a reload never changes it
	log     hclog.Logger
	sources sources
	inputs  inputsOf
	keeper  testator
	gates   *gates
	group   router
	vips    addresses
	exec    *executor // what the machine wants done, in its order
	beat    *beatLine // what the keeper sends for us
	notify  *notify.Queue
	pulse   atomic.Int64  // CLOCK_BOOTTIME of the group's last sign of life, in nanoseconds
	judged  chan struct{} // capacity 1: a token says that inputs changed; sent by rejudge, never closed

	applied vip.Config // what the addresses are; owned by exec's worker once it runs

	mu          sync.Mutex
	cfg         config.Instance     // guarded by mu
	source      netip.Addr          // guarded by mu: the interface's own address; invalid while it has none
	verdict     verdict             // guarded by mu; what the group was told last
	transitions []status.Transition // guarded by mu; replaced, never written to
}

func newInstance(h *host, cfg config.Instance) (*instance, error) {
	name := cfg.VRRP.Name
	log := h.log.With("instance", name)
	i := &instance{
		name: name, log: log, sources: h, inputs: h, keeper: h.keeper, gates: h.gates, cfg: cfg, applied: cfg.VIP,
		exec:    newExecutor(),
		beat:    newBeatLine(h.keeper, log),
		notify:  notify.New(notifyConfig(cfg), notifyRunner{h.runner}, h.log.Named("notify")),
		judged:  make(chan struct{}, 1),
		verdict: verdict{outcome: tracker.Outcome{Priority: cfg.VRRP.Priority}}, // what a new machine assumes
	}
	vips, err := vip.New(cfg.VIP, h.kernel, h.kernel, h.log)
	if err != nil {
		return nil, err
	}
	vips.Alive = i.alive
	vips.Listener = h.kernel // who else claims an address is answered
	i.vips = vips
	family := cfg.VRRP.Family()
	link, err := h.link(cfg.VRRP.Interface, family)
	if err != nil {
		return nil, err
	}
	group := vrrp.GroupConfig{
		Instances: []vrrp.Config{cfg.VRRP},
		Do:        i.do,
		Beat:      i.beat,
		Pulse:     i.beatHeart,
		Log:       h.log.Named("vrrp"),
	}
	if links := map[string]*vrrp.Link{cfg.VRRP.Interface: link}; family == vrrp.IPv6 {
		group.Links6 = links
	} else {
		group.Links = links
	}
	i.group, err = vrrp.NewGroup(group)
	return i, err
}

// config is the configuration in force.
func (i *instance) config() config.Instance {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cfg
}

// beatHeart is called by the group's own loop: while it is, the state machine is alive.
func (i *instance) beatHeart() {
	i.pulse.Store(int64(bootTime()))
	i.keeper.Heartbeat(i.name)
}

// alive says whether the addresses may be kept: the loop that could give them up is running.
func (i *instance) alive() bool {
	return bootTime()-time.Duration(i.pulse.Load()) < keeperSilence
}

// lastWork bounds what is left to do when the state machine has ended: a kernel that does not answer must not keep the
// node from ending, for the keeper and the lease see to the addresses then.
const lastWork = 5 * time.Second

// run runs the instance until ctx ends and it has resigned in order. Leftovers of a former run go first. An error says
// that the state machine could not run.
func (i *instance) run(ctx context.Context) error {
	services, stop := context.WithCancel(context.WithoutCancel(ctx)) // resigning needs them after ctx has ended
	defer stop()
	telling, stopTelling := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTelling()
	execEnd, beatEnd := make(chan struct{}), make(chan struct{})
	var wg, exec, beat sync.WaitGroup
	i.clearLeftovers(services)
	i.prepare(ctx)
	wg.Go(func() { _ = i.vips.Run(services) }) // nil, as for every Run whose context ends
	wg.Go(func() { i.watchSource(services) })
	wg.Go(func() { i.watchInputs(services) })
	wg.Go(func() { _ = i.notify.Run(telling) }) // nil too
	exec.Go(func() { i.exec.run(services, execEnd) })
	beat.Go(func() { i.beat.run(services, beatEnd) })

	err := i.group.Run(ctx)

	late := time.AfterFunc(lastWork, stop)
	defer late.Stop()
	close(execEnd) // it finishes what the last transition asked for, and may wait for the beat to
	exec.Wait()
	close(beatEnd)
	beat.Wait()
	stop()
	stopTelling() // the script still gets the last state
	wg.Wait()
	return err
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

// running is an instance whose loops run.
type running struct {
	*instance
	ctx  context.Context // of the loops; ended by stop
	stop context.CancelFunc
	done chan struct{} // closed when the instance has resigned and its loops have ended
}

func newRunning(i *instance) *running {
	ctx, stop := context.WithCancel(context.Background())
	return &running{instance: i, ctx: ctx, stop: stop, done: make(chan struct{})}
}

// start runs the instance. When its state machine cannot go on fail is told, which must not block.
func (r *running) start(fail func(part string, err error)) {
	go func() {
		defer close(r.done)
		if err := r.run(r.ctx); err != nil {
			fail("instance "+r.name, err)
		}
	}()
}

// stopAll has instances resign, all at once, and waits for them.
func stopAll(instances []*running) {
	for _, r := range instances {
		r.stop()
	}
	for _, r := range instances {
		<-r.done
	}
}
