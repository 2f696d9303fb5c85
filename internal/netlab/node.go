package netlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Node is a machine of the lab: a network, PID and mount namespace. Its loopback interface is up.
type Node struct {
	name    string
	lab     *Lab
	init    *nodeInit
	network space
	pids    space
	mounts  space
	handle  *netlink.Handle
	watcher *nl.NetlinkSocket
}

// Node makes a node without cables. The name is for events and errors and is best unique.
func (l *Lab) Node(name string) (*Node, error) {
	n := &Node{name: name, lab: l}
	err := n.open()
	if err == nil {
		err = l.admit(n)
	}
	if err != nil {
		n.close()
		return nil, fmt.Errorf("make node %s: %w", name, err)
	}
	return n, nil
}

// admit makes a node part of the lab, for Close to end it.
func (l *Lab) admit(n *Node) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.nodes = append(l.nodes, n)
	w := newLinkWatch(n.name)
	l.wg.Go(func() { l.watch(n.watcher, w.events) })
	return nil
}

func (n *Node) open() error {
	init, warnings, err := startInit(n.lab.cfg.Private)
	if err != nil {
		return err
	}
	n.init = init
	n.lab.warn(n.name, warnings)
	dir := "/proc/" + strconv.Itoa(init.cmd.Process.Pid) + "/ns/"
	if n.network, err = openSpace(dir+"net", unix.CLONE_NEWNET); err != nil {
		return err
	}
	if n.pids, err = openSpace(dir+"pid", unix.CLONE_NEWPID); err != nil {
		return err
	}
	if n.mounts, err = openSpace(dir+"mnt", unix.CLONE_NEWNS); err != nil {
		return err
	}
	return n.Do(func() error {
		if n.handle, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
			return fmt.Errorf("open netlink socket: %w", err)
		}
		n.watcher, err = subscribe(unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
		if err != nil {
			return err
		}
		return setLoopbackUp(n.handle)
	})
}

// close undoes as much of open as was done.
func (n *Node) close() {
	if n.init != nil {
		n.init.kill()
	}
	if n.watcher != nil {
		n.watcher.Close()
	}
	if n.handle != nil {
		n.handle.Close()
	}
	n.network.close()
	n.pids.close()
	n.mounts.close()
}

// Name returns the name that the node was made with.
func (n *Node) Name() string { return n.name }

// Netlink returns the handle for the node's links, addresses and routes. It belongs to the lab.
func (n *Node) Netlink() *netlink.Handle { return n.handle }

// Path returns where this program finds a file of the node: the way into its private directories.
func (n *Node) Path(path string) string {
	return "/proc/" + strconv.Itoa(n.init.cmd.Process.Pid) + "/root" + path
}

// Do runs f on an operating system thread inside the node's network namespace and returns its error. Sockets that f
// opens belong to the node for good. Goroutines that f starts do not run inside; processes are for Start.
func (n *Node) Do(f func() error) error {
	return inside(f, n.network)
}

// Dial connects from the node to a literal address and port; it fits http.Transport's DialContext.
func (n *Node) Dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	// A name would be resolved, and several addresses tried, by goroutines outside the namespace.
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("dial from %s: %w", n.name, err)
	}
	err = n.Do(func() (err error) {
		dialer := net.Dialer{FallbackDelay: -1}
		conn, err = dialer.DialContext(ctx, network, address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("dial from %s: %w", n.name, err)
	}
	return conn, nil
}

// Listen listens on the node for TCP connections to a literal address and port ("10.77.0.1:0", ":80").
func (n *Node) Listen(ctx context.Context, network, address string) (listener net.Listener, err error) {
	err = n.Do(func() (err error) {
		var config net.ListenConfig
		listener, err = config.Listen(ctx, network, address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", n.name, err)
	}
	return listener, nil
}

// dumpTries bounds the repetitions of a dump that changes interrupted; each takes well under a millisecond.
const dumpTries = 100

// has reports whether an interface of the node has the address.
func (n *Node) has(addr netip.Addr) (bool, error) {
	var addresses []netlink.Addr
	var err error = netlink.ErrDumpInterrupted
	for try := 0; try < dumpTries && errors.Is(err, netlink.ErrDumpInterrupted); try++ {
		addresses, err = n.handle.AddrList(nil, netlink.FAMILY_ALL)
	}
	if err != nil {
		return false, fmt.Errorf("list addresses of %s: %w", n.name, err)
	}
	for _, a := range addresses {
		if got, ok := netip.AddrFromSlice(a.IP); ok && got.Unmap() == addr.Unmap() {
			return true, nil
		}
	}
	return false, nil
}
