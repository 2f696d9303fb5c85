package netlab

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
)

// ARP is an ARP packet for Ethernet and IPv4 (RFC 826).
type ARP struct {
	Source      net.HardwareAddr // of the frame
	Destination net.HardwareAddr // of the frame
	Operation   uint16           // 1: request, 2: reply
	SenderMAC   net.HardwareAddr
	SenderIP    netip.Addr
	TargetMAC   net.HardwareAddr
	TargetIP    netip.Addr
}

// Gratuitous reports whether the packet asks or answers for the sender's own address, which announces it.
func (a *ARP) Gratuitous() bool { return a.SenderIP == a.TargetIP }

// String is the packet in words.
func (a *ARP) String() string {
	switch {
	case a.Gratuitous():
		return fmt.Sprintf("gratuitous, %v is at %v", a.SenderIP, a.SenderMAC)
	case a.Operation == 1:
		return fmt.Sprintf("who has %v, tell %v at %v", a.TargetIP, a.SenderIP, a.SenderMAC)
	}
	return fmt.Sprintf("%v is at %v, told to %v", a.SenderIP, a.SenderMAC, a.TargetIP)
}

// Advert is a packet of IP protocol 112, whatever it holds.
type Advert struct {
	SourceMAC      net.HardwareAddr
	DestinationMAC net.HardwareAddr
	Source         netip.Addr
	Destination    netip.Addr
	TTL            uint8  // IPv6: hop limit
	Payload        []byte // the VRRP packet, without IP header
}

// String is the packet's way and its bytes.
func (a *Advert) String() string {
	return fmt.Sprintf("%v > %v, TTL %d: %x", a.Source, a.Destination, a.TTL, a.Payload)
}

// What the tap looks for.
const (
	etherTypeIPv4 = 0x0800
	etherTypeARP  = 0x0806
	etherTypeIPv6 = 0x86dd
	protocolVRRP  = 112 // RFC 9568 section 5.1.1.4
)

const (
	ethernetLen = 14
	arpLen      = 28 // for Ethernet and IPv4
	ipv4Len     = 20 // without options
	ipv6Len     = 40
)

// parseFrame reads an Ethernet frame. Both results are nil when it is neither ARP nor VRRP, or cut short. They do
// not refer to the frame.
func parseFrame(frame []byte) (*ARP, *Advert) {
	if len(frame) < ethernetLen {
		return nil, nil
	}
	frame = append([]byte(nil), frame...)
	destination, source := net.HardwareAddr(frame[0:6]), net.HardwareAddr(frame[6:12])
	body := frame[ethernetLen:]
	switch binary.BigEndian.Uint16(frame[12:]) {
	case etherTypeARP:
		arp := parseARP(body)
		if arp != nil {
			arp.Source, arp.Destination = source, destination
		}
		return arp, nil
	case etherTypeIPv4:
		return nil, withMACs(parseIPv4(body), source, destination)
	case etherTypeIPv6:
		return nil, withMACs(parseIPv6(body), source, destination)
	}
	return nil, nil
}

func withMACs(a *Advert, source, destination net.HardwareAddr) *Advert {
	if a != nil {
		a.SourceMAC, a.DestinationMAC = source, destination
	}
	return a
}

// ethernetIPv4 is how an ARP packet for Ethernet and IPv4 begins: types of hardware and protocol, their lengths.
const ethernetIPv4 = 0x0001_0800_0604

func parseARP(b []byte) *ARP {
	if len(b) < arpLen || binary.BigEndian.Uint64(b)>>16 != ethernetIPv4 {
		return nil
	}
	return &ARP{
		Operation: binary.BigEndian.Uint16(b[6:]),
		SenderMAC: net.HardwareAddr(b[8:14]),
		SenderIP:  netip.AddrFrom4([4]byte(b[14:18])),
		TargetMAC: net.HardwareAddr(b[18:24]),
		TargetIP:  netip.AddrFrom4([4]byte(b[24:28])),
	}
}

func parseIPv4(b []byte) *Advert {
	if len(b) < ipv4Len || b[0]>>4 != 4 || b[9] != protocolVRRP {
		return nil
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:])) // octets; what follows total is padding
	if header < ipv4Len || total < header || len(b) < total {
		return nil
	}
	return &Advert{
		Source:      netip.AddrFrom4([4]byte(b[12:16])),
		Destination: netip.AddrFrom4([4]byte(b[16:20])),
		TTL:         b[8],
		Payload:     b[header:total],
	}
}

func parseIPv6(b []byte) *Advert {
	if len(b) < ipv6Len || b[0]>>4 != 6 || b[6] != protocolVRRP {
		return nil
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if len(b)-ipv6Len < length {
		return nil
	}
	return &Advert{
		Source:      netip.AddrFrom16([16]byte(b[8:24])),
		Destination: netip.AddrFrom16([16]byte(b[24:40])),
		TTL:         b[7],
		Payload:     b[ipv6Len : ipv6Len+length],
	}
}
