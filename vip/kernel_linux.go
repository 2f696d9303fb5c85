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
)

// Netlink is the Kernel and the Announcer of a network namespace. All its sockets are open from the beginning, so that
// a takeover opens none and no thread's namespace matters later.
type Netlink struct {
	rtnl   *rtnl
	events *nl.NetlinkSocket
	feed   Feed
	garp   *garpSocket
	pacer  Pacer
}

// OpenKernel opens the network namespace of the calling thread. It needs CAP_NET_RAW, and to change addresses
// CAP_NET_ADMIN.
func OpenKernel() (*Netlink, error) {
	r, err := openRTNL()
	if err != nil {
		return nil, err
	}
	events, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR)
	if err != nil {
		r.close()
		return nil, fmt.Errorf("subscribe to link and address events: %w", err)
	}
	garp, err := openGARP()
	if err != nil {
		r.close()
		events.Close()
		return nil, err
	}
	return &Netlink{rtnl: r, events: events, garp: garp}, nil
}

// Close closes the sockets. Run must have returned.
func (n *Netlink) Close() error {
	n.rtnl.close()
	n.events.Close()
	return n.garp.close()
}

// Run reads the kernel's events and hands them to the subscribers, until ctx ends: then it returns nil, and the
// events are over for good.
func (n *Netlink) Run(ctx context.Context) error {
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
	return opError("remove", "from", a, n.rtnl.remove(a.Interface, a.Prefix))
}

// Subscribe is Kernel.Subscribe. Run hands out the events.
func (n *Netlink) Subscribe(match func(Event) bool) (changed <-chan struct{}, cancel func()) {
	return n.feed.Subscribe(match)
}

// Announce is Announcer.Announce, by gratuitous ARP.
func (n *Netlink) Announce(ifname string, addr netip.Addr, gap time.Duration) (time.Duration, error) {
	if wait := n.pacer.Take(time.Now(), ifname, gap); wait > 0 {
		return wait, nil
	}
	link, err := n.rtnl.attrs(ifname)
	if err == nil {
		err = n.garp.send(link.Index, link.HardwareAddr, addr)
	}
	if err != nil {
		return 0, fmt.Errorf("announce %s on %s: %w", addr, ifname, err)
	}
	return 0, nil
}

func opError(op, where string, a Address, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s %s %s: %w", op, a.Prefix, where, a.Interface, err)
}
