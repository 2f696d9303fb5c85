package doctor

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/bpf"
)

// octets of a frame, from hexadecimal with blanks.
func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Frames. The adverts' messages are Keepalived 2.2.7's (VRID 51, priority 101, 10.77.0.1, VIP 10.77.0.100).
const (
	toGroup   = "01005e000012 020000000001 0800 "
	toGroup6  = "333300000012 020000000001 86dd "
	advertV2  = toGroup + "45c0 0028 0000 0000 ff70 0000 0a4d0001 e0000012 21336501 0101fac7 0a4d0064 7333637265743737"
	advertV3  = toGroup + "45c0 0020 0000 0000 ff70 0000 0a4d0001 e0000012 31336501 006473d9 0a4d0064"
	advertV6  = toGroup6 + "6000 0000 0018 70ff fe800000000000000000000000000001 ff020000000000000000000000000012 31336501 0064ed65 fd000077000000000000000000000100"
	arpReply  = "020000000001 020000000002 0806 0001 0800 06 04 0002 020000000002 0a4d0064 020000000001 0a4d0001"
	arpNobody = "ffffffffffff 020000000002 0806 0001 0800 06 04 0001 020000000002 00000000 000000000000 0a4d0064"
	query     = "01005e000001 0200000000fe 0800 46c0 0020 0000 0000 0102 0000 0a4d00fe e0000001 94040000 1164 ee9b 00000000"
	probed    = toGroup + "4500 0024 0000 4000 0111 0000 0a4d0001 e0000012 9c40 0009 0010 0000 74616e64656d2020"
)

var senderMAC = MAC{2, 0, 0, 0, 0, 1}

func TestParseFrame(t *testing.T) {
	t.Parallel()
	v2 := &advert{source: netip.MustParseAddr("10.77.0.1"), version: 2, vrid: 51, priority: 101, authType: 1, interval: time.Second, addresses: addrs("10.77.0.100")}
	v3 := &advert{source: v2.source, version: 3, vrid: 51, priority: 101, interval: time.Second, addresses: v2.addresses}
	v6 := &advert{source: netip.MustParseAddr("fe80::1"), version: 3, vrid: 51, priority: 101, interval: time.Second, addresses: addrs("fd00:77::100")}
	short := *v2
	short.addresses = nil
	tests := []struct {
		name  string
		frame string
		want  frame
	}{
		{"version 2", advertV2, frame{mac: senderMAC, advert: v2}},
		{"version 2 and Ethernet's padding", advertV2 + "0000 0000", frame{mac: senderMAC, advert: v2}},
		{"version 3", advertV3, frame{mac: senderMAC, advert: v3}},
		{"version 3, reserved bits set", strings.Replace(advertV3, "0064", "f064", 1), frame{mac: senderMAC, advert: v3}},
		{"IPv6", advertV6, frame{mac: senderMAC, advert: v6}},
		{"fewer addresses than counted", toGroup + "45c0 001c 0000 0000 ff70 0000 0a4d0001 e0000012 21336501 0101fac7", frame{mac: senderMAC, advert: &short}},
		{"version 4", strings.Replace(advertV3, "31336501", "41336501", 1), frame{mac: senderMAC}},
		{"no advert", strings.Replace(advertV3, "31336501", "32336501", 1), frame{mac: senderMAC}},
		{"a message cut short", toGroup + "45c0 001b 0000 0000 ff70 0000 0a4d0001 e0000012 21336501 0101fa", frame{mac: senderMAC}},
		{"a fragment", strings.Replace(advertV2, "0000 0000", "0000 2000", 1), frame{mac: senderMAC}},
		{"shorter than it says", strings.Replace(advertV2, "0028", "0029", 1), frame{mac: senderMAC}},
		{"header longer than all", strings.Replace(advertV3, "45c0", "4fc0", 1), frame{mac: senderMAC}},
		{"IPv6 shorter than it says", strings.Replace(advertV6, "0018", "0019", 1), frame{mac: senderMAC}},
		{"ARP", arpReply, frame{mac: MAC{2, 0, 0, 0, 0, 2}, arp: &Answer{netip.MustParseAddr("10.77.0.100"), MAC{2, 0, 0, 0, 0, 2}}}},
		{"ARP from nobody", arpNobody, frame{mac: MAC{2, 0, 0, 0, 0, 2}}},
		{"ARP of another network", strings.Replace(arpReply, "0806 0001", "0806 0006", 1), frame{mac: MAC{2, 0, 0, 0, 0, 2}}},
		{"IGMP query", query, frame{mac: MAC{2, 0, 0, 0, 0, 0xfe}, querier: netip.MustParseAddr("10.77.0.254")}},
		{"IGMP report", strings.Replace(query, "1164", "1664", 1), frame{mac: MAC{2, 0, 0, 0, 0, 0xfe}}},
		{"the probe", probed, frame{mac: senderMAC, probe: true}},
		{"to another group", strings.Replace(probed, "e0000012", "e0000001", 1), frame{mac: senderMAC}},
		{"to another port", strings.Replace(probed, "9c40 0009", "9c40 000a", 1), frame{mac: senderMAC}},
		{"no frame", "0200", frame{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := parseFrame(fromHex(t, tt.frame)); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %s, want %s", show(got), show(tt.want))
			}
		})
	}
}

func show(f frame) string { return fmt.Sprintf("%+v %+v %+v", f, f.advert, f.arp) }

func FuzzParseFrame(f *testing.F) {
	for _, frame := range []string{advertV2, advertV3, advertV6, arpReply, arpNobody, query, probed} {
		f.Add(fromHex(f, frame))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := parseFrame(b)
		if a := got.advert; a != nil {
			if a.version != 2 && a.version != 3 || len(a.addresses) > 255 {
				t.Errorf("got version %d, %d addresses", a.version, len(a.addresses))
			}
			for _, addr := range a.addresses {
				if addr.BitLen() != a.source.BitLen() {
					t.Errorf("address %v in an advert of %v", addr, a.source)
				}
			}
		}
	})
}

// What the tap lets through is what parseFrame can use. The interpreter knows no VLANs and packet types: TestIntegration…
// has those.
func TestFrameFilter(t *testing.T) {
	t.Parallel()
	vm, err := bpf.NewVM(frameFilter())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		frame string
		want  bool
	}{
		{"version 2", advertV2, true},
		{"IPv6", advertV6, true},
		{"ARP", arpReply, true},
		{"IGMP", query, true},
		{"the probe", probed, true},
		{"UDP to another group", strings.Replace(probed, "e0000012", "e0000001", 1), false},
		{"TCP", strings.Replace(probed, "0111", "0106", 1), false},
		{"IPv6, ICMP", strings.Replace(advertV6, "70ff", "3aff", 1), false},
		{"another EtherType", strings.Replace(arpReply, "0806", "88cc", 1), false},
		{"too short", "0102", false},
	}
	for _, tt := range tests {
		n, err := vm.Run(fromHex(t, tt.frame))
		if err != nil {
			t.Fatal(err)
		}
		if got := n > 0; got != tt.want {
			t.Errorf("%s: passes %t, want %t", tt.name, got, tt.want)
		}
	}
}
