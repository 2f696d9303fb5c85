package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// ReleaseTimeout is how long a resigning master waits for AddressesReleased before it says priority 0 all the same.
	// A release takes milliseconds; one that hangs will not end, and then a peer that takes over and announces
	// beats an address that nobody serves. Until then the machine goes on advertising, so no peer runs out of patience.
	ReleaseTimeout = 2 * time.Second

	// After AddressFailed the node stays in FAULT for firstRetry, doubled with each failure in a row up to lastRetry. A
	// node that preempts, fails and resigns again and again takes the service away from one that works.
	firstRetry = 2 * time.Second
	lastRetry  = 64 * time.Second
)

// Machine is the state machine of one virtual router on one node (RFC 3768 section 6.4). It reads no clock and does
// nothing: Step takes the time and returns what to do. The times must carry Go's monotonic reading, so that setting the
// wall clock moves no timer. One goroutine owns a Machine.
type Machine struct {
	cfg        Config
	priority   uint8      // effective
	source     netip.Addr // the last one there was: a farewell is sent from it even when it is gone
	sourceless bool

	state  State
	epoch  uint64
	since  time.Time // of state
	reason string    // of the last transition

	stopping bool     // Shutdown has come
	faults   []string // of FaultChanged
	holds    []string // of HoldPreempt
	damping  damping

	// Timers; zero: not running.
	advertAt  time.Time // Adver_Timer
	downAt    time.Time // Master_Down_Timer
	releaseBy time.Time // end of the wait for AddressesReleased
	retryAt   time.Time // end of the fault that AddressFailed made
	offerBy   time.Time // end of the wait for a successor
	startedBy time.Time // end of the startup delay
	warmBy    time.Time // end of the warm-up; zero: the link is proven

	napped     bool      // Backup that overslept, and has heard nobody since
	lowerSince time.Time // first advert of a lower priority, of those that came without a higher one between; zero: none

	// What a sync group makes of it, see sync.go.
	grouped    bool
	wanting    bool   // Backup whose down timer has fired, waiting for the others
	groupFault string // why another one cannot serve

	// Addresses. Events that come while a release is under way find the machine in one of two places: resigning, still
	// Master, the priority-0 advert to come; or already Backup or Fault, perhaps with a parting advert to send.
	releases  int // ReleaseAddresses not yet answered
	resigning bool
	yields    string // why it resigns though it could serve; "": for another reason
	offers    string // why it looks for a successor; "": it does not
	parting   uint8  // priority of the parting advert; 0: none
	holding   bool   // AddressesReady came and nothing since
	failure   string
	failures  int // AddressFailed in a row

	peer      peer          // the master, while this node is not
	learned   time.Duration // v3: the master's advert interval; 0: none learned, the own one counts
	resigned  netip.Addr    // who said priority 0 last; invalid once somebody else advertised
	immediate Action        // SendAdvert of the current advert: made once, not at each step
	periodic  Action
	dsts      []netip.Addr // where adverts go, made once as well
	hmac      HMACStatus   // as well
}

// NewMachine makes a Machine in Initialize, without a source address. cfg must be valid.
func NewMachine(cfg Config) *Machine {
	m := &Machine{priority: cfg.Priority, sourceless: true}
	m.configure(cfg)
	return m
}

// configure takes over a configuration.
func (m *Machine) configure(cfg Config) {
	m.cfg = cfg
	m.cfg.Addresses = slices.Clone(cfg.Addresses)
	m.cfg.UnicastPeers = slices.Clone(cfg.UnicastPeers)
	m.cfg.HMAC.Keys = slices.Clone(cfg.HMAC.Keys)
	m.dsts = m.cfg.destinations()
	m.hmac = m.cfg.HMAC.status()
	m.prepare()
}

// prepare makes the adverts that Step returns most of the time.
func (m *Machine) prepare() {
	ad := m.Advert()
	m.immediate = SendAdvert{Advert: ad}
	m.periodic = SendAdvert{Advert: ad, Periodic: true}
}

// State is the present state.
func (m *Machine) State() State { return m.state }

// Config is the present configuration. Its slices are the Machine's.
func (m *Machine) Config() Config { return m.cfg }

// Priority is the effective priority.
func (m *Machine) Priority() uint8 { return m.priority }

// Source is the address to send from: the interface's primary address, or the last one it had.
func (m *Machine) Source() netip.Addr { return m.source }

// Advert is what a master advertises now.
func (m *Machine) Advert() Advert { return m.cfg.advert(m.told()) }

// told is the priority that others are told.
func (m *Machine) told() uint8 {
	if m.offers != "" {
		return minTracked
	}
	return m.priority
}

// Beating reports whether somebody should send Advert at each interval: the node is Master and not about to resign. From
// the release of the addresses on only the machine itself speaks, so that nothing follows its priority-0 advert.
func (m *Machine) Beating() bool { return m.state == Master && !m.resigning }

// Done reports whether Shutdown has come and is complete.
func (m *Machine) Done() bool { return m.stopping && m.state == Initialize }

// MasterDownInterval is how long this node waits for a silent master, and how long it may sleep without others
// thinking that it is gone.
func (m *Machine) MasterDownInterval() time.Duration {
	return masterDownInterval(m.cfg.Version, m.interval(), m.priority)
}

// standing reports whether the node takes part in the election.
func (m *Machine) standing() bool { return m.state == Backup || m.state == Master }

// dozed reports whether a node that did nothing for so long may have missed something.
func (m *Machine) dozed(slept time.Duration) bool {
	return m.standing() && slept > m.MasterDownInterval()
}

// lostTouch reports whether it did. A master for whom somebody else kept the beat has not been silent, so nobody had reason
// to take over; what others said meanwhile waits in the socket. One that was awake has heard who did, however late its
// adverts were.
func (m *Machine) lostTouch(slept, silent time.Duration) bool {
	return m.dozed(slept) && (m.state != Master || silent > m.MasterDownInterval())
}

// interval is what the down timer counts by: in version 3 the master's interval, Active_Adver_Interval.
func (m *Machine) interval() time.Duration {
	if m.learned != 0 {
		return m.learned
	}
	return m.cfg.AdvertInterval
}

func (m *Machine) skewTime() time.Duration {
	return skewTime(m.cfg.Version, m.interval(), m.priority)
}

// Deadline is when the next Tick is due. Zero: no timer runs.
func (m *Machine) Deadline() time.Time {
	first := m.advertAt
	for _, t := range [...]time.Time{m.downAt, m.releaseBy, m.retryAt, m.offerBy} {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}

// Step takes one event at the time now and appends what is to be done to out.
func (m *Machine) Step(now time.Time, ev Event, out []Action) []Action {
	switch ev := ev.(type) {
	case Startup:
		return m.startup(now, out)
	case Shutdown:
		return m.shutdown(now, out)
	case AdvertReceived:
		return m.hear(now, &ev.Advert, ev.From, out)
	case Tick:
		return m.tick(now, out)
	case PriorityChanged:
		return m.follow(int(ev.Priority), out)
	case FaultChanged:
		m.faults = ev.Reasons
		return m.reconsider(now, out)
	case SourceChanged:
		return m.setSource(now, ev.Source, out)
	case HoldPreempt:
		m.holds = ev.Reasons
		return out
	case AddressesReady:
		m.ready()
		return out
	case AddressesReleased:
		return m.released(now, out)
	case AddressFailed:
		return m.failed(now, ev.Err, out)
	case Resign:
		return m.yield(now, ev.Reason, out)
	case Offer:
		return m.offer(now, ev, out)
	case Overslept:
		return m.overslept(now, ev.For, out)
	case ConfigChanged:
		return m.reconfigure(now, ev.Config, out)
	case groupFault:
		m.groupFault = ev.reason
		return m.reconsider(now, out)
	case groupTakes:
		return m.becomeMaster(now, m.takeover(now), out)
	}
	return out
}

// tick lets every timer fire whose time has come. One may stop another, so each is looked at in turn.
func (m *Machine) tick(now time.Time, out []Action) []Action {
	if due(m.releaseBy, now) {
		out = m.gone(now, out)
	}
	if due(m.retryAt, now) {
		m.retryAt, m.failure = time.Time{}, ""
		out = m.reconsider(now, out)
	}
	if due(m.offerBy, now) {
		out = m.yield(now, m.offers, out)
	}
	if due(m.downAt, now) {
		out = m.masterDown(now, out)
	}
	if due(m.advertAt, now) {
		// "If the Adver_Timer fires, then: o Send an ADVERTISEMENT o Reset the Adver_Timer to Advertisement_Interval"
		// (RFC 3768 section 6.4.3)
		m.advertAt = now.Add(m.cfg.AdvertInterval)
		out = append(out, m.periodic)
	}
	return out
}

func due(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// enter changes the state. The caller appends what comes back where it belongs.
func (m *Machine) enter(now time.Time, to State, reason string) Transition {
	from := m.state
	if from == Master {
		m.damping.lost(now, m.cfg.FlapDamping)
	}
	m.epoch++
	m.state, m.since, m.reason = to, now, reason
	m.napped = false
	m.keepIt()
	return Transition{From: from, To: to, Reason: reason, Priority: m.priority, Epoch: m.epoch}
}
