package proxy

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/resolve"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// namePatience is how long a new configuration waits for the first answers to the names that it brings, while another one serves: so long as
// nameservers take that have to ask others. A start does not wait.
const namePatience = time.Second

// seated is a server as it is now: of one that is looked up, what is in one of its slots.
type seated struct {
	Server                   // Name, Address, Weight, Backup and the names for TLS as they are now
	template string          // what it is called without the number of its slot
	host     string          // what it is called where its address would do; empty: that does
	spare    bool            // a slot without an address, and without need of one
	missing  upstream.Health // of a server without an address; else zero
}

var _ exchange.Picker = (*roster)(nil)

// roster is the pool of a backend whose servers are looked up, whichever it is now, and the cookie with their names.
type roster struct {
	pool   atomic.Pointer[upstream.Pool]
	cookie atomic.Pointer[persist.Cookie] // nil: there is none
}

// Pick implements exchange.Picker.
func (r *roster) Pick(q upstream.Request) (*upstream.Server, upstream.Outcome) {
	return r.pool.Load().Pick(q)
}

// Enter implements exchange.Picker.
func (r *roster) Enter(q upstream.Request, w *upstream.Waiter) (*upstream.Server, upstream.Outcome) {
	return r.pool.Load().Enter(q, w)
}

// picker returns what chooses among the servers of b.
func (b *backend) picker() exchange.Picker {
	if b.roster == nil {
		return b.pool
	}
	b.roster.pool.Store(b.pool)
	return b.roster
}

// serving is the pool that b chooses from now: where servers have names, another one whenever these have other addresses.
func (b *backend) serving() *upstream.Pool {
	if b.roster == nil {
		return b.pool
	}
	return b.roster.pool.Load()
}

// queries returns what servers are looked up by.
func queries(backends []Backend) []resolve.Query {
	var all []resolve.Query
	for _, b := range backends {
		for _, s := range b.Servers {
			if s.Lookup.Name != "" {
				all = append(all, s.Lookup)
			}
		}
	}
	return all
}

// seat returns what the servers of b are now. An address that old, which may be nil, has in a slot stays there.
func (b *backend) seat(old *backend) []seated {
	before := map[string]netip.AddrPort{}
	if old != nil {
		for _, s := range old.servers {
			before[s.Name] = s.Address
		}
	}
	var all []seated
	for _, s := range b.config.Servers {
		if s.Lookup.Name == "" {
			all = append(all, seated{Server: s})
			continue
		}
		if b.roster == nil {
			b.roster = &roster{}
		}
		all = append(all, s.seats(b.names.State(s.Lookup), before)...)
	}
	return all
}

// seats returns the slots of a server that is looked up. before has the address of each, by name.
func (s Server) seats(known resolve.State, before map[string]netip.AddrPort) []seated {
	slots := make([]seated, max(s.Slots, 1))
	now := make([]netip.AddrPort, len(slots))
	for i := range slots {
		slots[i].Server, slots[i].template = s, s.Name
		if s.Slots > 0 {
			slots[i].Name += strconv.Itoa(i + 1)
		}
		now[i] = before[slots[i].Name]
	}
	for i, e := range known.Endpoints {
		if !s.Lookup.Service() {
			known.Endpoints[i].Address = netip.AddrPortFrom(e.Address.Addr(), s.Port)
		}
	}
	endpoints := resolve.Assign(now, known.Endpoints, len(slots))
	weights, backup := resolve.Weights(endpoints)
	for i, e := range endpoints {
		slots[i].sit(e, weights[i], backup[i])
		if !e.Address.IsValid() {
			slots[i].missing = missing(known)
			if i > 0 || len(known.Endpoints) > 0 {
				slots[i].spare, slots[i].Weight = true, 0
			}
		}
	}
	return slots
}

// sit puts an endpoint into a slot; of a service it says more than the address.
func (s *seated) sit(e resolve.Endpoint, weight int, backup bool) {
	s.Address, s.host = e.Address, cmp.Or(e.Target, strings.TrimSuffix(s.Lookup.Name, "."))
	if !s.Lookup.Service() {
		return
	}
	s.ServerName, s.CheckName = cmp.Or(s.ServerName, e.Target), cmp.Or(s.CheckName, e.Target)
	s.Backup = s.Backup || backup
	if s.Weight > 0 {
		s.Weight = weight
	}
}

// vacant reports whether nobody knows its address.
func (s *seated) vacant() bool { return s.missing != upstream.Health{} }

// missing is the health of a server without an address: unknown until somebody has been asked for it.
func missing(known resolve.State) upstream.Health {
	h := upstream.Health{Text: "no address yet"}
	if known.Asked.IsZero() {
		return h
	}
	if !known.Good.IsZero() {
		h.Text = "no address any more"
	}
	h.Status, h.At, h.Since = hysteresis.Down, known.Asked, known.Asked
	if known.Err != nil {
		h.Text += ": " + known.Err.Error()
	}
	return h
}

// miss returns what happens when a server is not where it should be: it is looked up again. nil: nothing.
func (b *backend) miss(s Server) func() {
	if s.Lookup.Name == "" {
		return nil
	}
	return func() { b.names.Hurry(s.Lookup) }
}

// expect has names looked up that a configuration brings, and waits for the first answers, but not for long.
func (p *Proxy) expect(c resolve.Config, lookups []resolve.Query) {
	p.mu.Lock()
	serves := p.running && !p.ended
	p.mu.Unlock()
	if !serves || len(lookups) == 0 || c.Fault() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(p.checking, namePatience)
	defer cancel()
	p.names.Await(ctx, c, lookups)
}

// renamed takes in that names have other addresses.
func (p *Proxy) renamed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.renew(nil)
	}
}

// renew gives the backends the addresses that their names have now. Servers that were known live on, those of former backends too. mu is
// held.
func (p *Proxy) renew(former []*backend) {
	backends := slices.Clone(p.now.backends)
	named := false
	for i, b := range backends {
		if b.roster == nil {
			continue
		}
		named = true
		next, err := b.renewed(find(former, b.config.Name))
		if err != nil { // it cannot be: what is new are addresses
			p.log.Error("addresses of a backend stay as they were", "backend", b.config.Name, "err", err)
			continue
		}
		backends[i] = next
	}
	if !named {
		return
	}
	before, served := p.now.backends, map[*backend]bool{}
	for _, b := range before {
		healthy, _, known := b.pool.Healthy()
		served[b] = healthy > 0 || !known
	}
	p.now = state{frontends: p.now.frontends, backends: backends}
	for i, b := range backends {
		if b.pool != before[i].pool {
			p.logAddresses(before[i], b)
			b.attach()
			b.roster.pool.Store(b.pool)
			b.renewCookie(p.log)
		}
	}
	p.applyChecks(backends)
	for i, b := range backends {
		healthy, total, known := b.pool.Healthy()
		if b.roster != nil && served[before[i]] && known && healthy == 0 && total > 0 {
			p.log.Error("backend has no server available", "backend", b.config.Name)
		}
	}
	p.wakeWatchers()
	p.sentinel.look()
}

// renewed returns b as its names are now. Servers of former, which may be nil, live on too.
func (b *backend) renewed(former *backend) (*backend, error) {
	next := *b
	next.servers = next.seat(b)
	if slices.EqualFunc(b.servers, next.servers, sameMember) {
		return &next, nil
	}
	var err error
	next.pool, err = next.newPool(b, former)
	return &next, err
}

// renewCookie has the cookie name the servers that there are now.
func (b *backend) renewCookie(log hclog.Logger) {
	if b.roster.cookie.Load() == nil {
		return
	}
	cookie, err := b.cookie()
	if err != nil { // it cannot be, as above
		log.Error("a cookie names servers as they were", "backend", b.config.Name, "err", err)
		return
	}
	b.roster.cookie.Store(cookie)
}

// logAddresses tells the operator which addresses have come and gone.
func (p *Proxy) logAddresses(before, now *backend) {
	was := map[string]netip.AddrPort{}
	for _, s := range before.servers {
		was[s.Name] = s.Address
	}
	for _, s := range now.servers {
		if a := was[s.Name]; a != s.Address {
			p.log.Info("server has another address", "backend", now.config.Name, "server", s.Name, "name", s.Lookup.Name, "from", orNone(a), "to", orNone(s.Address))
		}
	}
}

func orNone(a netip.AddrPort) string {
	if !a.IsValid() {
		return "none"
	}
	return a.String()
}
