package rule

import (
	"net/netip"
	"slices"
)

// networks is a set of networks. Looking an address up costs one look for each length of prefix that there is.
type networks struct {
	four, six []int // the lengths
	all       map[netip.Prefix]struct{}
}

// networksOf returns nil for no networks.
func networksOf(prefixes []netip.Prefix) *networks {
	if len(prefixes) == 0 {
		return nil
	}
	n := &networks{all: map[netip.Prefix]struct{}{}}
	for _, p := range prefixes {
		p = p.Masked()
		n.all[p] = struct{}{}
		lengths := &n.six
		if p.Addr().Is4() {
			lengths = &n.four
		}
		if !slices.Contains(*lengths, p.Bits()) {
			*lengths = append(*lengths, p.Bits())
		}
	}
	return n
}

// has reports whether an address is in one of them. An IPv4 address in IPv6 is one of IPv4.
func (n *networks) has(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	lengths := n.six
	if a.Is4() {
		lengths = n.four
	}
	for _, bits := range lengths {
		if p, err := a.Prefix(bits); err == nil {
			if _, ok := n.all[p]; ok {
				return true
			}
		}
	}
	return false
}
