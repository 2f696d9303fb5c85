package vip

import (
	"errors"
	"net/netip"
	"time"
)

var (
	// ErrNoInterface: the interface does not exist, or does no more.
	ErrNoInterface = errors.New("no such interface")
	// ErrExists: the interface has the address already, with the same prefix length.
	ErrExists = errors.New("address exists")
)

// Kernel holds addresses: a network namespace, or viptest's one in memory. It may be used by several Sets at once.
type Kernel interface {
	// Addresses lists the IPv4 addresses of an interface in the kernel's order, or says ErrNoInterface.
	Addresses(ifname string) ([]Held, error)
	// Add adds the address with a lease in whole seconds, 0 for none. ErrExists, ErrNoInterface.
	Add(a Address, lease time.Duration) error
	// Renew gives an address that is there a fresh lease, 0 for none; label and scope stay as they are. One that is
	// not there is added: the kernel gives no way to tell.
	Renew(a Address, lease time.Duration) error
	// Delete removes the address. That it or its interface is gone already is fine.
	Delete(a Address) error
	// Subscribe returns a channel that gets a value after each event that match picks, and after any loss of events.
	// It holds one value: what happens before that is read adds nothing. match must not block. cancel ends it.
	Subscribe(match func(Event) bool) (changed <-chan struct{}, cancel func())
}

// Announcer tells the LAN who has an address.
type Announcer interface {
	// Announce sends one announcement, unless the last one on the interface, whosever, is less than gap ago:
	// then it sends nothing and says how long to wait.
	Announce(ifname string, addr netip.Addr, gap time.Duration) (wait time.Duration, err error)
}

// Held is an address as the kernel has it.
type Held struct {
	Prefix    netip.Prefix // with host bits
	Label     string       // the interface's name where no label was given
	Scope     Scope
	Leased    bool          // it has a lease, of which Left is left; a whole number of seconds, rounded down
	Left      time.Duration // 0 without a lease
	Secondary bool          // another address of the subnet came first, and takes this one along when it goes
}

// EventKind says what happened to an address or an interface.
type EventKind uint8

// The kinds of events. An interface that changes says so at each flag, carrier or name it changes.
const (
	AddressAdded EventKind = iota + 1 // or renewed
	AddressRemoved
	LinkChanged // or made
	LinkRemoved
)

// Event is one change in the kernel.
type Event struct {
	Kind      EventKind
	Index     int        // the interface's
	Interface string     // its name; link events only
	Addr      netip.Addr // address events only
}
