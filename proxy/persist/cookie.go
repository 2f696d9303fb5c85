package persist

import (
	"cmp"

	"github.com/tandem-lb/tandem/proxy/upstream"
)

// Cookie is how the clients of a backend find their server again. It is immutable.
type Cookie struct {
	config     Config
	seal       *seal // nil: names are plain
	attributes string
	maxIdle    int64                         // seconds; 0: for ever
	maxLife    int64                         // the same
	servers    map[string][]*upstream.Server // by what they are called, in their order
	names      map[*upstream.Server]string   // what each of them is called
}

// Server is one that clients find again.
type Server struct {
	Server *upstream.Server
	Value  string // what it is called; several may be called the same. Empty: clients do not find it again
}

// NewCookie returns the cookie of a backend with these servers.
func NewCookie(c Config, servers []Server) (*Cookie, error) {
	if err := c.Fault(); err != nil {
		return nil, err
	}
	k := &Cookie{
		config: c, attributes: attributesOf(&c), servers: map[string][]*upstream.Server{}, names: map[*upstream.Server]string{},
		maxIdle: int64(c.MaxIdle.Seconds()), maxLife: int64(c.MaxLife.Seconds()),
	}
	if c.Secret != nil {
		var err error
		if k.seal, err = newSeal(c.Secret, c.Backend); err != nil {
			return nil, err
		}
	}
	for _, s := range servers {
		if s.Value == "" {
			continue
		}
		if err := ValueFault(s.Value); err != nil {
			return nil, err
		}
		name := s.Value
		if k.seal != nil {
			name = k.seal.name(s.Value)
		}
		k.servers[name] = append(k.servers[name], s.Server)
		k.names[s.Server] = name
	}
	return k, nil
}

// attributesOf returns what stands behind the value, in HAProxy's order.
func attributesOf(c *Config) string {
	text := "; path=" + cmp.Or(c.Path, "/")
	if c.Domain != "" {
		text += "; domain=" + c.Domain
	}
	if c.HTTPOnly {
		text += "; HttpOnly"
	}
	if c.Secure {
		text += "; Secure"
	}
	if c.SameSite != "" {
		text += "; SameSite=" + c.SameSite
	}
	return text
}

// dated reports whether the cookie says how old it is.
func (c *Cookie) dated() bool { return c.maxIdle > 0 || c.maxLife > 0 }
