package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const (
	frameLen = 2 << 10 // longest frame that a tap reads; ARP and VRRP packets fit any Ethernet
	tapQueue = 1 << 20 // octets that the kernel may hold for the tap: about a thousand packets
)

// openTap opens a packet socket for ARP and VRRP on all ports of the switch, in the namespace of the calling thread.
func openTap() (*packet.Conn, error) {
	filter, err := bpf.Assemble(tapFilter())
	if err != nil {
		return nil, fmt.Errorf("assemble packet filter: %w", err)
	}
	everywhere := &net.Interface{Index: 0} // packet(7): "zero matches any interface"
	conn, err := packet.Listen(everywhere, packet.Raw, unix.ETH_P_ALL, &packet.Config{Filter: filter})
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		var set error
		err = raw.Control(func(fd uintptr) {
			set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
			if set == nil {
				set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, tapQueue)
			}
		})
		err = errors.Join(err, set)
	}
	if err != nil {
		_ = conn.Close() // the first error is the one that matters
		return nil, fmt.Errorf("set up packet socket: %w", err)
	}
	return conn, nil
}

// tapFilter accepts what arrives at a port (not what leaves, nor what a bridge hands up) and is ARP or VRRP.
func tapFilter() []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.PACKET_OUTGOING, SkipTrue: 10},
		bpf.LoadExtension{Num: bpf.ExtInterfaceIndex},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: firstPort, SkipTrue: 8},
		bpf.LoadAbsolute{Off: 12, Size: 2}, // EtherType
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherTypeARP, SkipTrue: 7},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherTypeIPv6, SkipTrue: 3},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: etherTypeIPv4, SkipTrue: 4},
		bpf.LoadAbsolute{Off: ethernetLen + 9, Size: 1}, // IPv4: protocol
		bpf.Jump{Skip: 1},
		bpf.LoadAbsolute{Off: ethernetLen + 6, Size: 1}, // IPv6: next header
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: protocolVRRP, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: frameLen},
	}
}

// listen records packets until the tap is closed.
func (l *Lab) listen() {
	raw, err := l.tap.SyscallConn()
	if err != nil {
		return // closed already
	}
	buf, oob := make([]byte, frameLen), make([]byte, 64)
	for {
		var (
			n, oobn int
			from    unix.Sockaddr
			recv    error
		)
		err := raw.Read(func(fd uintptr) bool {
			n, oobn, _, from, recv = unix.Recvmsg(int(fd), buf, oob, unix.MSG_DONTWAIT)
			return recv != unix.EAGAIN
		})
		now := time.Now()
		switch {
		case err != nil:
			if !errors.Is(err, os.ErrClosed) {
				l.log.Error("receive packets", "err", err)
				l.stream.lose()
			}
			return
		case recv != nil: // EINTR, or ENETDOWN when a port goes down: the socket lives on
		default:
			l.packet(timestamp(oob[:oobn], now), from, buf[:n])
		}
	}
}

// packet records a frame that arrived at a port.
func (l *Lab) packet(at time.Time, from unix.Sockaddr, frame []byte) {
	address, ok := from.(*unix.SockaddrLinklayer)
	if !ok {
		return
	}
	arp, advert := parseFrame(frame)
	if arp == nil && advert == nil {
		return
	}
	kind := ARPSeen
	if advert != nil {
		kind = AdvertSeen
	}
	l.mu.Lock() // held until the event is recorded: after Mute returns, nothing from the node is
	defer l.mu.Unlock()
	c, ok := l.cables[address.Ifindex]
	if !ok || !c.heard(at) {
		return
	}
	l.stream.add(Event{
		Time: at, Kind: kind, Node: c.node.name, Interface: c.Interface, LAN: c.lan.Name, ARP: arp, Advert: advert,
	})
}

// timestamp finds the kernel's time stamp among control messages; without one the packet was read just now.
func timestamp(oob []byte, now time.Time) time.Time {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return now
	}
	for _, m := range messages {
		// struct timespec of 64-bit machines; a 32-bit one's is shorter, and overflows in 2038.
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) == 16 {
			seconds, nanos := binary.NativeEndian.Uint64(m.Data), binary.NativeEndian.Uint64(m.Data[8:])
			return time.Unix(int64(seconds), int64(nanos))
		}
	}
	return now
}
