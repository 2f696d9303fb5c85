package vip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// frameSocket sends and receives what Ethernet frames carry, on any interface of its namespace. It is bound to none,
// which is why it is not mdlayher/packet's: one descriptor, open before it is needed, outlives the interfaces, and a
// new one of the same name needs no new socket.
type frameSocket struct{ file *os.File } // a file, so that closing never meets a number that is another's by then

// openFrames opens a socket that receives nothing until listen.
func openFrames() (*frameSocket, error) {
	// Protocol 0: it receives nothing. SOCK_DGRAM: the kernel writes the Ethernet header and strips it.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	return &frameSocket{os.NewFile(uintptr(fd), "packet")}, nil
}

func (f *frameSocket) close() error { return f.file.Close() }

// bigEndian returns the number in network byte order, as sll_protocol is (packet(7)).
func bigEndian(protocol uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, protocol))
}

// send sends one packet to an Ethernet address.
func (f *frameSocket) send(ifindex int, protocol uint16, dst net.HardwareAddr, b []byte) error {
	to := &unix.SockaddrLinklayer{Protocol: bigEndian(protocol), Ifindex: ifindex, Halen: uint8(len(dst))}
	copy(to.Addr[:], dst)
	conn, err := f.file.SyscallConn()
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

func (f *frameSocket) control(do func(fd int) error) error { return onDescriptor(f.file, do) }

// onDescriptor calls do with the descriptor of a file.
func onDescriptor(f *os.File, do func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var doErr error
	err = conn.Control(func(fd uintptr) { doErr = do(int(fd)) })
	return errors.Join(err, doErr)
}

// filter has the kernel drop what the program returns 0 for, before it costs more than that.
func (f *frameSocket) filter(program []bpf.RawInstruction) error {
	sock := make([]unix.SockFilter, len(program))
	for i, p := range program {
		sock[i] = unix.SockFilter{Code: p.Op, Jt: p.Jt, Jf: p.Jf, K: p.K}
	}
	return f.control(func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(sock)), Filter: &sock[0]})
	})
}

// listen has the socket receive a protocol, on all interfaces, of what comes in.
func (f *frameSocket) listen(protocol uint16) error {
	return f.control(func(fd int) error {
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(protocol)})
	})
}

// receive waits for a packet, and returns its length, where it came in and the Ethernet address it came from.
func (f *frameSocket) receive(b []byte) (n, ifindex int, mac net.HardwareAddr, err error) {
	conn, err := f.file.SyscallConn()
	if err != nil {
		return 0, 0, nil, err
	}
	var from unix.Sockaddr
	var receiveErr error
	err = conn.Read(func(fd uintptr) bool {
		n, from, receiveErr = unix.Recvfrom(int(fd), b, 0)
		return !errors.Is(receiveErr, unix.EAGAIN) && !errors.Is(receiveErr, unix.EINTR)
	})
	if err = errors.Join(err, receiveErr); err != nil {
		return 0, 0, nil, err
	}
	if ll, ok := from.(*unix.SockaddrLinklayer); ok {
		ifindex, mac = ll.Ifindex, net.HardwareAddr(ll.Addr[:min(int(ll.Halen), len(ll.Addr))])
	}
	return n, ifindex, mac, nil
}

// wake ends a receive that waits, and each later one.
func (f *frameSocket) wake() {
	_ = f.file.SetReadDeadline(time.Unix(1, 0)) // it only fails on a closed file, whose reads end too
}
