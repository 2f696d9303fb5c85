package vip

import "net/netip"

// Listing is the addresses of an interface at one moment. Several Sets may read it at once, so nobody writes to it.
type Listing struct {
	Held   []Held               // in the kernel's order
	byAddr map[netip.Addr][]int // indexes into Held
}

// NewListing returns a listing of these addresses, which it takes over.
func NewListing(held []Held) *Listing {
	l := &Listing{Held: held, byAddr: make(map[netip.Addr][]int, len(held))}
	for i, h := range held {
		addr := h.Prefix.Addr()
		l.byAddr[addr] = append(l.byAddr[addr], i)
	}
	return l
}

// of returns what the kernel has under an address: of IPv4 one in each subnet.
func (l *Listing) of(addr netip.Addr) []Held {
	var all []Held
	for _, i := range l.byAddr[addr] {
		all = append(all, l.Held[i])
	}
	return all
}

// find returns the kernel's view of an address.
func (l *Listing) find(a Address) (h Held, there bool) {
	for _, i := range l.byAddr[a.Prefix.Addr()] {
		if h := l.Held[i]; newPlace(a.Interface, h.Prefix, h.Peer) == placeOf(a) {
			return h, true
		}
	}
	return Held{}, false
}
