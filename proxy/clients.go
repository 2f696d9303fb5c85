package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/proxy/engine"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/rate"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// bounds are what clients of a frontend may do, with what is known of the clients: the next configuration has it where they are known in the
// same way, whatever they may do by then.
type bounds struct {
	requests    *rate.Table // nil: they may ask as often as they like
	rules       []ruleBound
	connections *connectionBound // nil: they may have any number
}

// ruleBound is of a rule that has a rate of its own.
type ruleBound struct {
	match rule.Match // what the rule is known by from one configuration to the next
	table *rate.Table
}

// compileBounds gives a compiled frontend the rates of its clients.
func compileBounds(c *Frontend, f *exchange.Frontend, old *bounds) (*bounds, error) {
	b := &bounds{}
	faults := []error{prefixed("client_rate", c.ClientRate.Fault()), prefixed("client_connections", c.ClientConnections.Fault())}
	if c.TCP && c.ClientRate != nil {
		faults = append(faults, errors.New("client_rate: a rate of requests is of HTTP, not of TCP"))
	}
	if err := errors.Join(faults...); err != nil || f == nil {
		return b, err
	}
	f.Rate = paced(c.ClientRate, old.requests, f.Pages)
	if f.Rate != nil {
		b.requests = f.Rate.Table
	}
	next := 0 // of old.rules: where a rule is in between all that follow are one further on
	for i := range c.Rules {
		r := &c.Rules[i]
		if r.Rate == nil {
			continue
		}
		var table *rate.Table
		for n := range old.rules {
			if was := &old.rules[(next+n)%len(old.rules)]; was.match.Equal(&r.Match) {
				table, next = was.table, next+n+1
				break
			}
		}
		f.Routes[i].Rate = paced(r.Rate, table, f.Pages)
		b.rules = append(b.rules, ruleBound{r.Match, f.Routes[i].Rate.Table})
	}
	b.connections = boundConnections(c, old.connections)
	return b, nil
}

func prefixed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// paced returns the Rate of a configuration, nil of none, which knows what old does that knows clients in the same way; nil: there is none.
func paced(r *rate.Requests, old *rate.Table, pages exchange.Pages) *exchange.Rate {
	if r == nil {
		return nil
	}
	return exchange.NewRate(r, table(r.Clients, old), pages)
}

func table(c rate.Clients, old *rate.Table) *rate.Table {
	if old != nil && old.Clients() == c {
		return old
	}
	return rate.NewTable(c)
}

// forgotten counts the clients that there was no room for.
func (b *bounds) forgotten() (n int64) {
	if b.requests != nil {
		n += b.requests.Forgotten()
	}
	for _, r := range b.rules {
		n += r.table.Forgotten()
	}
	if b.connections != nil {
		n += b.connections.table.Forgotten()
	}
	return n
}

// connectionBound bounds the connections of each client.
type connectionBound struct {
	config rate.Connections
	free   []netip.Prefix // of clients that have no bound
	exempt *rule.Networks // the same; nil: none has
	table  *rate.Table
}

// boundConnections returns nil of none, and old, which may be nil, where that is no different. Proxies that are trusted bring the connections
// of many clients.
func boundConnections(c *Frontend, old *connectionBound) *connectionBound {
	limit := c.ClientConnections
	if limit == nil {
		return nil
	}
	free := slices.Concat(limit.Exempt, c.TrustedProxies)
	b := &connectionBound{config: *limit, free: free, exempt: rule.NewNetworks(free)}
	if old == nil {
		b.table = rate.NewTable(limit.Clients)
		return b
	}
	if old.config.Max == limit.Max && old.config.Pace == limit.Pace && old.config.Clients == limit.Clients && slices.Equal(old.free, free) {
		return old
	}
	b.table = table(limit.Clients, old.table)
	return b
}

// door is where clients of a frontend come in whose connections are bounded.
type door struct {
	*connectionBound
	frontend *frontend
	log      hclog.Logger
}

var _ engine.Clients = (*door)(nil)

// Enter implements engine.Clients. Clients of a Unix socket have no address, and no bound.
func (d *door) Enter(now time.Time, from netip.Addr) (ok, leaves bool) {
	if !from.IsValid() || d.exempt != nil && d.exempt.Has(from) {
		return true, false
	}
	switch d.table.Enter(now, from, d.config.Max, d.config.Pace) {
	case rate.Entered:
		return true, true
	case rate.TooMany:
		d.refuse(now, from, "a client has too many connections")
	case rate.TooSoon:
		d.refuse(now, from, "a client makes connections too fast")
	default:
		return true, false
	}
	return false, false
}

// Leave implements engine.Clients.
func (d *door) Leave(from netip.Addr) { d.table.Leave(from) }

// refuse counts a client that is turned away, and tells of it, but not of each.
func (d *door) refuse(now time.Time, from netip.Addr, why string) {
	f := d.frontend
	count := f.turnedAway.count.Add(1)
	if f.turnedAway.due(now) {
		d.log.Warn(why, "frontend", f.name, "client", from, "refused", count)
	}
}

// refused counts clients that are turned away.
type refused struct {
	count atomic.Int64
	told  atomic.Int64 // when the log was told of it last, in ns of Unix time
}

// due reports whether it is to be told of again.
func (r *refused) due(now time.Time) bool {
	at, last := now.UnixNano(), r.told.Load()
	return at-last >= int64(failureInterval) && r.told.CompareAndSwap(last, at)
}
