package config

import (
	"net/netip"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/tandem-lb/tandem/vrrp"
)

// The raw structs are the file as it is written, checked and with its defaults. A pointer is nil where the key is absent
// and has no default.

type rawFile struct {
	Nodes map[string]rawNode `yaml:"nodes"`
	VRRP  struct {
		Instances  []rawInstance `yaml:"instances"`
		RTPriority int           `yaml:"rt_priority"`
		NoSwap     bool          `yaml:"no_swap"`
	} `yaml:"vrrp"`
	Tracker struct {
		Scripts  map[string]rawScript  `yaml:"scripts"`
		Files    map[string]rawNumber  `yaml:"files"`
		Gateways map[string]rawGateway `yaml:"gateways"`
	} `yaml:"tracker"`
	Proxy rawProxy `yaml:"proxy"`
	Admin struct {
		Socket struct {
			Path  perNode[string] `yaml:"path"`
			Mode  string          `yaml:"mode"`
			Group string          `yaml:"group"`
		} `yaml:"socket"`
	} `yaml:"admin"`
	Log struct {
		Level  perNode[string] `yaml:"level"`
		Format string          `yaml:"format"`
	} `yaml:"log"`
}

type rawNode struct {
	Address rawHost `yaml:"address"`
}

// rawHost is the addresses of a host, of each family at most one.
type rawHost []netip.Addr

// UnmarshalYAML reads a list, or a single address.
func (h *rawHost) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		return n.Decode((*[]netip.Addr)(h))
	}
	*h = make(rawHost, 1)
	return n.Decode(&(*h)[0])
}

// of returns the address of the family, or the zero Addr.
func (h rawHost) of(f vrrp.Family) netip.Addr {
	for _, a := range h {
		if familyOf(a) == f {
			return a
		}
	}
	return netip.Addr{}
}

type rawInstance struct {
	Name            string             `yaml:"name"`
	Interface       perNode[string]    `yaml:"interface"`
	VirtualRouterID uint8              `yaml:"virtual_router_id"`
	Version         uint8              `yaml:"version"` // 0: absent, until settleVersions
	Priority        perNode[uint8]     `yaml:"priority"`
	AdvertInterval  time.Duration      `yaml:"advert_interval"`
	MaxLearned      time.Duration      `yaml:"max_learned_interval"` // 0: absent
	BareChecksum    bool               `yaml:"v3_checksum_as_v2"`
	Authentication  *rawAuthentication `yaml:"authentication"`
	Addresses       []rawAddress       `yaml:"virtual_addresses"`
	Excluded        []rawAddress       `yaml:"excluded_addresses"`
	Preempt         bool               `yaml:"preempt"`
	PreemptDelay    time.Duration      `yaml:"preempt_delay"`
	FlapDamping     *rawFlapDamping    `yaml:"flap_damping"`
	StartupDelay    time.Duration      `yaml:"startup_delay"`
	WarmUp          time.Duration      `yaml:"warm_up"`
	SyncGroup       string             `yaml:"sync_group"`
	UnicastPeers    rawPeers           `yaml:"unicast_peers"`
	UnicastTTL      uint8              `yaml:"unicast_ttl"` // 0: absent
	AnySource       bool               `yaml:"unicast_any_source"`
	GARP            struct {
		Repeat   int           `yaml:"repeat"`
		Delay    time.Duration `yaml:"delay"`
		Refresh  time.Duration `yaml:"refresh"`
		Interval time.Duration `yaml:"interval"`
	} `yaml:"garp"`
	Lease  bool       `yaml:"lease"`
	Track  []rawTrack `yaml:"track"`
	Notify *rawNotify `yaml:"notify"`
}

type rawFlapDamping struct {
	Transitions int           `yaml:"transitions"`
	Window      time.Duration `yaml:"window"`
	Hold        time.Duration `yaml:"hold"`
}

type rawAddress struct {
	Address   string          `yaml:"address"`
	Interface perNode[string] `yaml:"interface"`
	Label     string          `yaml:"label"`
	Scope     string          `yaml:"scope"`
	Broadcast netip.Addr      `yaml:"broadcast"`
	Peer      netip.Addr      `yaml:"peer"`
}

// UnmarshalYAML reads a section, or the address alone.
func (a *rawAddress) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&a.Address)
	}
	type section rawAddress
	return n.Decode((*section)(a))
}

// rawPeers are the peers of an instance: none for multicast, and a single one without an address for all other nodes.
type rawPeers []rawPeer

// UnmarshalYAML reads a list, or true or false.
func (p *rawPeers) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		return n.Decode((*[]rawPeer)(p))
	}
	var all bool
	if err := n.Decode(&all); err != nil || !all {
		return err
	}
	*p = rawPeers{{}}
	return nil
}

// nodes reports whether the peers are the other nodes.
func (p rawPeers) nodes() bool { return len(p) == 1 && p[0] == rawPeer{} }

type rawPeer struct {
	Address netip.Addr `yaml:"address"`
	MinTTL  uint8      `yaml:"min_ttl"`
	MaxTTL  uint8      `yaml:"max_ttl"` // 0: absent
}

// UnmarshalYAML reads a section, or the address alone.
func (p *rawPeer) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&p.Address)
	}
	type section rawPeer
	return n.Decode((*section)(p))
}

type rawTrack struct {
	Script    string          `yaml:"script"`
	Interface perNode[string] `yaml:"interface"`
	Backend   string          `yaml:"backend"`
	MinUp     int             `yaml:"min_up"`
	Gateway   string          `yaml:"gateway"`
	File      string          `yaml:"file"`
	Weight    *int            `yaml:"weight"`
}

type rawNotify struct {
	Script  rawCommand    `yaml:"script"`
	Timeout time.Duration `yaml:"timeout"`
	User    string        `yaml:"user"`
}

// rawCommand is a program and its arguments, or the program alone.
type rawCommand []string

// UnmarshalYAML reads a list, or the program alone.
func (c *rawCommand) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*c = make(rawCommand, 1)
		return n.Decode(&(*c)[0])
	}
	return n.Decode((*[]string)(c))
}

type rawScript struct {
	Command  []string      `yaml:"command"`
	Interval time.Duration `yaml:"interval"`
	Timeout  time.Duration `yaml:"timeout"`
	Rise     int           `yaml:"rise"`
	Fall     int           `yaml:"fall"`
	Init     string        `yaml:"init_state"`
	User     string        `yaml:"user"`
}

type rawNumber struct {
	Path    string `yaml:"path"`
	Missing int    `yaml:"missing"`
}

type rawGateway struct {
	Interface perNode[string] `yaml:"interface"`
	Interval  time.Duration   `yaml:"interval"`
	Timeout   time.Duration   `yaml:"timeout"`
	Rise      int             `yaml:"rise"`
	Fall      int             `yaml:"fall"`
	Init      string          `yaml:"init_state"`
}

// perNode is a value that may differ by node.
type perNode[T any] struct {
	given  bool // the key is there, or has a default
	same   T
	byNode map[string]T
}

// UnmarshalYAML reads one value, or one under the name of each node.
func (p *perNode[T]) UnmarshalYAML(n *yaml.Node) error {
	p.given = true
	if n.Kind == yaml.MappingNode {
		return n.Decode(&p.byNode)
	}
	return n.Decode(&p.same)
}

// on returns the value that a node has.
func (p perNode[T]) on(node string) T {
	if v, ok := p.byNode[node]; ok {
		return v
	}
	return p.same
}
