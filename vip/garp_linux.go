package vip

import (
	"errors"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
)

// broadcast is ff:ff:ff:ff:ff:ff.
func broadcast() net.HardwareAddr { return net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} }

var errNoMAC = errors.New("the interface has no Ethernet address")

// gratuitousARP is an ARP request whose sender and target are the address, with an all-ones target hardware address
// as Keepalived sends it: RFC 9568 section 6.4.1 with errata 7947 and 7949, https://www.rfc-editor.org/rfc/rfc9568.
// Only arp's packets are of use: its client would want an IPv4 address on the interface, and receive all ARP.
func gratuitousARP(mac net.HardwareAddr, addr netip.Addr) ([]byte, error) {
	if len(mac) != 6 {
		return nil, errNoMAC
	}
	p, err := arp.NewPacket(arp.OperationRequest, mac, addr, broadcast(), addr)
	if err != nil {
		return nil, err
	}
	return p.MarshalBinary()
}
