package vrrp

import (
	"net/netip"
	"time"
)

// follow takes the priority that the trackers ask for; an owner's is fixed. A master whose priority rises says so at once
// and announces: what it could not reach is there again. It may have been cut off, and who held the addresses meanwhile
// may yield without a word, as Keepalived does; the neighbours' tables would go on pointing there.
func (m *Machine) follow(p int, out []Action) []Action {
	if m.cfg.Priority == PriorityOwner {
		return out
	}
	before := m.priority
	m.setPriority(p)
	if m.Beating() && m.offers == "" && m.priority > before {
		out = append(out, m.immediate, Announce{})
	}
	return out
}

// setPriority makes p the effective priority of a router that is no owner.
func (m *Machine) setPriority(p int) {
	m.replacePriority(uint8(min(max(p, minTracked), maxTracked)))
}

// replacePriority follows a change of the effective priority. A running Master_Down_Timer moves by the difference of
// the intervals: a backup whose priority rises takes over as early as if it had had that priority all along.
func (m *Machine) replacePriority(p uint8) {
	if p == m.priority {
		return
	}
	before := m.MasterDownInterval()
	m.priority = p
	m.shiftDown(before)
	m.prepare()
}

func (m *Machine) shiftDown(before time.Duration) {
	if !m.downAt.IsZero() {
		m.downAt = m.downAt.Add(m.MasterDownInterval() - before)
	}
}

// setSource follows the interface's primary address. Losing it is a fault.
func (m *Machine) setSource(now time.Time, source netip.Addr, out []Action) []Action {
	source = m.cfg.source(source)
	m.sourceless = !source.IsValid()
	if !m.sourceless {
		m.source = source
	}
	return m.reconsider(now, out)
}

// ready takes the answer to AcquireAddresses. One for a term that is over says nothing.
func (m *Machine) ready() {
	if m.Beating() && m.releases == 0 {
		m.holding = true
		m.failures = 0
	}
}

// failed gives mastership up: a master without the addresses is worse than none.
func (m *Machine) failed(now time.Time, err error, out []Action) []Action {
	if !m.Beating() || m.stopping {
		return out
	}
	m.failure = err.Error()
	m.retryAt = now.Add(retryAfter(m.failures))
	m.failures++
	return m.reconsider(now, out)
}

// retryAfter is how long the fault lasts after so many failures in a row before this one.
func retryAfter(failures int) time.Duration {
	wait := firstRetry
	for ; failures > 0 && wait < lastRetry; failures-- {
		wait *= 2
	}
	return wait
}

// reconfigure follows a reload. The state, the timers that run and what the trackers made of the priority live on. The
// executor adjusts the addresses that are held; here they only change what is advertised.
//
// A master says at once that its interval is longer: in version 3 backups learn it by that, and would take a master for dead
// that speaks next after the new one. The advert timer runs on, and says so again when backups expect it.
func (m *Machine) reconfigure(now time.Time, cfg Config, out []Action) []Action {
	old := m.cfg
	cfg.Name, cfg.Interface, cfg.VRID, cfg.Version = old.Name, old.Interface, old.VRID, old.Version
	if cfg.Family() != old.Family() {
		cfg.Addresses, cfg.UnicastPeers = old.Addresses, old.UnicastPeers
	}
	before := m.MasterDownInterval()
	m.configure(cfg)
	m.shiftDown(before)
	if cfg.FlapDamping != old.FlapDamping {
		m.damping = damping{} // times that were counted for another rule say nothing
	}
	switch {
	case cfg.Priority == old.Priority:
	case cfg.Priority == PriorityOwner || old.Priority == PriorityOwner:
		m.replacePriority(cfg.Priority)
	default:
		m.setPriority(int(m.priority) + int(cfg.Priority) - int(old.Priority))
	}
	if next := now.Add(cfg.AdvertInterval); !m.advertAt.IsZero() && m.advertAt.After(next) {
		m.advertAt = next // nobody waits longer than the new interval
	}
	if m.Beating() && cfg.AdvertInterval > old.AdvertInterval {
		out = append(out, m.immediate)
	}
	return out
}
