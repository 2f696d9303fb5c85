package vrrp

import (
	"fmt"
	"net/netip"
)

const (
	typeAdvert   = 1   // the only packet type there is (RFC 3768 section 5.3.2)
	headerLen    = 8   // octets before the first address, in every version
	maxAddresses = 255 // the count is one octet
)

// Parse reads one VRRP message, the payload of an IP packet from src to dst, into a. It keeps the memory of a.Addresses. An
// error is a DropReason; a is then of no use. Whether the advert concerns an instance is not asked here.
func Parse(b []byte, src, dst netip.Addr, a *Advert) error {
	if r := parse(b, src, dst, a); r != accepted {
		return r
	}
	return nil
}

func parse(b []byte, src, dst netip.Addr, a *Advert) DropReason {
	if len(b) < headerLen {
		return DropLength
	}
	switch Version(b[0] >> 4) {
	case V2:
		return parseV2(b, src, a)
	case V3:
		return parseV3(b, src, dst, a)
	default:
		return DropVersion
	}
}

// Append appends the VRRP message of a to b, for a packet from src to dst. Where it is to be sealed, room for the trailer
// follows. An error says what of a the version cannot express.
func Append(b []byte, src, dst netip.Addr, a *Advert) ([]byte, error) {
	switch a.Version {
	case V2:
		return appendV2(b, a)
	case V3:
		return appendV3(b, src, dst, a)
	default:
		return b, fmt.Errorf("encode advert: unknown version %d", a.Version)
	}
}
