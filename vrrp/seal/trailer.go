package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
)

// Len is the length of the trailer, in octets.
//
//	 0 scheme, 1: HMAC-SHA256
//	 1 key id
//	 2 reserved, 0
//	 4 sequence: seconds since 1970, modulo 2^32
//	 8 sequence: their fraction, in 2^-16 s
//	10 sequence: counter among equal times
//	12 the first 16 octets of the HMAC
const Len = 28

const (
	schemeSHA256 = 1
	macAt        = 12 // offset of the HMAC in the trailer
	macLen       = Len - macAt

	checksumAt  = 6 // offset of the checksum in a VRRP message, of two octets
	headerLen   = 8 // octets of a VRRP message before the first address
	pseudoLen   = 20
	minMessage  = headerLen + Len
	checksumLen = 2
)

// trailer is what a trailer says, but for its HMAC.
type trailer struct {
	scheme, id uint8
	reserved   uint16
	sequence   uint64
}

// parseTrailer reads the last Len octets of a message.
func parseTrailer(message []byte) (t trailer, mac []byte) {
	b := message[len(message)-Len:]
	return trailer{
		scheme:   b[0],
		id:       b[1],
		reserved: binary.BigEndian.Uint16(b[2:]),
		sequence: binary.BigEndian.Uint64(b[4:]),
	}, b[macAt:]
}

// put writes t over the first octets of a trailer.
func (t trailer) put(b []byte) {
	b[0], b[1] = t.scheme, t.id
	binary.BigEndian.PutUint16(b[2:], t.reserved)
	binary.BigEndian.PutUint64(b[4:], t.sequence)
}

// mac is the HMAC of a message from src whose trailer is complete but for it. The checksum counts as zero, for IPv6's covers the
// trailer itself. The pseudo header binds the message to one virtual router and sender; where it goes is left out, so peers
// get the same.
func (k Key) mac(src netip.Addr, message []byte) [macLen]byte {
	var pseudo [pseudoLen]byte
	pseudo[0], pseudo[1], pseudo[2] = 4, message[0]>>4, message[1]
	if src.Is4() {
		four := src.As4()
		copy(pseudo[4:], four[:])
	} else {
		sixteen := src.As16()
		pseudo[0] = 6
		copy(pseudo[4:], sixteen[:])
	}
	var zero [macLen]byte
	h := hmac.New(sha256.New, *k.secret.octets)
	for _, part := range [...][]byte{
		pseudo[:],
		message[:checksumAt],
		zero[:checksumLen],
		message[checksumAt+checksumLen : len(message)-macLen],
		zero[:],
	} {
		h.Write(part) // never fails
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return [macLen]byte(sum[:])
}
