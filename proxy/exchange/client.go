package exchange

import (
	"net/netip"
	"strings"
)

// maxHops bounds the proxies in a chain that are looked at: longer ones are made up.
const maxHops = 32

// identify finds out who the client is: the other end of the connection, unless that is a trusted proxy. One tells whom it was asked by
// at the end of X-Forwarded-For, or of Forwarded; who is trusted as well is another proxy, and before it stands whom that was asked by.
func (x *Exchange) identify(t *Target) {
	client := t.Client.Addr().Unmap()
	x.request.Client, x.port, x.version = client, t.Client.Port(), t.Version
	trusted := x.frontend.Trusted
	if trusted == nil || !trusted.Has(client) {
		return
	}
	x.trusted = true
	if t.Fields == nil {
		return
	}
	name := "x-forwarded-for"
	if x.frontend.ByForwarded {
		name = "forwarded"
	}
	lines, n := [maxHops]string{}, 0
	for at := 0; ; n++ {
		value, next, ok := t.Fields.Next(name, at)
		if !ok {
			break
		}
		lines[n%maxHops], at = value, next // the last ones count
	}
	hops := 0
	for i := n - 1; i >= max(n-maxHops, 0); i-- {
		if line := lines[i%maxHops]; x.frontend.ByForwarded && !x.followTold(line, &hops) || !x.frontend.ByForwarded && !x.follow(line, &hops) {
			return
		}
	}
}

// follow goes through a line of X-Forwarded-For from its end, and reports whether what stands before it is told by a trusted proxy too.
func (x *Exchange) follow(line string, hops *int) bool {
	for rest := line; rest != ""; {
		element := rest
		if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
			rest, element = rest[:comma], rest[comma+1:]
		} else {
			rest = ""
		}
		if !x.hop(element, hops) {
			return false
		}
	}
	return true
}

// followTold is follow for a line of Forwarded.
func (x *Exchange) followTold(line string, hops *int) bool {
	elements, n := [maxHops]told{}, 0
	if !eachTold(line, func(e told) {
		if e != (told{}) {
			elements[n%maxHops] = e // as above
			n++
		}
	}) {
		return false
	}
	for i := n - 1; i >= max(n-maxHops, 0); i-- {
		e, before := &elements[i%maxHops], *hops
		on := x.hop(e.from, hops)
		if *hops > before {
			x.told = *e
		}
		if !on {
			return false
		}
	}
	return true
}

// hop takes whom a trusted proxy was asked by for the client, and reports whether that is a trusted proxy too.
func (x *Exchange) hop(element string, hops *int) bool {
	hop, ok := hopOf(element)
	if !ok || *hops == maxHops {
		return false
	}
	*hops++
	x.request.Client = hop
	return x.frontend.Trusted.Has(hop)
}

// hopOf reads an element of X-Forwarded-For: an address, which some write with a port.
func hopOf(s string) (netip.Addr, bool) {
	s = strings.Trim(s, " \t")
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	inner, opened := strings.CutPrefix(s, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	a, err := netip.ParseAddr(inner)
	return a.Unmap().WithZone(""), opened && closed && err == nil
}

// RequestID says how the requests of a frontend are told from each other. The field itself is one of the Edits.
type RequestID struct {
	Field string // in lower case: where trusted proxies tell theirs, which is kept then
}

// name gives the request its id.
func (x *Exchange) name(t *Target) {
	f := x.frontend.RequestID
	if f == nil {
		return
	}
	if x.trusted && t.Fields != nil {
		if id, _, ok := t.Fields.Next(f.Field, 0); ok && isID(id) {
			x.record.RequestID = strings.Clone(id)
			return
		}
	}
	x.record.RequestID = newID(x.headAt.UnixMilli(), t.Random)
}

// longestID bounds what a proxy may call a request.
const longestID = 128

// isID reports whether a proxy's name for a request can stand in heads and logs.
func isID(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') && strings.IndexByte("-_.:/+=@", c) < 0 {
			return false
		}
	}
	return s != "" && len(s) <= longestID
}

// newID makes a UUID of version 7: the time in milliseconds, and random bits (RFC 9562 section 5.7).
func newID(ms int64, random [16]byte) string {
	const digits = "0123456789abcdef"
	for i := range 6 {
		random[i] = byte(ms >> (40 - 8*i))
	}
	random[6] = random[6]&0x0f | 0x70
	random[8] = random[8]&0x3f | 0x80
	var text [36]byte
	out := text[:0]
	for i, b := range random {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}
