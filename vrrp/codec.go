package vrrp

import "fmt"

const (
	typeAdvert = 1 // the only packet type there is (RFC 3768 section 5.3.2)
	headerLen  = 8 // octets before the first address, in every version
)

// Parse reads one VRRP message, the payload of an IP packet, into a. It keeps the memory of a.Addresses. An error is a
// DropReason; a is then of no use. Whether the advert concerns an instance is not asked here.
func Parse(b []byte, a *Advert) error {
	if r := parse(b, a); r != accepted {
		return r
	}
	return nil
}

func parse(b []byte, a *Advert) DropReason {
	if len(b) < headerLen {
		return DropLength
	}
	switch Version(b[0] >> 4) {
	case V2:
		return parseV2(b, a)
	default:
		return DropVersion
	}
}

// Append appends the VRRP message of a to b. An error says what of a the version cannot express.
func Append(b []byte, a *Advert) ([]byte, error) {
	switch a.Version {
	case V2:
		return appendV2(b, a)
	default:
		return b, fmt.Errorf("encode advert: unknown version %d", a.Version)
	}
}
