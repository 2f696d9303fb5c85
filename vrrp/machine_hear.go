package vrrp

import (
	"fmt"
	"net/netip"
	"time"
)

// peer is the master as this node hears it.
type peer struct {
	addr     netip.Addr // invalid: none heard in this term
	priority uint8      // as advertised last
	peak     uint8      // the highest it advertised in this term
	interval time.Duration
	since    time.Time // its first advert
	heard    time.Time // its last one
}

// fell reports whether the master lowered its priority during its term: it fares worse than it did.
func (p *peer) fell() bool { return p.priority < p.peak }

// hear takes an advert that counts.
func (m *Machine) hear(now time.Time, ad *Advert, from netip.Addr, out []Action) []Action {
	m.warmBy = time.Time{}
	m.napped = false
	if m.state == Master {
		return m.hearAsMaster(now, ad, from, out)
	}
	m.note(now, ad, from)
	if m.state == Backup && !m.stopping {
		m.hearAsBackup(now, ad)
	}
	return out
}

// note remembers what the master says of itself.
func (m *Machine) note(now time.Time, ad *Advert, from netip.Addr) {
	if ad.Priority == PriorityResign {
		m.resigned = from
		if from == m.peer.addr {
			m.peer = peer{}
		}
		return
	}
	m.resigned = netip.Addr{}
	if from != m.peer.addr {
		m.peer = peer{addr: from, since: now}
	}
	m.peer.priority, m.peer.interval, m.peer.heard = ad.Priority, ad.Interval, now
	m.peer.peak = max(m.peer.peak, ad.Priority)
}

// hearAsBackup is RFC 3768 section 6.4.2.
func (m *Machine) hearAsBackup(now time.Time, ad *Advert) {
	switch {
	case ad.Priority == PriorityResign:
		// "If the Priority in the ADVERTISEMENT is Zero, then: o Set the Master_Down_Timer to Skew_Time". So the highest
		// of several backups is the first.
		m.wait(now, m.skewTime())
	case !m.lower(now, ad) || !m.preempts(now):
		// "If Preempt_Mode is False, or If the Priority in the ADVERTISEMENT is greater than or equal to the local
		// Priority, then: o Reset the Master_Down_Timer to Master_Down_Interval else: o Discard the ADVERTISEMENT"
		m.learn(ad)
		m.wait(now, m.MasterDownInterval())
	}
}

// lower reports whether an advert is of a lower priority, and notes since when they are.
func (m *Machine) lower(now time.Time, ad *Advert) bool {
	if ad.Priority >= m.priority {
		m.lowerSince = time.Time{}
		return false
	}
	if m.lowerSince.IsZero() {
		m.lowerSince = now
	}
	return true
}

// learn is version 3's: "Set Active_Adver_Interval to Max Advertise Interval contained in the ADVERTISEMENT o Recompute the
// Active_Down_Interval" (RFC 9568 section 6.4.2). In version 2 both intervals are equal, or the advert was dropped.
func (m *Machine) learn(ad *Advert) {
	if m.cfg.Version == V3 {
		m.learned = ad.Interval
	}
}

// preempts reports whether this node takes over from a live master of lower priority.
//
// Preempt_Mode False is about failback alone: a node that comes back leaves a master alone that serves as it did. A
// master whose priority fell since it took over is getting worse, which is what the higher priority is for. PreemptDelay
// only puts failback off.
func (m *Machine) preempts(now time.Time) bool {
	switch {
	case len(m.holds) > 0 || m.damping.holds(now):
		return false
	case m.cfg.Priority == PriorityOwner || m.peer.fell():
		return true
	default:
		return !m.cfg.NoPreempt && now.Sub(m.lowerSince) >= m.cfg.PreemptDelay
	}
}

// hearAsMaster is RFC 3768 section 6.4.3, with RFC 9568's answer to a lower priority.
func (m *Machine) hearAsMaster(now time.Time, ad *Advert, from netip.Addr, out []Action) []Action {
	switch {
	case ad.Priority == PriorityResign:
		// "If the Priority in the ADVERTISEMENT is Zero, then: o Send an ADVERTISEMENT o Reset the Adver_Timer to
		// Advertisement_Interval". Other backups have shortened their timers by it, and must hear that there is a master.
		m.advertAt = now.Add(m.cfg.AdvertInterval)
		return append(out, m.immediate)
	case m.outranks(ad, from):
		// Preempt_Mode does not matter here: of two masters one has to go.
		reason, lost := m.lossTo(ad, from), m.told()
		out = m.stepDown(now, reason, out)
		before := m.MasterDownInterval()
		m.learn(ad)
		m.shiftDown(before)
		m.parting = lost
		m.note(now, ad, from)
		return out
	case m.resigning:
		return out // the other one may have it
	default:
		// RFC 9568 section 6.4.3 has the master answer at once, where RFC 3768 discards: the other router yields now, and
		// announcing mends what its announcements did to the neighbours' tables.
		return append(out, m.immediate, Announce{})
	}
}

// outranks reports whether a router that sent ad is to be master rather than this one: "If the Priority in the
// ADVERTISEMENT is greater than the local Priority, or If the Priority in the ADVERTISEMENT is equal to the local Priority
// and the primary IP Address of the sender is greater than the local primary IP Address" (RFC 3768 section 6.4.3).
func (m *Machine) outranks(ad *Advert, from netip.Addr) bool {
	own := m.told()
	return ad.Priority > own || ad.Priority == own && from.Compare(m.source) > 0
}

// lossTo says why a router that outranks this one is master from now on.
func (m *Machine) lossTo(ad *Advert, from netip.Addr) string {
	if m.offers != "" {
		return fmt.Sprintf("%s: %v took over", m.offers, from)
	}
	return fmt.Sprintf("%v advertises priority %d, own is %d", from, ad.Priority, m.priority)
}

// takeover says why the Master_Down_Timer fired.
func (m *Machine) takeover(now time.Time) string {
	switch {
	case m.resigned.IsValid():
		return fmt.Sprintf("%v resigned", m.resigned)
	case !m.peer.addr.IsValid():
		return "no master heard"
	case m.peer.priority < m.priority && now.Sub(m.peer.heard) <= downAdverts*m.peer.interval:
		return fmt.Sprintf("%v advertises priority %d, own is %d", m.peer.addr, m.peer.priority, m.priority)
	default:
		return fmt.Sprintf("no advert from %v for %v", m.peer.addr, now.Sub(m.peer.heard).Round(time.Millisecond))
	}
}
