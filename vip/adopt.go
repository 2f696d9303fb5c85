package vip

import (
	"errors"
	"time"
)

// lister lists each interface once.
type lister struct {
	kernel Kernel
	lists  map[string]listed
}

type listed struct {
	*Listing
	err error
}

// find returns the kernel's view of an address.
func (l *lister) find(a Address) (h Held, there bool, err error) {
	list, ok := l.lists[a.Interface]
	if !ok {
		list.Listing, list.err = l.kernel.Addresses(a.Interface)
		if l.lists == nil {
			l.lists = make(map[string]listed)
		}
		l.lists[a.Interface] = list
	}
	if list.err != nil {
		return Held{}, false, list.err
	}
	h, there = list.Listing.find(a)
	return h, there, nil
}

// fits reports whether renewing is enough to make h the address that is wanted. A lease is never switched on in
// place, and what else an address has stays with it.
func fits(h Held, a Address, lease time.Duration) bool {
	if h.Prefix != a.Prefix || h.Peer != a.Peer || !h.Leased && lease != 0 {
		return false
	}
	if a.Prefix.Addr().Is6() {
		return h.Deprecated && h.NoPrefixRoute && !h.Tentative
	}
	label := a.Label
	if label == "" {
		label = a.Interface
	}
	return h.Label == label && h.Scope == a.Scope && h.Broadcast == a.Broadcast
}

// put makes the kernel hold the addresses with a fresh lease, whatever was there before, and returns one error for each.
// It has the turn.
func (s *Set) put(slots []*slot, lease time.Duration) []error {
	began := time.Now()
	errs := s.kernel.Add(addressesOf(slots), lease)
	var there []*slot
	var at []int // where in slots
	for i, err := range errs {
		if errors.Is(err, ErrExists) {
			there, at = append(there, slots[i]), append(at, i)
		}
	}
	if len(there) > 0 {
		for n, err := range s.takeOver(there, lease) {
			errs[at[n]] = err
		}
	}
	for i, err := range errs {
		s.record(slots[i], began, err)
	}
	return errs
}

// takeOver makes addresses that are there those that are wanted, and returns one error for each.
func (s *Set) takeOver(slots []*slot, lease time.Duration) []error {
	list := lister{kernel: s.kernel}
	errs := make([]error, len(slots))
	var fit []Address
	var at []int
	for i, sl := range slots {
		h, there, err := list.find(sl.Address)
		switch {
		case err != nil:
			errs[i] = err
		case there && fits(h, sl.Address, lease):
			fit, at = append(fit, sl.Address), append(at, i)
		default:
			errs[i] = s.adopt(sl.Address, h, there, lease)
		}
	}
	if len(fit) > 0 {
		for n, err := range s.kernel.Renew(fit, lease) {
			errs[at[n]] = err
		}
	}
	return errs
}

// adopt makes the address that is there the one that is wanted.
func (s *Set) adopt(a Address, h Held, there bool, lease time.Duration) error {
	if there && fits(h, a, lease) {
		return s.kernel.Renew([]Address{a}, lease)[0]
	}
	if there {
		if err := s.kernel.Delete([]Address{{Prefix: h.Prefix, Interface: a.Interface, Peer: h.Peer}})[0]; err != nil {
			return err
		}
	}
	return s.kernel.Add([]Address{a}, lease)[0]
}

func addressesOf(slots []*slot) []Address {
	addrs := make([]Address, len(slots))
	for i, sl := range slots {
		addrs[i] = sl.Address
	}
	return addrs
}

// each returns pointers to all slots.
func each(slots []slot) []*slot {
	all := make([]*slot, len(slots))
	for i := range slots {
		all[i] = &slots[i]
	}
	return all
}
