package vrrp

import (
	"bytes"
	"slices"
	"time"
)

// Beat is somebody outside this process who sends the periodic adverts of a master, so that they are on time however
// busy this process is. A Group wants it to be as it is told at all times (level, not edge): it calls Set again when
// the advert changes, and falls back to its own timer as soon as the Beat is not Alive.
//
// No call may block. The Group's loop makes all calls.
type Beat interface {
	// Set has packets, one at least, sent on the interface, first after interval and then at each further one. It replaces
	// what was set for the instance and keeps the rhythm; where the interval is longer than it was the first goes out at once. A
	// packet with a Signer is sealed anew each time. The packets are the Group's: copy them.
	//
	// Where none could be sent for longer than patience, another router may be master by now. The Beat goes on then only
	// if the Group has pulsed within that time, or when it pulses again: first it has to read what came.
	Set(instance string, packets []Packet, iface string, interval, patience time.Duration)
	// Stop ends the adverts of the instance. Of packets sent after Stop returned none overtakes what the Group sends
	// once the addresses have been released.
	Stop(instance string)
	// Alive reports whether what was set for the instance is being sent. A Beat that was restarted without what was set must have been
	// seen not Alive, or carry it over.
	Alive(instance string) bool
	// Spoke is when the last packets of the instance were sent, as time since boot; 0: none were.
	Spoke(instance string) time.Duration
}

// beating is what a Group has told its Beat about one instance.
type beating struct {
	set      bool
	packets  []Packet
	interval time.Duration
	patience time.Duration
}

// says reports whether what was set is this.
func (b *beating) says(packets []Packet, interval, patience time.Duration) bool {
	return b.set && interval == b.interval && patience == b.patience && slices.EqualFunc(packets, b.packets, func(p, q Packet) bool {
		return bytes.Equal(p.Data, q.Data) && p.Signer.Equal(q.Signer) // the header has the destination
	})
}

// quiet stops the beat of a member that shall not have one. It comes before the actions of a step: nothing may follow
// a priority-0 advert.
func (g *Group) quiet(mb *member) {
	if !mb.beat.set || mb.machine.Beating() {
		return
	}
	mb.beat.set = false
	g.cfg.Beat.Stop(mb.name)
}

// keep makes the Beat send the present advert of a member that is Master. When the Beat has died the member speaks for
// itself, from now on.
func (g *Group) keep(mb *member) {
	if g.cfg.Beat == nil || !mb.machine.Beating() {
		return
	}
	if !g.cfg.Beat.Alive(mb.name) {
		if mb.beat.set {
			mb.beat.set = false
			g.cfg.Beat.Stop(mb.name) // it may come back knowing what was set, when this node is no master any more
			mb.publish()
			mb.log.Warn("keeper is gone: adverts come from the daemon itself")
			ad := mb.machine.Advert()
			g.send(mb, &ad)
		}
		return
	}
	ad := mb.machine.Advert()
	packets, err := g.packetsOf(mb, &ad)
	if err != nil {
		mb.sendFailed(err)
		return
	}
	interval, patience := mb.machine.cfg.AdvertInterval, mb.machine.MasterDownInterval()
	if mb.beat.says(packets, interval, patience) {
		return
	}
	mb.beat = beating{set: true, packets: clonePackets(packets), interval: interval, patience: patience}
	mb.publish()
	g.cfg.Beat.Set(mb.name, mb.beat.packets, mb.machine.cfg.Interface, interval, patience)
}

// silent is for how long no advert of a member has gone out, its own or the Beat's.
func (g *Group) silent(mb *member) time.Duration {
	spoke := mb.spoke
	if g.cfg.Beat != nil {
		spoke = max(spoke, g.cfg.Beat.Spoke(mb.name))
	}
	return g.turned - spoke
}
