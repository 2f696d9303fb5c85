package tracker

import (
	"context"
	"encoding/binary"
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

// maxAnswer is what an Ethernet frame carries: answers are far shorter, and one that is cut short is none.
const maxAnswer = 1500

// wire is a question to a neighbour, as it goes over a packet socket.
type wire struct {
	protocol   int // EtherType
	to         net.HardwareAddr
	request    []byte
	filter     []bpf.Instruction // of what may be an answer
	answeredBy func(b []byte, from net.HardwareAddr) (mac net.HardwareAddr, ok bool)
	anonymous  bool // without an address of our own
}

// askNeighbour asks once, from a socket of its own: each request finds the interface as it is then, and nothing that came
// before. arp's own client would want an address on the interface, and ndp's one that is not tentative.
func askNeighbour(ctx context.Context, g Gateway) (answer, error) {
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
	w, err := wireOf(g, ifi.HardwareAddr, prefixes(addresses))
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", g.Interface, err)
	}
	filter, err := bpf.Assemble(w.filter)
	if err != nil {
		return answer{}, fmt.Errorf("assemble packet filter: %w", err)
	}
	// Datagram: the kernel writes and strips the Ethernet header.
	conn, err := packet.Listen(ifi, packet.Datagram, w.protocol, &packet.Config{Filter: filter})
	if err != nil {
		return answer{}, fmt.Errorf("open packet socket on %s: %w", g.Interface, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(0, 0)) }) // ends the read; fails after Close
	defer stop()
	sent := time.Now()
	if _, err := conn.WriteTo(w.request, &packet.Addr{HardwareAddr: w.to}); err != nil {
		return answer{}, timeUp(fmt.Errorf("send the request on %s: %w", g.Interface, cause(err)))
	}
	mac, err := w.awaitAnswer(conn)
	if err != nil {
		return answer{}, timeUp(fmt.Errorf("receive on %s: %w", g.Interface, cause(err)))
	}
	return answer{mac: mac, took: time.Since(sent), anonymous: w.anonymous}, nil
}

// wireOf is how a gateway is asked from an interface with that MAC and these addresses.
func wireOf(g Gateway, mac net.HardwareAddr, addresses []netip.Prefix) (wire, error) {
	if g.Address.Is4() {
		return arpWire(question{mac: mac, source: sourceFor(g, addresses), gateway: g.Address})
	}
	if len(mac) != 6 { // before the address, which such an interface may lack too
		return wire{}, errNoEthernet
	}
	source, err := sourceFor6(g, addresses)
	if err != nil {
		return wire{}, err
	}
	return ndWire(solicitation{mac: mac, source: source, gateway: g.Address})
}

func arpWire(q question) (wire, error) {
	request, err := q.packet()
	return wire{
		protocol: unix.ETH_P_ARP, to: net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, request: request,
		filter:     replyFilter(q.gateway),
		answeredBy: func(b []byte, _ net.HardwareAddr) (net.HardwareAddr, bool) { return q.answeredBy(b) },
		anonymous:  q.source.IsUnspecified(),
	}, err
}

func ndWire(s solicitation) (wire, error) {
	request, err := s.packet()
	return wire{
		protocol: unix.ETH_P_IPV6, to: s.groupMAC(), request: request,
		filter: advertisementFilter(s.gateway), answeredBy: s.answeredBy,
	}, err
}

// awaitAnswer reads until the question is answered.
func (w wire) awaitAnswer(conn *packet.Conn) (net.HardwareAddr, error) {
	buf := make([]byte, maxAnswer)
	for {
		n, addr, err := conn.ReadFrom(buf)
		if err != nil {
			return nil, err
		}
		var from net.HardwareAddr
		if a, ok := addr.(*packet.Addr); ok {
			from = a.HardwareAddr
		}
		if mac, ok := w.answeredBy(buf[:n], from); ok {
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
		bpf.RetConstant{Val: maxAnswer},
		bpf.RetConstant{Val: 0},
	}
}

// advertisementFilter lets only neighbour advertisements of one target through: other IPv6 wakes nobody.
func advertisementFilter(target netip.Addr) []bpf.Instruction {
	const typeAt, targetAt = ipv6Len, ipv6Len + 8
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 6, Size: 1}, // next header
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: protoICMP6, SkipTrue: 11},
		bpf.LoadAbsolute{Off: typeAt, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: typeNA, SkipTrue: 9},
	}
	a := target.As16()
	for i := 0; i < len(a); i += 4 {
		program = append(program,
			bpf.LoadAbsolute{Off: uint32(targetAt + i), Size: 4},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(a[i:]), SkipTrue: uint8(7 - i/2)},
		)
	}
	return append(program, bpf.RetConstant{Val: maxAnswer}, bpf.RetConstant{Val: 0})
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
