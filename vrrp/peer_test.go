package vrrp

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// unicast makes a router of it that has two peers: one on the LAN whose TTL is bounded, one behind routers.
func unicast(c *Config) {
	c.UnicastPeers = []Peer{{Addr: netip.MustParseAddr("10.0.0.1"), MinTTL: 254}, {Addr: netip.MustParseAddr("10.9.0.1")}}
}

// toSelf is an advert of a peer to this node alone.
func toSelf(t *testing.T, src string, ttl uint8, set func(*Advert)) []byte {
	t.Helper()
	cfg := testConfig()
	ad := cfg.advert(150)
	if set != nil {
		set(&ad)
	}
	b, err := appendPacket(nil, netip.MustParseAddr(src), self, ttl, &ad)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRule5_11_12_30_UnicastJudgement(t *testing.T) {
	v3 := func(a *Advert) { a.Version = V3 }
	tests := []struct {
		name   string
		config func(*Config)
		packet []byte
		want   DropReason
	}{
		{"accepted", unicast, toSelf(t, "10.0.0.1", 255, nil), accepted},
		{"rule 5 the lowest TTL of the range", unicast, toSelf(t, "10.0.0.1", 254, nil), accepted},
		{"rule 5 below the range", unicast, toSelf(t, "10.0.0.1", 253, nil), DropTTL},
		{"rule 5 above the range", func(c *Config) { unicast(c); c.UnicastPeers[1].MaxTTL = 64 }, toSelf(t, "10.9.0.1", 65, nil), DropTTL},
		{"rule 5 no range", unicast, toSelf(t, "10.9.0.1", 1, nil), accepted},
		{"rule 11 multicast to one with peers", unicast, packetFrom(t, "10.0.0.1", 150, nil), DropDestination},
		{"rule 11 unicast to one without", func(*Config) {}, toSelf(t, "10.0.0.1", 255, nil), DropDestination},
		{"rule 12 no peer", unicast, toSelf(t, "10.0.0.2", 255, nil), DropNotPeer},
		{"rule 12 no peer, the check is off", func(c *Config) { unicast(c); c.AnySource = true }, toSelf(t, "10.0.0.2", 3, nil), accepted},
		{"rule 8 own address", func(c *Config) { unicast(c); c.AnySource = true }, toSelf(t, "10.0.0.5", 255, nil), DropOwnSource},
		{"rule 30 version 3", func(c *Config) { unicast(c); c.Version = V3 }, toSelf(t, "10.0.0.1", 255, v3), accepted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newListener(t, tt.config)
			if got, want := l.hear(tt.packet), tt.want == accepted; got != want {
				t.Errorf("delivered: got %v, want %v", got, want)
			}
			var want Drops
			if tt.want != accepted {
				want[tt.want] = 1
			}
			if got := l.counters().Dropped; got != want {
				t.Errorf("dropped: got %v, want %v", got, want)
			}
		})
	}
	t.Run("rule 30 the pseudo header of the group is not right for a peer", func(t *testing.T) {
		// What Keepalived up to 1.3.6 sent.
		l := newListener(t, func(c *Config) { unicast(c); c.Version = V3 })
		b := toSelf(t, "10.0.0.1", 255, v3)
		fixV3(b[ipv4Len:], netip.MustParseAddr("10.0.0.1"), groupIPv4())
		if l.hear(b) || l.counters().Dropped.Of(DropChecksum) != 1 {
			t.Errorf("got %v", l.counters().Dropped)
		}
	})
}

// Rules 4 and 30: an advert goes to each peer by itself, with the TTL of the configuration and its own checksum.
func TestRule4_30_UnicastSends(t *testing.T) {
	for _, version := range []Version{V2, V3} {
		synctest.Test(t, func(t *testing.T) {
			l := new(lan)
			cfg := withPriority(200)
			unicast(&cfg)
			cfg.Version, cfg.UnicastTTL = version, 64
			beat := &fakeBeat{alive: true, set: map[string]int{}}
			a := newHost(t, l, "10.0.0.7", beat, nil, cfg).start()
			time.Sleep(4 * time.Second)
			synctest.Wait()
			beat.want(t, "set VI_1 200 on eth0 to 10.0.0.1 10.9.0.1 each 1s")
			a.stop()
			var dsts []string
			for _, b := range l.wire {
				d, ok := parsePacket(b)
				var ad Advert
				if err := Parse(d.payload, d.src, d.dst, &ad); !ok || err != nil {
					t.Errorf("rule 30, version %d: %v to %v", version, err, d.dst)
				}
				if d.ttl != 64 {
					t.Errorf("rule 4: got TTL %d, want 64", d.ttl)
				}
				dsts = append(dsts, d.dst.String())
			}
			if want := []string{"10.0.0.1", "10.9.0.1", "10.0.0.1", "10.9.0.1"}; !slices.Equal(dsts, want) {
				t.Errorf("the takeover and the resignation went to %v, want %v", dsts, want)
			}
			if c := a.group.Status()[0].Counters; c.Sent != 2 || c.ResignSent != 1 {
				t.Errorf("counted %d adverts, %d of them resigned, want 2 and 1", c.Sent, c.ResignSent)
			}
			packets, err := Resignation(cfg, self)
			if err != nil || len(packets) != 2 || packets[1].Dst != cfg.UnicastPeers[1].Addr {
				t.Errorf("the last will goes to %v, %v", packets, err)
			}
		})
	}
}

// Three routers of one LAN that speak by unicast alone: each one hears all others.
func TestUnicastFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		all := []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}
		start := func(addr string, priority uint8) *host {
			cfg := withPriority(priority)
			for _, other := range all {
				if other != addr {
					cfg.UnicastPeers = append(cfg.UnicastPeers, Peer{Addr: netip.MustParseAddr(other)})
				}
			}
			return newHost(t, l, addr, nil, nil, cfg).start()
		}
		a, b, c := start(all[0], 200), start(all[1], 100), start(all[2], 50)
		time.Sleep(10 * time.Second)
		a.wantStates(Master)
		b.wantStates(Backup)
		c.wantStates(Backup)
		a.stop()
		time.Sleep(2 * time.Second)
		b.wantStates(Master)
		c.wantStates(Backup)
	})
}

// Peers beyond a router cannot answer a link-local address, so a global one will do.
func TestUnicastSourceOfIPv6(t *testing.T) {
	cfg := testConfig()
	six(&cfg)
	cfg.UnicastPeers = []Peer{{Addr: netip.MustParseAddr("2001:db8::2")}}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, m: NewMachine(cfg), start: simEpoch, now: simEpoch}
	b.do(SourceChanged{netip.MustParseAddr("2001:db8::1")})
	b.want(b.do(Startup{}), "INIT>BACKUP")
	b.want(b.do(SourceChanged{self}), "BACKUP>FAULT")
	if got, want := b.m.status().Faults[0], "interface eth0 has no address to send from"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	const want = "resignation of VI_1: source 10.0.0.5, want an IPv6 address"
	if _, err := Resignation(cfg, self); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestUnicastReload(t *testing.T) {
	b := master(t, nil)
	cfg := testConfig()
	unicast(&cfg)
	b.want(b.do(ConfigChanged{cfg}), "")
	cfg.UnicastPeers[0].Addr = above // the caller's change does not reach the machine
	if want := addrs("10.0.0.1", "10.9.0.1"); !slices.Equal(b.m.dsts, want) || b.m.cfg.UnicastPeers[0].Addr != want[0] {
		t.Errorf("adverts go to %v, want %v", b.m.dsts, want)
	}
}

func TestUnicastConfigValidate(t *testing.T) {
	peers := func(list ...Peer) func(*Config) { return func(c *Config) { c.UnicastPeers = list } }
	at := func(a string) Peer { return Peer{Addr: netip.MustParseAddr(a)} }
	tests := []struct {
		name string
		set  func(*Config)
		want string
	}{
		{"as it should be", unicast, ""},
		{"another family", peers(at("fd00::1")), "unicast peer fd00::1, want an IPv4 address of one host"},
		{"a group", peers(at("224.0.0.18")), "unicast peer 224.0.0.18, want an IPv4 address of one host"},
		{"nobody", peers(at("0.0.0.0")), "unicast peer 0.0.0.0, want an IPv4 address of one host"},
		{"none", peers(Peer{}), "unicast peer invalid IP, want an IPv4 address of one host"},
		{"a virtual address", peers(at("10.0.0.100")), "unicast peer 10.0.0.100 is a virtual address"},
		{"twice", peers(at("10.0.0.1"), at("10.0.0.1")), "unicast peer 10.0.0.1 stands there twice"},
		{"rule 5, a range upside down", peers(Peer{Addr: above, MinTTL: 9, MaxTTL: 8}), "unicast peer 10.0.0.6: TTL 9 to 8, want the smaller one first"},
		{"too many", peers(make([]Peer, 65)...), "65 unicast peers, want at most 64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
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

func TestPacketsReuseTheirMemory(t *testing.T) {
	cfg := testConfig()
	unicast(&cfg)
	ad, dsts := cfg.advert(100), cfg.destinations()
	packets, err := appendPackets(nil, &cfg, self, dsts, &ad)
	if err != nil {
		t.Fatal(err)
	}
	kept := clonePackets(packets)
	if n := testing.AllocsPerRun(100, func() { packets, _ = appendPackets(packets[:0], &cfg, self, dsts, &ad) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
	ad.Priority = 7
	if _, err = appendPackets(packets[:0], &cfg, self, dsts, &ad); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(kept[0].Data, packets[0].Data) {
		t.Error("the clone shares memory")
	}
	if got, err := appendPackets(nil, &cfg, netip.Addr{}, dsts, &ad); err == nil || len(got) != 0 ||
		err.Error() != "encode advert: source invalid IP and destination 10.0.0.1 are not of one family" {
		t.Errorf("without a source: got %v, %v", got, err)
	}
}
