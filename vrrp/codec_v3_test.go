package vrrp

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// vectorV3 is a packet of version 3 with what its checksum covers beside it.
type vectorV3 struct {
	vector
	src, dst string
}

// goldenV3 are packets of version 3 on IPv4.
func goldenV3() []vectorV3 {
	hand := Advert{Version: V3, VRID: 51, Priority: 100, Interval: time.Second, Addresses: addrs("192.168.200.16")}
	bare := hand
	bare.BareChecksum = true
	keepalived := Advert{Version: V3, VRID: 51, Priority: 101, Interval: time.Second, Addresses: addrs("10.77.0.100")}
	return []vectorV3{
		{vector{"multicast", "computed from RFC 5798 by hand", "3133640100647873c0a8c810", hand}, "192.168.200.2", "224.0.0.18"},
		{vector{"unicast", "computed from RFC 5798 by hand", "313364010064cfd9c0a8c810", hand}, "192.168.200.2", "192.168.200.3"},
		{vector{"no pseudo header", "computed from RFC 9568 by hand", "313364010064e1adc0a8c810", bare}, "192.168.200.2", "224.0.0.18"},
		{vector{"keepalived multicast", "Keepalived 2.2.7 on the wire", "31336501 006473d9 0a4d0064", keepalived}, "10.77.0.1", "224.0.0.18"},
		{vector{"keepalived unicast", "Keepalived 2.2.7 on the wire", "31336501 0064499d 0a4d0064", keepalived}, "10.77.0.1", "10.77.0.2"},
		{vector{"FRRouting multicast", "FRRouting 8.4.4 on the wire", "31336501 006473d9 0a4d0064", keepalived}, "10.77.0.1", "224.0.0.18"},
	}
}

// Rules 15, 17, 27, 28, 30 and 32: the layout of RFC 9568 section 5.1 and its checksums, with and without RFC 5798's pseudo
// header, which has the real destination; the golden packets both ways.
func TestRule15_17_27_28_30_32_GoldenV3(t *testing.T) {
	for _, tt := range goldenV3() {
		t.Run(tt.name, func(t *testing.T) {
			src, dst := netip.MustParseAddr(tt.src), netip.MustParseAddr(tt.dst)
			want := unhex(t, tt.packet)
			got, err := Append(nil, src, dst, &tt.advert)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("Append: got %x, want %x (%s)", got, want, tt.provenance)
			}
			var ad Advert
			if err := Parse(want, src, dst, &ad); err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if !reflect.DeepEqual(ad, tt.advert) {
				t.Errorf("Parse: got %+v, want %+v", ad, tt.advert)
			}
			if n := len(want); n != 8+4*len(ad.Addresses) {
				t.Errorf("rule 17: %d octets for %d addresses", n, len(ad.Addresses))
			}
		})
	}
}

// Rules 29 and 31: whatever form this node sends, both are accepted, and a checksum that is neither is not.
func TestRule29_31_EitherChecksumIsVerified(t *testing.T) {
	for _, bare := range []bool{false, true} {
		l := newListener(t, func(c *Config) { c.Version, c.ChecksumNoPseudoHeader = V3, bare })
		if got := l.group.members[0].machine.Advert().BareChecksum; got != bare {
			t.Errorf("rule 29: sends the form of RFC 9568: %v, want %v", got, bare)
		}
		for _, form := range []bool{false, true} {
			packet := packetFrom(t, "10.0.0.1", 150, func(a *Advert) { a.Version, a.BareChecksum = V3, form })
			if !l.hear(packet) {
				t.Errorf("sends bare %v: did not accept bare %v", bare, form)
			}
			for i := ipv4Len; i < len(packet); i++ {
				for bit := range 8 {
					damaged := bytes.Clone(packet)
					damaged[i] ^= 1 << bit
					if l.hear(damaged) {
						t.Fatalf("rule 31, sends bare %v: accepted %x", bare, damaged)
					}
				}
			}
		}
		c := l.counters()
		if c.Received != 2 || c.BareChecksum != 1 {
			t.Errorf("rule 29: counted %d, %d of them bare, want 2 and 1", c.Received, c.BareChecksum)
		}
		if c.Dropped.Of(DropChecksum) == 0 {
			t.Error("rule 31: no wrong checksum was counted")
		}
	}
}

// fixV3 makes the checksum of a message with pseudo header right.
func fixV3(b []byte, src, dst netip.Addr) []byte {
	b[6], b[7] = 0, 0
	sum := pseudoChecksum(src, dst, b)
	b[6], b[7] = byte(sum>>8), byte(sum)
	return b
}

func TestRule15_17_18_46_ParseDropsV3(t *testing.T) {
	good := unhex(t, goldenV3()[3].packet)
	change := func(i int, v ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[i:], v)
		return fixV3(b, keepalivedSrc, keepalivedDst)
	}
	tests := []struct {
		name   string
		packet []byte
		want   DropReason
	}{
		{"as sent", good, accepted},
		// "This field MUST be set to zero on transmission and ignored on reception." (RFC 9568 section 5.2.6)
		{"rule 15 reserved bits", change(4, 0xf0), accepted},
		{"rule 17 an address is missing", good[:8], DropLength},
		{"rule 17 half an address", good[:10], DropLength},
		{"rule 17 with v2's authentication data", append(bytes.Clone(good), make([]byte, 8)...), DropLength},
		{"rule 17 one address more than there is", change(3, 2), DropLength},
		{"rule 18 no address", fixV3(append(bytes.Clone(good[:3]), 0, 0, 100, 0, 0), keepalivedSrc, keepalivedDst), DropNoAddress},
		{"rule 40 type 2", change(0, 0x32), DropType},
		{"rule 46 interval 0", change(4, 0, 0), DropIntervalZero},
		{"rule 46 interval 0 under reserved bits", change(4, 0xf0, 0), DropIntervalZero},
		{"rule 27 the pseudo header of another destination", fixV3(bytes.Clone(good), keepalivedSrc, keepalivedSrc), DropChecksum},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var ad Advert
			if got := parse(tt.packet, keepalivedSrc, keepalivedDst, &ad); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if tt.want == accepted && ad.Interval != time.Second {
				t.Errorf("interval: got %v, want 1s", ad.Interval)
			}
		})
	}
}

// Rule 57: the conversions saturate at both ends, and what 12 bits can say survives the way there and back.
func TestRule57_Centiseconds(t *testing.T) {
	for _, tt := range []struct {
		d    time.Duration
		want uint16
	}{
		{-1 << 63, 0}, {-1, 0}, {0, 0}, {10*time.Millisecond - 1, 0}, {10 * time.Millisecond, 1}, {time.Second, 100},
		{40950 * time.Millisecond, 4095}, {40950*time.Millisecond + 1, 4095}, {time.Hour, 4095}, {1<<63 - 1, 4095},
	} {
		if got := toCentiseconds(tt.d); got != tt.want {
			t.Errorf("%v: got %d, want %d", tt.d, got, tt.want)
		}
	}
	for cs := range uint16(4096) {
		if got := toCentiseconds(fromCentiseconds(cs)); got != cs {
			t.Errorf("%d: got %d", cs, got)
		}
	}
	if got, want := fromCentiseconds(0xffff), 655350*time.Millisecond; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAppendRefusesWhatV3CannotSay(t *testing.T) {
	tests := []struct {
		name string
		set  func(*Advert)
		want string
	}{
		{"rule 46 interval 0", func(a *Advert) { a.Interval = 0 }, "encode advert: interval 0s is not 10ms to 40.95s in steps of 10ms"},
		{"rule 15 5 ms", func(a *Advert) { a.Interval = 5 * time.Millisecond }, "encode advert: interval 5ms is not 10ms to 40.95s in steps of 10ms"},
		{"rule 15 15 ms", func(a *Advert) { a.Interval = 15 * time.Millisecond }, "encode advert: interval 15ms is not 10ms to 40.95s in steps of 10ms"},
		{"rule 15 40.96 s", func(a *Advert) { a.Interval = 40960 * time.Millisecond }, "encode advert: interval 40.96s is not 10ms to 40.95s in steps of 10ms"},
		{"rule 18 no address", func(a *Advert) { a.Addresses = nil }, "encode advert: 0 addresses, want 1 to 255"},
		{"rule 21 256 addresses", func(a *Advert) { a.Addresses = make([]netip.Addr, 256) }, "encode advert: 256 addresses, want 1 to 255"},
		{"rule 20 another family", func(a *Advert) { a.Addresses = addrs("10.77.0.100", "fd00::1") },
			"encode advert: fd00::1 is not of the family of the source 10.77.0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ad := goldenV3()[3].advert
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

// Rule 23: "the order ... SHOULD be the same on all routers": it is that of the configuration, and survives the wire.
func TestRule23_OrderIsKept(t *testing.T) {
	want := addrs("10.77.0.9", "10.77.0.100", "10.77.0.5")
	cfg := testConfig()
	cfg.Version, cfg.Addresses = V3, want
	ad := cfg.advert(100)
	b, err := Append(nil, keepalivedSrc, keepalivedDst, &ad)
	if err != nil {
		t.Fatal(err)
	}
	var got Advert
	if err := Parse(b, keepalivedSrc, keepalivedDst, &got); err != nil || !reflect.DeepEqual(got.Addresses, want) {
		t.Errorf("got %v, %v, want %v", got.Addresses, err, want)
	}
}
