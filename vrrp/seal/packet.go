package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

const (
	ipv4Len = 20 // octets of an IPv4 header without options
	ipv6Len = 40 // octets of an IPv6 header
)

// Check says why a packet cannot be sealed. It looks at lengths alone.
func Check(packet []byte) error {
	_, _, err := split(packet)
	return err
}

// Seal fills in the trailer of a whole IP packet with a VRRP message: the last Len octets, which the packet's lengths count and
// which may be a former seal. On IPv6 the checksum follows, for it covers them; it was right before. The sequence is that of
// the sender's Clock.
func (k Key) Seal(packet []byte, sequence uint64) error {
	if k.IsZero() {
		return errors.New("seal an advert: no key")
	}
	src, message, err := split(packet)
	if err != nil {
		return err
	}
	at := message[len(message)-Len:]
	former := [Len]byte(at)
	trailer{scheme: schemeSHA256, id: k.ID, sequence: sequence}.put(at)
	mac := k.mac(src, message)
	copy(at[macAt:], mac[:])
	if !src.Is4() {
		resum(message, former[:], at)
	}
	return nil
}

// split takes a packet apart into its source and the message with its trailer.
func split(packet []byte) (netip.Addr, []byte, error) {
	if len(packet) == 0 {
		return netip.Addr{}, nil, errors.New("seal an advert: the packet is empty")
	}
	header := int(packet[0]&0x0f) * 4
	v6 := packet[0]>>4 == 6
	if v6 {
		header = ipv6Len
	}
	switch {
	case !v6 && packet[0]>>4 != 4, header < ipv4Len:
		return netip.Addr{}, nil, errors.New("seal an advert: no IP packet")
	case len(packet) < header+minMessage:
		return netip.Addr{}, nil, fmt.Errorf("seal an advert: a packet of %d octets, want at least %d", len(packet), header+minMessage)
	case v6:
		return netip.AddrFrom16([16]byte(packet[8:])), packet[header:], nil
	default:
		return netip.AddrFrom4([4]byte(packet[12:])), packet[header:], nil
	}
}

// resum makes the checksum of a message right whose trailer was another one: HC' = ~(~HC + ~m + m') (RFC 1624 section 3).
func resum(message, former, present []byte) {
	sum := uint32(^binary.BigEndian.Uint16(message[checksumAt:]))
	for i := 0; i < Len; i += 2 {
		sum += uint32(^binary.BigEndian.Uint16(former[i:])) + uint32(binary.BigEndian.Uint16(present[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(message[checksumAt:], ^uint16(sum))
}
