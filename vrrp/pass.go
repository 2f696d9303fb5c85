package vrrp

import (
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"
)

// turn is one pass of the loop: read, then think, then speak.
func (g *Group) turn(now time.Time) {
	slept := g.sinceTurn()
	if g.anyDue(now) || g.anyLate(slept) {
		// An advert that waits in the socket came before the timer: a loop that is late must not take a master for dead.
		// An empty socket is silence, however late the loop is: the kernel queues packets for seconds, and when the queue
		// is full keeps the older ones, of which each is a sign of life.
		for _, mb := range g.members {
			mb.link.Drain()
		}
	}
	for _, mb := range g.members {
		if silent := g.silent(mb); mb.machine.lostTouch(slept, silent) {
			level := hclog.Warn
			if mb.machine.State() != Master {
				level = hclog.Debug // it costs nothing, and on a busy host it happens again and again
			}
			mb.log.Log(level, "overslept", "state", mb.machine.State(), "slept", slept, "silent", silent)
			g.step(now, mb, Overslept{For: slept})
		}
	}
	g.deliver(now)
	for _, mb := range g.members {
		g.watchClock(mb)
		if g.stopping && !mb.machine.stopping {
			g.step(now, mb, Shutdown{})
		}
		if due(mb.machine.Deadline(), now) {
			g.step(now, mb, Tick{})
		}
		g.keep(mb) // the Beat may have died, or come alive
	}
	g.cfg.Pulse()
}

// sinceTurn is how long ago the last turn began, suspension included.
func (g *Group) sinceTurn() time.Duration {
	now := g.cfg.BootTime()
	slept := now - g.turned
	g.turned = now
	return slept
}

func (g *Group) anyDue(now time.Time) bool {
	for _, mb := range g.members {
		if due(mb.machine.Deadline(), now) {
			return true
		}
	}
	return false
}

func (g *Group) anyLate(slept time.Duration) bool {
	for _, mb := range g.members {
		if mb.machine.dozed(slept) {
			return true
		}
	}
	return false
}

// deliver steps through the events that wait.
func (g *Group) deliver(now time.Time) {
	for _, p := range g.take() {
		g.step(now, p.to, p.ev)
	}
}

// step gives a member an event, and the members of a sync group what follows for them.
func (g *Group) step(now time.Time, mb *member, ev Event) {
	g.apply(now, mb, ev)
	for g.cfg.Sync {
		i, ev, ok := concert(g.machines)
		if !ok {
			return
		}
		g.apply(now, g.members[i], ev)
	}
}

// apply gives a member one event and carries out what it wants.
func (g *Group) apply(now time.Time, mb *member, ev Event) {
	g.actions = mb.machine.Step(now, ev, g.actions[:0])
	switch ev.(type) {
	case ConfigChanged, SourceChanged:
		if e := mb.ear.Load(); e != nil {
			mb.link.update(e, mb.machine.Config(), mb.machine.Source())
		}
	}
	g.quiet(mb)
	mb.publish() // who learns of an action finds the state here that it leads to
	for _, a := range g.actions {
		g.carry(mb, a)
	}
	clear(g.actions) // let go of what they hold
	g.keep(mb)
}

// carry carries out one action, or has it done.
func (g *Group) carry(mb *member, a Action) {
	switch a := a.(type) {
	case SendAdvert:
		if !a.Periodic || !mb.beat.set { // keep sees to it that what is set is alive
			g.send(mb, &a.Advert)
		}
		return
	case Transition:
		mb.transitions.Add(1)
		if a.To == Master {
			mb.masterful.Add(1)
		}
	}
	g.cfg.Do(mb.name, a)
}

// send sends an advert now.
func (g *Group) send(mb *member, ad *Advert) {
	mb.spoke = g.cfg.BootTime() // with an error too: a broken network is not this node's sleep
	packets, err := g.packetsOf(mb, ad)
	err = errors.Join(err, g.seal(mb, packets))
	for _, p := range packets { // one that fails keeps no other from going out
		err = errors.Join(err, mb.link.send(p))
	}
	if err != nil {
		mb.sendFailed(err)
		return
	}
	mb.sent.Add(1)
	if ad.Priority == PriorityResign {
		mb.resigned.Add(1)
	}
	if mb.sendErr != "" {
		mb.sendErr = ""
		mb.log.Info("adverts go out again")
	}
}

// packetsOf is what the member sends to say ad. It is overwritten by the next call.
func (g *Group) packetsOf(mb *member, ad *Advert) ([]Packet, error) {
	m := mb.machine
	packets, err := appendPackets(g.packets[:0], &m.cfg, m.Source(), m.dsts, ad)
	g.packets = packets
	for i := range packets {
		packets[i].Signer.Offset = mb.clock.Offset
	}
	return packets, err
}

// seal signs packets that say the same, with one sequence: each goes to another receiver.
func (g *Group) seal(mb *member, packets []Packet) error {
	if len(packets) == 0 || !mb.machine.cfg.HMAC.signs() {
		return nil
	}
	sequence := mb.clock.Next(g.clocks())
	for _, p := range packets {
		if err := p.Signer.Key.Seal(p.Data, sequence); err != nil {
			return err
		}
	}
	return nil
}

// watchClock keeps the clock of a member's seals right.
func (g *Group) watchClock(mb *member) {
	if h := &mb.machine.cfg.HMAC; h.signs() {
		mb.clock.Slack = h.Window
		mb.clock.Follow(g.clocks())
	}
}

// sendFailed logs the first failure and each other one that follows, not each try.
func (mb *member) sendFailed(err error) {
	mb.errors.Add(1)
	if mb.sendErr != err.Error() {
		mb.sendErr = err.Error()
		mb.log.Warn("advert not sent", "err", err)
	}
}

// publish makes the present state readable.
func (mb *member) publish() {
	s := mb.machine.status()
	s.BeatElsewhere = mb.beat.set
	mb.status.Store(&s)
}

// tell is what was published last, with the counters of this moment.
func (mb *member) tell() Status {
	s := *mb.status.Load()
	mb.count(&s.Counters)
	return s
}

// count fills in the counters.
func (mb *member) count(c *Counters) {
	if e := mb.ear.Load(); e != nil {
		e.report.count(c)
	}
	c.Sent = mb.sent.Load()
	c.SendErrors = mb.errors.Load()
	c.ResignSent = mb.resigned.Load()
	c.Transitions = mb.transitions.Load()
	c.BecameMaster = mb.masterful.Load()
}
