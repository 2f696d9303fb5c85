package tracker

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/mdlayher/ndp"
)

// What neighbour discovery takes of IPv6 (RFC 8200 section 3) and ICMPv6 (RFC 4443).
const (
	ipv6Len    = 40
	protoICMP6 = 58
	typeNA     = 136 // Neighbor Advertisement (RFC 4861 section 4.4)
	minNA      = 24
	// hopLimitND is what neighbour discovery is sent with and accepted with: no router lets it through (RFC 4861 section
	// 7.1.2, https://www.rfc-editor.org/rfc/rfc4861).
	hopLimitND = 255
)

var errNoIPv6 = errors.New("the interface has no IPv6 address of its own")

// solicitation is a neighbour solicitation: "Nodes send Neighbor Solicitations to request the link-layer address of a target
// node while also providing their own link-layer address to the target" (RFC 4861 section 4.3).
type solicitation struct {
	mac     net.HardwareAddr // our interface's
	source  netip.Addr       // our own address
	gateway netip.Addr
}

// packet returns the solicitation from its IPv6 header on.
func (s solicitation) packet() ([]byte, error) {
	if len(s.mac) != 6 {
		return nil, errNoEthernet
	}
	message := &ndp.NeighborSolicitation{
		TargetAddress: s.gateway,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: s.mac}},
	}
	group := s.group()
	icmp, err := ndp.MarshalMessageChecksum(message, s.source, group)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, ipv6Len+len(icmp))
	b = append(b, 6<<4, 0, 0, 0) // version; traffic class and flow label 0
	b = binary.BigEndian.AppendUint16(b, uint16(len(icmp)))
	b = append(b, protoICMP6, hopLimitND)
	b = append(b, s.source.AsSlice()...)
	b = append(b, group.AsSlice()...)
	return append(b, icmp...), nil
}

// group is the solicited-node multicast address of the gateway (RFC 4291 section 2.7.1).
func (s solicitation) group() netip.Addr {
	a := s.gateway.As16()
	return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 11: 1, 12: 0xff, 13: a[13], 14: a[14], 15: a[15]})
}

// groupMAC is where Ethernet has the group (RFC 2464 section 7).
func (s solicitation) groupMAC() net.HardwareAddr {
	a := s.gateway.As16()
	return net.HardwareAddr{0x33, 0x33, 0xff, a[13], a[14], a[15]}
}

// answeredBy returns who answers s with b, which came from a link-layer address: an advertisement of the gateway that was
// solicited, and sent to us. One to all nodes is none, for anybody may announce. The option with the link-layer address may be
// left out of an answer (RFC 4861 section 4.4).
func (s solicitation) answeredBy(b []byte, from net.HardwareAddr) (mac net.HardwareAddr, ok bool) {
	if len(b) < ipv6Len+minNA || b[0]>>4 != 6 || b[6] != protoICMP6 || b[7] != hopLimitND {
		return nil, false
	}
	source, dst := b[8:24], b[24:40]
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length < minNA || len(b) < ipv6Len+length || netip.AddrFrom16([16]byte(dst)) != s.source {
		return nil, false
	}
	icmp := b[ipv6Len : ipv6Len+length]
	if icmp[0] != typeNA || icmp[1] != 0 || !soundICMP6(source, dst, icmp) {
		return nil, false
	}
	message, err := ndp.ParseMessage(icmp)
	if err != nil {
		return nil, false
	}
	na, ok := message.(*ndp.NeighborAdvertisement)
	if !ok || !na.Solicited || na.TargetAddress != s.gateway {
		return nil, false
	}
	for _, o := range na.Options {
		if l, ok := o.(*ndp.LinkLayerAddress); ok && l.Direction == ndp.Target {
			return l.Addr, true
		}
	}
	return slices.Clone(from), true
}

// soundICMP6 verifies the checksum over the pseudo header (RFC 8200 section 8.1) and the message.
func soundICMP6(source, dst, icmp []byte) bool {
	sum := uint32(len(icmp)) + protoICMP6
	for _, part := range [][]byte{source, dst, icmp} {
		for i, octet := range part {
			sum += uint32(octet) << (8 * (1 - i%2))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum == 0xffff
}

// sourceFor6 chooses who asks, as sourceFor does: an address in the gateway's network before a link-local one, and that before
// others. Without any of our own nobody asks: a solicitation without a source claims the address for itself.
func sourceFor6(g Gateway, addresses []netip.Prefix) (netip.Addr, error) {
	var best netip.Addr
	for _, p := range addresses {
		a := p.Addr()
		switch {
		case !a.Is6() || a.Is4In6() || slices.Contains(g.Virtual, a):
		case p.Contains(g.Address):
			return a, nil
		case !best.IsValid(), a.IsLinkLocalUnicast() && !best.IsLinkLocalUnicast():
			best = a
		}
	}
	if !best.IsValid() {
		return best, errNoIPv6
	}
	return best, nil
}
