package vip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Source says which of an interface's own addresses adverts leave from.
type Source struct {
	Interface string
	Kind      SourceKind
	Prefer    netip.Addr   // taken where the interface has it, ready to be used; not for SourceLinkLocal; zero: none is
	Exclude   []netip.Addr // never taken: the virtual addresses
}

// SourceKind is a kind of address that adverts leave from.
type SourceKind uint8

// The kinds of sources.
const (
	// SourceIPv4 is the first IPv4 address, a primary one before a secondary one (RFC 3768 section 7.2).
	SourceIPv4 SourceKind = iota
	// SourceLinkLocal is the oldest link-local IPv6 address: "the IPv6 link-local address of the interface" (RFC 9568
	// section 5.1.2.1).
	SourceLinkLocal
	// SourceGlobalIPv6 is the oldest IPv6 address of a wider scope, for peers that a link-local one would not reach. One that
	// is not deprecated comes first.
	SourceGlobalIPv6
)

var (
	// ErrNoAddress says that the interface has no IPv4 address of its own.
	ErrNoAddress = errors.New("no IPv4 address besides the virtual ones")
	// ErrNoLinkLocal says that the interface has no link-local IPv6 address of its own, or none that it may use yet.
	ErrNoLinkLocal = errors.New("no link-local IPv6 address besides the virtual ones")
	// ErrNoGlobalIPv6 says that it has no other IPv6 address of its own, or none that it may use yet.
	ErrNoGlobalIPv6 = errors.New("no global IPv6 address besides the virtual ones")
)

// Find returns the address. ErrNoAddress, ErrNoLinkLocal, ErrNoGlobalIPv6, ErrNoInterface.
func (s Source) Find(k Kernel) (netip.Addr, error) {
	list, err := k.Addresses(s.Interface)
	if err != nil {
		return netip.Addr{}, err
	}
	virtual := oneOf(s.Exclude)
	var own []Held // the listing is shared
	for _, h := range list.Held {
		if !h.Tentative && !virtual(h.Prefix.Addr()) {
			own = append(own, h)
		}
	}
	addr, none := netip.Addr{}, error(nil)
	switch s.Kind {
	case SourceIPv4:
		addr, none = firstIPv4(own), ErrNoAddress
	case SourceLinkLocal:
		return found(s.Interface, oldestIPv6(own, netip.Addr.IsLinkLocalUnicast), ErrNoLinkLocal)
	case SourceGlobalIPv6:
		addr, none = oldestIPv6(own, netip.Addr.IsGlobalUnicast), ErrNoGlobalIPv6
	}
	if s.Prefer.IsValid() && slices.ContainsFunc(own, func(h Held) bool { return h.Prefix.Addr() == s.Prefer }) {
		addr = s.Prefer
	}
	return found(s.Interface, addr, none)
}

func found(ifname string, addr netip.Addr, none error) (netip.Addr, error) {
	if !addr.IsValid() {
		return addr, fmt.Errorf("source address on %s: %w", ifname, none)
	}
	return addr, nil
}

// oneOf returns what says whether an address is one of these. There may be thousands, and each of hundreds of instances asks
// at each event: it finds one fast where they are sorted, and sorts a copy where they are not.
func oneOf(addrs []netip.Addr) func(netip.Addr) bool {
	if !slices.IsSortedFunc(addrs, netip.Addr.Compare) {
		addrs = slices.SortedFunc(slices.Values(addrs), netip.Addr.Compare)
	}
	return func(a netip.Addr) bool {
		_, found := slices.BinarySearchFunc(addrs, a, netip.Addr.Compare)
		return found
	}
}

func firstIPv4(own []Held) netip.Addr {
	var secondary netip.Addr
	for _, h := range own {
		addr := h.Prefix.Addr()
		switch {
		case !addr.Is4() || h.Scope >= ScopeHost:
		case !h.Secondary:
			return addr
		case !secondary.IsValid():
			secondary = addr
		}
	}
	return secondary
}

// oldestIPv6 is the oldest address that fits; the kernel has the newest first.
func oldestIPv6(own []Held, fits func(netip.Addr) bool) netip.Addr {
	var deprecated netip.Addr
	for _, h := range slices.Backward(own) {
		addr := h.Prefix.Addr()
		switch {
		case !addr.Is6() || !fits(addr):
		case !h.Deprecated:
			return addr
		case !deprecated.IsValid():
			deprecated = addr
		}
	}
	return deprecated
}

// Watch calls fn with the address at once and after each change, with the zero Addr while there is none or the interface
// does not exist. It returns nil when ctx ends. fn is called from this goroutine only.
func (s Source) Watch(ctx context.Context, k Kernel, fn func(netip.Addr)) error {
	virtual := oneOf(s.Exclude)
	changed, cancel := k.Subscribe(func(e Event) bool {
		switch e.Kind {
		case AddressAdded, AddressRemoved:
			return !virtual(e.Addr)
		default:
			return e.Interface == s.Interface
		}
	})
	defer cancel()
	retry := time.NewTimer(0)
	defer retry.Stop()
	var last netip.Addr
	for first := true; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-retry.C:
		}
		addr, err := s.Find(k)
		if err != nil && !isAbsence(err) {
			retry.Reset(retryDelay) // the kernel did not answer: that says nothing about the address
			continue
		}
		if first || addr != last {
			first, last = false, addr
			fn(addr)
		}
	}
}

// isAbsence reports whether the kernel answered that there is no such address.
func isAbsence(err error) bool {
	return slices.ContainsFunc([]error{ErrNoAddress, ErrNoLinkLocal, ErrNoGlobalIPv6, ErrNoInterface}, func(e error) bool { return errors.Is(err, e) })
}
