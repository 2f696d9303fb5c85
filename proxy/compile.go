package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/balance"
	"github.com/tandem-lb/tandem/proxy/certs"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/resolve"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// backend is one backend of one configuration.
type backend struct {
	config   Backend
	servers  []seated // what the configuration's are now, in the order of the pool's members
	names    *resolve.Resolver
	roster   *roster        // nil: no server has a name
	sealed   persist.Config // of the cookie, its secret read
	tls      *certs.Servers // nil: plain
	checkTLS *certs.Servers // of the probes alone; nil: that of the servers
	pool     *upstream.Pool
	watcher  upstream.Watcher // of its servers
	route    *exchange.Backend
	edits    *exchange.Edits  // nil: none
	sources  *persist.Sources // who had which server; nil: that is not remembered
	active   *atomic.Int64    // requests that it has, counted where there is an access log
}

// compileBackends compiles every backend. Where old has one of the same name, its servers live on, and where nothing about
// the choice among them has changed, so does the balancer's place.
func compileBackends(configs []Backend, old []*backend, keys *certs.Plan, w upstream.Watcher, names *resolve.Resolver) ([]*backend, error) {
	var compiled []*backend
	var faults []error
	for i, c := range configs {
		if slices.ContainsFunc(configs[:i], func(o Backend) bool { return o.Name == c.Name }) {
			faults = append(faults, fmt.Errorf("backend %s is configured twice", c.Name))
			continue
		}
		b, err := compileBackend(c, find(old, c.Name), keys, w, names)
		if err != nil {
			faults = append(faults, fmt.Errorf("backend %s: %w", c.Name, err))
			continue
		}
		compiled = append(compiled, b)
	}
	if len(faults) == 0 {
		faults = append(faults, checkTracks(compiled))
	}
	return compiled, errors.Join(faults...)
}

// find returns the backend of that name, or nil.
func find(backends []*backend, name string) *backend {
	if i := slices.IndexFunc(backends, func(b *backend) bool { return b.config.Name == name }); i >= 0 {
		return backends[i]
	}
	return nil
}

func compileBackend(c Backend, old *backend, keys *certs.Plan, w upstream.Watcher, names *resolve.Resolver) (*backend, error) {
	c.Servers = slices.Clone(c.Servers) // to be compared with the next one's
	b := &backend{config: c, watcher: w, names: names, active: &atomic.Int64{}}
	b.servers = b.seat(old)
	if old != nil {
		b.active = old.active
	}
	err := errors.Join(
		positive("timeout connect", c.Timeouts.Connect),
		positive("timeout server", c.Timeouts.Server),
	)
	for _, s := range c.Servers {
		if s.SendProxy != 0 && c.HTTP2 {
			err = errors.Join(err, fmt.Errorf("server %s: a connection of HTTP/2 is for many clients, the PROXY protocol for one", s.Name))
		}
	}
	err = errors.Join(err, c.limitsFault())
	if c.TLS != nil {
		var fault error
		config := *c.TLS
		config.NoALPN = c.TCP
		if config.ALPN = nil; c.HTTP2 {
			config.ALPN = []string{"h2"}
		}
		b.tls, fault = keys.Servers(c.Name, config)
		err = errors.Join(err, fault)
	}
	if c.CheckTLS != nil {
		var fault error
		b.checkTLS, fault = keys.Servers(c.Name+"/check", *c.CheckTLS)
		err = errors.Join(err, fault)
	}
	if c.Check != nil {
		err = errors.Join(err, c.Check.Fault())
	}
	passive, fault := c.Passive.compile(c.Servers)
	err = errors.Join(err, fault)
	repeat, fault := c.Repeat.compile(old)
	err = errors.Join(err, fault)
	if c.TCP && repeat != nil {
		err = errors.Join(err, errors.New("what a session has sent is not sent again"))
	}
	key, fault := c.Balance.key()
	err = errors.Join(err, fault)
	if c.TCP && key != nil && key.From != balance.FromSource {
		err = errors.Join(err, errors.New("clients are known by their source alone in TCP"))
	}
	pages, fault := loadPages(c.ErrorPages)
	err = errors.Join(err, fault)
	b.edits, fault = compileEdits(c.RequestEdits, c.ResponseEdits)
	err = errors.Join(err, fault)
	if err != nil {
		return nil, err
	}
	if b.speaksAs(old) && old.config.poolsAs(&c) && slices.EqualFunc(old.servers, b.servers, sameMember) {
		b.pool = old.pool
	} else if b.pool, err = b.newPool(old); err != nil {
		return nil, err
	}
	persistence, err := b.persistence(old)
	if err != nil {
		return nil, err
	}
	b.route = &exchange.Backend{
		Name:       c.Name,
		Servers:    b.picker(),
		Queue:      cmp.Or(c.Timeouts.Queue, c.Timeouts.Connect),
		Connect:    c.Timeouts.Connect,
		Server:     c.Timeouts.Server,
		Retries:    c.Retries,
		Repeat:     repeat,
		Persist:    persistence,
		Redispatch: c.Redispatch,
		Doubts:     c.Check != nil && c.FastEject,
		Passive:    passive,
		HTTP2:      c.HTTP2,
		Hold:       c.HoldRequests,
		Ahead:      c.HoldResponses,
		Key:        key,
		Pages:      pages,
		Forwarded:  c.Forwarded.compile(),
	}
	return b, nil
}

// limitsFault says what is wrong with the numbers of a backend; nil: nothing.
func (c *Backend) limitsFault() (err error) {
	for _, n := range []struct {
		what  string
		value int
	}{{"retries", c.Retries}, {"max_connections", c.MaxConnections}, {"max_queue", c.MaxQueue}} {
		if n.value < 0 {
			err = errors.Join(err, fmt.Errorf("%s %d, want 0 or more", n.what, n.value))
		}
	}
	for _, s := range c.Servers {
		if s.MaxConnections < 0 || s.MaxQueue < 0 {
			err = errors.Join(err, fmt.Errorf("server %s: max_connections %d, max_queue %d, want 0 or more", s.Name, s.MaxConnections, s.MaxQueue))
		}
	}
	if c.Timeouts.Queue < 0 {
		err = errors.Join(err, fmt.Errorf("timeout queue %v, want 0 or more", c.Timeouts.Queue))
	}
	return err
}

// poolsAs reports whether nothing that a pool goes by is different in another configuration of the backend, its servers aside.
func (c *Backend) poolsAs(other *Backend) bool {
	return c.Balance == other.Balance && c.panicThreshold() == other.panicThreshold() && c.MaxConnections == other.MaxConnections &&
		c.MaxQueue == other.MaxQueue
}

// sameMember reports whether two servers are the same to a pool. Where their health comes from is of no matter to it, nor what they are
// called in cookies.
func sameMember(a, b seated) bool {
	a.CheckName, a.Track, a.Cookie, a.missing = b.CheckName, b.Track, b.Cookie, b.missing
	return a == b
}

// speaksAs reports whether old, which may be nil, speaks to its servers as b does to its own.
func (b *backend) speaksAs(old *backend) bool {
	return old != nil && old.tls == b.tls && old.config.HTTP2 == b.config.HTTP2
}

// unchecked is the health of a server without checks.
var unchecked = upstream.Health{Status: hysteresis.Up, Text: "not checked"}

// positive refuses what would wait for ever, or not at all.
func positive(what string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("%s %v, want more than 0", what, d)
	}
	return nil
}
