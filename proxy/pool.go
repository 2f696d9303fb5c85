package proxy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tandem-lb/tandem/proxy/balance"
	"github.com/tandem-lb/tandem/proxy/proxyproto"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// key returns what requests are known by; nil: nothing.
func (c *Balance) key() (*balance.Key, error) {
	switch {
	case c.Algorithm == balance.Source && c.Key == "":
		return &balance.Key{From: balance.FromSource}, nil
	case c.Algorithm == balance.Hash:
		k, err := balance.ParseKey(c.Key)
		if err != nil {
			return nil, fmt.Errorf("balance %s: %w", c.Algorithm, err)
		}
		return &k, nil
	case c.Key != "":
		return nil, fmt.Errorf("balance key %s, which only %s takes", c.Key, balance.Hash)
	}
	return nil, nil
}

// newPool makes the pool of b's servers. Where one of old, any of which may be nil, has one of the same identity, it lives on; the first of
// them comes first.
func (b *backend) newPool(old ...*backend) (*upstream.Pool, error) {
	c := b.config
	known := map[identity]*upstream.Server{}
	for _, o := range slices.Backward(old) {
		maps.Copy(known, b.serversOf(o))
	}
	names := map[string]bool{}
	var members []upstream.Member
	for _, s := range b.servers {
		if names[s.Name] {
			return nil, fmt.Errorf("server %s is configured twice", s.Name)
		}
		names[s.Name] = true
		members = append(members, upstream.Member{
			Server: b.server(s.Server, known), Weight: s.Weight, Backup: s.Backup, SlowStart: s.SlowStart,
			MaxConnections: s.MaxConnections, MaxQueue: s.MaxQueue, Vacant: s.vacant(),
		})
	}
	var queue *upstream.Queue
	if len(old) > 0 && b.speaksAs(old[0]) { // else those who wait are for servers that are spoken to otherwise
		queue = old[0].pool.Queue()
	}
	return upstream.NewPool(upstream.Options{
		Algorithm: c.Balance.Algorithm, Draws: c.Balance.Draws, BoundedLoad: c.Balance.BoundedLoad, FirstBackup: c.Balance.FirstBackup,
		PanicThreshold: c.panicThreshold(), MaxConnections: c.MaxConnections, MaxQueue: c.MaxQueue, Queue: queue,
	}, members)
}

// identity is what makes a server of a new configuration the same as one of an old one.
type identity struct {
	upstream.Key
	serverName string
	proxy      proxyproto.Version
}

// serversOf returns the servers of old, which may be nil, that b can take over.
func (b *backend) serversOf(old *backend) map[identity]*upstream.Server {
	known := map[identity]*upstream.Server{}
	if b.speaksAs(old) {
		for i, m := range old.pool.Members() {
			known[identity{m.Key(), old.servers[i].ServerName, old.servers[i].SendProxy}] = m.Server
		}
	}
	return known
}

// server returns the server of that identity, a known one where there is one.
func (b *backend) server(s Server, known map[identity]*upstream.Server) *upstream.Server {
	key := upstream.Key{Backend: b.config.Name, Name: s.Name, Address: s.Address, Path: s.Path}
	if old := known[identity{key, s.ServerName, s.SendProxy}]; old != nil {
		return old
	}
	link := upstream.Link{HTTP2: b.config.HTTP2, Proxy: s.SendProxy}
	if b.tls != nil {
		link.TLS = b.tls.TLSConfig(s.ServerName)
	}
	server := upstream.NewServer(key, link)
	server.Watch(b.watcher)
	return server
}

// attach has the servers tell the pool what changes in them, and has those looked up again that are not where they should be.
func (b *backend) attach() {
	b.pool.Attach()
	for i, m := range b.pool.Members() {
		m.OnMiss(b.miss(b.servers[i].Server))
	}
}
