package vrrp

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

const (
	protocol  = 112  // VRRP (RFC 3768 section 5.2.4)
	advertTTL = 255  // of multicast, also the hop limit; a packet from beyond a router has less (section 5.2.3)
	advertTOS = 0xc0 // internetwork control, as Keepalived sets it; also the traffic class
	ipv4Len   = 20   // octets of an IPv4 header without options
	ipv6Len   = 40   // octets of an IPv6 header

	// maxPacket holds the longest advert, one of IPv6 with 255 addresses and a trailer.
	maxPacket = ipv6Len + headerLen + 16*maxAddresses + seal.Len
)

// appendPacket appends a whole IP packet that carries ad from src to dst. ttl is also the hop limit.
func appendPacket(b []byte, src, dst netip.Addr, ttl uint8, ad *Advert) ([]byte, error) {
	start := len(b)
	if !src.IsValid() || src.BitLen() != dst.BitLen() {
		return b, fmt.Errorf("encode advert: source %v and destination %v are not of one family", src, dst)
	}
	n := messageLen(src, len(ad.Addresses))
	if ad.Version == V2 {
		n += authLen
	}
	if ad.Sealed {
		n += seal.Len
	}
	if src.Is4() {
		b = appendIPv4(b, src, dst, ttl, n)
	} else {
		b = appendIPv6(b, src, dst, ttl, n)
	}
	b, err := Append(b, src, dst, ad)
	if err != nil {
		return b[:start], err
	}
	return b, nil
}

// appendIPv4 appends an IPv4 header for a payload of n octets. Identification 0 and no flags, so the packet may be
// fragmented: Linux fills in an identification of its own on the way out.
func appendIPv4(b []byte, src, dst netip.Addr, ttl uint8, n int) []byte {
	start := len(b)
	b = append(b, 4<<4|ipv4Len/4, advertTOS)
	b = binary.BigEndian.AppendUint16(b, uint16(ipv4Len+n)) // a VRRP message has at most 1036 octets, and a trailer 28
	b = append(b, 0, 0, 0, 0, ttl, protocol, 0, 0)
	from, to := src.As4(), dst.As4()
	b = append(append(b, from[:]...), to[:]...)
	binary.BigEndian.PutUint16(b[start+10:], checksum(b[start:]))
	return b
}

// appendIPv6 appends an IPv6 header for a payload of n octets (RFC 8200 section 3).
func appendIPv6(b []byte, src, dst netip.Addr, ttl uint8, n int) []byte {
	b = append(b, 6<<4|advertTOS>>4, advertTOS<<4&0xff, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(n)) // a VRRP message has at most 4088 octets, and a trailer 28
	b = append(b, protocol, ttl)
	from, to := src.As16(), dst.As16()
	return append(append(b, from[:]...), to[:]...)
}

// datagram is the part of an IP packet that VRRP looks at.
type datagram struct {
	src, dst netip.Addr
	ttl      uint8  // or hop limit
	payload  []byte // aliases the packet
}

// parsePacket takes an IP packet apart, as a Conn delivers it. It reports false when the packet is shorter than it says.
func parsePacket(b []byte) (datagram, bool) {
	if len(b) > 0 && b[0]>>4 == 6 {
		return parseIPv6(b)
	}
	return parseIPv4(b)
}

// parseIPv4 takes an IPv4 packet apart: the kernel has verified the header's checksum. What lies behind the total length is
// Ethernet's padding.
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

// parseIPv6 takes an IPv6 packet without extension headers apart.
func parseIPv6(b []byte) (datagram, bool) {
	if len(b) < ipv6Len || b[0]>>4 != 6 || b[6] != protocol {
		return datagram{}, false
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if len(b) < ipv6Len+n {
		return datagram{}, false
	}
	return datagram{
		src:     netip.AddrFrom16([16]byte(b[8:])),
		dst:     netip.AddrFrom16([16]byte(b[24:])),
		ttl:     b[7],
		payload: b[ipv6Len : ipv6Len+n],
	}, true
}
