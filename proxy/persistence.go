package proxy

import (
	"cmp"
	"errors"
	"fmt"

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
	cookie, err := b.cookie()
	if err != nil {
		return nil, err
	}
	return &exchange.Persistence{Cookie: cookie}, nil
}

// cookie compiles the cookie with what the servers are called in it: their names, if these are sealed and they have no other.
func (b *backend) cookie() (*persist.Cookie, error) {
	c := b.config.Cookie.Config
	c.Backend = b.config.Name
	if file := b.config.Cookie.SecretFile; file != "" {
		var err error
		if c.Secret, err = persist.ReadSecret(file); err != nil {
			return nil, err
		}
	}
	var servers []persist.Server
	named := false
	for i, m := range b.pool.Members() {
		value := b.config.Servers[i].Cookie
		if c.Secret != nil {
			value = cmp.Or(value, m.Key().Name)
		}
		named = named || value != ""
		servers = append(servers, persist.Server{Server: m.Server, Value: value})
	}
	if !named {
		return nil, fmt.Errorf("cookie %s: no server has a name in it", c.Name)
	}
	return persist.NewCookie(c, servers)
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
