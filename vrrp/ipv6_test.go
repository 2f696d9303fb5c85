package vrrp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// six makes a router of IPv6 of it.
func six(c *Config) {
	c.Version, c.Addresses = V3, addrs("fe80::100", "2001:db8::100")
}

var (
	peer6 = netip.MustParseAddr("fe80::1")
	self6 = netip.MustParseAddr("fe80::5")
)

// packetFrom6 is an advert for a router that six made, as a peer sends it.
func packetFrom6(t *testing.T, src string, priority uint8, set func(*Advert)) []byte {
	t.Helper()
	cfg := testConfig()
	six(&cfg)
	ad := cfg.advert(priority)
	if set != nil {
		set(&ad)
	}
	b, err := appendPacket(nil, netip.MustParseAddr(src), groupIPv6(), advertTTL, &ad)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newHost6 is newHost on IPv6.
func newHost6(t *testing.T, l *lan, addr string, log hclog.Logger, cfgs ...Config) *host {
	t.Helper()
	h := &host{t: t, addr: netip.MustParseAddr(addr), groupDone: make(chan struct{}), linkDone: make(chan struct{})}
	link, err := NewLink(LinkConfig{Interface: "eth0", Family: IPv6, Listen: l.listen6, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	h.link = link
	h.conn = (*link.conn.Load()).(*fakeConn)
	h.group, err = NewGroup(GroupConfig{Instances: cfgs, Links6: map[string]*Link{"eth0": link}, Do: h.do, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cfgs {
		h.group.Post(c.Name, SourceChanged{h.addr})
	}
	return h
}

// listener6 is newListener on IPv6.
func newListener6(t *testing.T, sets ...func(*Config)) *listener {
	t.Helper()
	l := new(listener)
	cfg := testConfig()
	six(&cfg)
	for _, set := range sets {
		set(&cfg)
	}
	l.host = newHost6(t, new(lan), "fe80::5", hclog.New(&hclog.LoggerOptions{Output: &l.log}), cfg)
	l.group.deliver(simEpoch)
	if err := l.group.attach(); err != nil {
		t.Fatal(err)
	}
	l.group.step(simEpoch, l.group.members[0], Startup{})
	return l
}

// The golden packet of rule 32, and those of a router whose first address is not link-local.
func goldenV6() []vectorV3 {
	global := Advert{Version: V3, VRID: 51, Priority: 101, Interval: time.Second, Addresses: addrs("fd00:77::100")}
	both := Advert{Version: V3, VRID: 52, Priority: 101, Interval: 100 * time.Millisecond, Addresses: addrs("fe80::100", "fd00:77::101")}
	return []vectorV3{
		{vector{"two addresses", "computed from RFC 9568 by hand",
			"3133640200643ff2fe80000000000000000000000000000520010db8000000000000000000000005",
			Advert{Version: V3, VRID: 51, Priority: 100, Interval: time.Second, Addresses: addrs("fe80::5", "2001:db8::5")}},
			"fe80::2", "ff02::12"},
		{vector{"keepalived", "Keepalived 2.2.7 on the wire", "31336501 00646cd0 fd000077000000000000000000000100", global},
			"fe80::1", "ff02::12"},
		{vector{"keepalived two addresses", "Keepalived 2.2.7 on the wire",
			"31346502 000a6d96 fe800000000000000000000000000100 fd000077000000000000000000000101", both},
			"fe80::1", "ff02::12"},
		{vector{"FRRouting", "FRRouting 8.4.4 on the wire", "31336501 006459b0 fd000077000000000000000000000100", global},
			"fe80::ddb6:d986:3d5e:1e85", "ff02::12"},
	}
}

// Rules 17, 26 and 32: 16 octets an address, and a checksum with the pseudo header of IPv6.
func TestRule17_26_32_GoldenV6(t *testing.T) {
	for _, tt := range goldenV6() {
		src, dst := netip.MustParseAddr(tt.src), netip.MustParseAddr(tt.dst)
		want := unhex(t, tt.packet)
		got, err := Append(nil, src, dst, &tt.advert)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: Append: got %x, %v, want %x", tt.name, got, err, want)
		}
		var ad Advert
		if err := Parse(want, src, dst, &ad); err != nil || !reflect.DeepEqual(ad, tt.advert) {
			t.Errorf("%s: Parse: got %+v, %v, want %+v", tt.name, ad, err, tt.advert)
		}
		t.Run("rule 26 the checksum is no other", func(t *testing.T) {
			var ad Advert
			// The form of RFC 9568 for IPv4 is none of IPv6, and the pseudo header has this packet's addresses.
			if got := parse(fix(bytes.Clone(want)), src, dst, &ad); got != DropChecksum {
				t.Errorf("without a pseudo header: got %v", got)
			}
			if got := parse(want, src, src, &ad); got != DropChecksum {
				t.Errorf("another destination: got %v", got)
			}
		})
		t.Run("rule 17 length", func(t *testing.T) {
			var ad Advert
			for n := headerLen; n < len(want); n++ {
				if got := parse(want[:n], src, dst, &ad); got != DropLength {
					t.Errorf("%d octets: got %v", n, got)
				}
			}
		})
	}
}

// Rule 22: "VRRPv2 ... IPv4 only".
func TestRule22_NoVersion2OnIPv6(t *testing.T) {
	var ad Advert
	if got := parse(unhex(t, golden()[0].packet), self6, groupIPv6(), &ad); got != DropVersion {
		t.Errorf("got %v, want %v", got, DropVersion)
	}
}

// The IPv6 header of an advert, octet by octet.
func TestRule1_3_4_7_AdvertHeaderV6(t *testing.T) {
	ad := goldenV6()[0].advert
	b, err := appendPacket(nil, peer6, groupIPv6(), advertTTL, &ad)
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	check("version, traffic class and flow", binary.BigEndian.Uint32(b), uint32(0x6c000000))
	check("payload length", int(binary.BigEndian.Uint16(b[4:])), len(b)-40)
	check("rule 1, next header", b[6], byte(112))
	check("rule 4, hop limit", b[7], byte(255)) // "The Hop Limit MUST be set to 255." (RFC 9568 section 5.1.2.3)
	check("rule 7, source", netip.AddrFrom16([16]byte(b[8:24])), peer6)
	check("rule 3, destination", netip.AddrFrom16([16]byte(b[24:40])), netip.MustParseAddr("ff02::12"))
}

func TestParseIPv6(t *testing.T) {
	good := packetFrom6(t, "fe80::1", 100, nil)
	change := func(i int, v byte) []byte {
		b := bytes.Clone(good)
		b[i] = v
		return b
	}
	tests := []struct {
		name    string
		packet  []byte
		ok      bool
		payload int
	}{
		{"as sent", good, true, 40},
		{"rule 38, padding is not part of the packet", append(bytes.Clone(good), 0, 0), true, 40},
		{"no payload", change(5, 0), true, 0},
		{"cut header", good[:39], false, 0},
		{"cut payload", good[:len(good)-1], false, 0},
		{"version 7", change(0, 0x7c), false, 0},
		{"an extension header", change(6, 0), false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, ok := parsePacket(tt.packet)
			if ok != tt.ok || len(d.payload) != tt.payload {
				t.Errorf("got %v with %d octets, want %v with %d", ok, len(d.payload), tt.ok, tt.payload)
			}
		})
	}
}

// Rule 5: "A VRRP router receiving a packet with the Hop Limit not equal to 255 MUST discard the packet." (RFC 9568 section
// 5.1.2.3) The other rules of judging hold as on IPv4.
func TestRule5_7_8_11_19_20_JudgementV6(t *testing.T) {
	l := newListener6(t)
	far := packetFrom6(t, "fe80::1", 150, nil)
	far[7] = 254
	if l.hear(far) || l.counters().Dropped.Of(DropTTL) != 1 {
		t.Errorf("rule 5: got %v", l.counters().Dropped)
	}
	if l.hear(packetFrom6(t, "fe80::5", 150, nil)) || l.counters().Dropped.Of(DropOwnSource) != 1 {
		t.Errorf("rule 8: got %v", l.counters().Dropped)
	}
	for _, from := range []string{"::", "::1", "ff02::12"} {
		if l.hear(packetFrom6(t, from, 150, nil)) {
			t.Errorf("rule 7: heard %s", from)
		}
	}
	if got := l.counters().Dropped.Of(DropSource); got != 3 {
		t.Errorf("rule 7: %d dropped for their source, want 3", got)
	}
	// Section 5.1.2.1 has the sender take its link-local address; section 7.1 does not have the receiver look.
	if !l.hear(packetFrom6(t, "2001:db8::9", 150, nil)) {
		t.Error("rule 7: an advert from a global address was dropped")
	}
	for _, to := range []string{"ff02::99", "fe80::5"} {
		other := packetFrom6(t, "fe80::1", 150, nil)
		sixteen := netip.MustParseAddr(to).As16()
		copy(other[24:40], sixteen[:])
		fixV3(other[ipv6Len:], peer6, netip.MustParseAddr(to))
		if l.hear(other) {
			t.Errorf("rule 11: heard what was sent to %s", to)
		}
	}
	if got := l.counters().Dropped.Of(DropDestination); got != 2 {
		t.Errorf("rule 11: %d dropped for their destination, want 2", got)
	}
	if !l.hear(packetFrom6(t, "fe80::1", 150, nil)) || l.counters().FirstNotLinkLocal != 0 {
		t.Error("rule 19: the first address is link-local: not taken so")
	}
	// "The first address MUST be the IPv6 link-local address associated with the virtual router." (section 5.2.9)
	for range 3 {
		if !l.hear(packetFrom6(t, "fe80::2", 150, func(a *Advert) { a.Addresses = addrs("2001:db8::100") })) {
			t.Error("rule 19: not delivered")
		}
	}
	if got := l.counters().FirstNotLinkLocal; got != 3 {
		t.Errorf("rule 19: counted %d, want 3", got)
	}
	if got := l.log.count("peer's first address is not link-local", "peer=fe80::2"); got != 1 {
		t.Errorf("rule 19: logged %d times, want 1", got)
	}
}

// Rule 7: "The IPv6 link-local address of the interface the packet is being sent from" (RFC 9568 section 5.1.2.1).
func TestRule7_SourceIsLinkLocal(t *testing.T) {
	start := func() *bench {
		cfg := testConfig()
		six(&cfg)
		b := &bench{t: t, m: NewMachine(cfg), start: simEpoch, now: simEpoch}
		b.want(b.do(Startup{}), "INIT>FAULT")
		return b
	}
	for _, other := range []string{"2001:db8::1", "10.0.0.1", "::ffff:10.0.0.1"} {
		b := start()
		b.want(b.do(SourceChanged{netip.MustParseAddr(other)}), "")
		if got, want := b.m.status().Faults, "interface eth0 has no link-local address to send from"; got[0] != want {
			t.Errorf("%s: got %q, want %s", other, got, want)
		}
	}
	b := start()
	b.want(b.do(SourceChanged{netip.MustParseAddr("fe80::5%eth0")}), "FAULT>BACKUP")
	if got := b.m.Source(); got != self6 {
		t.Errorf("got %v, want it without a zone", got)
	}
	t.Run("rule 72 addresses compare as numbers", func(t *testing.T) {
		b.now = b.m.Deadline()
		b.do(Tick{})
		b.want(b.hear(100, netip.MustParseAddr("fe80::4")), "send 100, announce")
		b.want(b.hear(100, netip.MustParseAddr("fe80::6")), "release, MASTER>BACKUP")
	})
	t.Run("IPv4 wants IPv4", func(t *testing.T) {
		b := backup(t, nil)
		b.want(b.do(SourceChanged{self6}), "BACKUP>FAULT")
	})
}

func TestRule20_21_ConfigValidateV6(t *testing.T) {
	many := make([]netip.Addr, 91)
	for i := range many {
		many[i] = netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: byte(i)})
	}
	tests := []struct {
		name string
		set  func(*Config)
		want string
	}{
		{"as it should be", func(*Config) {}, ""},
		{"rule 20, families mixed", func(c *Config) { c.Addresses = addrs("fe80::1", "10.0.0.1") },
			"address 10.0.0.1, want IPv6 like the first one"},
		{"rule 20, mixed the other way", func(c *Config) { c.Addresses = addrs("10.0.0.1", "fe80::1") },
			"address fe80::1, want IPv4 like the first one"},
		{"rule 20, IPv4 in disguise", func(c *Config) { c.Addresses = addrs("::ffff:10.0.0.1") },
			"address ::ffff:10.0.0.1, want IPv6 like the first one"},
		{"a zone", func(c *Config) { c.Addresses = addrs("fe80::1%eth0") }, "address fe80::1%eth0, want it without a zone"},
		{"rule 21, one packet", func(c *Config) { c.Addresses = many[:90] }, ""},
		{"rule 21, more than one packet", func(c *Config) { c.Addresses = many }, "91 addresses, want 1 to 90"},
		{"rule 22, version 2", func(c *Config) { c.Version = V2 }, "address fe80::100 with version 2, want IPv4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			six(&cfg)
			tt.set(&cfg)
			got := ""
			if err := cfg.Validate(); err != nil {
				got = strings.TrimPrefix(err.Error(), "instance VI_1: ")
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Two routers of both families with one VRID: they know nothing of each other.
func TestRule20_FamiliesDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		cfg := func(p uint8) Config { c := withPriority(p); six(&c); return c }
		a := newHost6(t, l, "fe80::1", nil, cfg(200)).start()
		b := newHost6(t, l, "fe80::2", nil, cfg(100)).start()
		c := newHost(t, l, "10.0.0.3", nil, nil, withPriority(50)).start()
		time.Sleep(10 * time.Second)
		a.wantStates(Master)
		b.wantStates(Backup)
		c.wantStates(Master)
		a.stop()
		time.Sleep(610 * time.Millisecond)
		b.wantStates(Master)
	})
}

func TestNewGroupWantsALinkOfTheFamily(t *testing.T) {
	link, err := NewLink(LinkConfig{Interface: "eth0", Listen: new(lan).listen})
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig()
	six(&cfg)
	links := map[string]*Link{"eth0": link}
	const want = "instance VI_1: no IPv6 link for interface eth0"
	for _, g := range []GroupConfig{{Instances: []Config{cfg}, Links: links}, {Instances: []Config{cfg}, Links6: links}} {
		if _, err := NewGroup(g); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestResignationV6(t *testing.T) {
	cfg := testConfig()
	six(&cfg)
	packets, err := Resignation(cfg, peer6)
	if err != nil || len(packets) != 1 || packets[0].Dst != groupIPv6() {
		t.Fatalf("got %v, %v", packets, err)
	}
	if want := packetFrom6(t, "fe80::1", PriorityResign, nil); !bytes.Equal(packets[0].Data, want) {
		t.Errorf("got %x, want %x", packets[0].Data, want)
	}
	const want = "resignation of VI_1: source 10.0.0.1, want a link-local IPv6 address"
	if _, err := Resignation(cfg, netip.MustParseAddr("10.0.0.1")); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Rule 50: what the kernel gives on IPv6 never panics either.
func FuzzParsePacket(f *testing.F) {
	for _, tt := range goldenV6() {
		b, err := appendPacket(nil, peer6, groupIPv6(), advertTTL, &tt.advert)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, ok := parsePacket(b)
		if !ok {
			return
		}
		for _, payload := range fixed(d.payload, d.src, d.dst) {
			var first, second Advert
			if Parse(payload, d.src, d.dst, &first) != nil {
				continue
			}
			again, err := Append(nil, d.src, d.dst, &first)
			if err != nil {
				t.Fatalf("append %+v: %v", first, err)
			}
			if err := Parse(again, d.src, d.dst, &second); err != nil || !reflect.DeepEqual(first, second) {
				t.Fatalf("got %+v, %v, want %+v", second, err, first)
			}
		}
	})
}
