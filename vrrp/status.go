package vrrp

import (
	"net/netip"
	"time"
)

// Holding says where the virtual addresses are, as far as this node has to do with them.
type Holding string

// The stages of holding addresses.
const (
	HoldingNone      Holding = "none"
	HoldingAcquiring Holding = "acquiring"
	HoldingHeld      Holding = "held"
	HoldingReleasing Holding = "releasing"
)

// Status is what an instance tells about itself: a copy that nobody writes to.
type Status struct {
	Name      string
	Interface string
	VRID      uint8
	Version   Version
	State     State
	Since     time.Time // of State; zero before Startup
	Reason    string    // of the last transition
	Epoch     uint64    // number of transitions
	Resigning bool      // Master, giving up the addresses
	Addresses Holding

	Priority           uint8 // effective
	ConfiguredPriority uint8
	NoPreempt          bool
	Grouped            bool // in a sync group
	WantsMaster        bool // Backup, and waiting for the other members of the sync group
	AdvertInterval     time.Duration
	MasterDownInterval time.Duration

	Source netip.Addr // zero: the interface has no address of its own
	Faults []string   // why the node cannot serve
	Holds  []string   // why it does not preempt

	// The master while this node is not; Address is invalid when none was heard.
	Master MasterStatus

	// When timers fire; zero: not running.
	AdvertDue     time.Time
	MasterDownDue time.Time
	RetryDue      time.Time // end of the fault that lost addresses made
	DampedUntil   time.Time // flap damping: no preemption before
	NotBefore     time.Time // end of the startup delay or the warm-up: no takeover before

	HMAC          HMACStatus // zero: adverts are not signed
	BeatElsewhere bool       // a Beat sends the periodic adverts, not the Group
	Counters      Counters
}

// MasterStatus is what a master says of itself.
type MasterStatus struct {
	Address  netip.Addr
	Priority uint8
	Interval time.Duration
	Since    time.Time // the first advert that this node heard of it as a master
	Heard    time.Time // its last advert
}

// HMACStatus tells how adverts are signed, without a secret.
type HMACStatus struct {
	Mode   string        // empty: they are not
	Keys   []uint8       // the ids whose adverts count
	Active uint8         // the id that signs, unless the mode is receive-only
	Window time.Duration // 0: clocks are not compared
}

// Counters count since the Group was made.
type Counters struct {
	Sent              uint64 // adverts that the Group sent itself, without those of a Beat
	SendErrors        uint64
	ResignSent        uint64 // of Sent: priority 0
	Received          uint64 // adverts that counted
	ResignReceived    uint64 // of Received: priority 0
	AddressesDiffer   uint64 // of Received: another address list than configured
	WhileOwner        uint64 // of Received: while this node is the owner
	IntervalDiffers   uint64 // of Received: v3, another interval than configured
	BareChecksum      uint64 // of Received: v3 on IPv4, checksum without pseudo header
	FirstNotLinkLocal uint64 // of Received: v3 on IPv6, the first address is not link-local
	Unsigned          uint64 // of Received: without an HMAC trailer, which the mode lets pass
	Transitions       uint64
	BecameMaster      uint64
	Dropped           Drops
}

// Drops counts dropped packets by reason.
type Drops [numDrops]uint64

// Of is how many packets were dropped for a reason.
func (d Drops) Of(r DropReason) uint64 { return d[r] }

// Total is how many packets were dropped.
func (d Drops) Total() uint64 {
	var sum uint64
	for _, n := range d {
		sum += n
	}
	return sum
}

// status is what the Machine knows; the Group adds the counters.
func (m *Machine) status() Status {
	s := Status{
		Name:               m.cfg.Name,
		Interface:          m.cfg.Interface,
		VRID:               m.cfg.VRID,
		Version:            m.cfg.Version,
		State:              m.state,
		Since:              m.since,
		Reason:             m.reason,
		Epoch:              m.epoch,
		Resigning:          m.resigning,
		Addresses:          m.holdingStage(),
		Priority:           m.priority,
		ConfiguredPriority: m.cfg.Priority,
		NoPreempt:          m.cfg.NoPreempt,
		Grouped:            m.grouped,
		WantsMaster:        m.wanting,
		AdvertInterval:     m.cfg.AdvertInterval,
		MasterDownInterval: m.MasterDownInterval(),
		Faults:             m.faultReasons(),
		Holds:              m.holds,
		Master: MasterStatus{
			Address:  m.peer.addr,
			Priority: m.peer.priority,
			Interval: m.peer.interval,
			Since:    m.peer.since,
			Heard:    m.peer.heard,
		},
		AdvertDue:     m.advertAt,
		MasterDownDue: m.downAt,
		RetryDue:      m.retryAt,
		DampedUntil:   m.damping.until,
		NotBefore:     m.notBefore(),
		HMAC:          m.hmac,
	}
	if !m.sourceless {
		s.Source = m.source
	}
	return s
}

func (m *Machine) holdingStage() Holding {
	switch {
	case m.holding:
		return HoldingHeld
	case m.Beating():
		return HoldingAcquiring
	case m.releases > 0:
		return HoldingReleasing
	default:
		return HoldingNone
	}
}
