package vip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// netlinkBuffer holds the longest message of rtnetlink, a link with its virtual functions.
	netlinkBuffer = 64 << 10
	// eventQueue is how many octets of events the kernel may hold for us: those of five thousand addresses that come at
	// once. More than net.core.rmem_max takes CAP_NET_ADMIN of the host.
	eventQueue = 8 << 20
)

// netlinkSocket is a socket of rtnetlink with one buffer for all that it receives: the netlink package takes a new one of
// 64 KiB for each message, which thousands of addresses turn into gigabytes of garbage. Its owner guards it.
type netlinkSocket struct {
	file *os.File
	port uint32 // by which the kernel says whose request led to an event
	buf  []byte
}

// openNetlink opens one in the network namespace of the calling thread, which hears the events of the groups.
func openNetlink(groups ...uint32) (*netlinkSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink socket: %w", err)
	}
	s := &netlinkSocket{file: os.NewFile(uintptr(fd), "netlink"), buf: make([]byte, netlinkBuffer)}
	if err := s.bind(groups); err != nil {
		_ = s.file.Close() // the first error is the one to tell
		return nil, fmt.Errorf("bind netlink socket: %w", err)
	}
	return s, nil
}

func (s *netlinkSocket) bind(groups []uint32) error {
	return s.control(func(fd int) error {
		addr := &unix.SockaddrNetlink{Family: unix.AF_NETLINK}
		for _, g := range groups {
			addr.Groups |= 1 << (g - 1)
		}
		if err := unix.Bind(fd, addr); err != nil {
			return err
		}
		bound, err := unix.Getsockname(fd)
		if err != nil {
			return err
		}
		if a, ok := bound.(*unix.SockaddrNetlink); ok {
			s.port = a.Pid
		}
		return nil
	})
}

// enlarge lets the kernel hold more events than it does by default, as far as that is allowed.
func (s *netlinkSocket) enlarge() error {
	return s.control(func(fd int) error {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, eventQueue) == nil {
			return nil
		}
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, eventQueue)
	})
}

func (s *netlinkSocket) control(do func(fd int) error) error { return onDescriptor(s.file, do) }

// index finds an interface by its name.
func (s *netlinkSocket) index(ifname string) (index int, err error) {
	ifr, err := unix.NewIfreq(ifname)
	if err != nil { // no interface can have such a name
		return 0, ErrNoInterface
	}
	err = s.control(func(fd int) error { return unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr) })
	if errors.Is(err, unix.ENODEV) {
		return 0, ErrNoInterface
	}
	return int(ifr.Uint32()), err
}

// send sends messages to the kernel.
func (s *netlinkSocket) send(b []byte) error {
	return s.control(func(fd int) error {
		return os.NewSyscallError("sendto", unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
	})
}

// receive waits for messages until the deadline; the zero time is none. What anybody but the kernel sent is left out. The
// messages are good until the next call.
func (s *netlinkSocket) receive(deadline time.Time) ([]syscall.NetlinkMessage, error) {
	if err := s.file.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	raw, err := s.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var n int
	var from unix.Sockaddr
	var received error
	err = raw.Read(func(fd uintptr) bool {
		n, from, received = unix.Recvfrom(int(fd), s.buf, 0)
		return !errors.Is(received, unix.EAGAIN) && !errors.Is(received, unix.EINTR)
	})
	if err := errors.Join(err, received); err != nil {
		return nil, err
	}
	if a, ok := from.(*unix.SockaddrNetlink); !ok || a.Pid != 0 { // netlink(7): the kernel is port 0
		return nil, nil
	}
	return syscall.ParseNetlinkMessage(s.buf[:n])
}

func (s *netlinkSocket) close() error { return s.file.Close() }

// appendAttribute appends an attribute, padded to 4 octets (netlink(7)).
func appendAttribute(b []byte, typ uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, value...)
	for len(b)%unix.NLA_ALIGNTO != 0 {
		b = append(b, 0)
	}
	return b
}
