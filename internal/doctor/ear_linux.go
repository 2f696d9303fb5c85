package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const (
	tapQueue = 1 << 20 // octets that the kernel may hold for a tap: about a thousand packets

	// settle is how much longer the sockets listen than the tap: what was on the wire last must have time to reach them.
	settle = 100 * time.Millisecond

	// Each virtual address is asked for twice, half the time apart, at most a second; RFC 5227 section 2.1.1 has three
	// probes, for who will take the address.
	maxARPGap = time.Second
	arpPace   = 200 * time.Microsecond // between two requests: 512 of them take a tenth of a second
)

// ear is all that listens on one interface. tap hears what is on the wire, before any firewall; the sockets hear what a
// daemon would.
type ear struct {
	ifi  *net.Interface
	tap  *packet.Conn
	ipv4 *net.IPConn // nil: none could be opened
	ipv6 *net.IPConn // nil: none, as where IPv6 is switched off
}

// listenOn listens on an interface until the time is over.
func listenOn(ctx context.Context, in *Interface, vips []netip.Prefix, listen time.Duration) (Hearing, error) {
	var h Hearing
	ifi, err := net.InterfaceByName(in.Name)
	if err != nil {
		return h, err
	}
	e := ear{ifi: ifi}
	defer e.close()
	// The sockets first: what the tap sees they must have had a chance to get.
	if e.ipv4, err = listenAdverts(ctx, "ip4", ifi); err != nil {
		h.JoinErr = err.Error()
	}
	e.ipv6, _ = listenAdverts(ctx, "ip6", ifi) // where IPv6 is off nobody speaks it
	h.Sockets = Ears{IPv4: e.ipv4 != nil, IPv6: e.ipv6 != nil}
	if e.tap, err = openTap(ifi); err != nil {
		return h, err
	}
	if h.Joined, err = joined4(in.Name); err != nil {
		return h, err
	}
	return h, e.run(ctx, &h, asked(&h, vips), listen)
}

// asked are the virtual addresses to ask for.
func asked(h *Hearing, vips []netip.Prefix) []netip.Addr {
	var all []netip.Addr
	for _, v := range vips {
		if v.Addr().Is4() {
			all = append(all, v.Addr())
		}
	}
	all = all[:min(len(all), maxAsked)]
	h.Asked = len(all)
	return all
}

func (e *ear) close() {
	for _, c := range []*net.IPConn{e.ipv4, e.ipv6} {
		if c != nil {
			_ = c.Close() // nothing was written
		}
	}
	if e.tap != nil {
		_ = e.tap.Close()
	}
}

// run listens and asks at the same time, and fills h.
func (e *ear) run(ctx context.Context, h *Hearing, vips []netip.Addr, listen time.Duration) error {
	e.until(time.Now().Add(listen))
	stop := context.AfterFunc(ctx, func() { e.until(time.Unix(1, 0)) })
	defer stop()
	w, four, six := newWire(vips), got{}, got{}
	var wg sync.WaitGroup
	var tapErr error
	wg.Go(func() { tapErr = e.readTap(w) })
	for conn, g := range map[*net.IPConn]got{e.ipv4: four, e.ipv6: six} {
		if conn != nil {
			wg.Go(func() { readAdverts(conn, g) })
		}
	}
	h.Probe = e.probe(ctx)
	if err := e.ask(ctx, vips, min(listen/2, maxARPGap)); err != nil {
		h.ARPErr = err.Error()
	}
	wg.Wait()
	if err := errors.Join(tapErr, context.Cause(ctx)); err != nil {
		return err
	}
	w.merge(h, four, six)
	return nil
}

// until sets when reading ends. A cancelled context sets a time long past.
func (e *ear) until(t time.Time) {
	_ = e.tap.SetReadDeadline(t) // fails only when closed
	for _, c := range []*net.IPConn{e.ipv4, e.ipv6} {
		if c != nil {
			_ = c.SetReadDeadline(t.Add(settle))
		}
	}
}

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

// listenAdverts opens a socket as a daemon's: bound to the interface, a member of the group there and of no other.
func listenAdverts(ctx context.Context, family string, ifi *net.Interface) (*net.IPConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, func(fd int) error {
			if err := unix.BindToDevice(fd, ifi.Name); err != nil {
				return os.NewSyscallError("bind to device", err)
			}
			if family == "ip6" {
				return os.NewSyscallError("join group", unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP,
					&unix.IPv6Mreq{Multiaddr: groupIPv6().As16(), Interface: uint32(ifi.Index)}))
			}
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0); err != nil {
				return os.NewSyscallError("set IP_MULTICAST_ALL", err)
			}
			return os.NewSyscallError("join group", unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
				&unix.IPMreqn{Multiaddr: groupAddr().As4(), Ifindex: int32(ifi.Index)}))
		})
	}}
	any := "0.0.0.0"
	if family == "ip6" {
		any = "::"
	}
	pc, err := lc.ListenPacket(ctx, fmt.Sprintf("%s:%d", family, protocolVRRP), any)
	if err != nil {
		return nil, err
	}
	return pc.(*net.IPConn), nil // what package net makes of ip4 and ip6
}

// readAdverts reads until the deadline. An error ends it too: what was not got by then shows as lost.
func readAdverts(conn *net.IPConn, g got) {
	buf := make([]byte, frameLen)
	for {
		n, from, err := conn.ReadFromIP(buf) // without the IP header
		if err != nil {
			return
		}
		if source, ok := netip.AddrFromSlice(from.IP); ok {
			g.add(source.Unmap(), buf[:n])
		}
	}
}

// probe sends one datagram to the group: no advert, but it takes the same way out.
func (e *ear) probe(ctx context.Context) Probe {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return control(raw, func(fd int) error {
			if err := unix.BindToDevice(fd, e.ifi.Name); err != nil {
				return os.NewSyscallError("bind to device", err)
			}
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0); err != nil {
				return os.NewSyscallError("clear IP_MULTICAST_LOOP", err)
			}
			return os.NewSyscallError("set IP_MULTICAST_IF", unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(e.ifi.Index)}))
		})
	}}
	conn, err := lc.ListenPacket(ctx, "udp4", "0.0.0.0:0")
	if err != nil {
		return Probe{Err: err.Error()}
	}
	defer conn.Close()
	to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(groupAddr(), probePort))
	if _, err := conn.WriteTo([]byte("tandem doctor"), to); err != nil {
		return Probe{Err: cause(err)}
	}
	return Probe{Sent: true}
}

// cause is the system's word for an error, without package net's about addresses.
func cause(err error) string {
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err.Error()
	}
	return err.Error()
}

// ask asks twice for each address, as nobody.
func (e *ear) ask(ctx context.Context, vips []netip.Addr, gap time.Duration) error {
	if len(e.ifi.HardwareAddr) != 6 {
		return nil // judgeLink says that it is no Ethernet
	}
	for round := range 2 {
		if round > 0 && len(vips) > 0 && !sleep(ctx, gap) {
			return nil
		}
		for _, a := range vips {
			request, err := arpProbe(e.ifi.HardwareAddr, a)
			if err != nil {
				return fmt.Errorf("ask for %v: %w", a, err)
			}
			if _, err := e.tap.WriteTo(request, &packet.Addr{HardwareAddr: broadcast()}); err != nil {
				return fmt.Errorf("ask for %v: %w", a, err)
			}
			if !sleep(ctx, arpPace) {
				return nil
			}
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// arpProbe is an ARP request that claims no address: "The 'sender IP address' field MUST be set to all zeroes; this is to
// avoid polluting ARP caches" (RFC 5227 section 2.1.1, https://www.rfc-editor.org/rfc/rfc5227).
func arpProbe(mac net.HardwareAddr, a netip.Addr) ([]byte, error) {
	p, err := arp.NewPacket(arp.OperationRequest, mac, netip.IPv4Unspecified(), make(net.HardwareAddr, 6), a)
	if err != nil {
		return nil, err
	}
	body, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	b := append(append([]byte{}, broadcast()...), mac...)
	b = append(b, etherTypeARP>>8, etherTypeARP&0xff)
	return append(b, body...), nil
}

// broadcast is ff:ff:ff:ff:ff:ff.
func broadcast() net.HardwareAddr { return net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} }

// control calls f with the descriptor, which stays open meanwhile.
func control(raw syscall.RawConn, f func(fd int) error) error {
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}
