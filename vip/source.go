package vip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

var (
	// ErrNoAddress says that the interface has no IPv4 address of its own.
	ErrNoAddress = errors.New("no IPv4 address besides the virtual ones")
	// ErrNoLinkLocal says that the interface has no link-local IPv6 address of its own, or none that it may use yet.
	ErrNoLinkLocal = errors.New("no link-local IPv6 address besides the virtual ones")
)

// PrimaryIPv4 returns the address of an interface that its IPv4 adverts come from: the first one that is not excluded, as
// the virtual ones are. A primary address comes before a secondary one. ErrNoAddress, ErrNoInterface.
func PrimaryIPv4(k Kernel, ifname string, exclude []netip.Addr) (netip.Addr, error) {
	return primary(k, ifname, exclude, primaryIPv4, ErrNoAddress)
}

// PrimaryIPv6 returns the link-local address of an interface that its IPv6 adverts come from (RFC 9568 section 5.1.2.1):
// the oldest one that is not excluded, as the virtual ones are. ErrNoLinkLocal, ErrNoInterface.
func PrimaryIPv6(k Kernel, ifname string, exclude []netip.Addr) (netip.Addr, error) {
	return primary(k, ifname, exclude, primaryIPv6, ErrNoLinkLocal)
}

func primary(k Kernel, ifname string, exclude []netip.Addr, pick func([]Held) netip.Addr, none error) (netip.Addr, error) {
	list, err := k.Addresses(ifname)
	if err != nil {
		return netip.Addr{}, err
	}
	own := slices.DeleteFunc(list, func(h Held) bool { return slices.Contains(exclude, h.Prefix.Addr()) })
	addr := pick(own)
	if !addr.IsValid() {
		return netip.Addr{}, fmt.Errorf("source address on %s: %w", ifname, none)
	}
	return addr, nil
}

func primaryIPv4(own []Held) netip.Addr {
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

func primaryIPv6(own []Held) netip.Addr {
	for _, h := range slices.Backward(own) { // the kernel has the newest first
		if addr := h.Prefix.Addr(); addr.Is6() && addr.IsLinkLocalUnicast() && !h.Tentative {
			return addr
		}
	}
	return netip.Addr{}
}

// WatchSource calls fn with the interface's PrimaryIPv4 at once and after each change, with the zero Addr while it
// has none or does not exist. It returns nil when ctx ends. fn is called from this goroutine only.
func WatchSource(ctx context.Context, k Kernel, ifname string, exclude []netip.Addr, fn func(netip.Addr)) error {
	return watchSource(ctx, k, ifname, exclude, PrimaryIPv4, fn)
}

// WatchSourceIPv6 is WatchSource with the interface's PrimaryIPv6.
func WatchSourceIPv6(ctx context.Context, k Kernel, ifname string, exclude []netip.Addr, fn func(netip.Addr)) error {
	return watchSource(ctx, k, ifname, exclude, PrimaryIPv6, fn)
}

func watchSource(
	ctx context.Context, k Kernel, ifname string, exclude []netip.Addr,
	primary func(Kernel, string, []netip.Addr) (netip.Addr, error), fn func(netip.Addr),
) error {
	changed, cancel := k.Subscribe(func(e Event) bool {
		switch e.Kind {
		case AddressAdded, AddressRemoved:
			return !slices.Contains(exclude, e.Addr)
		default:
			return e.Interface == ifname
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
		addr, err := primary(k, ifname, exclude)
		if err != nil && !errors.Is(err, ErrNoAddress) && !errors.Is(err, ErrNoLinkLocal) && !errors.Is(err, ErrNoInterface) {
			retry.Reset(retryDelay) // the kernel did not answer: that says nothing about the address
			continue
		}
		if first || addr != last {
			first, last = false, addr
			fn(addr)
		}
	}
}
