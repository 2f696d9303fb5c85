package vrrp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

func addrs(list ...string) []netip.Addr {
	var all []netip.Addr
	for _, a := range list {
		all = append(all, netip.MustParseAddr(a))
	}
	return all
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// vector is a packet as it is on real wires.
type vector struct {
	name, provenance, packet string
	advert                   Advert
}

var (
	keepalivedSrc = netip.MustParseAddr("10.77.0.1")
	keepalivedDst = netip.MustParseAddr("224.0.0.18")
)

// golden are packets of version 2.
func golden() []vector {
	pass := func(s string) [authLen]byte { return Auth{Type: AuthPass, Password: s}.data() }
	return []vector{
		{"none", "computed from RFC 3768 by hand", "213364010001f210c0a8c8100000000000000000",
			Advert{Version: V2, VRID: 51, Priority: 100, Interval: time.Second, Addresses: addrs("192.168.200.16")}},
		{"PASS 1111", "computed from RFC 2338 by hand", "2133640101018eaec0a8c8103131313100000000",
			Advert{Version: V2, VRID: 51, Priority: 100, Interval: time.Second, AuthType: AuthPass, AuthData: pass("1111"),
				Addresses: addrs("192.168.200.16")}},
		{"keepalived PASS", "Keepalived 2.2.7 on the wire", "21336501 0101fac7 0a4d0064 7333637265743737",
			Advert{Version: V2, VRID: 51, Priority: 101, Interval: time.Second, AuthType: AuthPass, AuthData: pass("s3cret77"),
				Addresses: addrs("10.77.0.100")}},
		{"keepalived none", "Keepalived 2.2.7 on the wire", "21336501 00016f19 0a4d0064 0000000000000000",
			Advert{Version: V2, VRID: 51, Priority: 101, Interval: time.Second, Addresses: addrs("10.77.0.100")}},
		{"keepalived two addresses", "Keepalived 2.2.7 on the wire", "21336502 0101f014 0a4d0064 0a4d0065 7333637265743737",
			Advert{Version: V2, VRID: 51, Priority: 101, Interval: time.Second, AuthType: AuthPass, AuthData: pass("s3cret77"),
				Addresses: addrs("10.77.0.100", "10.77.0.101")}},
	}
}

// Rules 13, 14, 16, 25, 32: the layout of RFC 3768 section 5.1, its checksum "of the entire VRRP message starting with the
// version field", and the golden packets both ways.
func TestRule13_14_16_25_32_Golden(t *testing.T) {
	for _, tt := range golden() {
		t.Run(tt.name, func(t *testing.T) {
			want := unhex(t, tt.packet)
			got, err := Append(nil, keepalivedSrc, keepalivedDst, &tt.advert)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("Append: got %x, want %x (%s)", got, want, tt.provenance)
			}
			var ad Advert
			if err := Parse(want, keepalivedSrc, keepalivedDst, &ad); err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if !reflect.DeepEqual(ad, tt.advert) {
				t.Errorf("Parse: got %+v, want %+v", ad, tt.advert)
			}
			if n := len(want); n != 8+4*len(ad.Addresses)+8 {
				t.Errorf("rule 16: %d octets for %d addresses", n, len(ad.Addresses))
			}
		})
	}
}

// Rule 16: "It SHOULD be set to zero on transmission and ignored on reception." (RFC 3768 section 5.3.10)
func TestRule16_AuthDataIgnoredWithoutAuthentication(t *testing.T) {
	b := unhex(t, golden()[0].packet)
	copy(b[12:], "leftover")
	fix(b)
	var ad Advert
	if err := Parse(b, keepalivedSrc, keepalivedDst, &ad); err != nil {
		t.Fatal(err)
	}
	if ad.AuthData != [authLen]byte{} {
		t.Errorf("got authentication data %q, want none", ad.AuthData)
	}
}

// fix makes the checksum of a message right.
func fix(b []byte) []byte {
	b[6], b[7] = 0, 0
	sum := checksum(b)
	b[6], b[7] = byte(sum>>8), byte(sum)
	return b
}

// Rule 24: 255 is the owner's, 0 resigns, 1 to 254 are those of backups; all of them travel.
func TestRule24_Priorities(t *testing.T) {
	for _, p := range []uint8{PriorityResign, 1, 100, 254, PriorityOwner} {
		ad := golden()[2].advert
		ad.Priority = p
		b, err := Append(nil, keepalivedSrc, keepalivedDst, &ad)
		if err != nil {
			t.Fatal(err)
		}
		var got Advert
		if err := Parse(b, keepalivedSrc, keepalivedDst, &got); err != nil || got.Priority != p || b[2] != p {
			t.Errorf("priority %d: got %d, octet %d, error %v", p, got.Priority, b[2], err)
		}
	}
}

func TestRule38_39_40_41_ParseDrops(t *testing.T) {
	good := unhex(t, golden()[4].packet)
	change := func(i int, v byte) []byte {
		b := bytes.Clone(good)
		b[i] = v
		return fix(b)
	}
	tests := []struct {
		name   string
		packet []byte
		want   DropReason
	}{
		{"rule 38 empty", nil, DropLength},
		{"rule 38 shorter than the fixed fields", good[:7], DropLength},
		{"rule 38 an address is missing", good[:12], DropLength},
		{"rule 38 authentication data is missing", good[:len(good)-8], DropLength},
		{"rule 38 authentication data is cut", good[:len(good)-1], DropLength},
		{"rule 38 longer than it says", append(bytes.Clone(good), 0), DropLength},
		{"rule 38 one address more than there is", change(3, 3), DropLength},
		{"rule 39 version 1", change(0, 0x11), DropVersion},
		{"rule 39 version 4", change(0, 0x41), DropVersion},
		{"rule 40 type 2", change(0, 0x22), DropType},
		{"rule 40 type 0", change(0, 0x20), DropType},
		{"rule 41 one bit of an address", func() []byte { b := bytes.Clone(good); b[9] ^= 1; return b }(), DropChecksum},
		{"rule 41 one bit of the authentication data", func() []byte { b := bytes.Clone(good); b[19] ^= 1; return b }(), DropChecksum},
		{"rule 41 checksum zero", func() []byte { b := bytes.Clone(good); b[6], b[7] = 0, 0; return b }(), DropChecksum},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var ad Advert
			if err := Parse(tt.packet, keepalivedSrc, keepalivedDst, &ad); err != tt.want {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestAppendRefusesWhatV2CannotSay(t *testing.T) {
	many := make([]netip.Addr, 256)
	for i := range many {
		many[i] = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
	}
	tests := []struct {
		name string
		set  func(*Advert)
		want string
	}{
		{"rule 14 half a second", func(a *Advert) { a.Interval = 500 * time.Millisecond }, "encode advert: interval 500ms is not 0 to 255 whole seconds"},
		{"rule 14 256 s", func(a *Advert) { a.Interval = 256 * time.Second }, "encode advert: interval 4m16s is not 0 to 255 whole seconds"},
		{"rule 14 negative", func(a *Advert) { a.Interval = -time.Second }, "encode advert: interval -1s is not 0 to 255 whole seconds"},
		{"rule 13 256 addresses", func(a *Advert) { a.Addresses = many }, "encode advert: 256 addresses, at most 255 fit"},
		{"IPv6", func(a *Advert) { a.Addresses = addrs("10.0.0.1", "fd00::1") }, "encode advert: fd00::1 is not an IPv4 address"},
		{"version 4", func(a *Advert) { a.Version = 4 }, "encode advert: unknown version 4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ad := golden()[0].advert
			tt.set(&ad)
			b, err := Append([]byte("before"), keepalivedSrc, keepalivedDst, &ad)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got error %v, want %s", err, tt.want)
			}
			if string(b) != "before" {
				t.Errorf("got %q appended, want nothing", b)
			}
		})
	}
}

func TestChecksumOfOddLength(t *testing.T) {
	if got, want := checksum([]byte{0x12, 0x34, 0x56}), ^uint16(0x1234+0x5600); got != want {
		t.Errorf("got %#x, want %#x", got, want)
	}
}

func TestDropReasons(t *testing.T) {
	labels := map[string]bool{}
	for _, r := range DropReasons() {
		if r.Label() == "none" || labels[r.Label()] {
			t.Errorf("%d: label %q is taken or missing", r, r.Label())
		}
		labels[r.Label()] = true
		if !errors.Is(r, r) || r.Error() == "not dropped" {
			t.Errorf("%s: error %q", r.Label(), r.Error())
		}
	}
	if len(labels) != numDrops-1 {
		t.Errorf("got %d reasons, want %d", len(labels), numDrops-1)
	}
}

// Rule 50: malformed input never panics, and what can be parsed means the same when it has been written again.
func FuzzParse(f *testing.F) {
	for _, tt := range golden() {
		f.Add(unhex(f, tt.packet))
	}
	for _, tt := range goldenV3() {
		f.Add(unhex(f, tt.packet))
	}
	for _, tt := range golden() {
		tt.advert.Sealed = true
		b, err := Append(nil, keepalivedSrc, keepalivedDst, &tt.advert)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range fixed(b, keepalivedSrc, keepalivedDst) {
			var first, second Advert
			if err := Parse(b, keepalivedSrc, keepalivedDst, &first); err != nil {
				continue
			}
			again, err := Append(nil, keepalivedSrc, keepalivedDst, &first)
			if err != nil {
				t.Fatalf("append %+v: %v", first, err)
			}
			if err := Parse(again, keepalivedSrc, keepalivedDst, &second); err != nil {
				t.Fatalf("parse %x: %v", again, err)
			}
			if !reflect.DeepEqual(first, second) {
				t.Fatalf("got %+v, want %+v", second, first)
			}
		}
	})
}

// fixed is b, and b with a right checksum of either form, so that fuzzing gets past it.
func fixed(b []byte, src, dst netip.Addr) [][]byte {
	if len(b) < headerLen {
		return [][]byte{b}
	}
	return [][]byte{b, fix(bytes.Clone(b)), fixV3(bytes.Clone(b), src, dst)}
}

func FuzzParseIPv4(f *testing.F) {
	for _, tt := range golden() {
		b, err := appendPacket(nil, keepalivedSrc, keepalivedDst, advertTTL, &tt.advert)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, ok := parseIPv4(b)
		if ok && (len(d.payload) > len(b)-ipv4Len || !d.src.Is4()) {
			t.Fatalf("got %+v from %d octets", d, len(b))
		}
	})
}

func BenchmarkParse(b *testing.B) {
	packet := unhex(b, golden()[4].packet)
	var ad Advert
	b.ReportAllocs()
	for b.Loop() {
		if err := Parse(packet, keepalivedSrc, keepalivedDst, &ad); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	ad := golden()[4].advert
	buf := make([]byte, 0, maxPacket)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = appendPacket(buf[:0], keepalivedSrc, keepalivedDst, advertTTL, &ad); err != nil {
			b.Fatal(err)
		}
	}
}

func TestParseAndAppendDoNotAllocate(t *testing.T) {
	packet := unhex(t, golden()[4].packet)
	var ad Advert
	buf := make([]byte, 0, maxPacket)
	if n := testing.AllocsPerRun(100, func() {
		_ = Parse(packet, keepalivedSrc, keepalivedDst, &ad)
		buf, _ = Append(buf[:0], keepalivedSrc, keepalivedDst, &ad)
	}); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}
