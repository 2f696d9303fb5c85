package tracker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// maxARP is enough for an ARP packet of Ethernet and IPv4, which has 28 octets.
const maxARP = 64

// askARP asks once, from a socket of its own: each request finds the interface as it is then, and nothing that came
// before. arp's own client would want an address on the interface.
func askARP(ctx context.Context, g Gateway) (answer, error) {
	ifi, err := net.InterfaceByName(g.Interface)
	if err != nil {
		return answer{}, fmt.Errorf("find %s: %w", g.Interface, cause(err))
	}
	if link := linkOf(ifi); !link.Usable() { // sending would fail in one of several odd ways
		return answer{}, fmt.Errorf("%s: %v", g.Interface, link)
	}
	addresses, err := ifi.Addrs()
	if err != nil {
		return answer{}, fmt.Errorf("list addresses of %s: %w", g.Interface, err)
	}
	q := question{mac: ifi.HardwareAddr, source: sourceFor(g, prefixes(addresses)), gateway: g.Address}
	request, err := q.packet()
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", g.Interface, err)
	}
	filter, err := bpf.Assemble(replyFilter(g.Address))
	if err != nil {
		return answer{}, fmt.Errorf("assemble packet filter: %w", err)
	}
	// Datagram: the kernel writes and strips the Ethernet header.
	conn, err := packet.Listen(ifi, packet.Datagram, unix.ETH_P_ARP, &packet.Config{Filter: filter})
	if err != nil {
		return answer{}, fmt.Errorf("open packet socket on %s: %w", g.Interface, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(0, 0)) }) // ends the read; fails after Close
	defer stop()
	sent := time.Now()
	broadcast := &packet.Addr{HardwareAddr: net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}
	if _, err := conn.WriteTo(request, broadcast); err != nil {
		return answer{}, timeUp(fmt.Errorf("send ARP request on %s: %w", g.Interface, cause(err)))
	}
	mac, err := awaitReply(conn, q)
	if err != nil {
		return answer{}, timeUp(fmt.Errorf("receive ARP on %s: %w", g.Interface, cause(err)))
	}
	return answer{mac: mac, took: time.Since(sent), anonymous: q.source.IsUnspecified()}, nil
}

// awaitReply reads until q is answered.
func awaitReply(conn *packet.Conn, q question) (net.HardwareAddr, error) {
	buf := make([]byte, maxARP)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return nil, err
		}
		if mac, ok := q.answeredBy(buf[:n]); ok {
			return mac, nil
		}
	}
}

func linkOf(ifi *net.Interface) Link {
	return Link{Exists: true, Up: ifi.Flags&net.FlagUp != 0, Carrier: ifi.Flags&net.FlagRunning != 0}
}

// cause returns what package net wrapped, without the addresses that it adds.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// timeUp says errNoAnswer where a deadline was the cause.
func timeUp(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errNoAnswer
	}
	return err
}

// replyFilter lets only replies of one sender through: other ARP on a busy network wakes nobody.
func replyFilter(gateway netip.Addr) []bpf.Instruction {
	b := gateway.As4()
	sender := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: 6, Size: 2}, // operation
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 2, SkipTrue: 3},
		bpf.LoadAbsolute{Off: 14, Size: 4}, // sender's IPv4 address
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: sender, SkipTrue: 1},
		bpf.RetConstant{Val: maxARP},
		bpf.RetConstant{Val: 0},
	}
}

// prefixes returns those of addresses that are any.
func prefixes(addresses []net.Addr) []netip.Prefix {
	var all []netip.Prefix
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil { // other kinds than IP have no prefix
			all = append(all, p)
		}
	}
	return all
}
