package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

const (
	// Each virtual address is asked for twice, half the time apart, at most a second; RFC 5227 section 2.1.1 has three
	// probes, for who will take the address.
	maxARPGap = time.Second
	arpPace   = 200 * time.Microsecond // between two requests: 512 of them take a tenth of a second
)

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
