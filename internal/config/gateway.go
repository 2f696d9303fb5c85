package config

import (
	"cmp"
	"net/netip"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/tandem-lb/tandem/tracker"
)

// addGateways gives the gateways that are tracked, but not under tracker.gateways, what the table has for absent keys.
func (b *builder) addGateways() {
	for _, in := range b.raw.VRRP.Instances {
		for _, t := range in.Track {
			if _, ok := b.raw.Tracker.Gateways[t.Gateway]; ok || t.Gateway == "" {
				continue
			}
			if b.raw.Tracker.Gateways == nil {
				b.raw.Tracker.Gateways = map[string]rawGateway{}
			}
			b.raw.Tracker.Gateways[t.Gateway] = b.usualGateway()
		}
	}
}

// usualGateway is a gateway of which nothing is said.
func (b *builder) usualGateway() rawGateway {
	n := &yaml.Node{Kind: yaml.MappingNode}
	b.section(n, schema(trackerKeys()).step("tracker").step("gateways").step("*"), "tracker.gateways")
	var g rawGateway
	if err := n.Decode(&g); err != nil { // the table's own defaults, which a test decodes
		b.errorAt("tracker.gateways", err.Error(), "")
	}
	return g
}

// askedOn returns the interface on which a node asks a gateway that an instance tracks.
func (b *builder) askedOn(gateway string, i int, node string) string {
	return cmp.Or(b.raw.Tracker.Gateways[gateway].Interface.on(node), b.raw.VRRP.Instances[i].Interface.on(node))
}

// gateways returns the gateways that a node's instances track, each interface apart.
func (b *builder) gateways(n Node) []tracker.Gateway {
	var gateways []tracker.Gateway
	virtual := virtualAddresses(n)
	for _, in := range n.Instances {
		for _, t := range in.Track {
			if t.ID.Kind != tracker.KindGateway {
				continue
			}
			raw := b.raw.Tracker.Gateways[t.ID.Name]
			gateways = append(gateways, tracker.Gateway{
				Address: netip.MustParseAddr(t.ID.Name), Interface: t.ID.Interface,
				Interval: raw.Interval, Timeout: cmp.Or(raw.Timeout, raw.Interval), Rise: raw.Rise, Fall: raw.Fall,
				Init: initStatus(raw.Init), Virtual: virtual,
			})
		}
	}
	slices.SortFunc(gateways, func(a, b tracker.Gateway) int {
		return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Interface, b.Interface))
	})
	return slices.CompactFunc(gateways, func(a, b tracker.Gateway) bool {
		return a.Address == b.Address && a.Interface == b.Interface
	})
}

// virtualAddresses returns the virtual addresses of all instances.
func virtualAddresses(n Node) []netip.Addr {
	var all []netip.Addr
	for _, in := range n.Instances {
		for _, a := range in.VIP.Addresses {
			all = append(all, a.Prefix.Addr())
		}
	}
	return all
}
