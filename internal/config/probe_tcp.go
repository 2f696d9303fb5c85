package config

import (
	"gopkg.in/yaml.v3"

	"github.com/tandem-lb/tandem/proxy/health"
)

type rawTCPCheck struct {
	Port uint16 `yaml:"port"`
	off  bool   // false stands in its place
}

// UnmarshalYAML reads a section, or whether it is wanted.
func (c *rawTCPCheck) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		wanted := false
		err := n.Decode(&wanted)
		c.off = !wanted
		return err
	}
	type section rawTCPCheck
	return n.Decode((*section)(c))
}

func (c *rawTCPCheck) there() bool { return c != nil && !c.off }

func (*rawTCPCheck) keys(in string) []Key {
	return []Key{
		{Path: in, Type: boolean(), Absent: "true where no other kind is there", Example: "true", Reload: ReloadAnew, Help: "A TCP connect is the probe. Or a section, for a port of its own."},
		{Path: in + ".port", Type: integer(1, 65535), Absent: "the server's", Example: "8009", Reload: ReloadAnew, Help: ownPort},
	}
}

func (c *rawTCPCheck) config() health.Kind { return &health.TCP{Port: c.Port} }

func (c *rawTCPCheck) port() uint16 { return c.Port }

func (*rawTCPCheck) check(*builder, string) {}
