package daemon

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/tandem-lb/tandem/internal/keeper"
	"github.com/tandem-lb/tandem/vip"
)

// KeeperMain is the keeper's process. It returns the exit status.
func KeeperMain() int {
	effects, err := newEffects()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", keeper.ProcessName, err)
		return 1
	}
	defer effects.close()
	return keeper.Main(effects)
}

var _ keeper.Effects = (*effects)(nil)

// effects is what a keeper does to the world.
type effects struct{ remover *vip.Remover }

func newEffects() (*effects, error) {
	r, err := vip.OpenRemover()
	if err != nil {
		return nil, err
	}
	return &effects{remover: r}, nil
}

func (e *effects) close() { _ = e.remover.Close() } // the process ends, or has what it wanted

// RemoveAddress implements keeper.Effects.
func (e *effects) RemoveAddress(ifname string, prefix netip.Prefix) error {
	return e.remover.Remove(ifname, prefix)
}

// Replay carries out the last will that a former run of a node left in the runtime directory, and says how many
// instances had one. It takes the node's lock: a running daemon's addresses are no leftovers.
func Replay(ctx context.Context, dir, node string) (int, error) {
	lock, err := lockNode(ctx, dir, node)
	if err != nil {
		return 0, err
	}
	defer func() { _ = lock.Close() }() // closing gives the lock back
	effects, err := newEffects()
	if err != nil {
		return 0, err
	}
	defer effects.close()
	return keeper.Replay(dir, node, effects)
}

// OpenSender implements keeper.Effects.
func (e *effects) OpenSender(ifname string) (keeper.Sender, error) { return openSender(ifname) }

var _ keeper.Sender = sender(0)

// sender is a raw socket that only sends, on one interface: whole IPv4 packets, header included.
type sender int

func openSender(ifname string) (keeper.Sender, error) {
	ifi, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("find interface %s: %w", ifname, err)
	}
	// IPPROTO_RAW implies IP_HDRINCL and receives nothing (raw(7)).
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_RAW)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := prepareSender(fd, ifi); err != nil {
		_ = unix.Close(fd) // the first error is the one to tell
		return nil, err
	}
	return sender(fd), nil
}

// prepareSender binds the socket to the interface and keeps its packets from coming back to this node.
func prepareSender(fd int, ifi *net.Interface) error {
	if err := unix.BindToDevice(fd, ifi.Name); err != nil {
		return os.NewSyscallError("bind to "+ifi.Name, err)
	}
	mreq := &unix.IPMreqn{Ifindex: int32(ifi.Index)}
	if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, mreq); err != nil {
		return os.NewSyscallError("set IP_MULTICAST_IF", err)
	}
	return os.NewSyscallError("clear IP_MULTICAST_LOOP", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0))
}

// Send implements keeper.Sender.
func (s sender) Send(dst netip.Addr, packet []byte) error {
	return os.NewSyscallError("sendto", unix.Sendto(int(s), packet, 0, &unix.SockaddrInet4{Addr: dst.As4()}))
}

// Close implements keeper.Sender.
func (s sender) Close() error { return unix.Close(int(s)) }
