package vip

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"golang.org/x/net/bpf"
)

// The programs that the kernel runs over each ARP and IPv6 packet that comes in: what they let through costs a copy
// and a wake-up, all else some nanoseconds. They look at the last 32 bits of an address, by ranges; so they may let
// through what is nobody's, and never hold back what is somebody's. Offsets count from the network header.

const (
	// maxRanges bounds a program: jumps in it reach 255 instructions, and each range takes two.
	maxRanges = 64
	// claimSize is how much of a packet is read: a neighbour advertisement with a dozen options.
	claimSize = 256
)

// keys are the last 32 bits of addresses, from first to last.
type keys struct{ first, last uint32 }

func keyOf(a netip.Addr) uint32 {
	b := a.AsSlice()
	return binary.BigEndian.Uint32(b[len(b)-4:])
}

// keyRanges covers the keys of the addresses with no more than maxRanges ranges, which grow over the smallest gaps.
func keyRanges(addrs []netip.Addr) []keys {
	all := make([]uint32, len(addrs))
	for i, a := range addrs {
		all[i] = keyOf(a)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	var gaps []uint32
	for i := 1; i < len(all); i++ {
		gaps = append(gaps, all[i]-all[i-1])
	}
	slices.Sort(gaps)
	joined := uint32(1) // gaps up to this join their neighbours
	if len(gaps) >= maxRanges {
		joined = max(joined, gaps[len(gaps)-maxRanges])
	}
	var ranges []keys
	for _, k := range all {
		if n := len(ranges); n > 0 && k-ranges[n-1].last <= joined {
			ranges[n-1].last = k
		} else {
			ranges = append(ranges, keys{k, k})
		}
	}
	return ranges
}

// silence lets nothing through.
func silence() []bpf.Instruction { return []bpf.Instruction{bpf.RetConstant{}} }

// field is a value that a packet must have at an offset.
type field struct {
	off, size int
	value     uint32
}

// arpFilter lets ARP packets through whose sender's address may be one of addrs: RFC 826, IPv4 over Ethernet.
func arpFilter(addrs []netip.Addr) []bpf.Instruction {
	return claimFilter([]field{
		{2, 2, 0x0800}, // protocol: IPv4
		{4, 2, 0x0604}, // lengths of the hardware and the protocol address
	}, 14, addrs)
}

// naFilter lets neighbour advertisements through whose target may be one of addrs: RFC 4861 section 4.4. One behind an
// extension header is not recognised; nobody sends that.
func naFilter(addrs []netip.Addr) []bpf.Instruction {
	return claimFilter([]field{
		{6, 2, 58<<8 | 255}, // next header ICMPv6, hop limit 255: from this LAN
		{40, 2, 136 << 8},   // type and code
	}, 60, addrs)
}

// claimFilter lets packets through that have the fields, and at the offset a key of one of the addresses.
func claimFilter(fields []field, off uint32, addrs []netip.Addr) []bpf.Instruction {
	ranges := keyRanges(addrs)
	if len(ranges) == 0 {
		return silence()
	}
	end := 2*len(fields) + 1 + 2*len(ranges) // where dropping is; accepting follows
	var program []bpf.Instruction
	add := func(i bpf.Instruction) { program = append(program, i) }
	skip := func(to int) uint8 { return uint8(to - len(program) - 1) } // bounded by maxRanges
	for _, f := range fields {
		add(bpf.LoadAbsolute{Off: uint32(f.off), Size: f.size})
		add(bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: f.value, SkipTrue: skip(end)})
	}
	add(bpf.LoadAbsolute{Off: off, Size: 4})
	for _, r := range ranges {
		add(bpf.JumpIf{Cond: bpf.JumpLessThan, Val: r.first, SkipTrue: skip(end)}) // they ascend: it is in none
		add(bpf.JumpIf{Cond: bpf.JumpLessOrEqual, Val: r.last, SkipTrue: skip(end + 1)})
	}
	add(bpf.RetConstant{})
	add(bpf.RetConstant{Val: claimSize})
	return program
}
