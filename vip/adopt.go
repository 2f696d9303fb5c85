package vip

import (
	"errors"
	"time"
)

// lister lists each interface once.
type lister struct {
	kernel Kernel
	lists  map[string]listing
}

type listing struct {
	held []Held
	err  error
}

// find returns the kernel's view of an address.
func (l *lister) find(a Address) (h Held, there bool, err error) {
	list, ok := l.lists[a.Interface]
	if !ok {
		list.held, list.err = l.kernel.Addresses(a.Interface)
		if l.lists == nil {
			l.lists = make(map[string]listing)
		}
		l.lists[a.Interface] = list
	}
	for _, h := range list.held {
		if h.Prefix.Addr() == a.Prefix.Addr() && newPlace(a.Interface, h.Prefix, h.Peer) == placeOf(a) {
			return h, true, nil
		}
	}
	return Held{}, false, list.err
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

// put makes the kernel hold the address with a fresh lease, whatever was there before. It has the turn.
func (s *Set) put(sl *slot, lease time.Duration) error {
	now := time.Now()
	err := s.kernel.Add(sl.Address, lease)
	if errors.Is(err, ErrExists) {
		list := lister{kernel: s.kernel}
		var h Held
		var there bool
		if h, there, err = list.find(sl.Address); err == nil {
			err = s.adopt(sl.Address, h, there, lease)
		}
	}
	s.record(sl, now, err)
	return err
}

// adopt makes the address that is there the one that is wanted.
func (s *Set) adopt(a Address, h Held, there bool, lease time.Duration) error {
	if there && fits(h, a, lease) {
		return s.kernel.Renew(a, lease)
	}
	if there {
		if err := s.kernel.Delete(Address{Prefix: h.Prefix, Interface: a.Interface, Peer: h.Peer}); err != nil {
			return err
		}
	}
	return s.kernel.Add(a, lease)
}
