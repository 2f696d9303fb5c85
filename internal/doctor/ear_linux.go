package doctor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/mdlayher/packet"
)

// settle is how much longer the sockets listen than the tap: what was on the wire last must have time to reach them.
const settle = 100 * time.Millisecond

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

// control calls f with the descriptor, which stays open meanwhile.
func control(raw syscall.RawConn, f func(fd int) error) error {
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}
