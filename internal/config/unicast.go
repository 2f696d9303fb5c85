package config

import (
	"fmt"

	"github.com/tandem-lb/tandem/vrrp"
)

// maxPeers bounds the peers of an instance: each one costs a packet at every interval.
const maxPeers = 64

// peers returns whom a node sends the adverts of an instance to. None: the multicast group.
func (b *builder) peers(i int, node string) []vrrp.Peer {
	given, f := b.raw.VRRP.Instances[i].UnicastPeers, b.family(i)
	var peers []vrrp.Peer
	if given.nodes() {
		for _, other := range b.nodes {
			if a := b.raw.Nodes[other].Address.of(f); other != node && a.IsValid() {
				peers = append(peers, vrrp.Peer{Addr: a})
			}
		}
		return peers
	}
	own := b.raw.Nodes[node].Address.of(f)
	for _, p := range given {
		if p.Address.IsValid() && p.Address != own {
			peers = append(peers, vrrp.Peer{Addr: p.Address, MinTTL: p.MinTTL, MaxTTL: p.MaxTTL})
		}
	}
	return peers
}

// checkUnicast reports peers that no node could speak with.
func (b *builder) checkUnicast(i int) {
	raw, path := b.raw.VRRP.Instances[i], instancePath(i, "unicast_peers")
	switch {
	case b.reported(path):
		return
	case len(raw.UnicastPeers) == 0:
		b.checkMulticast(i)
		return
	case raw.UnicastPeers.nodes():
		b.checkNodesAsPeers(path, b.family(i))
	default:
		b.checkPeers(path, raw.UnicastPeers, b.family(i))
	}
	for _, node := range b.nodes {
		if b.reported(path) || b.reported("nodes") {
			return
		}
		switch n := len(b.peers(i, node)); {
		case n == 0:
			b.errorAt(path, "there is none besides "+node+" itself", "the addresses of the others")
		case n > maxPeers:
			b.errorAt(path, fmt.Sprintf("there are %d of them", n), fmt.Sprintf("at most %d", maxPeers))
		}
	}
}

// checkMulticast reports what says something about peers where there are none.
func (b *builder) checkMulticast(i int) {
	raw := b.raw.VRRP.Instances[i]
	if raw.UnicastTTL != 0 {
		b.errorAt(instancePath(i, "unicast_ttl"), "there are no unicast_peers", "them too: multicast has 255 always")
	}
	if raw.AnySource {
		b.errorAt(instancePath(i, "unicast_any_source"), "there are no unicast_peers", "them too: multicast has no list of sources")
	}
}

// checkNodesAsPeers reports nodes whose addresses are none to send adverts of the family to.
func (b *builder) checkNodesAsPeers(path string, f vrrp.Family) {
	for _, node := range b.nodes {
		all := b.raw.Nodes[node].Address
		switch a := all.of(f); {
		case len(all) == 0: // reported
		case !a.IsValid():
			b.errorAt(path, fmt.Sprintf("the address of %s, %s, is %v", node, all[0], familyOf(all[0])), fmt.Sprintf("a list of %v addresses, or one more address of %s", f, node))
		default:
			if what := peerAddress().fault(a.String()); what != "" {
				b.errorAt(path, fmt.Sprintf("the address of %s: %s", node, what), "a list of addresses")
			}
		}
	}
}

// checkPeers reports what is wrong with a list.
func (b *builder) checkPeers(path string, peers rawPeers, f vrrp.Family) {
	addresses, listed := unique{b: b}, map[string]bool{}
	for j, p := range peers {
		at := item(path, j)
		addresses.add(p.Address.String(), "peer", at)
		listed[p.Address.String()] = true
		if p.MaxTTL != 0 && p.MinTTL > p.MaxTTL {
			b.errorAt(at, fmt.Sprintf("min_ttl %d is above max_ttl %d", p.MinTTL, p.MaxTTL), "the smaller one as min_ttl")
		}
		if p.Address.IsValid() && familyOf(p.Address) != f {
			b.errorAt(at, fmt.Sprintf("%s is %v, and the virtual addresses are %v", p.Address, familyOf(p.Address), f), "an address of their family")
		}
		if b.isVirtual(p) {
			b.errorAt(at, p.Address.String()+" is a virtual address", "one that no instance moves")
		}
	}
	for _, node := range b.nodes {
		switch a := b.raw.Nodes[node].Address.of(f); {
		case !a.IsValid():
			b.warnAt(path, fmt.Sprintf("no %v address of %s is known: where one is among them, it takes itself for a peer too", f, node), "one more address of "+node)
		case !listed[a.String()]:
			b.warnAt(path, fmt.Sprintf("the address of %s, %s, is not among them: if it runs this instance, the others do not hear it", node, a), "all nodes")
		}
	}
}

func (b *builder) isVirtual(p rawPeer) bool {
	for _, in := range b.raw.VRRP.Instances {
		for _, a := range in.moving() {
			if prefix, err := parseVirtualAddress(a.Address); err == nil && prefix.Addr() == p.Address {
				return true
			}
		}
	}
	return false
}
