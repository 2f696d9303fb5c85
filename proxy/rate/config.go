package rate

import (
	"errors"
	"fmt"
	"net/netip"
)

// Clients say who is one client, and how many of them are known.
type Clients struct {
	IPv4Prefix int // how many bits of an IPv4 address make a client, 1 to 32
	IPv6Prefix int // the same of IPv6, 1 to 128
	TableSize  int // how many clients are known, 1 to 10,000,000
}

func (c *Clients) fault() error {
	switch {
	case c.IPv4Prefix < 1 || c.IPv4Prefix > 32:
		return fmt.Errorf("clients known by %d bits of an IPv4 address, want 1 to 32", c.IPv4Prefix)
	case c.IPv6Prefix < 1 || c.IPv6Prefix > 128:
		return fmt.Errorf("clients known by %d bits of an IPv6 address, want 1 to 128", c.IPv6Prefix)
	case c.TableSize < 1 || c.TableSize > 10_000_000:
		return fmt.Errorf("table of %d clients, want 1 to 10000000", c.TableSize)
	}
	return nil
}

// Requests bound how often a client may ask.
type Requests struct {
	Pace
	Clients
	Exempt []netip.Prefix // of clients that have no bound
	Status int            // what those get that ask too often, 400 to 599
}

// Fault says what is wrong with Requests; nil: nothing. nil have none.
func (r *Requests) Fault() error {
	if r == nil {
		return nil
	}
	err := errors.Join(r.Pace.fault(), r.Clients.fault())
	if r.Status < 400 || r.Status > 599 {
		err = errors.Join(err, fmt.Errorf("status %d for those that ask too often, want 400 to 599", r.Status))
	}
	return err
}

// Connections bound how many connections a client may have and make.
type Connections struct {
	Max    int  // at once, 0 to 1,000,000; 0: any number
	Pace   Pace // of new ones; without a Count: any
	Exempt []netip.Prefix
	Clients
}

// Fault says what is wrong with Connections; nil: nothing. nil have none.
func (c *Connections) Fault() error {
	if c == nil {
		return nil
	}
	err := c.Clients.fault()
	if c.Max < 0 || c.Max > 1_000_000 {
		err = errors.Join(err, fmt.Errorf("%d connections of a client, want 0 to 1000000", c.Max))
	}
	if c.Pace != (Pace{}) {
		err = errors.Join(err, c.Pace.fault())
	}
	return err
}
