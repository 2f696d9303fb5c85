package config

import (
	"fmt"
	"strings"
	"testing"
)

// unicast returns a file in which the peers are the nodes.
func unicast(nodes string) []byte {
	return fmt.Appendf(nil, "nodes: {%s}\nvrrp: {instances: [{name: VI_1, interface: eth0, virtual_router_id: 51, virtual_addresses: [10.0.0.100/24], unicast_peers: true}]}\n", nodes)
}

func TestNodesThatAreNoPeers(t *testing.T) {
	many := make([]string, maxPeers+2)
	for i := range many {
		many[i] = fmt.Sprintf("lb%d: {address: 10.0.1.%d}", i, i+1)
	}
	const at = "f.yaml:2:124: vrrp.instances[0].unicast_peers: "
	for _, tt := range []struct{ name, nodes, want string }{
		{"alone", "lb1: {address: 10.0.0.1}", at + "there is none besides lb1 itself, want the addresses of the others"},
		{"too many", strings.Join(many, ", "), at + "there are 65 of them, want at most 64"},
		{"loopback", "lb1: {address: 10.0.0.1}, lb2: {address: 127.0.0.1}", at + "the address of lb2: 127.0.0.1 is no neighbour's, want a list of addresses"},
		{"IPv6", "lb1: {address: 10.0.0.1}, lb2: {address: \"fd00::2\"}", at + "the address of lb2, fd00::2, is IPv6, want a list of IPv4 addresses, or one more address of lb2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := Parse("f.yaml", unicast(tt.nodes))
			if errs := problems.Errors(); len(errs) != 1 || errs[0].String() != tt.want {
				t.Errorf("got  %v\nwant %s", errs, tt.want)
			}
		})
	}
	if cfg, problems := Parse("f.yaml", unicast(strings.Join(many[:maxPeers+1], ", "))); cfg == nil {
		t.Errorf("got %v for as many as there may be, want none", problems.Errors())
	}
}
