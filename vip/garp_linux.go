package vip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/mdlayher/arp"
	"golang.org/x/sys/unix"
)

// garpSocket sends ARP on any interface of its namespace. It is bound to none, which is why it is not
// mdlayher/packet's: one descriptor, open before it is needed, outlives the interfaces, and a new one of the
// same name needs no new socket. arp's own client would want an IPv4 address on the interface, and receive all ARP.
type garpSocket struct{ file *os.File } // a file, so that closing never meets a number that is another's by then

func openGARP() (*garpSocket, error) {
	// Protocol 0: it receives nothing. SOCK_DGRAM: the kernel writes the Ethernet header.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open ARP socket: %w", err)
	}
	return &garpSocket{os.NewFile(uintptr(fd), "arp")}, nil
}

func (g *garpSocket) close() error {
	return g.file.Close()
}

// broadcast is ff:ff:ff:ff:ff:ff.
func broadcast() net.HardwareAddr { return net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} }

var errNoMAC = errors.New("the interface has no Ethernet address")

// send broadcasts one gratuitous ARP.
func (g *garpSocket) send(ifindex int, mac net.HardwareAddr, addr netip.Addr) error {
	b, err := gratuitousARP(mac, addr)
	if err != nil {
		return err
	}
	// sll_protocol is in network byte order (packet(7)).
	protocol := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ARP))
	to := &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: ifindex, Halen: 6}
	copy(to.Addr[:], broadcast())
	conn, err := g.file.SyscallConn()
	if err != nil {
		return err
	}
	var sendErr error
	err = conn.Write(func(fd uintptr) bool {
		sendErr = unix.Sendto(int(fd), b, 0, to)
		return true // a full queue is an error and no reason to wait: the next burst makes it good
	})
	return errors.Join(err, sendErr)
}

// gratuitousARP is an ARP request whose sender and target are the address, with an all-ones target hardware address
// as Keepalived sends it: RFC 9568 section 6.4.1 with errata 7947 and 7949, https://www.rfc-editor.org/rfc/rfc9568.
func gratuitousARP(mac net.HardwareAddr, addr netip.Addr) ([]byte, error) {
	if len(mac) != 6 {
		return nil, errNoMAC
	}
	p, err := arp.NewPacket(arp.OperationRequest, mac, addr, broadcast(), addr)
	if err != nil {
		return nil, err
	}
	return p.MarshalBinary()
}
