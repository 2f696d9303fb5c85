package e2e

import (
	wire "encoding/binary" // binary is the program under test
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/vrrp/seal"
)

// forgedMode is a way in which a pair can speak.
type forgedMode struct {
	name     string
	config   string
	version  byte
	password string // of version 2
	unicast  bool
	ipv6     bool
}

func forgedModes(t *testing.T) (v2, v3 []forgedMode) {
	v2 = []forgedMode{
		{name: "v2 PASS", config: drill.Config, version: 2, password: "s3cret77"},
		{name: "v2 none", config: edited(t, drill.Config, "      authentication: {type: PASS, password: s3cret77}\n", ""), version: 2},
	}
	v3 = []forgedMode{
		{name: "v3", config: config3(t), version: 3},
		{name: "v3 unicast", config: edited(t, unicast(t, config3(t)), "unicast_peers: true",
			"unicast_peers: [{address: 10.77.0.1, min_ttl: 255}, {address: 10.77.0.2, min_ttl: 255}]"), version: 3, unicast: true},
		{name: "v3 IPv6", config: config6(t), version: 3, ipv6: true},
	}
	return v2, v3
}

// virtual are the addresses that the pair advertises, asked the one that its client asks.
func (m forgedMode) virtual() (all []netip.Addr, asked netip.Addr) {
	if m.ipv6 {
		return []netip.Addr{vip6Local, vip6, vip6Alone}, vip6
	}
	return []netip.Addr{drill.VIP}, drill.VIP
}

// sources are the addresses that the nodes send from.
func (m forgedMode) sources() map[string]netip.Addr {
	if m.ipv6 {
		return map[string]netip.Addr{"lb1": netip.MustParseAddr("fe80::1"), "lb2": netip.MustParseAddr("fe80::2")}
	}
	return map[string]netip.Addr{"lb1": netip.MustParseAddr("10.77.0.1"), "lb2": netip.MustParseAddr("10.77.0.2")}
}

func (m forgedMode) group() netip.Addr {
	if m.ipv6 {
		return vrrpGroup6
	}
	return vrrpGroup
}

// forger makes adverts for one node that it would have to believe if it looked at all but one thing.
type forger struct {
	forgedMode
	random    *rand.Rand
	own, peer netip.Addr // the node's, and the other's
}

// forgery is one advert, with everything that a sender can lie about.
type forgery struct {
	source, to netip.Addr
	ttl        uint8  // IPv6: hop limit
	payload    []byte // the VRRP message
}

var (
	vrrpGroup  = netip.MustParseAddr("224.0.0.18")
	vrrpGroup6 = netip.MustParseAddr("ff02::12")
)

// advert is one of the pair's own, from another router (by unicast from the peer), with a priority that would change something.
func (f forger) advert() forgery {
	a := forgery{source: f.stranger(), to: f.group(), ttl: 255}
	if f.unicast {
		a.source, a.to = f.peer, f.own
	}
	a.payload = f.message(f.version, []byte{0, 1, 102, 255}[f.random.IntN(4)])
	return a
}

// stranger is an address of the LAN that nobody has.
func (f forger) stranger() netip.Addr {
	if f.ipv6 {
		return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 14: byte(1 + f.random.IntN(200)), 15: byte(f.random.IntN(256))})
	}
	return netip.AddrFrom4([4]byte{10, 77, 0, byte(30 + f.random.IntN(200))})
}

// message has no checksum yet.
func (f forger) message(version, priority byte) []byte {
	if version == 3 {
		addresses, _ := f.virtual()
		b := []byte{0x31, 51, priority, byte(len(addresses)), 0, 10, 0, 0}
		for _, a := range addresses {
			b = append(b, a.AsSlice()...)
		}
		return b
	}
	b := append([]byte{0x21, 51, priority, 1, 0, 1, 0, 0}, drill.VIP.AsSlice()...)
	if f.password != "" {
		b[4] = 1
	}
	return append(b, append([]byte(f.password), make([]byte, 8-len(f.password))...)...)
}

// sum makes the checksum right.
func (a forgery) sum() forgery {
	clear(a.payload[6:8])
	var pseudo []byte
	if a.payload[0]>>4 == 3 { // RFC 5798 section 5.2.8
		pseudo = append(a.source.AsSlice(), a.to.AsSlice()...) // of IPv6 (RFC 8200 section 8.1) it is longer, by zeros
		pseudo = wire.BigEndian.AppendUint16(append(pseudo, 0, protocolVRRP), uint16(len(a.payload)))
	}
	wire.BigEndian.PutUint16(a.payload[6:], internetChecksum(append(pseudo, a.payload...)))
	return a
}

func internetChecksum(b []byte) uint16 {
	sum := uint32(0)
	for i, c := range b {
		sum += uint32(c) << (8 * (1 - i%2))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// noise is n octets of it.
func (f forger) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(f.random.Uint32())
	}
	return b
}

// excess is what follows an advert that is too long. A trailer is no excess: only its length tells it.
func (f forger) excess() []byte {
	n := 1 + f.random.IntN(1000)
	if n == seal.Len {
		n++
	}
	return f.noise(n)
}

// signed has a trailer, as if there were a key. IPv4's checksum leaves it out.
func (f forger) signed() forgery {
	a := f.advert().sum()
	a.payload = append(a.payload, f.noise(seal.Len)...)
	if f.ipv6 {
		return a.sum()
	}
	return a
}

// strange has as many addresses as it says, of the other version of IP.
func (f forger) strange(payload []byte) []byte {
	b := payload[:8:8]
	for range payload[3] {
		if f.ipv6 {
			b = append(b, drill.VIP.AsSlice()...)
		} else {
			b = append(b, vip6.AsSlice()...)
		}
	}
	return b
}

// forgedKind is what is wrong, and the counter that grows by it on each node. Where that is empty, the kinds share the rest.
type forgedKind struct {
	name, reason string
	in           func(forgedMode) bool // nil: in each mode
	make         func(forger) forgery
}

// kinds are those of a mode.
func (m forgedMode) kinds() []forgedKind {
	return slices.DeleteFunc(forgedKinds(), func(k forgedKind) bool { return k.in != nil && !k.in(m) })
}

func forgedKinds() []forgedKind {
	change := func(do func(f forger, a *forgery)) func(forger) forgery {
		return func(f forger) forgery {
			a := f.advert()
			do(f, &a)
			return a.sum()
		}
	}
	v2 := func(m forgedMode) bool { return m.version == 2 }
	v3 := func(m forgedMode) bool { return m.version == 3 }
	pass := func(m forgedMode) bool { return m.password != "" }
	ipv6 := func(m forgedMode) bool { return m.ipv6 }
	unicast := func(m forgedMode) bool { return m.unicast }
	multicast := func(m forgedMode) bool { return !m.unicast }
	ipv4 := func(m forgedMode) bool { return !m.ipv6 && !m.unicast }
	interval := func(i uint16) func(forger, *forgery) {
		return func(_ forger, a *forgery) { wire.BigEndian.PutUint16(a.payload[4:], i) }
	}
	return []forgedKind{
		{"TTL", "ttl", nil, change(func(f forger, a *forgery) { a.ttl = byte(f.random.IntN(255)) })},
		{"version", "version", nil, change(func(f forger, a *forgery) { a.payload[0] = byte(f.random.IntN(16))&^3<<4 | 1 })},
		{"the other version", "version", nil, change(func(f forger, a *forgery) { a.payload = f.message(5-f.version, 255) })},
		{"type", "type", nil, change(func(f forger, a *forgery) { a.payload[0] += byte(1 + f.random.IntN(14)) })},
		{"VRID", "vrid", nil, change(func(f forger, a *forgery) { a.payload[1] = byte(52 + f.random.IntN(204)) })},
		{"authentication type", "auth_type", v2, change(func(f forger, a *forgery) { a.payload[4] += byte(1 + f.random.IntN(255)) })},
		{"password", "auth_data", pass, change(func(f forger, a *forgery) { copy(a.payload[12:], f.noise(7)) })},
		{"interval", "interval", v2, change(func(f forger, a *forgery) { a.payload[5] = byte(2 + f.random.IntN(254)) })},
		{"interval of 0", "interval_zero", v3, change(interval(0))},
		{"longest interval", "interval_long", v3, change(interval(0x0fff))},
		{"no address", "no_address", v3, change(func(_ forger, a *forgery) { a.payload[3], a.payload = 0, a.payload[:8] })},
		{"addresses of the other family", "length", v3, change(func(f forger, a *forgery) { a.payload = f.strange(a.payload) })},
		{"signed, where nothing is", "auth_type", nil, forger.signed},
		{"truncated", "length", nil, change(func(f forger, a *forgery) { a.payload = a.payload[:8+f.random.IntN(len(a.payload)-8)] })},
		{"oversized", "length", nil, change(func(f forger, a *forgery) { a.payload = append(a.payload, f.excess()...) })},
		{"too long for an advert", "length", nil, change(func(f forger, a *forgery) { a.payload = append(a.payload, f.noise(1200)...) })},
		{"checksum", "checksum", nil, func(f forger) forgery {
			a := f.advert().sum()
			a.payload[6] ^= byte(1 + f.random.IntN(255))
			return a
		}},
		{"own source", "own_source", multicast, change(func(f forger, a *forgery) { a.source = f.own })},
		{"own source, which is no peer", "not_peer", unicast, change(func(f forger, a *forgery) { a.source = f.own })},
		{"a stranger", "not_peer", unicast, change(func(f forger, a *forgery) { a.source = f.stranger() })},
		// By unicast the kernel drops it.
		{"source 0.0.0.0", "source", ipv4, change(func(_ forger, a *forgery) { a.source = netip.IPv4Unspecified() })},
		{"source ::", "source", ipv6, change(func(_ forger, a *forgery) { a.source = netip.IPv6Unspecified() })},
		{"to this node alone", "destination", multicast, change(func(f forger, a *forgery) { a.to = f.own })},
		{"to all nodes", "destination", ipv6, change(func(_ forger, a *forgery) { a.to = netip.IPv6LinkLocalAllNodes() })},
		{"to the group", "destination", unicast, change(func(_ forger, a *forgery) { a.to = vrrpGroup })},
		{"noise", "", nil, func(f forger) forgery {
			a := f.advert()
			a.payload = f.noise(f.random.IntN(100))
			return a
		}},
	}
}

// frameTo is the forgery as an Ethernet frame for one node, so that each node can get packets from its own address.
func (a forgery) frameTo(mac, from net.HardwareAddr) []byte {
	ethernet := slices.Concat(mac, from)
	if a.source.Is6() {
		ip := []byte{0x6c, 0, 0, 0, byte(len(a.payload) >> 8), byte(len(a.payload)), protocolVRRP, a.ttl}
		return slices.Concat(ethernet, []byte{0x86, 0xdd}, ip, a.source.AsSlice(), a.to.AsSlice(), a.payload)
	}
	ip := []byte{0x45, 0xc0, 0, 0, 0, 0, 0, 0, a.ttl, protocolVRRP, 0, 0}
	ip = append(append(ip, a.source.AsSlice()...), a.to.AsSlice()...)
	wire.BigEndian.PutUint16(ip[2:], uint16(len(ip)+len(a.payload)))
	wire.BigEndian.PutUint16(ip[10:], internetChecksum(ip))
	return slices.Concat(ethernet, []byte{0x08, 0x00}, ip, a.payload)
}
