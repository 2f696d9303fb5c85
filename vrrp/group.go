package vrrp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

const (
	// turnEvery is the longest a Group's loop rests. It pulses at least that often, notices a dead Beat within it,
	// and can tell by it how long it overslept.
	turnEvery = 100 * time.Millisecond
	// maxAdverts bounds the adverts that wait for a Group: minutes of real ones, and nothing a flood can grow.
	maxAdverts = 256
)

// GroupConfig says what a Group is made of.
type GroupConfig struct {
	// Instances run in one loop. Each is valid (Config.Validate) and has a name of its own.
	Instances []Config
	// Sync makes them a sync group: they are Master together, or none is, and what makes one faulty makes all of them so.
	Sync bool
	// Links has the Link of the interface of every instance of IPv4, by name, Links6 that of every instance of IPv6.
	Links, Links6 map[string]*Link
	// Do carries out an action of an instance other than SendAdvert. It must not block, carries out the actions of an
	// instance in the order given, and posts their results as events.
	Do func(instance string, a Action)
	// Beat sends the periodic adverts while it is alive. nil: the Group sends them itself.
	Beat Beat
	// Pulse is called by the loop at least every 200 ms while it turns. nil: nothing.
	Pulse func()
	// BootTime is the time since boot, including suspension. nil: the kernel's CLOCK_BOOTTIME.
	BootTime func() time.Duration
	Log      hclog.Logger // nil: none
}

// Group runs virtual routers in one loop. Post and Status may be called from any goroutine.
type Group struct {
	cfg      GroupConfig
	members  []*member          // fixed
	machines []*Machine         // of the members; owned by the loop
	byName   map[string]*member // fixed

	mu      sync.Mutex
	queue   []posted // guarded by mu
	adverts int      // guarded by mu; AdvertReceived in queue
	ended   bool     // guarded by mu

	wake chan struct{} // capacity 1: a token says that the queue is not empty; sent by enqueue, never closed

	// Owned by the loop.
	batch    []posted
	actions  []Action
	packets  []Packet
	turned   time.Duration // BootTime of the last turn
	stopping bool
}

// posted is an event on its way to a member.
type posted struct {
	to *member
	ev Event
}

// member is one instance of a Group. The loop owns it, but for name, log, status and the counters.
type member struct {
	name    string
	log     hclog.Logger
	machine *Machine
	link    *Link
	ear     atomic.Pointer[ear] // nil before Run
	beat    beating
	clock   seal.Clock
	spoke   time.Duration // BootTime of the last advert that the Group sent itself
	sendErr string        // the last error logged; "" when adverts go out

	status                                         atomic.Pointer[Status]
	sent, errors, resigned, transitions, masterful atomic.Uint64
}

// NewGroup makes a Group whose instances are in Initialize.
func NewGroup(cfg GroupConfig) (*Group, error) {
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	if cfg.Pulse == nil {
		cfg.Pulse = func() {}
	}
	if cfg.BootTime == nil {
		cfg.BootTime = bootTime
	}
	g := &Group{cfg: cfg, byName: make(map[string]*member), wake: make(chan struct{}, 1)}
	for _, c := range cfg.Instances {
		if err := c.Validate(); err != nil {
			return nil, err
		}
		links := cfg.Links
		if c.Family() == IPv6 {
			links = cfg.Links6
		}
		link := links[c.Interface]
		if link == nil || link.Family() != c.Family() {
			return nil, fmt.Errorf("instance %s: no %v link for interface %s", c.Name, c.Family(), c.Interface)
		}
		if g.byName[c.Name] != nil {
			return nil, fmt.Errorf("instance %s: the name is taken", c.Name)
		}
		mb := &member{
			name:    c.Name,
			log:     cfg.Log.With("instance", c.Name, "interface", c.Interface, "vrid", c.VRID),
			machine: NewMachine(c),
			link:    link,
		}
		mb.machine.grouped = cfg.Sync
		mb.publish()
		g.members = append(g.members, mb)
		g.machines = append(g.machines, mb.machine)
		g.byName[c.Name] = mb
	}
	return g, nil
}

// Post hands an event to an instance. It does not wait, and no event is lost before Run has returned. Events posted before
// Run come before Startup.
func (g *Group) Post(instance string, ev Event) {
	if mb := g.byName[instance]; mb != nil {
		g.enqueue(posted{to: mb, ev: ev})
	}
}

func (g *Group) enqueue(p posted) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return false
	}
	if _, ok := p.ev.(AdvertReceived); ok {
		if g.adverts == maxAdverts {
			return false
		}
		g.adverts++
	}
	g.queue = append(g.queue, p)
	select {
	case g.wake <- struct{}{}:
	default: // a token is there already
	}
	return true
}

// take empties the queue into g.batch.
func (g *Group) take() []posted {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.batch) // let go of the events of the last turn
	g.batch, g.queue = g.queue, g.batch[:0]
	g.adverts = 0
	return g.batch
}

// Status is what the instances tell about themselves, in the order of the configuration. It never waits for the loop.
func (g *Group) Status() []Status {
	all := make([]Status, len(g.members))
	for i, mb := range g.members {
		all[i] = mb.tell()
	}
	return all
}

// StatusOf is what one instance tells about itself; the zero Status where there is none of that name. It never waits
// for the loop.
func (g *Group) StatusOf(instance string) Status {
	if mb := g.byName[instance]; mb != nil {
		return mb.tell()
	}
	return Status{}
}

// Run starts the instances and runs them until ctx ends. Then each one resigns in order: a master releases its addresses,
// says priority 0 and leaves for Initialize; Run returns when all have. That takes at most ReleaseTimeout, provided
// that Do goes on carrying out actions meanwhile.
func (g *Group) Run(ctx context.Context) error {
	defer g.end()
	defer g.detach()
	if err := g.attach(); err != nil {
		return err
	}
	g.turned = g.cfg.BootTime()
	now := time.Now()
	g.deliver(now)
	for _, mb := range g.members {
		g.step(now, mb, Startup{})
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := ctx.Done()
	for {
		g.turn(time.Now())
		if g.done() {
			return nil
		}
		timer.Reset(g.rest(time.Now()))
		select {
		case <-stop:
			g.stopping, stop = true, nil
		case <-g.wake:
		case <-timer.C:
		}
	}
}

func (g *Group) attach() error {
	var failed []error
	for _, mb := range g.members {
		e, err := mb.link.attach(mb.machine.Config(), mb.machine.Source(), mb.log, func(ev AdvertReceived) bool {
			return g.enqueue(posted{to: mb, ev: ev})
		})
		if err != nil {
			failed = append(failed, err)
			continue
		}
		mb.ear.Store(e)
	}
	return errors.Join(failed...)
}

func (g *Group) detach() {
	for _, mb := range g.members {
		if e := mb.ear.Load(); e != nil {
			mb.link.detach(e)
		}
	}
}

// end lets no more events in: there is nobody left to take them.
func (g *Group) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	g.queue = nil
}

func (g *Group) done() bool {
	for _, mb := range g.members {
		if !mb.machine.Done() {
			return false
		}
	}
	return g.stopping
}

// rest is how long the loop may sleep.
func (g *Group) rest(now time.Time) time.Duration {
	wait := turnEvery
	for _, mb := range g.members {
		m := mb.machine
		if d := m.Deadline(); !d.IsZero() {
			wait = min(wait, d.Sub(now))
		}
		if m.standing() { // a short interval's rest must not look like oversleeping
			wait = min(wait, m.MasterDownInterval()/2)
		}
	}
	return max(wait, 0)
}

// clocks reads the clocks that seals tell.
func (g *Group) clocks() seal.Now { return seal.Read(time.Now, g.cfg.BootTime) }
