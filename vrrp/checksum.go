package vrrp

import "net/netip"

// checksum is the Internet checksum of b (RFC 1071). Of a message that carries its own correct checksum it is 0.
// Version 2 sums the VRRP message alone, without a pseudo header (RFC 3768 section 5.3.8). So does RFC 9568 section 5.2.8
// for version 3 on IPv4.
func checksum(b []byte) uint16 { return fold(add(0, b)) }

// pseudoChecksum is the checksum of a message together with the pseudo header of its packet: source, destination,
// protocol and length. RFC 5798 section 5.2.8 has it so for version 3, and RFC 9568 section 5.2.8 on IPv6. src and dst are
// of one family; the fields of its pseudo header sum up to the same (RFC 793 section 3.1, RFC 8200 section 8.1).
func pseudoChecksum(src, dst netip.Addr, b []byte) uint16 {
	sum := protocol + uint32(len(b))
	for _, a := range [...]netip.Addr{src, dst} {
		if a.Is4() {
			four := a.As4()
			sum = add(sum, four[:])
			continue
		}
		sixteen := a.As16()
		sum = add(sum, sixteen[:])
	}
	return fold(add(sum, b))
}

// add adds the words of b to a sum. 64 KiB of 0xffff do not overflow it.
func add(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

// fold makes a checksum of a sum.
func fold(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
