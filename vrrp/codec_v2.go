package vrrp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

const (
	authLen       = 8 // octets of authentication data, present whatever the type (RFC 3768 section 5.3.10)
	maxIntervalV2 = 255 * time.Second
)

// parseV2 reads the packet of RFC 3768 section 5.1. b has headerLen octets at least. There is no version 2 on IPv6.
//
// The checks stand in the order of section 7.1 as far as they concern the packet alone, but the type comes before the
// length, for only an advert's length is known.
func parseV2(b []byte, src netip.Addr, a *Advert) DropReason {
	if !src.Is4() {
		return DropVersion
	}
	if b[0]&0x0f != typeAdvert {
		return DropType
	}
	count := int(b[3])
	n := headerLen + 4*count + authLen
	if len(b) != n && len(b) != n+seal.Len {
		return DropLength
	}
	sealed := len(b) != n
	b = b[:n]
	// The checksum field is part of the sum, so a correct message sums to all ones.
	if checksum(b) != 0 {
		return DropChecksum
	}
	*a = Advert{
		Version:   V2,
		VRID:      b[1],
		Priority:  b[2],
		AuthType:  AuthType(b[4]),
		Interval:  time.Duration(b[5]) * time.Second,
		Sealed:    sealed,
		Addresses: a.Addresses[:0],
	}
	b = b[headerLen:]
	for range count {
		a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte(b)))
		b = b[4:]
	}
	// "The authentication string is currently only used to maintain backwards compatibility with RFC 2338. It SHOULD be
	// set to zero on transmission and ignored on reception." (section 5.3.10)
	if a.AuthType != AuthNone {
		a.AuthData = [authLen]byte(b)
	}
	return accepted
}

// appendV2 writes the packet of RFC 3768 section 5.1.
func appendV2(b []byte, a *Advert) ([]byte, error) {
	if a.Interval < 0 || a.Interval > maxIntervalV2 || a.Interval%time.Second != 0 {
		return b, fmt.Errorf("encode advert: interval %v is not 0 to 255 whole seconds", a.Interval)
	}
	if len(a.Addresses) > maxAddresses {
		return b, fmt.Errorf("encode advert: %d addresses, at most %d fit", len(a.Addresses), maxAddresses)
	}
	start := len(b)
	b = append(b, byte(V2)<<4|typeAdvert, a.VRID, a.Priority, byte(len(a.Addresses)),
		byte(a.AuthType), byte(a.Interval/time.Second), 0, 0)
	for _, addr := range a.Addresses {
		if !addr.Is4() {
			return b[:start], fmt.Errorf("encode advert: %v is not an IPv4 address", addr)
		}
		four := addr.As4()
		b = append(b, four[:]...)
	}
	b = append(b, a.AuthData[:]...)
	binary.BigEndian.PutUint16(b[start+6:], checksum(b[start:]))
	if a.Sealed {
		b = append(b, make([]byte, seal.Len)...)
	}
	return b, nil
}
