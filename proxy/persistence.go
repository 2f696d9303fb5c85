package proxy

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"strconv"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/persist"
)

// Cookie is one that names servers, so that clients come back to theirs.
type Cookie struct {
	persist.Config        // Backend and Secret are left to the balancer
	SecretFile     string // what names are sealed with, the same on all nodes; empty: they are plain
}

// CheckCookieSecret returns why a file cannot be what names in cookies are sealed with; nil: it can.
func CheckCookieSecret(file string) error {
	_, err := persist.ReadSecret(file)
	return err
}

// persistence compiles how clients come back to their servers; nil: they do not. What old, which may be nil, knows of them lives on. The
// pool is there.
func (b *backend) persistence(old *backend) (*exchange.Persistence, error) {
	c := b.config
	switch {
	case c.Cookie == nil && c.Sources == nil:
		return nil, nil
	case c.Cookie != nil && c.Sources != nil:
		return nil, errors.New("clients come back by a cookie or by their source, not by both")
	case c.Sources != nil:
		if err := c.Sources.Fault(); err != nil {
			return nil, err
		}
		b.sources = sourcesOf(*c.Sources, old)
		return &exchange.Persistence{Sources: b.sources}, nil
	case c.TCP:
		return nil, errors.New("cookies are of HTTP, not of TCP")
	}
	b.sealed = c.Cookie.Config
	b.sealed.Backend = c.Name
	if file := c.Cookie.SecretFile; file != "" {
		var err error
		if b.sealed.Secret, err = persist.ReadSecret(file); err != nil {
			return nil, err
		}
	}
	cookie, err := b.cookie()
	switch {
	case err != nil:
		return nil, err
	case b.roster != nil:
		b.roster.cookie.Store(cookie)
		return &exchange.Persistence{Renewed: &b.roster.cookie}, nil
	}
	return &exchange.Persistence{Cookie: cookie}, nil
}

// cookie compiles the cookie with what the servers are called in it: their names, if these are sealed and they have no other. Those that
// are in slots are called by their addresses too: these may be in other slots on other nodes, and come into others here.
func (b *backend) cookie() (*persist.Cookie, error) {
	c := b.sealed
	var servers []persist.Server
	named := false
	for i, m := range b.pool.Members() {
		value := b.servers[i].Cookie
		if c.Secret != nil {
			value = cmp.Or(value, m.Key().Name)
		}
		if s := b.servers[i]; value != "" && s.Slots > 0 && !s.vacant() {
			value = inCookie(cmp.Or(s.Cookie, s.template), s.Address)
		}
		named = named || value != ""
		servers = append(servers, persist.Server{Server: m.Server, Value: value})
	}
	if !named {
		return nil, fmt.Errorf("cookie %s: no server has a name in it", c.Name)
	}
	return persist.NewCookie(c, servers)
}

// inCookie is what a server in a slot is called. Addresses can be found out from it, unless it is sealed.
func inCookie(name string, a netip.AddrPort) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(a.String())) // it takes everything
	return name + "-" + strconv.FormatUint(h.Sum64(), 36)
}

// sourcesOf returns the table of who had which server: the one that is there, or one that knows what that knew.
func sourcesOf(c persist.SourcesConfig, old *backend) *persist.Sources {
	if old == nil || old.sources == nil {
		return persist.NewSources(c)
	}
	if old.sources.Config() == c {
		return old.sources
	}
	s := persist.NewSources(c)
	s.Take(old.sources)
	return s
}
