package vrrp

import (
	"encoding/binary"
	"net/netip"
)

const (
	protocol  = 112  // VRRP (RFC 3768 section 5.2.4)
	advertTTL = 255  // a packet from beyond a router has less (section 5.2.3)
	advertTOS = 0xc0 // internetwork control, as Keepalived sets it
	ipv4Len   = 20   // octets of an IPv4 header without options

	// maxPacket holds the longest IPv4 advert, which is one of v2, in the longest header.
	maxPacket = 60 + headerLen + 4*maxAddresses + authLen
)

// appendIPv4 appends an IPv4 header for a payload of n octets. Identification 0 and no flags, so the packet may be
// fragmented: Linux fills in an identification of its own on the way out. src and dst are IPv4.
func appendIPv4(b []byte, src, dst netip.Addr, n int) []byte {
	start := len(b)
	b = append(b, 4<<4|ipv4Len/4, advertTOS)
	b = binary.BigEndian.AppendUint16(b, uint16(ipv4Len+n)) // a VRRP message has at most 1036 octets
	b = append(b, 0, 0, 0, 0, advertTTL, protocol, 0, 0)
	from, to := src.As4(), dst.As4()
	b = append(append(b, from[:]...), to[:]...)
	binary.BigEndian.PutUint16(b[start+10:], checksum(b[start:]))
	return b
}

// appendPacket appends a whole IPv4 packet that carries ad from src to dst.
func appendPacket(b []byte, src, dst netip.Addr, ad *Advert) ([]byte, error) {
	start := len(b)
	n := headerLen + 4*len(ad.Addresses)
	if ad.Version == V2 {
		n += authLen
	}
	b = appendIPv4(b, src, dst, n)
	b, err := Append(b, src, dst, ad)
	if err != nil {
		return b[:start], err
	}
	return b, nil
}

// datagram is the part of an IPv4 packet that VRRP looks at.
type datagram struct {
	src     netip.Addr
	dst     netip.Addr
	ttl     uint8
	payload []byte // aliases the packet
}

// parseIPv4 takes an IPv4 packet apart, as a raw socket delivers it: the kernel has verified the header's checksum. It
// reports false when the packet is shorter than it says. What lies behind the total length is Ethernet's padding.
func parseIPv4(b []byte) (datagram, bool) {
	if len(b) < ipv4Len || b[0]>>4 != 4 {
		return datagram{}, false
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if header < ipv4Len || total < header || len(b) < total {
		return datagram{}, false
	}
	return datagram{
		src:     netip.AddrFrom4([4]byte(b[12:])),
		dst:     netip.AddrFrom4([4]byte(b[16:])),
		ttl:     b[8],
		payload: b[header:total],
	}, true
}
