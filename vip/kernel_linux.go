package vip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink/nl"
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
	events  *nl.NetlinkSocket
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
	n.events, err = nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		return nil, fmt.Errorf("subscribe to link and address events: %w", err)
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
		n.events.Close()
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
	stop := context.AfterFunc(ctx, n.events.Close) // ends the read
	defer stop()
	for {
		msgs, from, err := n.events.Receive()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENOBUFS): // netlink(7): the socket's buffer was full, events are lost
			n.feed.Lost()
			continue
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("read link and address events: %w", err)
		case from.Pid != nl.PidKernel:
			continue // any process may send to the socket
		}
		for _, m := range msgs {
			if e, ok := parseEvent(m); ok {
				n.feed.Publish(e)
			}
		}
	}
}

// Addresses is Kernel.Addresses.
func (n *Netlink) Addresses(ifname string) ([]Held, error) {
	list, err := n.rtnl.addresses(ifname)
	if err != nil {
		return nil, fmt.Errorf("list addresses of %s: %w", ifname, err)
	}
	return list, nil
}

// Add is Kernel.Add.
func (n *Netlink) Add(a Address, lease time.Duration) error {
	return opError("add", "to", a, n.rtnl.add(a, lease, false))
}

// Renew is Kernel.Renew.
func (n *Netlink) Renew(a Address, lease time.Duration) error {
	return opError("renew", "on", a, n.rtnl.add(a, lease, true))
}

// Delete is Kernel.Delete.
func (n *Netlink) Delete(a Address) error {
	return opError("remove", "from", a, n.rtnl.remove(a))
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
func (n *Netlink) Announce(ifname string, addr netip.Addr, gap time.Duration) (time.Duration, error) {
	if wait := n.pacer.Take(time.Now(), ifname, gap); wait > 0 {
		return wait, nil
	}
	if err := n.announce(ifname, addr); err != nil {
		return 0, fmt.Errorf("announce %s on %s: %w", addr, ifname, err)
	}
	return 0, nil
}

func (n *Netlink) announce(ifname string, addr netip.Addr) error {
	link, err := n.rtnl.attrs(ifname)
	if err != nil {
		return err
	}
	if addr.Is4() {
		b, err := gratuitousARP(link.HardwareAddr, addr)
		if err != nil {
			return err
		}
		return n.frames.send(link.Index, unix.ETH_P_ARP, broadcast(), b)
	}
	router, err := n.netconf.forwarding(link.Index)
	if err != nil {
		return err
	}
	b, err := unsolicitedNA(link.HardwareAddr, addr, router)
	if err != nil {
		return err
	}
	return n.frames.send(link.Index, unix.ETH_P_IPV6, allNodesMAC(), b)
}

func opError(op, where string, a Address, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s %s %s: %w", op, a.Prefix, where, a.Interface, err)
}
