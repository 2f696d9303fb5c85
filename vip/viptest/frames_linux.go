package viptest

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ndp"
	"golang.org/x/sys/unix"
)

// claimFrame is an Ethernet frame in which somebody says that the address is at mac: a gratuitous ARP reply, or a
// neighbour advertisement to all nodes.
func claimFrame(addr netip.Addr, mac net.HardwareAddr) ([]byte, error) {
	if addr.Is4() {
		everybody := net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		p, err := arp.NewPacket(arp.OperationReply, mac, addr, everybody, addr)
		if err != nil {
			return nil, err
		}
		b, err := p.MarshalBinary()
		return slices.Concat(everybody, mac, []byte{0x08, 0x06}, b), err
	}
	all := netip.MustParseAddr("ff02::1")
	b, err := ndp.MarshalMessageChecksum(&ndp.NeighborAdvertisement{
		Override: true, TargetAddress: addr,
		Options: []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: mac}},
	}, addr, all)
	header := binary.BigEndian.AppendUint16([]byte{0x60, 0, 0, 0}, uint16(len(b)))
	header = append(header, unix.IPPROTO_ICMPV6, 255)
	return slices.Concat([]byte{0x33, 0x33, 0, 0, 0, 1}, mac, []byte{0x86, 0xdd}, header, addr.AsSlice(), all.AsSlice(), b), err
}

// sendFrame sends a whole frame out of an interface.
func sendFrame(ifindex int, frame []byte) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: ifindex, Halen: 6})
}
