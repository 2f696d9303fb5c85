package vip

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
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
	for try := 1; ; try++ {
		list, err := r.handle.AddrList(&netlink.Device{LinkAttrs: *link}, netlink.FAMILY_V4)
		switch {
		case err == nil:
			return heldAll(list), nil
		case !errors.Is(err, netlink.ErrDumpInterrupted) && !errors.Is(err, unix.EINTR), try == dumpTries:
			return nil, err
		}
	}
}

func heldAll(list []netlink.Addr) []Held {
	all := make([]Held, 0, len(list))
	for _, a := range list {
		if h, ok := heldOf(a); ok {
			all = append(all, h)
		}
	}
	return all
}

func heldOf(a netlink.Addr) (Held, bool) {
	if a.IPNet == nil {
		return Held{}, false
	}
	ip, ok := netip.AddrFromSlice(a.IP.To4())
	if !ok {
		return Held{}, false
	}
	bits, _ := a.Mask.Size()
	h := Held{
		Prefix:    netip.PrefixFrom(ip, bits),
		Label:     a.Label,
		Scope:     Scope(a.Scope),
		Secondary: a.Flags&unix.IFA_F_SECONDARY != 0,
	}
	if left := uint32(a.ValidLft); left != math.MaxUint32 { // rtnetlink(7): all ones is for ever
		h.Leased, h.Left = true, time.Duration(left)*time.Second
	}
	return h, true
}

// add adds the address, or with NLM_F_REPLACE renews the one that is there.
func (r *rtnl) add(a Address, lease time.Duration, replace bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	link, err := r.link(a.Interface)
	if err != nil {
		return err
	}
	seconds := int(min(lease/time.Second, math.MaxInt32))
	addr := &netlink.Addr{
		IPNet:       ipNet(a.Prefix),
		Label:       a.Label,
		Scope:       int(a.Scope),
		LinkIndex:   link.Index,
		Broadcast:   net.IPv4zero, // none: Keepalived and ip-address(8) give none either
		ValidLft:    seconds,      // 0 stands for ever
		PreferedLft: seconds,
	}
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
func (r *rtnl) remove(ifname string, p netip.Prefix) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	link, err := r.link(ifname)
	if err == nil {
		err = r.handle.AddrDel(nil, &netlink.Addr{IPNet: ipNet(p), LinkIndex: link.Index})
	}
	if errors.Is(err, ErrNoInterface) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EADDRNOTAVAIL) {
		return nil
	}
	return err
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// Remover removes addresses and does nothing else, with its socket open before it is needed: a last will wants no more.
type Remover struct{ rtnl *rtnl }

// OpenRemover opens one in the network namespace of the calling thread.
func OpenRemover() (*Remover, error) {
	r, err := openRTNL()
	if err != nil {
		return nil, err
	}
	return &Remover{r}, nil
}

// Remove removes an address, with its very prefix length, from an interface. That either is gone is fine.
func (r *Remover) Remove(ifname string, p netip.Prefix) error {
	if err := r.rtnl.remove(ifname, p); err != nil {
		return fmt.Errorf("remove %s from %s: %w", p, ifname, err)
	}
	return nil
}

// Close closes its socket.
func (r *Remover) Close() error {
	r.rtnl.close()
	return nil
}
