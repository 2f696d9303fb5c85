package rule

import (
	"net/netip"
	"slices"
)

// Networks is a set of networks. Looking an address up costs one look for each length of prefix that there is. It is immutable.
type Networks struct {
	four, six []int // the lengths
	all       map[netip.Prefix]struct{}
}

// NewNetworks returns the set of prefixes, nil of none.
func NewNetworks(prefixes []netip.Prefix) *Networks {
	if len(prefixes) == 0 {
		return nil
	}
	n := &Networks{all: map[netip.Prefix]struct{}{}}
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

// Has reports whether an address is in one of them. An IPv4 address in IPv6 is one of IPv4.
func (n *Networks) Has(a netip.Addr) bool {
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
