package config

import (
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"

	"github.com/tandem-lb/tandem/proxy"
)

// maxBinds bounds the listening sockets of a node: a port alone stands for every virtual address, and each is a descriptor.
const maxBinds = 32768

// binds returns the addresses that a frontend listens on.
func (b *builder) binds(i int, n Node, taken *listening) []proxy.Bind {
	var binds []proxy.Bind
	for j, raw := range b.raw.Proxy.Frontends[i].Bind {
		path := item(frontendPath(i, "bind"), j)
		if where := raw.Address.on(n.Name); isUnix(where) {
			if unixFault(where) == "" { // else reported
				taken.addPath(where, path)
				binds = append(binds, b.unixBind(where, path, raw))
			}
			continue
		}
		if raw.Socket != nil && !b.reported(path) {
			b.errorAt(join(path, "socket"), "is for Unix sockets", "an address that is a path")
		}
		if raw.Accept && len(raw.Proxies) == 0 && !b.reported(path) {
			b.errorAt(join(path, "accept_proxy"), "whoever connects could claim to be anybody", "trusted_proxies beside it")
		}
		ap, err := parseBind(raw.Address.on(n.Name))
		if err != nil {
			continue // reported
		}
		bind := proxy.Bind{Address: ap, H2C: raw.H2C, Proxies: networks(raw.Proxies)}
		b.secureBind(&bind, path, raw)
		for _, addr := range n.listensOn(ap.Addr()) {
			if taken.count == maxBinds {
				b.errorAt(path, fmt.Sprintf("more than %d addresses to listen on, in all", maxBinds), "fewer")
				return binds
			}
			bind.Address = netip.AddrPortFrom(addr, ap.Port())
			bind.VIP = n.holds(addr)
			taken.add(bind.Address, path)
			binds = append(binds, bind)
		}
	}
	return binds
}

// secureBind has a bind speak TLS, where it is to.
func (b *builder) secureBind(bind *proxy.Bind, path string, raw rawBind) {
	if raw.TLS == nil {
		return
	}
	bind.TLS = raw.TLS.config()
	if raw.H2C {
		b.errorAt(path+".h2c", "is for binds without tls", "tls.alpn, which offers h2 unless it says otherwise")
	}
}

// unixBind is a bind to a Unix socket.
func (b *builder) unixBind(where, path string, raw rawBind) proxy.Bind {
	bind := proxy.Bind{H2C: raw.H2C, Unix: proxy.Unix{Path: where, Mode: 0o660, Proxied: raw.Accept}}
	b.secureBind(&bind, path, raw)
	if len(raw.Proxies) > 0 {
		b.errorAt(join(path, "trusted_proxies"), "clients of a Unix socket have no address", "socket.mode, which says who may connect")
	}
	s := raw.Socket
	if s == nil {
		return bind
	}
	if where[0] == '@' {
		b.errorAt(join(path, "socket"), "is about a file, and "+where+" is none", "none")
	}
	mode, _ := strconv.ParseUint(s.Mode, 8, 9) // the walk has let only three octal digits through
	bind.Unix.Mode, bind.Unix.User, bind.Unix.Group = fs.FileMode(mode), s.User, s.Group
	return bind
}

// checkProxies reports binds that say for nothing who may claim to be a proxy.
func (b *builder) checkProxies(i int) {
	for j, raw := range b.raw.Proxy.Frontends[i].Bind {
		path := item(frontendPath(i, "bind"), j)
		if !raw.Accept && len(raw.Proxies) > 0 {
			b.errorAt(join(path, "trusted_proxies"), "does nothing without accept_proxy: true", "both")
		}
	}
}

// needsZone reports whether an address means nothing without its interface. Nobody's client asks for one: a virtual router
// of IPv6 has it for hosts that take it as their router.
func needsZone(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }

// listensOn returns what the address of a bind stands for: none for the virtual addresses but link-local ones of IPv6, or, on a
// node that has no instance, for every IPv4 address of the host.
func (n Node) listensOn(addr netip.Addr) []netip.Addr {
	switch {
	case addr.IsValid():
		return []netip.Addr{addr}
	case len(n.Instances) == 0:
		return []netip.Addr{netip.IPv4Unspecified()}
	}
	return slices.DeleteFunc(virtualAddresses(n), needsZone)
}

// holds reports whether addr is a virtual one.
func (n Node) holds(addr netip.Addr) bool {
	return slices.Contains(virtualAddresses(n), addr)
}

// listening notes the addresses that are listened on, and reports those that exclude each other: an unspecified
// address takes its port on all of its family, and the one of IPv6 on both.
type listening struct {
	b     *builder
	count int
	exact map[netip.AddrPort]string // path of the bind
	ports map[port]string
	paths map[string]string // of Unix sockets
}

// port is a port on any address of a family.
type port struct {
	number uint16
	ipv4   bool
}

// addPath is add for a Unix socket.
func (l *listening) addPath(where, path string) {
	if l.paths == nil {
		l.paths = map[string]string{}
	}
	l.count++
	if other := l.paths[where]; other != "" {
		l.b.errorAt(path, fmt.Sprintf("%s is taken already, on line %d", where, l.b.src.at(other).Line), "another path")
		return
	}
	l.paths[where] = path
}

func (l *listening) add(ap netip.AddrPort, path string) {
	if l.exact == nil {
		l.exact, l.ports = map[netip.AddrPort]string{}, map[port]string{}
	}
	l.count++
	if other := l.conflict(ap); other != "" {
		l.b.errorAt(path, fmt.Sprintf("%s is taken already, on line %d", ap, l.b.src.at(other).Line), "another address or port")
		return
	}
	l.exact[ap] = path
	l.ports[port{ap.Port(), ap.Addr().Is4()}] = path
}

// conflict returns the path of a bind that excludes ap, or "".
func (l *listening) conflict(ap netip.AddrPort) string {
	everywhere := l.exact[netip.AddrPortFrom(netip.IPv6Unspecified(), ap.Port())]
	switch {
	case everywhere != "":
		return everywhere
	case ap.Addr() == netip.IPv6Unspecified():
		return l.ports[port{ap.Port(), true}] + l.ports[port{ap.Port(), false}] // either will do
	case ap.Addr() == netip.IPv4Unspecified():
		return l.ports[port{ap.Port(), true}]
	}
	if other := l.exact[netip.AddrPortFrom(netip.IPv4Unspecified(), ap.Port())]; other != "" && ap.Addr().Is4() {
		return other
	}
	return l.exact[ap]
}
