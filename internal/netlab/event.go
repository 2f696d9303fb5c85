package netlab

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Kind is what an event says.
type Kind uint8

// The kinds of events.
const (
	LinkAdded      Kind = iota + 1 // the node has a new interface
	LinkRemoved                    // an interface of the node is gone
	CarrierUp                      // the interface is up and has a carrier
	CarrierDown                    // it is down or its carrier is lost
	AddressAdded                   // the node has a new address
	AddressChanged                 // an address it had got new lifetimes or flags: a renewed lease
	AddressRemoved                 // an address is gone, by hand or because its lifetime ended
	ARPSeen                        // an ARP packet of the node arrived at the switch
	AdvertSeen                     // a VRRP packet of the node arrived at the switch
	PortUp                         // the switch passes frames of the interface's cable
	PortDown                       // the switch ceased to pass them
)

var kindNames = map[Kind]string{
	LinkAdded:      "link added",
	LinkRemoved:    "link removed",
	CarrierUp:      "carrier up",
	CarrierDown:    "carrier down",
	AddressAdded:   "address added",
	AddressChanged: "address changed",
	AddressRemoved: "address removed",
	ARPSeen:        "ARP",
	AdvertSeen:     "advert",
	PortUp:         "port up",
	PortDown:       "port down",
}

func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Event is one thing that happened in the lab.
type Event struct {
	Time      time.Time // of packets the kernel's time stamp, else when the notification was read
	Kind      Kind
	Node      string // whose interface it is; of packets the sender, known by its cable
	Interface string // the node's interface; of packets the one that the cable is plugged into

	Address       netip.Prefix  // of addresses: with its prefix length, host bits kept
	ValidLifetime time.Duration // of addresses: what is left of valid_lft, whole seconds; 0: for ever

	LAN    string  // of packets
	ARP    *ARP    // of ARPSeen, else nil
	Advert *Advert // of AdvertSeen, else nil
}

// Gratuitous reports whether the event is an ARP packet by which the node announces the address as its own.
func (e Event) Gratuitous(addr netip.Addr) bool {
	return e.ARP != nil && e.ARP.Gratuitous() && e.ARP.SenderIP == addr
}

// String is one line without the date: time, node, interface, kind and facts.
func (e Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %v", e.Time.Format("15:04:05.000000"), e.Node, e.Interface, e.Kind)
	switch {
	case e.ARP != nil:
		fmt.Fprintf(&b, " on %s: %v", e.LAN, e.ARP)
	case e.Advert != nil:
		fmt.Fprintf(&b, " on %s: %v", e.LAN, e.Advert)
	case e.Address.IsValid():
		fmt.Fprintf(&b, " %v", e.Address)
		if e.ValidLifetime != 0 {
			fmt.Fprintf(&b, " for %v", e.ValidLifetime)
		}
	}
	return b.String()
}
