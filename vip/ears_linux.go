package vip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ndp"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// ears hear on every interface who claims addresses. While nobody listens the kernel hands over nothing.
type ears struct {
	claims Claims
	wake   chan struct{} // to run: the filters are to be made anew; senders don't block, no one closes, one value says it all
	arp    *frameSocket
	nd     *frameSocket // hears nothing until the first IPv6 address is listened for: nodes without one pay nothing
	nodes  nodeLinks
}

// openEars opens the sockets. feed tells of changes to interfaces.
func openEars(r *rtnl, feed *Feed) (*ears, error) {
	e := &ears{wake: make(chan struct{}, 1)}
	e.nodes.rtnl = r
	e.nodes.changed, _ = feed.Subscribe(func(ev Event) bool { return ev.Kind == LinkChanged || ev.Kind == LinkRemoved })
	var err error
	if e.arp, err = openFrames(); err != nil {
		return nil, err
	}
	if e.nd, err = openFrames(); err != nil {
		_ = e.arp.close() // the error that matters is the other one
		return nil, err
	}
	return e, nil
}

func (e *ears) close() error { return errors.Join(e.arp.close(), e.nd.close()) }

func (e *ears) listen(addrs []Address, heard func(Claim)) (cancel func()) {
	stop := e.claims.Listen(addrs, heard)
	e.refilter()
	return func() {
		stop()
		e.refilter()
	}
}

// refilter has run make the filters anew: instances that take over together need that once.
func (e *ears) refilter() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// run hears until ctx ends; then it returns nil.
func (e *ears) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { e.arp.wake(); e.nd.wake() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	failed := make(chan error, 2) // each reader sends once
	defer func() { e.arp.wake(); e.nd.wake() }()
	wg.Go(func() { failed <- e.read(ctx, e.arp, arpClaim) })
	wg.Go(func() { failed <- e.read(ctx, e.nd, naClaim) })
	hears := map[*frameSocket]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-e.wake:
			v4, v6 := byFamily(e.claims.addrs())
			if err := e.tune(e.arp, unix.ETH_P_ARP, arpFilter(v4), hears); err != nil {
				return fmt.Errorf("listen to ARP: %w", err)
			}
			if len(v6) == 0 && !hears[e.nd] {
				continue
			}
			if err := e.tune(e.nd, unix.ETH_P_IPV6, naFilter(v6), hears); err != nil {
				return fmt.Errorf("listen to neighbour advertisements: %w", err)
			}
		}
	}
}

func byFamily(addrs []netip.Addr) (v4, v6 []netip.Addr) {
	for _, a := range addrs {
		if a.Is4() {
			v4 = append(v4, a)
		} else {
			v6 = append(v6, a)
		}
	}
	return v4, v6
}

// tune gives a socket its filter, and then has it hear: never the other way round.
func (e *ears) tune(s *frameSocket, protocol uint16, program []bpf.Instruction, hears map[*frameSocket]bool) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	if err := s.filter(raw); err != nil {
		return err
	}
	if hears[s] {
		return nil
	}
	hears[s] = true
	return s.listen(protocol)
}

// read hands on what a socket hears, until ctx ends; then it returns nil.
func (e *ears) read(ctx context.Context, s *frameSocket, parse func(b []byte, from net.HardwareAddr) (Claim, bool)) error {
	b := make([]byte, claimSize)
	for {
		n, ifindex, from, err := s.receive(b)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("listen for claims to addresses: %w", err)
		}
		claim, ok := parse(b[:n], from)
		if !ok || !e.claims.Wanted(claim.Addr) {
			continue
		}
		if claim.Interface, ok = e.nodes.foreign(ifindex, claim.MAC); ok {
			e.claims.Hear(claim)
		}
	}
}

// arpClaim reads whose address an ARP packet says the sender's is. A probe (RFC 5227) has no sender's address.
func arpClaim(b []byte, _ net.HardwareAddr) (Claim, bool) {
	var p arp.Packet
	if err := p.UnmarshalBinary(b); err != nil || p.ProtocolType != unix.ETH_P_IP || len(p.SenderHardwareAddr) != 6 {
		return Claim{}, false
	}
	return Claim{Addr: p.SenderIP, MAC: p.SenderHardwareAddr}, true
}

// naClaim reads who has the target of a neighbour advertisement: whom its option names, else who sent it. The checksum
// is the kernel's affair: it may not be there yet in a packet that never left the host.
func naClaim(b []byte, from net.HardwareAddr) (Claim, bool) {
	if len(b) < ipv6HeaderLen || b[6] != unix.IPPROTO_ICMPV6 || b[7] != ndHopLimit {
		return Claim{}, false
	}
	m, err := ndp.ParseMessage(b[ipv6HeaderLen:])
	if err != nil {
		return Claim{}, false
	}
	na, ok := m.(*ndp.NeighborAdvertisement)
	if !ok {
		return Claim{}, false
	}
	claim := Claim{Addr: na.TargetAddress, MAC: from}
	for _, o := range na.Options {
		if lla, ok := o.(*ndp.LinkLayerAddress); ok && lla.Direction == ndp.Target {
			claim.MAC = lla.Addr
		}
	}
	return claim, len(claim.MAC) == 6
}
