package vip

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
	"pgregory.net/rapid"
)

// Packets from their network header on, as Keepalived 2.2.7 sent them on a veth.
const (
	arpPacket = "0001 0800 0604 0001 02005e100001 0a4d0064 ffffffffffff 0a4d0064"
	naPacket  = "60000000 0020 3a ff fd000077000000000000000000000100 ff020000000000000000000000000001" +
		" 88 00 f99e 20000000 fd000077000000000000000000000100 0201 02005e100001"
)

func addrs(list ...string) []netip.Addr {
	var all []netip.Addr
	for _, s := range list {
		all = append(all, netip.MustParseAddr(s))
	}
	return all
}

// runFilter returns whether a program lets a packet through. It is assembled on the way, as for the kernel.
func runFilter(t interface{ Fatal(...any) }, program []bpf.Instruction, packet []byte) bool {
	raw, err := bpf.Assemble(program)
	if err != nil {
		t.Fatal(err)
	}
	decoded, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("the program does not disassemble")
	}
	vm, err := bpf.NewVM(decoded)
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(packet)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}

func TestClaimFilters(t *testing.T) {
	v4, v6 := addrs("10.77.0.1", "10.77.0.100", "10.78.0.1"), addrs("fe80::1", "fd00:77::100")
	for _, tt := range []struct {
		name    string
		program []bpf.Instruction
		packet  string
		off     int // what is changed; below 0: nothing
		to      byte
		want    bool
	}{
		{"ARP for one of ours", arpFilter(v4), arpPacket, -1, 0, true},
		{"ARP for one above", arpFilter(v4), arpPacket, 17, 0x65, false},
		{"ARP for one below", arpFilter(v4), arpPacket, 17, 0x63, false},
		{"ARP for the first", arpFilter(v4), arpPacket, 17, 0x01, true},
		{"ARP for one below all", arpFilter(v4), arpPacket, 17, 0x00, false},
		{"ARP for one above all", arpFilter(v4), arpPacket, 15, 0x4f, false},
		{"ARP that asks for ours", arpFilter(addrs("10.77.0.1")), arpPacket, 27, 0x01, false},
		{"ARP of another protocol", arpFilter(v4), arpPacket, 3, 0x01, false},
		{"ARP of other lengths", arpFilter(v4), arpPacket, 4, 0x08, false},
		{"ARP, nobody listens", arpFilter(nil), arpPacket, -1, 0, false},
		{"advertisement of ours", naFilter(v6), naPacket, -1, 0, true},
		{"advertisement of another", naFilter(v6), naPacket, 63, 0x01 + 1, false},
		{"advertisement from afar", naFilter(v6), naPacket, 7, 64, false},
		{"a solicitation", naFilter(v6), naPacket, 40, 135, false},
		{"another code", naFilter(v6), naPacket, 41, 1, false},
		{"TCP", naFilter(v6), naPacket, 6, 6, false},
		{"advertisement, nobody listens", naFilter(nil), naPacket, -1, 0, false},
		{"cut short", naFilter(v6), naPacket[:40], -1, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := unhex(t, tt.packet)
			if tt.off >= 0 {
				b[tt.off] = tt.to
			}
			if got := runFilter(t, tt.program, b); got != tt.want {
				t.Errorf("got let through: %v, want %v", got, tt.want)
			}
		})
	}
}

// TestClaimFilterManyAddresses: up to as many groups as there may be ranges nothing else passes; with more, all of ours do.
func TestClaimFilterManyAddresses(t *testing.T) {
	for _, tt := range []struct {
		groups int
		exact  bool
	}{{1, true}, {maxRanges - 1, true}, {maxRanges, true}, {maxRanges + 1, false}, {255, false}} {
		t.Run(fmt.Sprint(tt.groups), func(t *testing.T) {
			var list []netip.Addr
			for g := range tt.groups {
				for i := range 20 {
					list = append(list, netip.AddrFrom4([4]byte{10, byte(g), 0, byte(100 + i)}))
				}
			}
			slices.Reverse(list) // in whatever order
			program := arpFilter(list)
			b := unhex(t, arpPacket)
			passes := func(a netip.Addr) bool {
				copy(b[14:], a.AsSlice())
				return runFilter(t, program, b)
			}
			for _, a := range list {
				if !passes(a) {
					t.Fatalf("%v does not pass", a)
				}
			}
			others := 0
			for g := range tt.groups {
				if passes(netip.AddrFrom4([4]byte{10, byte(g), 0, 120})) {
					others++
				}
			}
			if exact := others == 0; exact != tt.exact {
				t.Errorf("got %d other addresses that pass, want none: %v", others, tt.exact)
			}
		})
	}
}

// TestKeyRanges: every key is in a range, the ranges ascend, and they are no more than a program holds.
func TestKeyRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []netip.Addr
		for _, k := range rapid.SliceOfN(rapid.Uint32(), 0, 300).Draw(t, "keys") {
			list = append(list, netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, k))))
		}
		ranges := keyRanges(list)
		if len(ranges) > maxRanges {
			t.Fatalf("got %d ranges, want at most %d", len(ranges), maxRanges)
		}
		for i, r := range ranges {
			if r.first > r.last || i > 0 && r.first <= ranges[i-1].last {
				t.Fatalf("got %v, want ascending ranges", ranges)
			}
		}
		for _, a := range list {
			k := keyOf(a)
			if !slices.ContainsFunc(ranges, func(r keys) bool { return r.first <= k && k <= r.last }) {
				t.Fatalf("%v is in none of %v", a, ranges)
			}
		}
		if len(list) > 0 {
			b := make([]byte, 28)
			copy(b, []byte{0, 1, 8, 0, 6, 4})
			copy(b[14:], rapid.SampledFrom(list).Draw(t, "sender").AsSlice())
			if !runFilter(t, arpFilter(list), b) {
				t.Fatal("a claim to one of the addresses does not pass")
			}
		}
	})
}
