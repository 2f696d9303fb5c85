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
	changes batcher

	mu     sync.Mutex      // one listing at a time, as there is one socket
	handle *netlink.Handle // for listings
	shared sharedListings
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
	socket, err := openNetlink()
	if err != nil {
		return nil, err
	}
	r := &rtnl{changes: batcher{socket: socket}}
	r.shared.list = r.list
	if r.handle, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		_ = socket.close() // the first error is the one to tell
		return nil, fmt.Errorf("open netlink socket: %w", err)
	}
	if err := r.handle.SetSocketTimeout(rtnlTimeout); err != nil {
		r.close()
		return nil, fmt.Errorf("set timeout of netlink socket: %w", err)
	}
	return r, nil
}

func (r *rtnl) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handle.Close()
	_ = r.changes.socket.close() // nothing is buffered in it
}

// addresses lists an interface.
func (r *rtnl) addresses(ifname string) (*Listing, error) { return r.shared.of(ifname) }

func (r *rtnl) list(ifname string) (*Listing, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	index, err := r.changes.socket.index(ifname)
	if err != nil {
		return nil, err
	}
	list, err := retried(func() ([]netlink.Addr, error) {
		return r.handle.AddrList(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: index}}, netlink.FAMILY_ALL)
	})
	if err != nil {
		return nil, err
	}
	return NewListing(heldAll(list)), nil
}

// links lists the interfaces.
func (r *rtnl) links() ([]netlink.Link, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return retried(r.handle.LinkList)
}

// add adds the addresses, or with renewFlags renews those that are there.
func (r *rtnl) add(addrs []Address, lease time.Duration, flags uint16) []error {
	errs := r.changes.change(unix.RTM_NEWADDR, flags, addrs, lease)
	for i, err := range errs {
		switch {
		case errors.Is(err, unix.EEXIST):
			errs[i] = ErrExists
		case errors.Is(err, unix.ENODEV):
			errs[i] = ErrNoInterface
		}
	}
	return errs
}

// remove removes the addresses; that one or its interface is gone is fine.
func (r *rtnl) remove(addrs []Address) []error {
	errs := r.removeStrictly(addrs)
	for i, err := range errs {
		if isGone(err) {
			errs[i] = nil
		}
	}
	return errs
}

// removeStrictly removes the addresses, or says that one is not there.
func (r *rtnl) removeStrictly(addrs []Address) []error {
	return r.changes.change(unix.RTM_DELADDR, 0, addrs, 0)
}

// isGone reports whether a removal failed because the address is not there. ENXIO: the interface has no IPv6.
func isGone(err error) bool {
	return slices.ContainsFunc([]error{ErrNoInterface, unix.ENODEV, unix.EADDRNOTAVAIL, unix.ENXIO},
		func(target error) bool { return errors.Is(err, target) })
}
