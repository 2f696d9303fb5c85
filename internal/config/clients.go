package config

import (
	"cmp"
	"time"

	"github.com/tandem-lb/tandem/proxy/rate"
)

type rawClients struct {
	IPv4Prefix int      `yaml:"ipv4_prefix"`
	IPv6Prefix int      `yaml:"ipv6_prefix"`
	TableSize  int      `yaml:"table_size"`
	Exempt     []string `yaml:"exempt"`
}

func (raw *rawClients) config() rate.Clients {
	return rate.Clients{IPv4Prefix: raw.IPv4Prefix, IPv6Prefix: raw.IPv6Prefix, TableSize: raw.TableSize}
}

type rawClientRate struct {
	Requests   int           `yaml:"requests"`
	Per        time.Duration `yaml:"per"`
	Burst      int           `yaml:"burst"`
	Status     int           `yaml:"status"`
	rawClients `yaml:",inline"`
}

// config returns how often a client may ask; nil: as often as it likes.
func (raw *rawClientRate) config() *rate.Requests {
	if raw == nil {
		return nil
	}
	return &rate.Requests{
		Pace: rate.Pace{Count: raw.Requests, Per: raw.Per, Burst: cmp.Or(raw.Burst, raw.Requests)}, Clients: raw.rawClients.config(),
		Exempt: networks(raw.Exempt), Status: raw.Status,
	}
}

type rawClientConnections struct {
	Max        int           `yaml:"max"`
	New        int           `yaml:"new"`
	Per        time.Duration `yaml:"per"`
	Burst      int           `yaml:"burst"`
	rawClients `yaml:",inline"`
}

// config returns how many connections a client may have; nil: any number.
func (raw *rawClientConnections) config() *rate.Connections {
	if raw == nil {
		return nil
	}
	c := &rate.Connections{Max: raw.Max, Clients: raw.rawClients.config(), Exempt: networks(raw.Exempt)}
	if raw.New != 0 {
		c.Pace = rate.Pace{Count: raw.New, Per: raw.Per, Burst: cmp.Or(raw.Burst, raw.New)}
	}
	return c
}

// checkClients reports bounds of a frontend's clients that bound nothing, or cannot be kept.
func (b *builder) checkClients(i int) {
	raw := b.raw.Proxy.Frontends[i]
	b.checkRate(frontendPath(i, "client_rate"), raw.ClientRate)
	path := frontendPath(i, "client_connections")
	c := raw.ClientConnections
	if c == nil || b.reported(path) {
		return
	}
	if c.Max == 0 && c.New == 0 {
		b.errorAt(path, "bounds nothing", "max, new or both")
		return
	}
	if c.New == 0 && c.Burst != 0 {
		b.errorAt(join(path, "burst"), "is of new connections, of which there is no bound", "new beside it")
		return
	}
	if err := c.config().Fault(); err != nil {
		b.errorAt(path, err.Error(), "")
	}
}

// checkRate reports a rate that cannot be kept.
func (b *builder) checkRate(path string, raw *rawClientRate) {
	if raw == nil || b.reported(path) {
		return
	}
	if err := raw.config().Fault(); err != nil {
		b.errorAt(path, err.Error(), "")
	}
}
