package doctor

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Numbers of the packets that matter here.
const (
	etherTypeIPv4 = 0x0800
	etherTypeARP  = 0x0806
	etherTypeIPv6 = 0x86dd

	protocolIGMP = 2
	protocolUDP  = 17
	protocolVRRP = 112

	igmpQuery   = 0x11 // RFC 3376 section 4
	probePort   = 9    // discard (RFC 863): nobody answers a datagram to a group
	typeAdvert  = 1    // RFC 3768 section 5.3.2
	ethernetLen = 14
	arpLen      = 28 // for Ethernet and IPv4
	ipv4Len     = 20 // without options
	ipv6Len     = 40
	vrrpLen     = 8 // before the addresses
	udpLen      = 8
)

// advert is what a packet of VRRP says, of either version, right or wrong: the doctor looks at what others send, and
// whether it counts is the daemon's to judge.
type advert struct {
	source    netip.Addr
	version   uint8
	vrid      uint8
	priority  uint8
	authType  uint8         // v2
	interval  time.Duration // v2: whole seconds; v3: centiseconds
	addresses []netip.Addr  // as many as the packet has
}

// frame is what one Ethernet frame says that matters here; at most one of the rest is set.
type frame struct {
	mac     MAC // of the sender
	advert  *advert
	arp     *Answer    // the sender of an ARP packet, for its own address
	querier netip.Addr // of an IGMP query; invalid: it is none
	probe   bool       // it is a datagram to the group, port 9
}

// parseFrame reads an Ethernet frame. It refers to none of its memory.
func parseFrame(b []byte) frame {
	if len(b) < ethernetLen {
		return frame{}
	}
	f := frame{mac: MAC(b[6:12])}
	body := b[ethernetLen:]
	switch binary.BigEndian.Uint16(b[12:]) {
	case etherTypeARP:
		f.arp = parseARP(body)
	case etherTypeIPv4:
		f.parseIPv4(body)
	case etherTypeIPv6:
		f.parseIPv6(body)
	}
	return f
}

// ethernetIPv4 is how an ARP packet for Ethernet and IPv4 begins: types of hardware and protocol, their lengths (RFC 826).
const ethernetIPv4 = 0x0001_0800_0604

// parseARP returns whom an ARP packet is from. A probe (RFC 5227 section 2.1.1) is from nobody.
func parseARP(b []byte) *Answer {
	if len(b) < arpLen || binary.BigEndian.Uint64(b)>>16 != ethernetIPv4 {
		return nil
	}
	a := &Answer{MAC: MAC(b[8:14]), Address: netip.AddrFrom4([4]byte(b[14:18]))}
	if a.Address.IsUnspecified() {
		return nil
	}
	return a
}

func (f *frame) parseIPv4(b []byte) {
	if len(b) < ipv4Len || b[0]>>4 != 4 {
		return
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:])) // octets; what follows total is padding
	fragment := binary.BigEndian.Uint16(b[6:])&0x3fff != 0                 // more fragments, or not the first
	if header < ipv4Len || total < header || len(b) < total || fragment {
		return
	}
	source, destination, payload := netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20])), b[header:total]
	switch b[9] {
	case protocolVRRP:
		f.advert = parseAdvert(source, payload)
	case protocolIGMP:
		if len(payload) >= 8 && payload[0] == igmpQuery {
			f.querier = source
		}
	case protocolUDP:
		f.probe = destination == groupAddr() && len(payload) >= udpLen && binary.BigEndian.Uint16(payload[2:]) == probePort
	}
}

func (f *frame) parseIPv6(b []byte) {
	if len(b) < ipv6Len || b[0]>>4 != 6 || b[6] != protocolVRRP {
		return
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if len(b)-ipv6Len < length {
		return
	}
	f.advert = parseAdvert(netip.AddrFrom16([16]byte(b[8:24])), b[ipv6Len:ipv6Len+length])
}

// parseAdvert reads the payload of a packet of protocol 112 (RFC 3768 section 5.1, RFC 9568 section 5.1).
func parseAdvert(source netip.Addr, b []byte) *advert {
	if len(b) < vrrpLen || b[0]&0x0f != typeAdvert {
		return nil
	}
	a := &advert{source: source, version: b[0] >> 4, vrid: b[1], priority: b[2]}
	switch a.version {
	case 2:
		a.authType, a.interval = b[4], time.Duration(b[5])*time.Second
	case 3:
		a.interval = time.Duration(binary.BigEndian.Uint16(b[4:])&0x0fff) * 10 * time.Millisecond
	default:
		return nil
	}
	size := source.BitLen() / 8
	rest := b[vrrpLen:]
	for n := int(b[3]); n > 0 && len(rest) >= size; n-- {
		addr, _ := netip.AddrFromSlice(rest[:size]) // 4 or 16 octets are an address
		a.addresses = append(a.addresses, addr)
		rest = rest[size:]
	}
	return a
}

// groupAddr is group.
func groupAddr() netip.Addr { return netip.AddrFrom4([4]byte{224, 0, 0, 18}) }

// groupIPv6 is where adverts go over IPv6 (RFC 9568 section 5.1.2.2).
func groupIPv6() netip.Addr { return netip.AddrFrom16([16]byte{0xff, 0x02, 15: 0x12}) }
