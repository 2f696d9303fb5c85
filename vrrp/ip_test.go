package vrrp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
)

// The IPv4 header of an advert, octet by octet.
func TestRule1_2_4_6_9_AdvertHeader(t *testing.T) {
	ad := golden()[2].advert
	src := netip.MustParseAddr("10.77.0.1")
	b, err := appendPacket(nil, src, groupIPv4(), advertTTL, &ad)
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	check("rule 1, protocol", b[9], byte(112))
	check("rule 2, destination", netip.AddrFrom4([4]byte(b[16:20])), netip.MustParseAddr("224.0.0.18"))
	check("rule 4, TTL", b[8], byte(255)) // "The TTL MUST be set to 255." (RFC 3768 section 5.2.3)
	check("rule 6, source", netip.AddrFrom4([4]byte(b[12:16])), src)
	check("rule 9, TOS", b[1], byte(0xc0))
	check("rule 9, identification", binary.BigEndian.Uint16(b[4:]), uint16(0))
	check("rule 9, flags and fragment offset", binary.BigEndian.Uint16(b[6:]), uint16(0))
	check("version and header length", b[0], byte(0x45))
	check("total length", int(binary.BigEndian.Uint16(b[2:])), len(b))
	check("header checksum", checksum(b[:20]), uint16(0))
	if want := unhex(t, golden()[2].packet); !bytes.Equal(b[20:], want) {
		t.Errorf("payload: got %x, want %x", b[20:], want)
	}
}

func TestParseIPv4(t *testing.T) {
	ad := golden()[2].advert
	good, err := appendPacket(nil, keepalivedSrc, keepalivedDst, advertTTL, &ad)
	if err != nil {
		t.Fatal(err)
	}
	change := func(i int, v byte) []byte {
		b := bytes.Clone(good)
		b[i] = v
		return b
	}
	options := append([]byte{0x46}, good[1:20]...)
	options = append(options, 1, 1, 1, 1)
	options = append(options, good[20:]...)
	options[3] += 4
	tests := []struct {
		name    string
		packet  []byte
		ok      bool
		payload int
	}{
		{"as sent", good, true, 20},
		{"rule 38, Ethernet padding is not part of the packet", append(bytes.Clone(good), 0, 0, 0, 0), true, 20},
		{"options", options, true, 20},
		{"no payload", append(change(3, 20)[:20:20], 0), true, 0},
		{"empty", nil, false, 0},
		{"cut header", good[:19], false, 0},
		{"cut payload", good[:len(good)-1], false, 0},
		{"version 6", change(0, 0x65), false, 0},
		{"header length 4", change(0, 0x41), false, 0},
		{"header longer than the packet", change(0, 0x4f), false, 0},
		{"total length below the header", change(3, 19), false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, ok := parseIPv4(tt.packet)
			if ok != tt.ok || len(d.payload) != tt.payload {
				t.Errorf("got %v with %d octets, want %v with %d", ok, len(d.payload), tt.ok, tt.payload)
			}
		})
	}
}
