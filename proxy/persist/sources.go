package persist

import (
	"fmt"
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/tandem-lb/tandem/proxy/upstream"
)

// SourcesConfig says how much is remembered.
type SourcesConfig struct {
	Size       int           // clients, 1 to 10,000,000
	Expire     time.Duration // since a client's last request, above 0
	IPv6Prefix int           // how many bits of an IPv6 address make a client, 1 to 128
}

// Fault says what is wrong with the SourcesConfig; nil: nothing.
func (c *SourcesConfig) Fault() error {
	switch {
	case c.Size < 1 || c.Size > 10_000_000:
		return fmt.Errorf("table for %d clients, want 1 to 10000000", c.Size)
	case c.Expire <= 0:
		return fmt.Errorf("table remembers clients for %v, want more than 0", c.Expire)
	case c.IPv6Prefix < 1 || c.IPv6Prefix > 128:
		return fmt.Errorf("table knows IPv6 clients by %d bits, want 1 to 128", c.IPv6Prefix)
	}
	return nil
}

// Sources remembers which server a client had, by its address. Memory is taken as clients come. Where there are too many, the one that was
// not there for longest makes room. It is safe for concurrent use.
type Sources struct {
	config SourcesConfig
	seed   maphash.Seed
	parts  []part
}

// parts of a large table have a lock each, so that loops seldom meet; the one that makes room is then that of its part.
const (
	manyParts = 16
	large     = 256 * manyParts
)

// NewSources returns a table that knows nobody.
func NewSources(c SourcesConfig) *Sources {
	n := 1
	if c.Size >= large {
		n = manyParts
	}
	s := &Sources{config: c, seed: maphash.MakeSeed(), parts: make([]part, n)}
	for i := range s.parts {
		s.parts[i].init(c.Size/n, c.Expire)
	}
	return s
}

// Config returns what the table was made by.
func (s *Sources) Config() SourcesConfig { return s.config }

// client is an address, or the first bits of one.
type client [16]byte

func (s *Sources) clientOf(a netip.Addr) client {
	if a = a.Unmap(); a.Is6() {
		p, _ := a.Prefix(s.config.IPv6Prefix) // it fits an IPv6 address, whose zone goes
		a = p.Addr()
	}
	return a.As16()
}

func (s *Sources) part(c client) *part {
	return &s.parts[maphash.Comparable(s.seed, c)%uint64(len(s.parts))]
}

// Find returns the server that a client had, and notes that the client is here; nil: it is not known, as those are who have come by a Unix
// socket and have no address.
func (s *Sources) Find(now time.Time, from netip.Addr) *upstream.Server {
	if !from.IsValid() {
		return nil
	}
	c := s.clientOf(from)
	return s.part(c).find(now, c)
}

// Learn notes the server that a client has, if the client has an address.
func (s *Sources) Learn(now time.Time, from netip.Addr, to *upstream.Server) {
	if !from.IsValid() {
		return
	}
	c := s.clientOf(from)
	s.part(c).learn(now, c, to)
}

// Take has the table know what another one does, as far as there is room.
func (s *Sources) Take(from *Sources) {
	for i := range from.parts {
		from.parts[i].each(func(e *entry) { s.Learn(e.seen, netip.AddrFrom16(e.client), e.server) })
	}
}

// SourcesStats are counters of a table at one moment.
type SourcesStats struct {
	Clients int   // that are known, those included that were not here for long and have not been forgotten yet
	Evicted int64 // that had to make room
}

// Stats reads the counters.
func (s *Sources) Stats() (sum SourcesStats) {
	for i := range s.parts {
		p := &s.parts[i]
		p.mu.Lock()
		sum.Clients += len(p.places)
		sum.Evicted += p.evicted
		p.mu.Unlock()
	}
	return sum
}
