package resolve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

const (
	// longestLookup bounds a lookup, with all of its questions.
	longestLookup = 30 * time.Second
	// hostsTTL is how long what /etc/hosts says is taken for true before it is looked at again.
	hostsTTL = 10 * time.Second
	// maxTargets bounds how many hosts of a service are asked for.
	maxTargets = 256
)

// client carries out lookups. It is safe for concurrent use.
type client struct {
	resolvConf file[resolvConf]
	hosts      file[map[string][]netip.Addr]
	counts     *counters
	first      atomic.Int32 // which nameserver answered last
}

var _ looker = (*client)(nil)

func newClient(o Options, counts *counters) *client {
	return &client{
		resolvConf: file[resolvConf]{path: cmp.Or(o.ResolvConf, "/etc/resolv.conf"), parse: parseResolvConf},
		hosts:      file[map[string][]netip.Addr]{path: cmp.Or(o.Hosts, "/etc/hosts"), parse: parseHosts},
		counts:     counts,
	}
}

// lookup implements looker.
func (c *client) lookup(ctx context.Context, cfg *Config, q Query) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, longestLookup)
	defer cancel()
	if q.Service() {
		return c.service(ctx, cfg, q)
	}
	addrs, ttl, err := c.host(ctx, cfg, q.Name, q.Family)
	if err != nil {
		return answer{}, err
	}
	a := answer{ttl: ttl}
	for _, addr := range addrs {
		a.endpoints = append(a.endpoints, Endpoint{Address: netip.AddrPortFrom(addr, 0)})
	}
	a.endpoints = tidy(a.endpoints)
	return a, nil
}

// kinds are the records that have the addresses of a family, those first that are preferred.
func (f Family) kinds() []uint16 {
	switch f {
	case IPv4:
		return []uint16{dns.TypeA}
	case IPv6:
		return []uint16{dns.TypeAAAA}
	case PreferIPv6:
		return []uint16{dns.TypeAAAA, dns.TypeA}
	}
	return []uint16{dns.TypeA, dns.TypeAAAA}
}

// host returns the addresses of a host, which are of one family.
func (c *client) host(ctx context.Context, cfg *Config, name string, f Family) ([]netip.Addr, time.Duration, error) {
	known, err := c.hostsOf(name)
	if err != nil {
		return nil, 0, err
	}
	for _, kind := range f.kinds() {
		var addrs []netip.Addr
		for _, a := range known {
			if a.Is4() == (kind == dns.TypeA) {
				addrs = append(addrs, a)
			}
		}
		if len(addrs) > 0 {
			return addrs, hostsTTL, nil
		}
	}
	r, err := c.search(ctx, cfg, name, f.kinds())
	return r.addrs, r.ttl, err
}

// search asks for what may stand in the place of a name, for records of one kind and then of another, until there are some. Where somebody
// fails to answer that is the end of it: what comes later in the list is not what was meant.
func (c *client) search(ctx context.Context, cfg *Config, name string, kinds []uint16) (reply, error) {
	conf, err := c.nameservers(cfg)
	if err != nil {
		return reply{}, err
	}
	for _, full := range conf.names(name) {
		for _, kind := range kinds {
			var r reply
			r, err = c.chase(ctx, cfg, conf.servers, question{full, kind})
			if err == nil || !isAbsent(err) {
				return r, err
			}
		}
	}
	return reply{}, err
}

// chase asks on where an answer is an alias and leaves off there.
func (c *client) chase(ctx context.Context, cfg *Config, servers []netip.AddrPort, q question) (reply, error) {
	ttl := time.Duration(1<<63 - 1)
	for range maxAliases {
		r, err := c.ask(ctx, cfg, servers, q)
		if err != nil {
			return reply{}, err
		}
		r.ttl = min(ttl, r.ttl)
		if r.alias == "" {
			return r, nil
		}
		q.name, ttl = r.alias, r.ttl
	}
	return reply{}, fmt.Errorf("%s: more than %d aliases", q.name, maxAliases)
}

// service returns the addresses of all hosts of a service. A host that nobody tells the addresses of does not speak against the others.
func (c *client) service(ctx context.Context, cfg *Config, q Query) (answer, error) {
	r, err := c.search(ctx, cfg, q.Name, []uint16{dns.TypeSRV})
	if err != nil {
		return answer{}, err
	}
	a := answer{ttl: r.ttl}
	found := map[string]target{}
	for _, s := range r.services[:min(len(r.services), maxTargets)] {
		name := strings.TrimSuffix(s.Target, ".")
		if name == "" { // RFC 2782: "the service is decidedly not available at this domain"
			continue
		}
		t, known := found[name]
		if !known {
			t = c.target(ctx, cfg, s.Target, q.Family, a.fault)
			found[name] = t
		}
		if t.fault != nil {
			a.failed, a.fault = append(a.failed, name), t.fault
			continue
		}
		a.ttl = min(a.ttl, t.ttl)
		for _, addr := range t.addrs {
			a.endpoints = append(a.endpoints, Endpoint{Address: netip.AddrPortFrom(addr, s.Port), Target: name, Priority: s.Priority, Weight: s.Weight})
		}
	}
	switch a.endpoints = tidy(a.endpoints); {
	case a.fault != nil && len(a.endpoints) == 0:
		return answer{}, a.fault
	case a.fault != nil:
		a.ttl = min(a.ttl, lastRetry)
	case len(a.endpoints) == 0:
		return answer{}, errNoHost
	}
	return a, nil
}

// target is a host of a service.
type target struct {
	addrs []netip.Addr // none: it has none
	ttl   time.Duration
	fault error // nobody tells
}

// target asks for a host of a service. before is what went wrong with one before it: where nobody answers there is no use in asking on.
func (c *client) target(ctx context.Context, cfg *Config, name string, f Family, before error) target {
	if errors.Is(before, errSilent) {
		return target{fault: before}
	}
	addrs, ttl, err := c.host(ctx, cfg, name, f)
	switch {
	case isAbsent(err):
		return target{ttl: longestLookup}
	case err != nil:
		return target{fault: fmt.Errorf("host %s: %w", strings.TrimSuffix(name, "."), err)}
	}
	return target{addrs: addrs, ttl: ttl}
}
