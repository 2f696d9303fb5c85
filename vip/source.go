package vip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// ErrNoAddress says that the interface has no IPv4 address of its own.
var ErrNoAddress = errors.New("no IPv4 address besides the virtual ones")

// PrimaryIPv4 returns the address of an interface that its adverts come from: the first one that is not excluded, as
// the virtual ones are. A primary address comes before a secondary one. ErrNoAddress, ErrNoInterface.
func PrimaryIPv4(k Kernel, ifname string, exclude []netip.Addr) (netip.Addr, error) {
	list, err := k.Addresses(ifname)
	if err != nil {
		return netip.Addr{}, err
	}
	var secondary netip.Addr
	for _, h := range list {
		addr := h.Prefix.Addr()
		switch {
		case h.Scope >= ScopeHost || slices.Contains(exclude, addr):
		case !h.Secondary:
			return addr, nil
		case !secondary.IsValid():
			secondary = addr
		}
	}
	if !secondary.IsValid() {
		return netip.Addr{}, fmt.Errorf("source address on %s: %w", ifname, ErrNoAddress)
	}
	return secondary, nil
}

// WatchSource calls fn with the interface's PrimaryIPv4 at once and after each change, with the zero Addr while it
// has none or does not exist. It returns nil when ctx ends. fn is called from this goroutine only.
func WatchSource(ctx context.Context, k Kernel, ifname string, exclude []netip.Addr, fn func(netip.Addr)) error {
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
		addr, err := PrimaryIPv4(k, ifname, exclude)
		if err != nil && !errors.Is(err, ErrNoAddress) && !errors.Is(err, ErrNoInterface) {
			retry.Reset(retryDelay) // the kernel did not answer: that says nothing about the address
			continue
		}
		if first || addr != last {
			first, last = false, addr
			fn(addr)
		}
	}
}
