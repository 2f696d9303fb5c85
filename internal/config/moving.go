package config

import (
	"fmt"
	"slices"

	"github.com/tandem-lb/tandem/vip"
)

// moving returns the addresses that an instance moves: those of its adverts and then the excluded ones.
func (r rawInstance) moving() []rawAddress { return slices.Concat(r.Addresses, r.Excluded) }

// movingPath returns the path of the n-th of them.
func (r rawInstance) movingPath(i, n int) string {
	if n < len(r.Addresses) {
		return item(instancePath(i, "virtual_addresses"), n)
	}
	return item(instancePath(i, "excluded_addresses"), n-len(r.Addresses))
}

// address returns an address as a node has it. ok: it is one.
func (a rawAddress) address(node, ownInterface string) (address vip.Address, ok bool) {
	prefix, err := parseVirtualAddress(a.Address)
	address = vip.Address{
		Prefix: prefix, Interface: a.Interface.on(node), Label: a.Label, Scope: scope(a.Scope), Broadcast: a.Broadcast, Peer: a.Peer,
	}
	if address.Interface == "" {
		address.Interface = ownInterface
	}
	return address, err == nil
}

func scope(word string) vip.Scope {
	return map[string]vip.Scope{"site": vip.ScopeSite, "link": vip.ScopeLink, "host": vip.ScopeHost}[word]
}

// checkOptions reports options that an address cannot have.
func (b *builder) checkOptions(path string, a rawAddress) {
	p, err := parseVirtualAddress(a.Address)
	if err != nil {
		return // reported
	}
	addr := p.Addr()
	if a.Peer.IsValid() {
		switch {
		case familyOf(a.Peer) != familyOf(addr):
			b.errorAt(path+".peer", fmt.Sprintf("%s is %v, and the address is %v", a.Peer, familyOf(a.Peer), familyOf(addr)), "one of its family")
		case a.Peer == addr:
			b.errorAt(path+".peer", a.Peer.String()+" is the address itself", "that of the other end")
		}
	}
	if addr.Is4() {
		if a.Broadcast.IsValid() && !a.Broadcast.Is4() {
			b.errorAt(path+".broadcast", a.Broadcast.String()+" is IPv6", "an IPv4 address")
		}
		return
	}
	if a.Label != "" {
		b.errorAt(path+".label", "IPv6 addresses have no labels", "none")
	}
	if a.Scope != "" && a.Scope != "global" {
		b.errorAt(path+".scope", "an IPv6 address has its scope in itself", "none")
	}
	if a.Broadcast.IsValid() {
		b.errorAt(path+".broadcast", "IPv6 has no broadcast", "none")
	}
}
