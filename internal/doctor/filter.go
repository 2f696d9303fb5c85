package doctor

import (
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// frameLen is the longest frame that is read: an advert of 255 IPv6 addresses has more than an Ethernet frame anyway.
const frameLen = 2 << 10

// tapFilter has the kernel hand over no more than adverts, ARP, IGMP and datagrams to the group, and those only that are
// for this host or from it. Frames of a VLAN are its interface's, though the parent's tap sees them too.
func tapFilter() []bpf.Instruction {
	return append([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.PACKET_OTHERHOST, SkipTrue: 15},
		bpf.LoadExtension{Num: bpf.ExtVLANTag},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0x0fff}, // the VLAN's number; 0 is none (IEEE 802.1Q)
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 12},
	}, frameFilter()...)
}

// frameFilter looks at the frame itself.
func frameFilter() []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2}, // EtherType
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherTypeARP, SkipTrue: 11},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherTypeIPv6, SkipTrue: 7},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: etherTypeIPv4, SkipTrue: 8},
		bpf.LoadAbsolute{Off: ethernetLen + 9, Size: 1}, // IPv4: protocol
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: protocolVRRP, SkipTrue: 7},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: protocolIGMP, SkipTrue: 6},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: protocolUDP, SkipTrue: 4},
		bpf.LoadAbsolute{Off: ethernetLen + 16, Size: 4}, // IPv4: destination
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0xe0000012, SkipTrue: 3, SkipFalse: 2},
		bpf.LoadAbsolute{Off: ethernetLen + 6, Size: 1}, // IPv6: next header
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: protocolVRRP, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: frameLen},
	}
}
