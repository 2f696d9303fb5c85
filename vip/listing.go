package vip

import (
	"net/netip"
	"sync"
)

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

// sharedListings makes one listing for all who ask at the same time, as hundreds of Sets do after a lost carrier or a lost
// event. It begins after each of them asked. list is to be set first.
type sharedListings struct {
	list func(ifname string) (*Listing, error)

	mu   sync.Mutex         // guards next, and only for moments
	next map[string]*future // by interface: the listing that has not begun yet
	busy map[string]*future // by interface: the one that is under way
}

// future is a listing that is yet to be made.
type future struct {
	done chan struct{} // closed when the listing is there; nobody sends
	list *Listing
	err  error
}

// of lists an interface.
func (s *sharedListings) of(ifname string) (*Listing, error) {
	s.mu.Lock()
	if f := s.next[ifname]; f != nil {
		s.mu.Unlock()
		<-f.done
		return f.list, f.err
	}
	if s.next == nil {
		s.next, s.busy = map[string]*future{}, map[string]*future{}
	}
	f, before := &future{done: make(chan struct{})}, s.busy[ifname]
	s.next[ifname] = f
	s.mu.Unlock()
	if before != nil {
		<-before.done
	}
	s.mu.Lock()
	delete(s.next, ifname) // who asks from now on may have seen what this listing misses
	s.busy[ifname] = f
	s.mu.Unlock()
	f.list, f.err = s.list(ifname)
	close(f.done)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[ifname] == f {
		delete(s.busy, ifname) // a listing of thousands is large
	}
	return f.list, f.err
}
