package config

import "github.com/tandem-lb/tandem/proxy/health"

type rawGRPCCheck struct {
	Service string `yaml:"service"`
	Port    uint16 `yaml:"port"`
}

func (c *rawGRPCCheck) there() bool { return c != nil }

func (*rawGRPCCheck) keys(in string) []Key {
	return []Key{
		{Path: in, Type: section(), Absent: "no such call is made", Example: "{service: shop.Cart}", Reload: ReloadAnew, Help: "A call of `grpc.health.v1.Health/Check` over HTTP/2 is the probe: only SERVING is a success."},
		{Path: in + ".service", Type: line(255), Absent: "the server as a whole", Example: "shop.Cart", Reload: ReloadAnew, Help: "Whose health is asked for."},
		{Path: in + ".port", Type: integer(1, 65535), Absent: "the server's", Example: "9090", Reload: ReloadAnew, Help: ownPort},
	}
}

func (c *rawGRPCCheck) config() health.Kind { return &health.GRPC{Service: c.Service, Port: c.Port} }

func (c *rawGRPCCheck) port() uint16 { return c.Port }

func (*rawGRPCCheck) check(*builder, string) {}
