package vrrp

import (
	"net/netip"
	"time"
)

// State is the state of a virtual router on this node. RFC 9568 says Active for Master.
type State uint8

// The states of RFC 3768 section 6.4, and Fault: the node cannot serve and takes no part in the election.
const (
	Initialize State = iota
	Backup
	Master
	Fault
)

// String is the state as users know it.
func (s State) String() string {
	switch s {
	case Backup:
		return "BACKUP"
	case Master:
		return "MASTER"
	case Fault:
		return "FAULT"
	default:
		return "INIT"
	}
}

// Event is something that happened to a virtual router. The set is closed.
type Event interface{ event() }

// The events. All but Startup, Shutdown, AdvertReceived, Tick and Overslept may come at any time, also before Startup.
type (
	// Startup begins the protocol. What is known of the node should have been told before.
	Startup struct{}
	// Shutdown ends it. It is complete when Machine.Done.
	Shutdown struct{}
	// AdvertReceived is an advert that has been judged to count.
	AdvertReceived struct {
		Advert Advert
		From   netip.Addr
	}
	// Tick says that Machine.Deadline may have come.
	Tick struct{}
	// PriorityChanged is what the trackers make of the configured priority. It is kept within 1 to 254, and does not
	// concern an owner.
	PriorityChanged struct{ Priority uint8 }
	// FaultChanged replaces the reasons why the node cannot serve: interface down, a tracker of weight 0. None: it can.
	FaultChanged struct{ Reasons []string }
	// SourceChanged is the interface's primary address, which adverts are sent from; on IPv6 a link-local one. Any other, or
	// the zero Addr: it has none, a fault.
	SourceChanged struct{ Source netip.Addr }
	// HoldPreempt replaces the reasons not to take over from a live master of lower priority. None: it may. A silent
	// master is replaced all the same.
	HoldPreempt struct{ Reasons []string }
	// AddressesReady answers AcquireAddresses: the addresses are held.
	AddressesReady struct{}
	// AddressesReleased answers ReleaseAddresses: the addresses are no longer held. Exactly one for each.
	AddressesReleased struct{}
	// AddressFailed says that addresses could not be acquired, or are lost for good. A release that fails is not
	// answered until it has succeeded.
	AddressFailed struct{ Err error }
	// Resign has a master give up in order: its addresses first, then priority 0. It is Backup then, and takes over again
	// like any other; HoldPreempt, told before, keeps it from doing so at once. Who is not Master does nothing.
	Resign struct{ Reason string }
	// Offer has a master look for a successor: it serves on and advertises the lowest priority, at which any backup that may
	// preempt takes over, so that somebody has the addresses all the while. Where nobody has within For it resigns. The
	// zero value ends an Offer. Who is not Master does nothing.
	Offer struct {
		Reason string
		For    time.Duration // SuccessorWithin of all that move together
	}
	// Overslept says that this node did nothing for longer than its master down interval.
	Overslept struct{ For time.Duration }
	// ConfigChanged is a reload. Name, Interface, VRID, Version and the family stay as they are: another router is another
	// Machine. Where peers come or go on IPv6 another source may be wanted: SourceChanged tells.
	ConfigChanged struct{ Config Config }
)

func (Startup) event()           {}
func (Shutdown) event()          {}
func (AdvertReceived) event()    {}
func (Tick) event()              {}
func (PriorityChanged) event()   {}
func (FaultChanged) event()      {}
func (SourceChanged) event()     {}
func (HoldPreempt) event()       {}
func (AddressesReady) event()    {}
func (AddressesReleased) event() {}
func (AddressFailed) event()     {}
func (Resign) event()            {}
func (Offer) event()             {}
func (Overslept) event()         {}
func (ConfigChanged) event()     {}

// Action is something that a Machine wants done, in the order given. The set is closed.
type Action interface{ action() }

// The actions.
type (
	// SendAdvert sends an advert. Periodic ones come from the advert timer: they are left out while a Beat sends them.
	SendAdvert struct {
		Advert   Advert // shares its addresses with the Machine: read only
		Periodic bool
	}
	// AcquireAddresses takes the virtual addresses, opens the way to what serves on them and announces them. It is
	// answered by AddressesReady or AddressFailed. Epoch is that of the transition to Master.
	AcquireAddresses struct{ Epoch uint64 }
	// ReleaseAddresses gives them up, and is answered by AddressesReleased.
	ReleaseAddresses struct{}
	// Announce tells the LAN again who holds the addresses, for another router thought that it did.
	Announce struct{}
	// Transition is a change of state. Epoch grows with each one of the instance.
	Transition struct {
		From, To State
		Reason   string // one line for people
		Priority uint8  // the effective priority
		Epoch    uint64
	}
)

func (SendAdvert) action()       {}
func (AcquireAddresses) action() {}
func (ReleaseAddresses) action() {}
func (Announce) action()         {}
func (Transition) action()       {}
