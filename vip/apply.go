package vip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Apply takes over a new configuration. While held it adds the addresses that are new, removes those that are gone,
// and announces. It is all or nothing: on an error the kernel is put back and the old configuration stays. A change
// that changes nothing does nothing.
func (s *Set) Apply(ctx context.Context, cfg Config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	cfg.GARP = cfg.GARP.withDefaults()
	if err := s.take(ctx); err != nil {
		return fmt.Errorf("apply addresses of %s: %w", s.instance(), err)
	}
	defer s.give()
	if cfg.equal(s.cfg) {
		return nil
	}
	next := carryOver(s.slots, cfg.Addresses)
	began := time.Now()
	if err := s.change(s.slots, next, cfg.Lease); err != nil {
		return errors.Join(fmt.Errorf("apply addresses of %s: %w", s.cfg.Instance, err), s.changeBack(next))
	}
	s.install(began, cfg, next)
	return nil
}

// place is what the kernel tells addresses apart by: of IPv6 an interface has an address once, of IPv4 once in each
// subnet, which is the peer's where there is one.
type place struct {
	ifname string
	addr   netip.Addr
	subnet netip.Prefix // zero for IPv6
}

func placeOf(a Address) place { return newPlace(a.Interface, a.Prefix, a.Peer) }

func newPlace(ifname string, p netip.Prefix, peer netip.Addr) place {
	at := place{ifname: ifname, addr: p.Addr()}
	switch {
	case p.Addr().Is6():
	case peer.IsValid():
		at.subnet = netip.PrefixFrom(peer, p.Bits()).Masked()
	default:
		at.subnet = p.Masked()
	}
	return at
}

func places(slots []slot) map[place]bool {
	m := make(map[place]bool, len(slots))
	for i := range slots {
		m[placeOf(slots[i].Address)] = true
	}
	return m
}

// carryOver returns slots for the addresses, with what is known of those that stay in their place.
func carryOver(old []slot, addrs []Address) []slot {
	known := make(map[place]slot, len(old))
	for _, sl := range old {
		known[placeOf(sl.Address)] = sl
	}
	next := newSlots(addrs)
	for i, a := range addrs {
		if sl, ok := known[placeOf(a)]; ok {
			next[i] = sl
			next[i].Address = a
		}
	}
	return next
}

// change brings the kernel from one configuration to the next: additions first, so that no moment has neither. What
// stays is put too, for its options or the lease may be new; and once more at the end, for a primary address
// that goes takes the secondary ones of its subnet along.
func (s *Set) change(old, next []slot, lease time.Duration) error {
	if err := s.putAll(next, lease); err != nil {
		return err
	}
	stays := places(next)
	gone := slices.DeleteFunc(each(old), func(sl *slot) bool { return stays[placeOf(sl.Address)] || !sl.Present })
	for _, err := range s.remove(gone...) {
		if err != nil {
			return err
		}
	}
	return s.putAll(next, lease)
}

// putAll puts every address while held. One whose interface does not exist waits for it, as it would without a reload.
func (s *Set) putAll(slots []slot, lease time.Duration) error {
	if !s.isHeld() {
		return nil
	}
	for _, err := range s.put(each(slots), lease) {
		if err != nil && !errors.Is(err, ErrNoInterface) {
			return err
		}
	}
	return nil
}

// changeBack undoes what change did on the way to next. What it cannot undo Run mends.
func (s *Set) changeBack(next []slot) error {
	stays := places(s.slots)
	for _, sl := range next {
		if !stays[placeOf(sl.Address)] && sl.Present {
			s.strays = append(s.strays, sl)
		}
	}
	err := errors.Join(s.removeStrays(), s.putAll(s.slots, s.cfg.Lease))
	s.markDirty()
	return err
}

// install makes the configuration the Set's own, after the kernel has it.
func (s *Set) install(began time.Time, cfg Config, next []slot) {
	s.mu.Lock()
	changed := !slices.Equal(s.cfg.Addresses, cfg.Addresses)
	s.cfg, s.slots = cfg, next
	wanted := places(next)
	s.strays = slices.DeleteFunc(s.strays, func(sl slot) bool { return wanted[placeOf(sl.Address)] })
	s.sched.configure(time.Now(), cfg.GARP, len(next), changed)
	s.mu.Unlock()
	if s.deafen != nil {
		s.listen()
	}
	s.planMending(began, true, nil)
}
