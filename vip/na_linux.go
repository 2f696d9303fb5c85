package vip

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/mdlayher/ndp"
	"golang.org/x/sys/unix"
)

const (
	ipv6HeaderLen = 40
	// ndHopLimit is what neighbour discovery is sent with and accepted with, which no router lets through:
	// RFC 4861 section 7.1.2, https://www.rfc-editor.org/rfc/rfc4861.
	ndHopLimit = 255
)

// allNodes is ff02::1, and allNodesMAC where Ethernet has it (RFC 2464 section 7).
func allNodes() netip.Addr { return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x01}) }

func allNodesMAC() net.HardwareAddr { return net.HardwareAddr{0x33, 0x33, 0, 0, 0, 1} }

// unsolicitedNA is an IPv6 packet from the address to all nodes which says that the address is at mac:
// RFC 9568 section 6.4.2, https://www.rfc-editor.org/rfc/rfc9568, "Send an unsolicited ND Neighbor Advertisement with
// the Router Flag (R) set, the Solicited Flag (S) clear, the Override flag (O) set". R is set only when the node is a
// router on the interface, as Keepalived has it: hosts would take one that is none as their default router.
func unsolicitedNA(mac net.HardwareAddr, addr netip.Addr, router bool) ([]byte, error) {
	if len(mac) != 6 {
		return nil, errNoMAC
	}
	na := &ndp.NeighborAdvertisement{
		Router:        router,
		Override:      true,
		TargetAddress: addr,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: mac}},
	}
	icmp, err := ndp.MarshalMessageChecksum(na, addr, allNodes())
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, ipv6HeaderLen+len(icmp))
	b = append(b, 6<<4, 0, 0, 0) // version; traffic class and flow label 0
	b = binary.BigEndian.AppendUint16(b, uint16(len(icmp)))
	b = append(b, unix.IPPROTO_ICMPV6, ndHopLimit)
	b = append(b, addr.AsSlice()...)
	b = append(b, allNodes().AsSlice()...)
	return append(b, icmp...), nil
}
