package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// hostAddress is an address that a host can have.
func hostAddress() Type {
	return Type{Kind: "IP address", Want: "an IP address such as 192.168.1.11", tags: textTags, fault: func(text string) string {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return quote(text) + " is no IP address"
		}
		return hostFault(addr)
	}}
}

// network is one with the length of its prefix, or the address of a host.
func network() Type {
	return Type{Kind: "network", Range: "an address with or without the length of a prefix", Want: "a network such as 10.0.0.0/8 or 2001:db8::/32, or an address", tags: textTags,
		fault: func(text string) string {
			p, err := parseNetwork(text)
			if err != nil {
				return quote(text) + " is no network"
			}
			if p != p.Masked() {
				return text + " has bits behind its prefix: the network is " + p.Masked().String()
			}
			return ""
		}}
}

// parseNetwork reads a network. An address stands for itself alone.
func parseNetwork(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		if err == nil && p.Addr().Is4In6() {
			return p, errors.New("IPv4 in IPv6")
		}
		return p, err
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return netip.Prefix{}, errors.New("no plain address")
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// gatewayAddress is the address of a neighbour that can be asked by ARP or neighbour discovery. It is a name too, so there is
// one way to write it.
func gatewayAddress() Type {
	t := hostAddress()
	t.Want = "the address of a neighbour such as 192.168.1.1 or fe80::1"
	isHost := t.fault
	t.fault = func(text string) string {
		if what := isHost(text); what != "" {
			return what
		}
		switch addr := netip.MustParseAddr(text); { // hostAddress has parsed it
		case addr.Is4In6():
			return text + " is IPv4 in IPv6"
		case addr.IsLoopback():
			return text + " is no neighbour's"
		case addr.String() != text:
			return text + " is not as it is usually written: " + addr.String()
		}
		return ""
	}
	return t
}

// peerAddress is the address of a router that adverts are sent to.
func peerAddress() Type {
	t := hostAddress()
	t.Want = "the address of a node such as 192.168.1.12 or 2001:db8::12"
	isHost := t.fault
	t.fault = func(text string) string {
		if what := isHost(text); what != "" {
			return what
		}
		switch addr := netip.MustParseAddr(text); { // hostAddress has parsed it
		case addr.IsLoopback():
			return text + " is no neighbour's"
		case addr.Is4In6():
			return text + " is IPv4 in IPv6"
		case addr.Is6() && addr.IsLinkLocalUnicast():
			return text + " is link-local, and adverts to peers leave from a global address"
		}
		return ""
	}
	return t
}

// hostFault says why no host can have addr.
func hostFault(addr netip.Addr) string {
	if addr.IsUnspecified() || addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return addr.String() + " is not the address of a host"
	}
	return ""
}

// virtualAddress is an address with the length of its prefix, or alone.
func virtualAddress() Type {
	return Type{Kind: "IP address with prefix length", Range: "length 1 to 32, with IPv6 to 128, the longest where it is absent",
		Want: "an address with its prefix length such as 192.168.1.100/24 or 2001:db8::100/64", tags: textTags, fault: virtualAddressFault}
}

func virtualAddressFault(text string) string {
	if strings.Contains(text, "%") {
		return quote(text) + " has a zone, which the interface says already"
	}
	prefix, err := parseVirtualAddress(text)
	if err != nil {
		return quote(text) + " is no address"
	}
	addr := prefix.Addr()
	switch {
	case addr.Is4In6():
		return text + " is IPv4 in IPv6"
	case addr.IsLoopback() || prefix.Bits() < 1:
		return text + " cannot move between hosts"
	}
	if what := hostFault(addr); what != "" {
		return what
	}
	ownNetwork := addr == prefix.Masked().Addr()
	switch {
	case addr.Is4() && prefix.Bits() < 31 && (ownNetwork || addr == lastAddr(prefix)):
		return text + " is the network's own or its broadcast address"
	case addr.Is6() && prefix.Bits() < 127 && ownNetwork: // RFC 4291 section 2.6.1, RFC 6164
		return text + " is the address of all routers of its subnet"
	}
	return ""
}

// parseVirtualAddress reads an address with the length of its prefix; without one it is that of a single host, as
// Keepalived takes it.
func parseVirtualAddress(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

// lastAddr returns the broadcast address of an IPv4 prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(a)
}

// bindAddress is where a frontend listens: an address and port, or the port alone.
func bindAddress() Type {
	return Type{Kind: "IP address and port, :port, or path", Want: `an IP address and port such as 192.168.1.11:80, ":80" for the virtual addresses, or a path`,
		tags: textTags, fault: func(text string) string {
			if isUnix(text) {
				return unixFault(text)
			}
			if ap, err := parseBind(text); err != nil || ap.Port() == 0 || ap.Addr().IsMulticast() {
				return quote(text) + " is no address to listen on"
			}
			return ""
		}}
}

// maxUnix is how long the address of a Unix socket may be, in octets (unix(7)).
const maxUnix = 107

// isUnix reports whether an address is that of a Unix socket.
func isUnix(text string) bool { return strings.HasPrefix(text, "/") || strings.HasPrefix(text, "@") }

// unixFault says what is wrong with the address of a Unix socket; empty: nothing.
func unixFault(text string) string {
	switch {
	case len(text) > maxUnix:
		return fmt.Sprintf("%s has %d octets, and the address of a Unix socket at most %d", quote(text), len(text), maxUnix)
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return quote(text) + " has control characters"
	case len(text) == 1 || strings.HasSuffix(text, "/"):
		return quote(text) + " is no file's path and no name"
	}
	return ""
}

// parseBind reads the address of a bind. A port alone has the zero Addr, which says "the virtual addresses".
func parseBind(text string) (netip.AddrPort, error) {
	if !strings.HasPrefix(text, ":") {
		return netip.ParseAddrPort(text)
	}
	ap, err := netip.ParseAddrPort("0.0.0.0" + text)
	return netip.AddrPortFrom(netip.Addr{}, ap.Port()), err
}
