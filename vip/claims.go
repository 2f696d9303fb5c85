package vip

import (
	"net/netip"
	"slices"
	"sync"
)

// Claims hands what others claim to those whose address it is. The zero value is ready.
type Claims struct {
	mu    sync.Mutex
	wants map[netip.Addr][]*claimant
}

// claimant wants to know of claims to one address on one interface.
type claimant struct {
	ifname string
	heard  func(Claim)
}

// Listen is Listener.Listen.
func (c *Claims) Listen(addrs []Address, heard func(Claim)) (cancel func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wants == nil {
		c.wants = make(map[netip.Addr][]*claimant)
	}
	mine := make(map[*claimant]netip.Addr, len(addrs))
	for _, a := range addrs {
		w := &claimant{a.Interface, heard}
		addr := a.Prefix.Addr()
		mine[w] = addr
		c.wants[addr] = append(slices.Clip(c.wants[addr]), w) // Hear may be reading the former slice
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for w, addr := range mine {
			rest := slices.DeleteFunc(slices.Clone(c.wants[addr]), func(o *claimant) bool { return o == w })
			if len(rest) == 0 {
				delete(c.wants, addr)
			} else {
				c.wants[addr] = rest
			}
		}
	}
}

// Wanted reports whether somebody wants to know of claims to the address, on whatever interface.
func (c *Claims) Wanted(addr netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.wants[addr]) > 0
}

// Hear hands a claim to those whom it concerns.
func (c *Claims) Hear(claim Claim) {
	c.mu.Lock()
	wants := c.wants[claim.Addr]
	c.mu.Unlock()
	for _, w := range wants {
		if w.ifname == claim.Interface {
			w.heard(claim)
		}
	}
}

// addrs returns the addresses that somebody listens for.
func (c *Claims) addrs() []netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]netip.Addr, 0, len(c.wants))
	for addr := range c.wants {
		all = append(all, addr)
	}
	return all
}
