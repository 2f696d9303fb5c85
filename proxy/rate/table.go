package rate

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Table knows clients. It is safe for concurrent use.
type Table struct {
	config Clients
	seed   maphash.Seed // so that nobody can choose addresses that meet in one set
	sets   []set

	forgotten atomic.Int64
}

// ways is how many clients a set has room for: enough that it hardly matters where they meet, few enough to look at each time.
const ways = 8

// set is clients whose addresses have something in common that nobody can foresee.
type set struct {
	mu   sync.Mutex
	rows [ways]row // guarded by mu
}

// row is a client. One that has no connections, and whose time has passed, is as if it had never been there.
type row struct {
	client [16]byte
	until  int64 // nanoseconds since 1970: until when it has used up its part
	open   int32 // connections
}

// NewTable returns a Table that knows nobody. Clients have no fault.
func NewTable(c Clients) *Table {
	return &Table{config: c, seed: maphash.MakeSeed(), sets: make([]set, (c.TableSize+ways-1)/ways)}
}

// Clients returns what the Table was made by.
func (t *Table) Clients() Clients { return t.config }

// Forgotten returns how many clients there was no room for, or none any more before their time had passed: where that grows the Table is too small.
func (t *Table) Forgotten() int64 { return t.forgotten.Load() }

// Take reports whether a client may ask now, and if not, how long it has to wait. Who is refused is not put off by that.
func (t *Table) Take(now time.Time, from netip.Addr, p Pace) (wait time.Duration, ok bool) {
	client := t.clientOf(from)
	s := t.set(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := now.UnixNano()
	r := s.find(client)
	if r == nil {
		if r = t.place(s, client, at); r == nil {
			return 0, true
		}
	}
	r.until, wait = p.take(at, r.until)
	return wait, wait == 0
}

// Entry is what becomes of a connection.
type Entry uint8

// The entries.
const (
	Unknown Entry = iota // it may come; nobody counts it, for want of room
	Entered              // it may come, and is counted until Leave
	TooMany              // the client has as many as it may
	TooSoon              // it makes them too fast
)

// Enter decides about a new connection of a client, which may have most of them, 0 is any number, and make them at a Pace.
func (t *Table) Enter(now time.Time, from netip.Addr, most int, p Pace) Entry {
	client := t.clientOf(from)
	s := t.set(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := now.UnixNano()
	r := s.find(client)
	if r == nil {
		if r = t.place(s, client, at); r == nil {
			return Unknown
		}
	}
	if most > 0 && int(r.open) >= most {
		return TooMany
	}
	var early time.Duration
	if r.until, early = p.take(at, r.until); early > 0 {
		return TooSoon
	}
	r.open++
	return Entered
}

// Leave ends a connection that has Entered.
func (t *Table) Leave(from netip.Addr) {
	client := t.clientOf(from)
	s := t.set(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.find(client).open-- // a client with connections is never forgotten
}

func (t *Table) set(client [16]byte) *set {
	return &t.sets[maphash.Comparable(t.seed, client)%uint64(len(t.sets))]
}

// find returns the row of a client; nil: there is none. mu is held.
func (s *set) find(client [16]byte) *row {
	for i := range s.rows {
		if s.rows[i].client == client {
			return &s.rows[i]
		}
	}
	return nil
}

// place gives a client that has none a row; nil: all the others there have connections. mu is held.
func (t *Table) place(s *set, client [16]byte, now int64) *row {
	var first *row
	for i := range s.rows {
		if r := &s.rows[i]; r.open == 0 && (first == nil || r.until < first.until) {
			first = r
		}
	}
	if first == nil {
		t.forgotten.Add(1)
		return nil
	}
	if first.until > now {
		t.forgotten.Add(1)
	}
	*first = row{client: client}
	return first
}

// clientOf returns the bits of an address that are a client.
func (t *Table) clientOf(a netip.Addr) [16]byte {
	a = a.Unmap().WithZone("")
	bits := t.config.IPv6Prefix
	if a.Is4() {
		bits = t.config.IPv4Prefix
	}
	if bits < a.BitLen() {
		p, _ := a.Prefix(bits) // bits are fewer than it has
		a = p.Addr()
	}
	return a.As16()
}
