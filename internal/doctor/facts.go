package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Facts is all that Examine found out, and all that Judge looks at.
type Facts struct {
	Plan         Plan
	Listened     time.Duration // how long the networks were listened to
	Capabilities Capabilities
	Users        Users
	Kernel       Kernel
	Clock        Clock
	RealTime     RealTime
	Rivals       []RawSocket
	Ports        []Port
	Lookups      []Lookup // of the plan's names
	Interfaces   []Interface
}

// Port is an interface of this host, of the plan or not, and its MAC.
type Port struct {
	Name string
	MAC  MAC
}

// Interface is what is known of one interface of the plan.
type Interface struct {
	Name    string
	Link    Link
	Bridge  *Bridge // that it is, or is a port of; nil: none
	Sysctls Sysctls
	Heard   Hearing // the zero Hearing where nobody could listen: see Link.usable
}

// Hearing is what was heard on an interface.
type Hearing struct {
	JoinErr  string // why a socket for adverts could not be had; empty: it could
	Sockets  Ears
	Joined   bool // the kernel lists the group among the interface's
	Probe    Probe
	Speakers []Speaker
	Overflow bool // there were more speakers than are kept
	Querier  netip.Addr
	Answers  []Answer // for virtual addresses
	Asked    int      // how many virtual addresses were asked for: those of IPv4, no more than maxAsked
	ARPErr   string   // why asking by ARP was impossible; empty: it was not
}

// Ears are the families of IP that a socket for adverts could be opened for.
type Ears struct{ IPv4, IPv6 bool }

// hears says whether a socket would get adverts of the address's family.
func (e Ears) hears(a netip.Addr) bool {
	if a.Is4() {
		return e.IPv4
	}
	return e.IPv6
}

// Probe is the fate of a datagram to the group of VRRP.
type Probe struct {
	Sent bool
	Err  string // why it could not be sent
	Left bool   // it was seen leaving
}

// Speaker is somebody who sends adverts.
type Speaker struct {
	MAC       MAC
	Source    netip.Addr
	Local     bool // it is this host
	VRID      uint8
	Version   uint8
	Priority  uint8 // the last that was not 0
	AuthType  uint8 // v2
	Interval  time.Duration
	Addresses []netip.Addr // of its last advert
	Wire      int          // how many adverts were on the wire
	Socket    int          // how many of them a socket got
}

// String names a speaker.
func (s Speaker) String() string {
	return fmt.Sprintf("%v (%v, priority %d, for %s)", s.Source, s.MAC, s.Priority, joined(texts(s.Addresses)))
}

// Answer is a MAC that speaks for a virtual address.
type Answer struct {
	Address netip.Addr
	MAC     MAC
}

// MAC is an Ethernet address.
type MAC [6]byte

func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// tandemRuns says whether a Tandem speaks VRRP on this host now.
func (f *Facts) tandemRuns() bool {
	return slices.ContainsFunc(f.Rivals, RawSocket.tandem)
}
