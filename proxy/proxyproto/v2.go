package proxyproto

import (
	"encoding/binary"
	"net/netip"
)

// The fixed part of version 2 (the text, section 2.2): signature, version and command, family and transport, length of what follows.
const (
	signature = "\r\n\r\n\x00\r\nQUIT\n"
	fixed     = len(signature) + 4

	version2 = 0x20
	local    = 0x0
	proxied  = 0x1

	unspecified = 0x00
	tcp4        = 0x11
	tcp6        = 0x21
	unixStream  = 0x31
)

// What the addresses of each family take, in octets.
const (
	octets4    = 2*4 + 2*2
	octets6    = 2*16 + 2*2
	octetsUnix = 2 * 108
)

// parseV2 reads a header that begins with signature, as far as it has come. What follows the addresses is skipped (the text,
// section 2.2.1: "a receiver [...] just ignores" what it does not know).
func parseV2(b []byte) (h Header, n int, err error) {
	if len(b) > len(signature) {
		if command := b[len(signature)]; command != version2|local && command != version2|proxied {
			return h, 0, Malformed
		}
	}
	if len(b) < fixed {
		return h, 0, nil
	}
	n = fixed + int(binary.BigEndian.Uint16(b[fixed-2:]))
	switch {
	case n > Most:
		return h, 0, TooLarge
	case len(b) < n:
		return h, 0, nil
	}
	h.Version = V2
	if b[len(signature)] == version2|local { // "the receiver must [...] discard the protocol block including the family"
		return h, n, nil
	}
	body := b[fixed:n]
	switch family := b[len(signature)+1]; {
	case family == unspecified, family == unixStream && len(body) >= octetsUnix:
	case family == tcp4 && len(body) >= octets4:
		h.Source, h.Destination = addresses(body, 4)
	case family == tcp6 && len(body) >= octets6:
		h.Source, h.Destination = addresses(body, 16)
	default: // too short, or of no stream
		return Header{}, 0, Malformed
	}
	return h, n, nil
}

// addresses reads two addresses of so many octets, and their ports.
func addresses(b []byte, octets int) (source, destination netip.AddrPort) {
	a, _ := netip.AddrFromSlice(b[:octets]) // of 4 or 16 octets
	z, _ := netip.AddrFromSlice(b[octets : 2*octets])
	ports := b[2*octets:]
	return netip.AddrPortFrom(a.Unmap(), binary.BigEndian.Uint16(ports)), netip.AddrPortFrom(z.Unmap(), binary.BigEndian.Uint16(ports[2:]))
}

func appendV2(dst []byte, source, destination netip.AddrPort) []byte {
	dst = append(append(dst, signature...), version2|proxied)
	switch a, z := source.Addr(), destination.Addr(); {
	case !source.IsValid():
		return append(dst, unspecified, 0, 0)
	case a.Is4():
		dst = append(dst, tcp4, 0, octets4)
		dst = append(append(dst, a.AsSlice()...), z.AsSlice()...)
	default:
		dst = append(dst, tcp6, 0, octets6)
		dst = append(append(dst, a.AsSlice()...), z.AsSlice()...)
	}
	dst = binary.BigEndian.AppendUint16(dst, source.Port())
	return binary.BigEndian.AppendUint16(dst, destination.Port())
}
