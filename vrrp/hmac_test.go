package vrrp

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

// hmacKey is a key whose octets are all the id.
func hmacKey(t testing.TB, id uint8) seal.Key {
	t.Helper()
	k, err := seal.NewKey(id, bytes.Repeat([]byte{id}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// signing makes a router sign with the first of some keys.
func signing(t testing.TB, ids ...uint8) func(*Config) {
	t.Helper()
	h := HMAC{Active: ids[0], Window: 5 * time.Second}
	for _, id := range ids {
		h.Keys = append(h.Keys, hmacKey(t, id))
	}
	return func(c *Config) { c.HMAC = h }
}

// both does one after the other.
func both(sets ...func(*Config)) func(*Config) {
	return func(c *Config) {
		for _, set := range sets {
			set(c)
		}
	}
}

// sequenceAt is the sequence of a time, in whole seconds.
func sequenceAt(at time.Time) uint64 { return uint64(at.Unix()) << 32 }

// sealedWith seals a packet, at the present second.
func sealedWith(t testing.TB, k seal.Key, b []byte) []byte {
	t.Helper()
	if err := k.Seal(b, sequenceAt(time.Now())+1); err != nil {
		t.Fatal(err)
	}
	return b
}

// What an instance of each mode makes of each kind of advert, in both versions and families, by multicast and unicast.
func TestRule37_ModesAndTrailers(t *testing.T) {
	kinds := []struct {
		name   string
		sealed bool
		key    uint8
		change func(trailer []byte) // of seal.Len octets
		seal   func(k seal.Key, b []byte) error
		// A trailer that is there is judged alike in each mode. One that is missing is a matter of the mode.
		want DropReason
	}{
		{name: "without a trailer"},
		{name: "signed with the active key", sealed: true, key: 1, want: accepted},
		{name: "signed with another key that is configured", sealed: true, key: 2, want: accepted},
		{name: "signed with a key that is not", sealed: true, key: 3, want: DropHMACKey},
		{name: "forged", sealed: true, key: 1, change: func(b []byte) { b[27] ^= 1 }, want: DropHMAC},
		{name: "zeros in place of the HMAC", sealed: true, key: 1, change: func(b []byte) { clear(b[12:]) }, want: DropHMAC},
		{name: "another scheme", sealed: true, key: 1, change: func(b []byte) { b[0] = 2 }, want: DropHMACMalformed},
		{name: "reserved octets", sealed: true, key: 1, change: func(b []byte) { b[3] = 1 }, want: DropHMACMalformed},
		{name: "too old", sealed: true, key: 1, want: DropHMACStale,
			seal: func(k seal.Key, b []byte) error { return k.Seal(b, sequenceAt(time.Now().Add(-time.Minute))) }},
		{name: "from the future", sealed: true, key: 1, want: DropHMACStale,
			seal: func(k seal.Key, b []byte) error { return k.Seal(b, sequenceAt(time.Now().Add(time.Minute))) }},
		{name: "nothing but a trailer's room", sealed: true, change: func(b []byte) { clear(b) }, want: DropHMACMalformed},
	}
	modes := []struct {
		name    string
		mode    HMACMode
		missing DropReason
	}{
		{"enforce", HMACEnforce, DropHMACMissing},
		{"permissive", HMACPermissive, accepted},
		{"receive-only", HMACReceiveOnly, accepted},
	}
	wires := []struct {
		name string
		set  func(*Config)
		src  string
		dst  netip.Addr
	}{
		{"version 2", func(*Config) {}, "10.0.0.1", groupIPv4()},
		{"version 3", v3, "10.0.0.1", groupIPv4()},
		{"version 3 with the bare checksum", both(v3, func(c *Config) { c.ChecksumNoPseudoHeader = true }), "10.0.0.1", groupIPv4()},
		{"version 3 on IPv6", six, "fe80::1", groupIPv6()},
		{"version 2 to peers", unicast, "10.0.0.1", self},
		{"version 3 to peers", both(v3, unicast), "10.0.0.1", self},
	}
	for _, wire := range wires {
		for _, mode := range modes {
			for _, kind := range kinds {
				t.Run(wire.name+"/"+mode.name+"/"+kind.name, func(t *testing.T) {
					set := both(wire.set, signing(t, 1, 2), func(c *Config) { c.HMAC.Mode = mode.mode })
					cfg := testConfig()
					set(&cfg)
					ad := cfg.advert(150)
					ad.Sealed = kind.sealed
					b, err := appendPacket(nil, netip.MustParseAddr(wire.src), wire.dst, advertTTL, &ad)
					if err != nil {
						t.Fatal(err)
					}
					if kind.key != 0 {
						sealedWith(t, hmacKey(t, kind.key), b)
					}
					if kind.seal != nil {
						if err := kind.seal(hmacKey(t, kind.key), b); err != nil {
							t.Fatal(err)
						}
					}
					if kind.change != nil {
						damage(t, b, kind.change)
					}
					want := kind.want
					if !kind.sealed {
						want = mode.missing
					}
					wantDrop(t, set, b, want)
				})
			}
		}
	}
}

// damage changes a trailer behind the back of its key, with the checksum right again where it covers it.
func damage(t *testing.T, b []byte, change func(trailer []byte)) {
	t.Helper()
	change(b[len(b)-seal.Len:])
	if d, _ := parsePacket(b); !d.src.Is4() {
		d.payload[6], d.payload[7] = 0, 0
		sum := pseudoChecksum(d.src, d.dst, d.payload)
		d.payload[6], d.payload[7] = byte(sum>>8), byte(sum)
	}
}

// wantDrop has a fresh listener hear a packet.
func wantDrop(t *testing.T, set func(*Config), b []byte, want DropReason) {
	t.Helper()
	l := newListenerOf(t, set)
	heard := l.hear(b)
	c := l.counters()
	if heard != (want == accepted) || c.Dropped.Total() != c.Dropped.Of(want) || want != accepted && c.Dropped.Of(want) != 1 {
		t.Errorf("heard %v, dropped %v, want %q", heard, c.Dropped, want.Label())
	}
	unsigned := uint64(0)
	if d, _ := parsePacket(b); heard {
		var ad Advert
		if err := Parse(d.payload, d.src, d.dst, &ad); err != nil {
			t.Fatal(err)
		}
		if !ad.Sealed {
			unsigned = 1
		}
	}
	if c.Unsigned != unsigned {
		t.Errorf("counted %d unsigned adverts, want %d", c.Unsigned, unsigned)
	}
}

// newListenerOf is newListener of either family.
func newListenerOf(t *testing.T, set func(*Config)) *listener {
	t.Helper()
	cfg := testConfig()
	if set(&cfg); cfg.Family() == IPv6 {
		return newListener6(t, set)
	}
	return newListener(t, set)
}

// An instance without keys takes no signed advert: it could not tell a copy. Keepalived drops it for its length.
func TestRule37_TrailerWithoutKeys(t *testing.T) {
	for _, set := range []func(*Config){func(*Config) {}, v3, six} {
		cfg := testConfig()
		both(set, signing(t, 1))(&cfg)
		src, ad := netip.MustParseAddr("10.0.0.1"), cfg.advert(150)
		if cfg.Family() == IPv6 {
			src = peer6
		}
		b, err := appendPacket(nil, src, cfg.Family().group(), advertTTL, &ad)
		if err != nil {
			t.Fatal(err)
		}
		wantDrop(t, set, sealedWith(t, hmacKey(t, 1), b), DropAuthType)
	}
}

// A copy of an advert is dropped, however often it comes, and so is an older one that was held back.
func TestRule37_Copies(t *testing.T) {
	for _, window := range []time.Duration{5 * time.Second, 0} {
		set := both(signing(t, 1), func(c *Config) { c.HMAC.Window = window })
		l := newListener(t, set)
		cfg := testConfig()
		set(&cfg)
		ad, now := cfg.advert(150), time.Now()
		advert := func(more uint64) []byte {
			b, err := appendPacket(nil, above, groupIPv4(), advertTTL, &ad)
			if err != nil {
				t.Fatal(err)
			}
			if err := hmacKey(t, 1).Seal(b, sequenceAt(now)+more); err != nil {
				t.Fatal(err)
			}
			return b
		}
		held, first, second := advert(1), advert(2), advert(3)
		for i, step := range []struct {
			packet []byte
			heard  bool
		}{{first, true}, {first, false}, {held, false}, {second, true}, {first, false}, {second, false}} {
			if got := l.hear(step.packet); got != step.heard {
				t.Errorf("window %v, packet %d: heard %v, want %v", window, i+1, got, step.heard)
			}
		}
		if got := l.counters().Dropped.Of(DropHMACReplay); got != 4 {
			t.Errorf("window %v: got %d copies, want 4", window, got)
		}
		// A reload is no reason to take them again.
		cfg.Priority = 50
		l.link.update(l.group.members[0].ear.Load(), cfg, self)
		if l.hear(second) {
			t.Errorf("window %v: a copy counts after a reload", window)
		}
	}
}

// Keepalived warns of a clock that is on its way out of the window, and so does this node, once.
func TestRule37_ClocksThatDiffer(t *testing.T) {
	set := signing(t, 1)
	l := newListener(t, set)
	cfg := testConfig()
	set(&cfg)
	ad := cfg.advert(150)
	for i := range 3 {
		b, err := appendPacket(nil, above, groupIPv4(), advertTTL, &ad)
		if err != nil {
			t.Fatal(err)
		}
		if err := hmacKey(t, 1).Seal(b, sequenceAt(time.Now().Add(-4*time.Second))+uint64(i)); err != nil {
			t.Fatal(err)
		}
		if !l.hear(b) {
			t.Fatal("not heard")
		}
	}
	if got := l.log.count("peer's clock differs by more than half of what HMAC allows", "peer=10.0.0.6"); got != 1 {
		t.Errorf("told %d times, want once: %s", got, l.log.b.String())
	}
}

// A flood costs one line of the log for each kind, whatever it holds, and changes nothing.
func TestRule37_Flood(t *testing.T) {
	l := newListener(t, signing(t, 1))
	before := l.group.members[0].machine.Deadline()
	b := packetFrom(t, "10.0.0.1", 255, func(a *Advert) { a.Sealed = true })
	const flood = 2000
	for i := range flood {
		sealedWith(t, hmacKey(t, 1), b)
		b[len(b)-1-i%12] ^= 1 + byte(i%255)
		if l.hear(b) {
			t.Fatal("a forged advert was heard")
		}
	}
	if got := l.log.count("advert dropped"); got != 1 {
		t.Errorf("got %d lines, want 1", got)
	}
	if got := l.log.count("advert dropped", `reason="HMAC is wrong: the keys differ, or it is forged"`, "peer=10.0.0.1"); got != 1 {
		t.Errorf("got %s", l.log.b.String())
	}
	if got := l.counters().Dropped.Of(DropHMAC); got != flood {
		t.Errorf("counted %d, want %d", got, flood)
	}
	if got := l.group.members[0].machine.Deadline(); !got.Equal(before) {
		t.Errorf("the down timer moved by %v", got.Sub(before))
	}
}

func TestRule37_ConfigValidate(t *testing.T) {
	keys := func(c *Config, keys ...seal.Key) { c.HMAC = HMAC{Keys: keys, Active: 1} }
	tests := []struct {
		name string
		set  func(*Config)
		want string
	}{
		{"as it should be", signing(t, 1, 2), ""},
		{"version 3", both(v3, signing(t, 1)), ""},
		{"the longest window", func(c *Config) { keys(c, hmacKey(t, 1)); c.HMAC.Window = 300 * time.Second }, ""},
		{"with a password", func(c *Config) { keys(c, hmacKey(t, 1)); c.Auth = Auth{AuthPass, "x"} }, "instance VI_1: a password and HMAC keys, want one of them"},
		{"no such mode", func(c *Config) { keys(c, hmacKey(t, 1)); c.HMAC.Mode = 3 }, "instance VI_1: unknown HMAC mode 3"},
		{"a longer window", func(c *Config) { keys(c, hmacKey(t, 1)); c.HMAC.Window = 301 * time.Second }, "instance VI_1: HMAC window 5m1s, want 1 to 300 whole seconds, or 0"},
		{"a window in parts of a second", func(c *Config) { keys(c, hmacKey(t, 1)); c.HMAC.Window = 1500 * time.Millisecond }, "instance VI_1: HMAC window 1.5s, want 1 to 300 whole seconds, or 0"},
		{"the active key is not there", func(c *Config) { keys(c, hmacKey(t, 2)) }, "instance VI_1: no HMAC key with the id 1, which is to sign"},
		{"a key twice", func(c *Config) { keys(c, hmacKey(t, 1), hmacKey(t, 2), hmacKey(t, 2)) }, "instance VI_1: HMAC key 2 stands there twice, or is none"},
		{"rule 21, 89 addresses of IPv6", both(six, signing(t, 1), fill6(89)), ""},
		{"rule 21, 90 addresses of IPv6", both(six, signing(t, 1), fill6(90)), "instance VI_1: 90 addresses, want 1 to 89"},
		{"rule 21, 90 addresses of IPv6 and no trailer", both(six, signing(t, 1), fill6(90), func(c *Config) { c.HMAC.Mode = HMACReceiveOnly }), ""},
	}
	for _, tt := range tests {
		cfg := testConfig()
		tt.set(&cfg)
		got := ""
		if err := cfg.Validate(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// fill6 gives a router n addresses of IPv6.
func fill6(n int) func(*Config) {
	return func(c *Config) {
		c.Addresses = nil
		for i := range n {
			c.Addresses = append(c.Addresses, netip.MustParseAddr(fmt.Sprintf("fe80::%x", 0x1000+i)))
		}
	}
}

// packets is what was sent.
func (l *lan) packets() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.wire)
}

// trailers are the trailers of what was sent, without the HMAC.
func (l *lan) trailers() [][]byte {
	var all [][]byte
	for _, b := range l.packets() {
		all = append(all, b[len(b)-seal.Len:len(b)-16])
	}
	return all
}

// The modes as they show on the wire; copies for peers have one sequence, for each peer gets but one of them.
func TestRule37_Sends(t *testing.T) {
	for _, tt := range []struct {
		name   string
		set    func(*Config)
		sealed bool
		copies int
	}{
		{"without keys", func(*Config) {}, false, 1},
		{"enforce", signing(t, 7, 1), true, 1},
		{"permissive", both(signing(t, 7, 1), func(c *Config) { c.HMAC.Mode = HMACPermissive }), true, 1},
		{"receive-only", both(signing(t, 7, 1), func(c *Config) { c.HMAC.Mode = HMACReceiveOnly }), false, 1},
		{"peers", both(signing(t, 7, 1), unicast), true, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := testConfig()
				tt.set(&cfg)
				l := new(lan)
				a := newHost(t, l, "10.0.0.7", nil, nil, cfg).start()
				time.Sleep(6 * time.Second) // three adverts
				a.stop()                    // and a farewell
				l.sent(t)                   // all of them parse
				got := l.trailers()
				if len(got) != 4*tt.copies {
					t.Fatalf("sent %d packets, want %d", len(got), 4*tt.copies)
				}
				for i, tr := range got {
					if !tt.sealed {
						if len(l.packets()[i]) != ipv4Len+headerLen+4+authLen {
							t.Errorf("packet %d has %d octets", i+1, len(l.wire[i]))
						}
						continue
					}
					if tr[0] != 1 || tr[1] != 7 {
						t.Errorf("packet %d: scheme %d and key %d, want 1 and 7", i+1, tr[0], tr[1])
					}
					if i < tt.copies {
						continue
					}
					if same := bytes.Equal(tr, got[i-1]); same != (i%tt.copies != 0) || bytes.Compare(tr, got[i-1]) < 0 {
						t.Errorf("packet %d: sequence %x after %x", i+1, tr, got[i-1])
					}
				}
			})
		})
	}
}

// A pair that enforces: takeover, failback and farewells are heard, and what somebody recorded changes nothing at all.
func TestRule37_Pair(t *testing.T) {
	for _, set := range []func(*Config){func(*Config) {}, v3, both(v3, func(c *Config) { c.HMAC.Window = 0 })} {
		synctest.Test(t, func(t *testing.T) {
			l := new(lan)
			sign := func(priority uint8) Config {
				cfg := withPriority(priority)
				both(signing(t, 1), set)(&cfg)
				return cfg
			}
			a := newHost(t, l, "10.0.0.1", nil, nil, sign(200)).start()
			b := newHost(t, l, "10.0.0.2", nil, nil, sign(100)).start()
			wantStates := func(what string, want ...State) {
				t.Helper()
				synctest.Wait()
				if got := []State{a.group.Status()[0].State, b.group.Status()[0].State}; !slices.Equal(got, want) {
					t.Errorf("%s: got %v, want %v", what, got, want)
				}
			}
			time.Sleep(5 * time.Second)
			wantStates("after the start", Master, Backup)

			a.group.Post("VI_1", FaultChanged{[]string{"eth1 is down"}}) // its farewell
			time.Sleep(700 * time.Millisecond)
			wantStates("after the farewell", Fault, Master)
			recorded := l.packets()
			a.group.Post("VI_1", FaultChanged{})
			time.Sleep(5 * time.Second)
			wantStates("after the fault", Master, Backup)

			epochs := a.group.Status()[0].Epoch + b.group.Status()[0].Epoch
			replay := func() {
				for _, packet := range recorded {
					a.conn.arrive(packet)
					b.conn.arrive(packet)
				}
			}
			for range 50 {
				replay()
				time.Sleep(100 * time.Millisecond)
			}
			wantStates("after copies of everything", Master, Backup)
			if got := a.group.Status()[0].Epoch + b.group.Status()[0].Epoch; got != epochs {
				t.Errorf("%d transitions by copies of what was sent before", got-epochs)
			}
			if d := b.group.Status()[0].Counters.Dropped; d.Of(DropHMACReplay)+d.Of(DropHMACStale) == 0 {
				t.Errorf("no copy was noticed: %v", d)
			}
		})
	}
}

// Rotation by reload: the new key on both, then it signs on both, then the old one goes. No advert is lost, and none is in
// the other order.
func TestRule37_Rotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		with := func(priority uint8, ids ...uint8) Config {
			cfg := withPriority(priority)
			both(v3, signing(t, ids...))(&cfg)
			return cfg
		}
		a := newHost(t, l, "10.0.0.1", nil, nil, with(200, 1)).start()
		b := newHost(t, l, "10.0.0.2", nil, nil, with(100, 1)).start()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		sent, heard := a.group.Status()[0].Counters.Sent, b.group.Status()[0].Counters.Received
		reload := func(ids ...uint8) {
			a.group.Post("VI_1", ConfigChanged{with(200, ids...)})
			time.Sleep(250 * time.Millisecond)
			b.group.Post("VI_1", ConfigChanged{with(100, ids...)})
			time.Sleep(250 * time.Millisecond)
		}
		reload(1, 2)
		reload(2, 1)
		reload(2)
		synctest.Wait()
		for _, h := range []*host{a, b} {
			if d := h.group.Status()[0].Counters.Dropped; d.Total() != 0 {
				t.Errorf("%v dropped %v", h.addr, d)
			}
		}
		s, r := a.group.Status()[0].Counters.Sent-sent, b.group.Status()[0].Counters.Received-heard
		if s != r || s < 14 {
			t.Errorf("sent %d adverts, and %d were heard", s, r)
		}
		if got := a.group.Status()[0].HMAC; got.Mode != "enforce" || !slices.Equal(got.Keys, []uint8{2}) || got.Active != 2 || got.Window != 5*time.Second {
			t.Errorf("status: got %+v", got)
		}
	})
}

// recordingBeat keeps what was set last.
type recordingBeat struct {
	fakeBeat
	packets []Packet
}

func (r *recordingBeat) Set(instance string, packets []Packet, iface string, interval, patience time.Duration) {
	r.fakeBeat.Set(instance, packets, iface, interval, patience)
	r.packets = clonePackets(packets)
}

// A beat gets packets that are yet to be sealed, with what it takes to: the key, and the time as the Group's own seals tell it. A
// change of either is said at once, and without one there is silence.
func TestRule37_Beat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		beat := &recordingBeat{fakeBeat: fakeBeat{alive: true, set: map[string]int{}}}
		cfg := withPriority(200)
		signing(t, 1, 2)(&cfg)
		a := newHost(t, new(lan), "10.0.0.1", beat, nil, cfg).start()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		first := "set VI_1 200 on eth0 to 224.0.0.18 each 1s"
		beat.want(t, first)
		p := beat.packets[0]
		if !p.Signer.Key.Equal(hmacKey(t, 1)) || p.Signer.Slack != 5*time.Second || p.Signer.Offset == 0 {
			t.Errorf("got the signer %+v, want key 1 with its clock", p.Signer)
		}
		if tr := p.Data[len(p.Data)-seal.Len:]; !bytes.Equal(tr, make([]byte, seal.Len)) {
			t.Errorf("got the trailer %x, want room for one", tr)
		}

		cfg.HMAC.Active = 2
		a.group.Post("VI_1", ConfigChanged{cfg})
		synctest.Wait()
		beat.want(t, first)
		if got := beat.packets[0].Signer.Key; !got.Equal(hmacKey(t, 2)) {
			t.Errorf("after a rotation: got %v, want key 2", got)
		}
		before := beat.packets[0].Signer.Offset
		a.mu.Lock()
		a.asleep -= time.Minute // as if the wall clock had been set forwards
		a.mu.Unlock()
		time.Sleep(time.Second)
		synctest.Wait()
		beat.want(t, first)
		if got := beat.packets[0].Signer.Offset - before; got != time.Minute {
			t.Errorf("after a step of the clock: the offset moved by %v, want 1m0s", got)
		}
		a.stop()
	})
}

// What speaks for a node when it cannot gets packets to seal, too.
func TestRule37_Resignation(t *testing.T) {
	cfg := testConfig()
	both(signing(t, 1), unicast)(&cfg)
	packets, err := Resignation(cfg, self)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packets {
		if !p.Signer.Key.Equal(hmacKey(t, 1)) || p.Signer.Slack != 5*time.Second {
			t.Errorf("to %v: got the signer %+v, want key 1", p.Dst, p.Signer)
		}
		if d, ok := parsePacket(p.Data); !ok || len(d.payload) != headerLen+4+authLen+seal.Len {
			t.Errorf("to %v: got %d octets, without room for a trailer", p.Dst, len(d.payload))
		}
	}
}
