package doctor

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// tapQueue is how many octets the kernel may hold for a tap: about a thousand packets.
const tapQueue = 1 << 20

// openTap opens a packet socket on an interface.
func openTap(ifi *net.Interface) (*packet.Conn, error) {
	filter, err := bpf.Assemble(tapFilter())
	if err != nil {
		return nil, fmt.Errorf("assemble packet filter: %w", err)
	}
	conn, err := packet.Listen(ifi, packet.Raw, unix.ETH_P_ALL, &packet.Config{Filter: filter})
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		err = control(raw, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, tapQueue) })
	}
	if err != nil {
		_ = conn.Close() // the first error is the one to tell
		return nil, fmt.Errorf("set up packet socket: %w", err)
	}
	return conn, nil
}

// readTap reads until the deadline.
func (e *ear) readTap(w *wire) error {
	raw, err := e.tap.SyscallConn()
	if err != nil {
		return err
	}
	buf := make([]byte, frameLen)
	for {
		var (
			n    int
			from unix.Sockaddr
			recv error
		)
		err := raw.Read(func(fd uintptr) bool {
			n, from, recv = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
			return recv != unix.EAGAIN
		})
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return fmt.Errorf("read from packet socket: %w", err)
		case recv != nil: // EINTR, or ENETDOWN when the interface goes down: the socket lives on
		default:
			ll, ok := from.(*unix.SockaddrLinklayer)
			w.add(buf[:n], ok && ll.Pkttype == unix.PACKET_OUTGOING)
		}
	}
}
