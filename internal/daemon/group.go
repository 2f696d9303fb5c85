package daemon

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/internal/config"
	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/vrrp"
)

var (
	_ router    = (*vrrp.Group)(nil)
	_ testator  = (*keeper.Client)(nil)
	_ vrrp.Beat = beats(nil)
)

// router runs the state machines of a group.
type router interface {
	Run(ctx context.Context) error
	Post(instance string, ev vrrp.Event)
	StatusOf(instance string) vrrp.Status
}

// groupConfig says which instances are decided about in one loop: those of a sync group, or one alone.
type groupConfig struct {
	sync      string            // name of the sync group; "": an instance alone
	instances []config.Instance // in configured order, one at least
}

// groupsOf sorts the instances of a node into groups, each where its first instance stands.
func groupsOf(instances []config.Instance) []groupConfig {
	var groups []groupConfig
	for _, cfg := range instances {
		n := slices.IndexFunc(groups, func(g groupConfig) bool { return g.sync != "" && g.sync == cfg.SyncGroup })
		if n < 0 {
			groups = append(groups, groupConfig{sync: cfg.SyncGroup})
			n = len(groups) - 1
		}
		groups[n].instances = append(groups[n].instances, cfg)
	}
	return groups
}

// group is one loop of state machines and the instances that follow them: those of a sync group, which are MASTER together
// or not at all, or one alone.
type group struct {
	sync      string      // name of the sync group; "": an instance alone
	instances []*instance // as in groupConfig; fixed
	router    router
	keeper    testator
	pulse     atomic.Int64 // CLOCK_BOOTTIME of the loop's last sign of life, in nanoseconds
}

func newGroup(h *host, cfg groupConfig) (*group, error) {
	g := &group{sync: cfg.sync, keeper: h.keeper}
	lines := beats{}
	router := vrrp.GroupConfig{
		Sync: cfg.sync != "", Links: map[string]*vrrp.Link{}, Links6: map[string]*vrrp.Link{},
		Do: g.do, Beat: lines, Pulse: g.beatHeart, Log: h.log.Named("vrrp"),
	}
	links := map[vrrp.Family]map[string]*vrrp.Link{vrrp.IPv4: router.Links, vrrp.IPv6: router.Links6}
	for _, c := range cfg.instances {
		i, err := newInstance(h, c, g.alive)
		if err != nil {
			return nil, err
		}
		family := c.VRRP.Family()
		link, err := h.link(c.VRRP)
		if err != nil {
			return nil, err
		}
		g.instances = append(g.instances, i)
		lines[i.name] = i.beat
		links[family][c.VRRP.Interface] = link
		router.Instances = append(router.Instances, c.VRRP)
	}
	r, err := vrrp.NewGroup(router)
	if err != nil {
		return nil, err
	}
	g.setRouter(r)
	return g, nil
}

func (g *group) setRouter(r router) {
	g.router = r
	for _, i := range g.instances {
		i.router = r
	}
}

// title is what the group is called where it cannot go on.
func (g *group) title() string {
	if g.sync != "" {
		return "sync group " + g.sync
	}
	return "instance " + g.instances[0].name
}

// instance is the instance of that name; nil where there is none.
func (g *group) instance(name string) *instance {
	n := slices.IndexFunc(g.instances, func(i *instance) bool { return i.name == name })
	if n < 0 {
		return nil
	}
	return g.instances[n]
}

// do hands what a state machine wants done to its instance, which only queues it.
func (g *group) do(name string, a vrrp.Action) {
	if i := g.instance(name); i != nil { // always: the machines are those of the instances
		i.do(a)
	}
}

// beatHeart is called by the loop itself: while it is, the state machines are alive. A heartbeat allows the keeper to speak
// for the instance, so it must not overtake the word that ends that: the next one follows within 100 ms.
func (g *group) beatHeart() {
	g.pulse.Store(int64(bootTime()))
	for _, i := range g.instances {
		if i.beat.settled() {
			g.keeper.Heartbeat(i.name)
		}
	}
}

// alive says whether addresses may be kept: the loop that could give them up is running.
func (g *group) alive() bool {
	return bootTime()-time.Duration(g.pulse.Load()) < keeperSilence
}

// rejudge has every instance look at its inputs again. It never waits.
func (g *group) rejudge() {
	for _, i := range g.instances {
		i.rejudge()
	}
}

// lastWork bounds what is left to do when the state machines have ended: a kernel that does not answer must not keep the
// node from ending, for the keeper and the lease see to the addresses then.
const lastWork = 5 * time.Second

// run runs the group until ctx ends and every instance has resigned in order. An error says that the state machines could
// not run.
func (g *group) run(ctx context.Context) error {
	services, stop := context.WithCancel(context.WithoutCancel(ctx)) // resigning needs them after ctx has ended
	defer stop()
	g.prepare(ctx, services)
	ended := make(chan struct{}) // closed when the state machines want nothing more
	var following sync.WaitGroup
	for _, i := range g.instances {
		following.Go(func() { i.follow(services, ended) })
	}

	err := g.router.Run(ctx)

	late := time.AfterFunc(lastWork, stop)
	defer late.Stop()
	close(ended)
	following.Wait()
	return err
}

// prepare clears leftovers of a former run, and tells the state machines what is known before they start.
func (g *group) prepare(ctx, services context.Context) {
	var wg sync.WaitGroup
	for _, i := range g.instances {
		wg.Go(func() {
			i.clearLeftovers(services)
			i.prepare(ctx)
		})
	}
	wg.Wait()
}

// running is a group whose loops run.
type running struct {
	*group
	ctx  context.Context // of the loops; ended by stop
	stop context.CancelFunc
	done chan struct{} // closed when the instances have resigned and the loops have ended
}

func newRunning(g *group) *running {
	ctx, stop := context.WithCancel(context.Background())
	return &running{group: g, ctx: ctx, stop: stop, done: make(chan struct{})}
}

// start runs the group. When its state machines cannot go on fail is told, which must not block.
func (r *running) start(fail func(part string, err error)) {
	go func() {
		defer close(r.done)
		if err := r.run(r.ctx); err != nil {
			fail(r.title(), err)
		}
	}()
}

// stopAll has the instances of groups resign, all at once, and waits for them.
func stopAll(groups []*running) {
	for _, r := range groups {
		r.stop()
	}
	for _, r := range groups {
		<-r.done
	}
}
