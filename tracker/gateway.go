package tracker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/arp"
)

// answer is what a gateway said.
type answer struct {
	mac       net.HardwareAddr // whose it is: any will do, and a gateway that fails over has another
	took      time.Duration    // the round trip
	anonymous bool             // asked without an address of our own
}

// errNoAnswer says that the time was up.
var errNoAnswer = errors.New("no answer")

// gatewayWatcher asks a neighbour for its link-layer address every interval, and is up while it answers. That takes
// neither a route nor an address of our own, and no firewall of the neighbour's is in the way.
type gatewayWatcher struct {
	gateway Gateway
	// ask asks once. It returns errNoAnswer at the deadline of ctx.
	ask func(ctx context.Context, g Gateway) (answer, error)
}

func newGatewayWatcher(id ID, cfg Config, _ Sources) (watcher, error) {
	i := slices.IndexFunc(cfg.Gateways, func(g Gateway) bool {
		return g.Address.String() == id.Name && g.Interface == id.Interface
	})
	if i < 0 {
		return nil, errors.New("no such gateway")
	}
	g := cfg.Gateways[i]
	if g.Interval <= 0 || g.Timeout <= 0 || g.Timeout > g.Interval {
		return nil, fmt.Errorf("interval %v and timeout %v must be positive, the timeout not above the interval", g.Interval, g.Timeout)
	}
	if a := g.Address; !a.IsValid() || a.Is4In6() || a.Zone() != "" {
		return nil, fmt.Errorf("%v is no address of IPv4 or IPv6 without a zone", a)
	}
	return gatewayWatcher{gateway: g, ask: askNeighbour}, nil
}

func (w gatewayWatcher) newTrack(last State, report func(State)) *track {
	return newTrack(thresholds{rise: w.gateway.Rise, fall: w.gateway.Fall, init: w.gateway.Init}, last, report)
}

func (w gatewayWatcher) same(other watcher) bool {
	o, ok := other.(gatewayWatcher)
	if !ok || !slices.Equal(w.gateway.Virtual, o.gateway.Virtual) {
		return false
	}
	a, b := w.gateway, o.gateway // the address and the interface are in the ID
	return a.Interval == b.Interval && a.Timeout == b.Timeout && a.Rise == b.Rise && a.Fall == b.Fall
}

func (w gatewayWatcher) watch(ctx context.Context, t *track) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for next := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		asking, cancel := context.WithTimeout(ctx, w.gateway.Timeout)
		a, err := w.ask(asking, w.gateway)
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		now := time.Now()
		t.observe(now, w.verdict(a, err))
		// Requests that were missed altogether, in a suspended machine for example, are not made up for.
		next = next.Add((now.Sub(next)/w.gateway.Interval + 1) * w.gateway.Interval)
		timer.Reset(next.Sub(now))
	}
}

// verdict words how asking went.
func (w gatewayWatcher) verdict(a answer, err error) observation {
	switch {
	case errors.Is(err, errNoAnswer):
		return observation{text: fmt.Sprintf("no answer within %v", w.gateway.Timeout), took: w.gateway.Timeout}
	case err != nil:
		return observation{text: "cannot ask: " + err.Error()}
	}
	o := observation{ok: true, took: a.took, text: fmt.Sprintf("%v answered in %v", a.mac, a.took.Round(time.Microsecond))}
	if a.anonymous {
		o.text += "; " + w.gateway.Interface + " has no address of its own"
	}
	return o
}

// question is an ARP request. Without a source it is a probe (RFC 5227 section 1.1, https://www.rfc-editor.org/rfc/rfc5227):
// 'an ARP Request packet, broadcast on the local link, with an all-zero "sender IP address"', which a host answers like
// any other.
type question struct {
	mac     net.HardwareAddr // our interface's
	source  netip.Addr       // our own address, or 0.0.0.0
	gateway netip.Addr
}

var errNoEthernet = errors.New("the interface has no Ethernet address")

// packet returns the request on the wire, without its Ethernet header.
func (q question) packet() ([]byte, error) {
	if len(q.mac) != 6 {
		return nil, errNoEthernet
	}
	p, err := arp.NewPacket(arp.OperationRequest, q.mac, q.source, make(net.HardwareAddr, 6), q.gateway)
	if err != nil {
		return nil, err
	}
	return p.MarshalBinary()
}

// answeredBy returns who answers q with b. Requests, and announcements made as replies, are no answers: they have
// another target than the one who asked.
func (q question) answeredBy(b []byte) (mac net.HardwareAddr, ok bool) {
	var p arp.Packet
	if err := p.UnmarshalBinary(b); err != nil {
		return nil, false
	}
	ok = p.Operation == arp.OperationReply && p.SenderIP == q.gateway && p.TargetIP == q.source &&
		slices.Equal(p.TargetHardwareAddr, q.mac)
	return p.SenderHardwareAddr, ok
}

// sourceFor chooses who asks: an address in the gateway's network before others, 0.0.0.0 where there is none but virtual
// ones. Those belong to whoever is master, which is not for a probe to say.
func sourceFor(g Gateway, addresses []netip.Prefix) netip.Addr {
	best := netip.IPv4Unspecified()
	for _, p := range addresses {
		a := p.Addr()
		switch {
		case !a.Is4() || slices.Contains(g.Virtual, a):
		case p.Contains(g.Address):
			return a
		case best.IsUnspecified():
			best = a
		}
	}
	return best
}
