package vip

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	// rtnlTimeout bounds a request: the kernel answers within a millisecond unless someone sits on its lock.
	rtnlTimeout = 2 * time.Second
	// dumpTries bounds the attempts at a list that is consistent; the kernel interrupts one when what it lists changes.
	dumpTries = 10
)

// rtnl speaks rtnetlink in the network namespace that it was opened in.
type rtnl struct {
	mu     sync.Mutex // one request at a time, as there is one socket
	handle *netlink.Handle
}

// retried calls dump until its list is consistent.
func retried[T any](dump func() ([]T, error)) ([]T, error) {
	for try := 1; ; try++ {
		list, err := dump()
		switch {
		case err == nil:
			return list, nil
		case !errors.Is(err, netlink.ErrDumpInterrupted) && !errors.Is(err, unix.EINTR), try == dumpTries:
			return nil, err
		}
	}
}

func openRTNL() (*rtnl, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink socket: %w", err)
	}
	if err := h.SetSocketTimeout(rtnlTimeout); err != nil {
		h.Close()
		return nil, fmt.Errorf("set timeout of netlink socket: %w", err)
	}
	return &rtnl{handle: h}, nil
}

func (r *rtnl) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handle.Close()
}

// link finds an interface by its name; mu is held.
func (r *rtnl) link(ifname string) (*netlink.LinkAttrs, error) {
	l, err := r.handle.LinkByName(ifname)
	if _, ok := errors.AsType[netlink.LinkNotFoundError](err); ok {
		return nil, ErrNoInterface
	}
	if err != nil {
		return nil, err
	}
	return l.Attrs(), nil
}

// attrs finds an interface by its name.
func (r *rtnl) attrs(ifname string) (*netlink.LinkAttrs, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.link(ifname)
}

func (r *rtnl) addresses(ifname string) ([]Held, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	link, err := r.link(ifname)
	if err != nil {
		return nil, err
	}
	list, err := retried(func() ([]netlink.Addr, error) {
		return r.handle.AddrList(&netlink.Device{LinkAttrs: *link}, netlink.FAMILY_ALL)
	})
	if err != nil {
		return nil, err
	}
	return heldAll(list), nil
}

// links lists the interfaces.
func (r *rtnl) links() ([]netlink.Link, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return retried(r.handle.LinkList)
}

// add adds the address, or with NLM_F_REPLACE renews the one that is there.
func (r *rtnl) add(a Address, lease time.Duration, replace bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	link, err := r.link(a.Interface)
	if err != nil {
		return err
	}
	addr := netlinkAddr(a, link.Index, lease)
	if replace {
		err = r.handle.AddrReplace(nil, addr)
	} else {
		err = r.handle.AddrAdd(nil, addr)
	}
	switch {
	case errors.Is(err, unix.EEXIST):
		return ErrExists
	case errors.Is(err, unix.ENODEV):
		return ErrNoInterface
	}
	return err
}

// remove removes the address; that it or its interface is gone is fine.
func (r *rtnl) remove(a Address) error {
	if err := r.removeStrictly(a); !isGone(err) {
		return err
	}
	return nil
}

// removeStrictly removes the address, or says that it is not there.
func (r *rtnl) removeStrictly(a Address) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	link, err := r.link(a.Interface)
	if err != nil {
		return err
	}
	return r.handle.AddrDel(nil, netlinkAddr(a, link.Index, 0))
}

// isGone reports whether a removal failed because the address is not there. ENXIO: the interface has no IPv6.
func isGone(err error) bool {
	return slices.ContainsFunc([]error{ErrNoInterface, unix.ENODEV, unix.EADDRNOTAVAIL, unix.ENXIO},
		func(target error) bool { return errors.Is(err, target) })
}
