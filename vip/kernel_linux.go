package vip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

var (
	_ Kernel    = (*Netlink)(nil)
	_ Announcer = (*Netlink)(nil)
	_ Listener  = (*Netlink)(nil)
)

// Netlink is the Kernel, the Announcer and the Listener of a network namespace. All its sockets are open from the
// beginning, so that a takeover opens none and no thread's namespace matters later.
type Netlink struct {
	rtnl    *rtnl
	netconf *netconf
	events  *netlinkSocket
	feed    Feed
	frames  *frameSocket // to announce with
	pacer   Pacer
	ears    *ears
}

// OpenKernel opens the network namespace of the calling thread. It needs CAP_NET_RAW, and to change addresses
// CAP_NET_ADMIN.
func OpenKernel() (_ *Netlink, err error) {
	n := &Netlink{}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	if n.rtnl, err = openRTNL(); err != nil {
		return nil, err
	}
	if n.netconf, err = openNetconf(); err != nil {
		return nil, err
	}
	if n.events, err = openNetlink(unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR); err != nil {
		return nil, fmt.Errorf("subscribe to link and address events: %w", err)
	}
	if err := n.events.enlarge(); err != nil {
		return nil, fmt.Errorf("enlarge the queue of link and address events: %w", err)
	}
	if n.frames, err = openFrames(); err != nil {
		return nil, err
	}
	if n.ears, err = openEars(n.rtnl, &n.feed); err != nil {
		return nil, err
	}
	return n, nil
}

// Close closes the sockets. Run must have returned.
func (n *Netlink) Close() error {
	var errs []error
	if n.rtnl != nil {
		n.rtnl.close()
	}
	if n.netconf != nil {
		n.netconf.close()
	}
	if n.events != nil {
		_ = n.events.close() // Run may have closed it
	}
	if n.frames != nil {
		errs = append(errs, n.frames.close())
	}
	if n.ears != nil {
		errs = append(errs, n.ears.close())
	}
	return errors.Join(errs...)
}

// Run reads the kernel's events and others' claims to addresses, and hands them to those whom they concern, until ctx
// ends: then it returns nil, and both are over for good.
func (n *Netlink) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := []func(context.Context) error{n.readEvents, n.ears.run}
	ended := make(chan error, len(parts)) // each part sends once
	for _, part := range parts {
		go func() { ended <- part(ctx) }()
	}
	var errs []error
	for range parts {
		errs = append(errs, <-ended)
		cancel() // without one the others are of no use
	}
	return errors.Join(errs...)
}

func (n *Netlink) readEvents(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = n.events.close() }) // ends the read; fails when Close was faster
	defer stop()
	for {
		msgs, err := n.events.receive(time.Time{})
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENOBUFS): // netlink(7): the socket's buffer was full, events are lost
			n.feed.Lost()
			continue
		case err != nil:
			return fmt.Errorf("read link and address events: %w", err)
		}
		for _, m := range msgs {
			if m.Header.Type == unix.RTM_NEWADDR && m.Header.Pid == n.rtnl.changes.socket.port {
				continue // our own doing, and thousands of it at a takeover and at each renewal
			}
			if e, ok := parseEvent(m); ok {
				n.feed.Publish(e)
			}
		}
	}
}

// Addresses is Kernel.Addresses.
func (n *Netlink) Addresses(ifname string) (*Listing, error) {
	list, err := n.rtnl.addresses(ifname)
	if err != nil {
		return nil, fmt.Errorf("list addresses of %s: %w", ifname, err)
	}
	return list, nil
}

// Add is Kernel.Add.
func (n *Netlink) Add(addrs []Address, lease time.Duration) []error {
	return opErrors("add", "to", addrs, n.rtnl.add(addrs, lease, addFlags))
}

// Renew is Kernel.Renew.
func (n *Netlink) Renew(addrs []Address, lease time.Duration) []error {
	return opErrors("renew", "on", addrs, n.rtnl.add(addrs, lease, renewFlags))
}

// Delete is Kernel.Delete.
func (n *Netlink) Delete(addrs []Address) []error {
	return opErrors("remove", "from", addrs, n.rtnl.remove(addrs))
}

// Subscribe is Kernel.Subscribe. Run hands out the events.
func (n *Netlink) Subscribe(match func(Event) bool) (changed <-chan struct{}, cancel func()) {
	return n.feed.Subscribe(match)
}

// Listen is Listener.Listen. Run listens.
func (n *Netlink) Listen(addrs []Address, heard func(Claim)) (cancel func()) {
	return n.ears.listen(addrs, heard)
}

// Announce is Announcer.Announce, by gratuitous ARP or an unsolicited neighbour advertisement.
func (n *Netlink) Announce(ifname string, addr netip.Addr, gap time.Duration, repeat bool) (time.Duration, error) {
	if wait := n.pacer.Take(time.Now(), ifname, gap, repeat); wait > 0 {
		return wait, nil
	}
	if err := n.announce(ifname, addr); err != nil {
		return 0, fmt.Errorf("announce %s on %s: %w", addr, ifname, err)
	}
	return 0, nil
}

func (n *Netlink) announce(ifname string, addr netip.Addr) error {
	if n.announceOn(ifname, addr) == nil {
		return nil
	}
	n.ears.nodes.forget()
	return n.announceOn(ifname, addr) // the interface may have been made anew just now
}

func (n *Netlink) announceOn(ifname string, addr netip.Addr) error {
	link, ok := n.ears.nodes.named(ifname)
	if !ok {
		return ErrNoInterface
	}
	if addr.Is4() {
		b, err := gratuitousARP(link.mac, addr)
		if err != nil {
			return err
		}
		return n.frames.send(link.index, unix.ETH_P_ARP, broadcast(), b)
	}
	router, err := n.netconf.forwarding(link.index)
	if err != nil {
		return err
	}
	b, err := unsolicitedNA(link.mac, addr, router)
	if err != nil {
		return err
	}
	return n.frames.send(link.index, unix.ETH_P_IPV6, allNodesMAC(), b)
}

func opErrors(op, where string, addrs []Address, errs []error) []error {
	for i, err := range errs {
		if err != nil {
			errs[i] = fmt.Errorf("%s %s %s %s: %w", op, addrs[i].Prefix, where, addrs[i].Interface, err)
		}
	}
	return errs
}
