package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-lb/tandem/vrrp"
	"github.com/tandem-lb/tandem/vrrp/seal"
)

// WireChanges returns what a reload of one node from old to new would break between running nodes: each line a change of
// something in which nodes must agree to hear each other, and how to make it without two masters. An instance that comes
// or goes breaks nothing.
func WireChanges(old, new *Config, node string) []string {
	before, err := old.Node(node)
	if err != nil {
		return nil
	}
	after, err := new.Node(node)
	if err != nil {
		return nil
	}
	var lines []string
	for _, b := range before.Instances {
		for _, a := range after.Instances {
			if a.VRRP.Name != b.VRRP.Name {
				continue
			}
			for _, change := range wireDiff(b.VRRP, a.VRRP) {
				lines = append(lines, fmt.Sprintf("%s: %s: the nodes would not hear each other, and each become MASTER; %s", a.VRRP.Name, change, advice(new.Nodes, node)))
			}
		}
	}
	return lines
}

// wireDiff returns the differences that make a node drop the other's adverts. Passwords are not told.
func wireDiff(a, b vrrp.Config) []string {
	var diffs []string
	if a.VRID != b.VRID {
		diffs = append(diffs, fmt.Sprintf("virtual_router_id %d -> %d", a.VRID, b.VRID))
	}
	if a.Version != b.Version {
		diffs = append(diffs, fmt.Sprintf("version %d -> %d", a.Version, b.Version))
	}
	if a.AdvertInterval != b.AdvertInterval && (a.Version == vrrp.V2 || !learns(a, b) || !learns(b, a)) {
		diffs = append(diffs, fmt.Sprintf("advert_interval %v -> %v", a.AdvertInterval, b.AdvertInterval))
	}
	if unheard(a, b) {
		diffs = append(diffs, "unicast_peers")
	}
	if a.UnicastTTL != b.UnicastTTL { // a peer may take only some
		diffs = append(diffs, "unicast_ttl")
	}
	if a.Auth != b.Auth || !takes(a.HMAC, b.HMAC) || !takes(b.HMAC, a.HMAC) {
		diffs = append(diffs, "authentication")
	}
	return diffs
}

// learns says whether a node that runs a takes over the interval of a master that runs b. Version 2 drops any other
// interval (RFC 3768 section 7.1), version 3 one that is too long.
func learns(a, b vrrp.Config) bool { return b.AdvertInterval <= a.MaxLearnedInterval }

// unheard says whether one of those whom a node hears is not heard any more: one that there was is missing or has another range
// of TTLs, or multicast ends. Another one more does no harm, except where it is the first.
func unheard(a, b vrrp.Config) bool {
	if (len(a.UnicastPeers) == 0) != (len(b.UnicastPeers) == 0) {
		return true
	}
	return slices.ContainsFunc(a.UnicastPeers, func(p vrrp.Peer) bool { return !slices.Contains(b.UnicastPeers, p) })
}

// takes says whether a node that runs a takes what one that runs b sends, as far as signatures go.
func takes(a, b vrrp.HMAC) bool {
	switch on := len(a.Keys) > 0; {
	case len(b.Keys) == 0 || b.Mode == vrrp.HMACReceiveOnly: // it does not sign
		return !on || a.Mode != vrrp.HMACEnforce
	default:
		return slices.ContainsFunc(a.Keys, func(k seal.Key) bool {
			return k.ID == b.Active && slices.ContainsFunc(b.Keys, k.Equal)
		})
	}
}

// advice says in which order nodes are changed so that only one at a time is there to be MASTER.
func advice(nodes []string, node string) string {
	var others []string
	for _, n := range nodes {
		if n != node {
			others = append(others, n)
		}
	}
	if len(others) == 0 {
		return fmt.Sprintf("change %s with --force when no other node of this virtual router runs", node)
	}
	other := strings.Join(others, " and ")
	return fmt.Sprintf("change %s with --force when it is MASTER and tandem on %s is stopped, then start %s with the new file", node, other, other)
}
