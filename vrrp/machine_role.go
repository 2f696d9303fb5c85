package vrrp

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// startup is RFC 3768 section 6.4.1.
func (m *Machine) startup(now time.Time, out []Action) []Action {
	if m.state != Initialize || m.stopping {
		return out
	}
	m.startedBy = now.Add(m.cfg.StartupDelay)
	listen := len(m.holds) > 0 || m.grouped || m.cfg.StartupDelay > 0 || m.cfg.WarmUp > 0
	switch {
	case m.faulty():
		return append(out, m.enter(now, Fault, m.faultReason()))
	case m.priority == PriorityOwner && !listen:
		// An owner that must not preempt yet, or not alone, listens first like everybody else.
		return m.becomeMaster(now, "started as owner", out)
	default:
		return m.becomeBackup(now, "started", out)
	}
}

// shutdown leaves for Initialize: at once from a state that holds nothing, else when the addresses are gone.
func (m *Machine) shutdown(now time.Time, out []Action) []Action {
	m.stopping = true
	m.rest()
	m.retryAt = time.Time{}
	switch {
	case m.state == Initialize:
		return out
	case m.state == Master:
		return m.resign(now, out)
	case !m.releaseBy.IsZero():
		return out // gone finishes it
	default:
		// "If a Shutdown event is received, then: o Cancel the Master_Down_Timer o Transition to the {Initialize} state"
		// (section 6.4.2): a backup has nothing to tell.
		return append(out, m.enter(now, Initialize, "shutdown"))
	}
}

// masterDown is what the Master_Down_Timer does when it fires. Delays that have not passed put it off.
func (m *Machine) masterDown(now time.Time, out []Action) []Action {
	if first := m.notBefore(); first.After(now) {
		m.downAt = first
		return out
	}
	if m.grouped {
		m.rest()
		m.wanting = true
		return out
	}
	return m.becomeMaster(now, m.takeover(now), out)
}

// notBefore is when the delays end that keep a node listening after its start or a fault.
func (m *Machine) notBefore() time.Time {
	if m.warmBy.After(m.startedBy) {
		return m.warmBy
	}
	return m.startedBy
}

// wait sets the Master_Down_Timer.
func (m *Machine) wait(now time.Time, d time.Duration) {
	m.wanting = false
	m.downAt = now.Add(d)
}

// rest stops the Master_Down_Timer.
func (m *Machine) rest() {
	m.wanting = false
	m.downAt = time.Time{}
}

// becomeMaster takes over. The advert comes first, so that a former master drops the addresses before they appear here.
func (m *Machine) becomeMaster(now time.Time, reason string, out []Action) []Action {
	m.rest()
	m.advertAt = now.Add(m.cfg.AdvertInterval)
	m.lowerSince = time.Time{}
	m.peer, m.resigned, m.learned = peer{}, netip.Addr{}, 0
	// A release of the last term may be under way still. The executor is ordered and ends it before it acquires; there is
	// nothing left to say when it has.
	m.parting = 0
	t := m.enter(now, Master, reason)
	return append(out, m.immediate, AcquireAddresses{Epoch: t.Epoch}, t)
}

// becomeBackup waits in full before it takes over: "o Set the Master_Down_Timer to Master_Down_Interval o Transition to
// the {Backup} state" (section 6.4.1).
//
// What was learned of a former master is forgotten: "Set the Active_Adver_Interval to Advertisement_Interval" (RFC 9568
// section 6.4.1).
func (m *Machine) becomeBackup(now time.Time, reason string, out []Action) []Action {
	m.learned, m.lowerSince = 0, time.Time{}
	if m.state != Master {
		m.warmBy = now.Add(m.cfg.WarmUp)
	}
	m.wait(now, m.MasterDownInterval())
	return append(out, m.enter(now, Backup, reason))
}

// resign begins to give up mastership of this node's own will: the addresses first, then the priority-0 advert, so
// that no two nodes hold them. Until then the node stays Master and keeps its peers waiting with adverts.
func (m *Machine) resign(now time.Time, out []Action) []Action {
	if m.resigning {
		return out
	}
	m.resigning, m.offerBy = true, time.Time{}
	return m.release(now, out)
}

// yield resigns though the node could serve: for its sync group, or because it was told to.
func (m *Machine) yield(now time.Time, reason string, out []Action) []Action {
	if !m.Beating() {
		return out
	}
	m.yields = reason
	return m.resign(now, out)
}

// offer looks for a successor, or ceases to.
func (m *Machine) offer(now time.Time, ev Offer, out []Action) []Action {
	if !m.Beating() {
		return out
	}
	if ev.Reason == "" {
		if m.offers == "" {
			return out
		}
		m.keepIt()
		return append(out, m.immediate)
	}
	m.offers, m.offerBy = ev.Reason, now.Add(ev.For)
	m.prepare()
	return append(out, m.immediate)
}

// keepIt ends the search for a successor.
func (m *Machine) keepIt() {
	if m.offers != "" {
		m.offers, m.offerBy = "", time.Time{}
		m.prepare()
	}
}

// stepDown ceases to be master because another one is, or may be. There is nobody to tell, and no time to lose.
func (m *Machine) stepDown(now time.Time, reason string, out []Action) []Action {
	m.advertAt = time.Time{}
	if !m.resigning { // else the release is under way
		out = m.release(now, out)
	}
	m.resigning, m.yields = false, ""
	switch {
	case m.stopping: // gone goes on to Initialize
		return append(out, m.enter(now, Backup, reason))
	case m.faulty():
		return append(out, m.enter(now, Fault, m.faultReason()))
	default:
		return m.becomeBackup(now, reason, out)
	}
}

// release gives the addresses up and waits for the answer.
func (m *Machine) release(now time.Time, out []Action) []Action {
	m.holding = false
	m.releases++
	m.releaseBy = now.Add(ReleaseTimeout)
	return append(out, ReleaseAddresses{})
}

// released takes the answer to ReleaseAddresses. After two of them only the second one says that the addresses are gone.
func (m *Machine) released(now time.Time, out []Action) []Action {
	m.releases = max(m.releases-1, 0)
	if m.releases > 0 || m.releaseBy.IsZero() {
		return out
	}
	return m.gone(now, out)
}

// gone goes on where the wait for the release interrupted: it has been done, or has taken too long.
func (m *Machine) gone(now time.Time, out []Action) []Action {
	m.releaseBy = time.Time{}
	if m.resigning {
		return m.farewell(now, out)
	}
	if m.parting != 0 && m.releases == 0 {
		// A winner that hears a lower priority announces, Keepalived too; to priority 0 it does not. What this node
		// announced during the contest is mended so.
		out = append(out, SendAdvert{Advert: m.cfg.advert(m.parting)})
	}
	m.parting = 0
	if m.stopping && m.state != Initialize {
		out = append(out, m.enter(now, Initialize, "shutdown"))
	}
	return out
}

// farewell says priority 0 and leaves Master: "o Cancel the Adver_Timer o Send an ADVERTISEMENT with Priority = 0 o
// Transition to the {Initialize} state" (section 6.4.3). A fault does the same and leaves for Fault; when the fault has
// passed meanwhile the addresses are given up all the same, and the node begins anew as Backup.
func (m *Machine) farewell(now time.Time, out []Action) []Action {
	yields := m.yields
	m.resigning, m.yields = false, ""
	m.advertAt = time.Time{}
	out = append(out, SendAdvert{Advert: m.cfg.advert(PriorityResign)})
	switch {
	case m.stopping:
		return append(out, m.enter(now, Initialize, "shutdown"))
	case m.faulty():
		return append(out, m.enter(now, Fault, m.faultReason()))
	case yields != "":
		return m.becomeBackup(now, yields, out)
	default:
		return m.becomeBackup(now, "resigned for a fault that has passed", out)
	}
}

// overslept fences the node off: others may have taken over meanwhile, and it must not speak before it has listened. A
// backup listens anew, but once: on a host that is busy without end its loop sleeps again and again, and the silence of
// a master that is dead has to be believed at last.
func (m *Machine) overslept(now time.Time, slept time.Duration, out []Action) []Action {
	switch m.state {
	case Master:
		return m.stepDown(now, fmt.Sprintf("overslept %v", slept.Round(time.Millisecond)), out)
	case Backup:
		if (m.wanting || !m.downAt.IsZero()) && !m.napped {
			m.napped = true
			m.wait(now, m.MasterDownInterval())
		}
	}
	return out
}

// faulty reports whether the node cannot serve.
func (m *Machine) faulty() bool {
	return len(m.faults) > 0 || m.failure != "" || m.sourceless || m.groupFault != ""
}

// faultReasons lists why the node cannot serve. That another one of the sync group is in FAULT is told where nothing else is:
// what befell this one befell that one, too, as often as not.
func (m *Machine) faultReasons() []string {
	reasons := m.ownFaults()
	if m.groupFault != "" && len(reasons) == 0 {
		reasons = append(reasons, m.groupFault)
	}
	return reasons
}

// ownFaults lists why this instance cannot serve, whatever its group. That there is no source address is told when
// nobody else has.
func (m *Machine) ownFaults() []string {
	reasons := append([]string(nil), m.faults...)
	if m.failure != "" {
		reasons = append(reasons, m.failure)
	}
	if m.sourceless && len(reasons) == 0 {
		reasons = append(reasons, m.cfg.sourcelessReason())
	}
	return reasons
}

func (m *Machine) faultReason() string { return strings.Join(m.faultReasons(), "; ") }

// reconsider follows a change of the faults.
func (m *Machine) reconsider(now time.Time, out []Action) []Action {
	if m.stopping {
		return out
	}
	switch faulty := m.faulty(); {
	case faulty && m.state == Master:
		return m.resign(now, out)
	case faulty && m.state == Backup:
		m.rest()
		return append(out, m.enter(now, Fault, m.faultReason()))
	case !faulty && m.state == Fault:
		return m.becomeBackup(now, "fault cleared", out)
	}
	return out
}
