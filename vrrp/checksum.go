package vrrp

// checksum is the Internet checksum of b (RFC 1071). Of a message that carries its own correct checksum it is 0.
// Version 2 sums the VRRP message alone, without a pseudo header (RFC 3768 section 5.3.8).
func checksum(b []byte) uint16 {
	var sum uint32 // 64 KiB of 0xffff do not overflow it
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
