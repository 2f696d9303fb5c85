package vip

import (
	"errors"
	"net"
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
	// Addresses lists the addresses of an interface in the kernel's order, or says ErrNoInterface. Among IPv6
	// addresses of one scope that is the newest first.
	Addresses(ifname string) (*Listing, error)
	// Add adds the addresses in order with a lease in whole seconds, 0 for none, and returns one error for each. An
	// IPv6 address answers from that moment, brings no route, and is deprecated, so that no connection leaves from it
	// while the node has another. ErrExists, ErrNoInterface.
	Add(addrs []Address, lease time.Duration) []error
	// Renew gives addresses that are there a fresh lease, 0 for none, and returns one error for each; what else they
	// have stays as it is. One that is not there is added: the kernel gives no way to tell.
	Renew(addrs []Address, lease time.Duration) []error
	// Delete removes the addresses in order and returns one error for each. That one or its interface is gone already
	// is fine.
	Delete(addrs []Address) []error
	// Subscribe returns a channel that gets a value after each event that match picks, and after any loss of events.
	// It holds one value: what happens before that is read adds nothing. match must not block. cancel ends it. Whether
	// additions and renewals by this Kernel are events too is left open.
	Subscribe(match func(Event) bool) (changed <-chan struct{}, cancel func())
}

// Announcer tells the LAN who has an address.
type Announcer interface {
	// Announce sends one announcement, unless the last one on the interface, whosever, is less than gap ago, or it only
	// repeats one and too many do: then it sends nothing and says how long to wait.
	Announce(ifname string, addr netip.Addr, gap time.Duration, repeat bool) (wait time.Duration, err error)
}

// Listener hears who else on the LAN claims an address.
type Listener interface {
	// Listen has heard called for each claim to one of the addresses on its interface, until cancel is called; a call
	// that is under way then may still come. heard must not block.
	Listen(addrs []Address, heard func(Claim)) (cancel func())
}

// Claim is an ARP packet or a neighbour advertisement that says somebody else has an address of ours.
type Claim struct {
	Interface string // where it was heard
	Addr      netip.Addr
	MAC       net.HardwareAddr // the Ethernet address that it gives; no interface of this node has it
}

// Held is an address as the kernel has it.
type Held struct {
	Prefix    netip.Prefix // with host bits; with a Peer the length is that one's
	Label     string       // IPv4: the interface's name where no label was given; IPv6: empty
	Scope     Scope
	Broadcast netip.Addr    // zero: none
	Peer      netip.Addr    // zero: none
	Leased    bool          // it has a lease, of which Left is left; a whole number of seconds, rounded down
	Left      time.Duration // 0 without a lease
	Secondary bool          // IPv4: another address of the subnet came first, and takes this one along when it goes

	// IPv6 only.
	Deprecated    bool // new connections don't leave from it, if the interface has another of its scope
	NoPrefixRoute bool // it came without a route to its subnet, and takes none along when it goes
	Tentative     bool // duplicate address detection runs or found somebody: the kernel does not answer for it
	DADFailed     bool // it found somebody; Tentative too
}

// EventKind says what happened to an address or an interface.
type EventKind uint8

// The kinds of events. An interface that changes says so at each flag, carrier or name it changes.
const (
	AddressAdded EventKind = iota + 1 // or renewed, or changed in its flags
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
	Tentative bool       // AddressAdded only: as in Held
}
