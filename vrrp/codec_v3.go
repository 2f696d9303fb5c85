package vrrp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

const (
	centisecond   = 10 * time.Millisecond
	maxIntervalV3 = 0x0fff * centisecond // the field has 12 bits (RFC 9568 section 5.2.7)
)

// parseV3 reads the packet of RFC 9568 section 5.1. b has headerLen octets at least. The checks stand in the order of
// parseV2.
func parseV3(b []byte, src, dst netip.Addr, a *Advert) DropReason {
	if b[0]&0x0f != typeAdvert {
		return DropType
	}
	count := int(b[3])
	n := messageLen(src, count)
	if len(b) != n && len(b) != n+seal.Len {
		return DropLength
	}
	sealed := len(b) != n
	if src.Is4() {
		b = b[:n] // IPv6's checksum is the kernel's, which knows no trailer
	}
	// RFC 5798 sums the pseudo header up, RFC 9568 does not on IPv4. Both are in use, so both count, and nothing else.
	bare := pseudoChecksum(src, dst, b) != 0
	if bare && (!src.Is4() || checksum(b) != 0) {
		return DropChecksum
	}
	// "The minimum value is 1. If the received count is 0, the VRRP Advertisement MUST be ignored." (RFC 9568 section
	// 5.2.5, erratum 8299)
	if count == 0 {
		return DropNoAddress
	}
	// The four bits before the interval are reserved: "MUST be set to zero on transmission and ignored on reception"
	// (section 5.2.6).
	interval := fromCentiseconds(binary.BigEndian.Uint16(b[4:]) & 0x0fff)
	if interval == 0 {
		return DropIntervalZero // erratum 8301
	}
	*a = Advert{
		Version:      V3,
		VRID:         b[1],
		Priority:     b[2],
		Interval:     interval,
		Sealed:       sealed,
		BareChecksum: bare,
		Addresses:    a.Addresses[:0],
	}
	b = b[headerLen:]
	for range count {
		if src.Is4() {
			a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte(b)))
			b = b[4:]
			continue
		}
		a.Addresses = append(a.Addresses, netip.AddrFrom16([16]byte(b)))
		b = b[16:]
	}
	return accepted
}

// messageLen is the length of a version 3 message with count addresses of src's family.
func messageLen(src netip.Addr, count int) int { return headerLen + count*src.BitLen()/8 }

// appendV3 writes the packet of RFC 9568 section 5.1.
func appendV3(b []byte, src, dst netip.Addr, a *Advert) ([]byte, error) {
	interval := toCentiseconds(a.Interval)
	if interval == 0 || fromCentiseconds(interval) != a.Interval {
		return b, fmt.Errorf("encode advert: interval %v is not 10ms to 40.95s in steps of 10ms", a.Interval)
	}
	if n := len(a.Addresses); n == 0 || n > maxAddresses {
		return b, fmt.Errorf("encode advert: %d addresses, want 1 to %d", n, maxAddresses)
	}
	start := len(b)
	b = append(b, byte(V3)<<4|typeAdvert, a.VRID, a.Priority, byte(len(a.Addresses)))
	b = binary.BigEndian.AppendUint16(b, interval)
	b = append(b, 0, 0)
	for _, addr := range a.Addresses {
		// "the addresses ... MUST belong to the IPvX family" of the packet (section 5.2.9)
		if addr.Is4() != src.Is4() {
			return b[:start], fmt.Errorf("encode advert: %v is not of the family of the source %v", addr, src)
		}
		if addr.Is4() {
			four := addr.As4()
			b = append(b, four[:]...)
			continue
		}
		sixteen := addr.As16()
		b = append(b, sixteen[:]...)
	}
	end := len(b)
	if a.Sealed {
		b = append(b, make([]byte, seal.Len)...)
	}
	covered := b[start:]
	if src.Is4() {
		covered = b[start:end]
	}
	sum := pseudoChecksum(src, dst, covered)
	if a.BareChecksum && src.Is4() {
		sum = checksum(covered)
	}
	binary.BigEndian.PutUint16(b[start+6:], sum)
	return b, nil
}

// toCentiseconds is d as version 3 writes it: whole centiseconds, at least 0 and at most what 12 bits hold.
func toCentiseconds(d time.Duration) uint16 {
	return uint16(min(max(d, 0), maxIntervalV3) / centisecond)
}

// fromCentiseconds is the inverse of toCentiseconds. Any value of the type is a duration of its own: the product is
// one of 64 bits.
func fromCentiseconds(cs uint16) time.Duration { return time.Duration(cs) * centisecond }
