package vrrp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// logBuffer keeps what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// count is how many lines contain all the words.
func (l *logBuffer) count(words ...string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range strings.Lines(l.b.String()) {
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
			n++
		}
	}
	return n
}

// listener is a Group whose loop does not run: what its Link delivers stays in the queue.
type listener struct {
	*host
	log logBuffer
}

func newListener(t *testing.T, set func(*Config)) *listener {
	t.Helper()
	l := new(listener)
	cfg := testConfig()
	if set != nil {
		set(&cfg)
	}
	l.host = newHost(t, new(lan), "10.0.0.5", nil, hclog.New(&hclog.LoggerOptions{Output: &l.log}), cfg)
	l.group.deliver(simEpoch)
	if err := l.group.attach(); err != nil {
		t.Fatal(err)
	}
	l.group.step(simEpoch, l.group.members[0], Startup{})
	l.group.take() // what an owner's executor has answered
	return l
}

// hear puts a packet on the wire and reports whether it was delivered.
func (l *listener) hear(b []byte) bool {
	l.conn.inject(b)
	l.link.Drain()
	return len(l.group.take()) == 1
}

func (l *listener) counters() Counters { return l.group.Status()[0].Counters }

func TestRule5_8_33_34_43_44_Judgement(t *testing.T) {
	pass := func(c *Config) { c.Auth = Auth{AuthPass, "s3cret77"} }
	short := func(c *Config) { c.Auth = Auth{AuthPass, "abc"} }
	auth := func(typ AuthType, data string) func(*Advert) {
		return func(a *Advert) { a.AuthType = typ; copy(a.AuthData[:], data) }
	}
	ttl := func(v byte) func([]byte) { return func(b []byte) { b[8] = v } }
	vrrp := func(i int, v byte) func([]byte) { return func(b []byte) { b[ipv4Len+i] = v; fix(b[ipv4Len:]) } }
	tests := []struct {
		name   string
		config func(*Config)
		from   string
		advert func(*Advert)
		packet func([]byte)
		want   DropReason
	}{
		{name: "accepted"},
		{name: "accepted with a password", config: pass, advert: auth(AuthPass, "s3cret77")},
		// "A VRRP router receiving a packet with the TTL not equal to 255 MUST discard the packet." (RFC 3768 section 5.2.3)
		{name: "rule 5 TTL 254", packet: ttl(254), want: DropTTL},
		{name: "rule 5 TTL 0", packet: ttl(0), want: DropTTL},
		{name: "rule 11 sent to this node alone", packet: func(b []byte) { copy(b[16:20], []byte{10, 0, 0, 5}) }, want: DropDestination},
		{name: "rule 11 another group", packet: func(b []byte) { b[19] = 99 }, want: DropDestination},
		{name: "rule 6 nobody's address", from: "0.0.0.0", want: DropSource},
		{name: "rule 6 a group's address", from: "224.0.0.18", want: DropSource},
		{name: "rule 6 a host's own loopback", from: "127.0.0.1", want: DropSource},
		{name: "rule 8 own address", from: "10.0.0.5", want: DropOwnSource},
		// "A packet with unknown authentication type or that does not match the locally configured authentication method MUST
		// be discarded." (section 5.3.6)
		{name: "rule 33 unknown type", advert: auth(7, ""), want: DropAuthType},
		{name: "rule 33 type 2", advert: auth(2, ""), want: DropAuthType},
		{name: "rule 43 password though none is configured", advert: auth(AuthPass, "x"), want: DropAuthType},
		{name: "rule 43 none though a password is configured", config: pass, want: DropAuthType},
		{name: "rule 34 another password", config: pass, advert: auth(AuthPass, "S3cret77"), want: DropAuthData},
		{name: "rule 34 a prefix of the password", config: pass, advert: auth(AuthPass, "s3cret7"), want: DropAuthData},
		{name: "rule 34 padded with other than zeros", config: short, advert: auth(AuthPass, "abc\x00\x00\x00\x00x"), want: DropAuthData},
		{name: "rule 34 padded with zeros", config: short, advert: auth(AuthPass, "abc")},
		// "MUST verify the VRRP version is 2." (section 7.1)
		{name: "rule 39 version 4", packet: vrrp(0, 0x41), want: DropVersion},
		{name: "rule 40 type 4", packet: vrrp(0, 0x24), want: DropType},
		{name: "rule 38 address count", packet: vrrp(3, 9), want: DropLength},
		{name: "rule 41 checksum", packet: func(b []byte) { b[ipv4Len+6]++ }, want: DropChecksum},
		// "MUST verify that the Adver Interval in the packet is the same as the locally configured for this virtual router.
		// If the above check fails, the receiver MUST discard the packet" (section 7.1)
		{name: "rule 44 interval 2 s", advert: func(a *Advert) { a.Interval = 2 * time.Second }, want: DropInterval},
		{name: "rule 44 interval 0", advert: func(a *Advert) { a.Interval = 0 }, want: DropInterval},
		{name: "rule 2 cut packet", packet: func(b []byte) { b[3]++ }, want: DropIP},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newListener(t, tt.config)
			if tt.from == "" {
				tt.from = "10.0.0.1"
			}
			b := packetFrom(t, tt.from, 150, tt.advert)
			if tt.packet != nil {
				tt.packet(b)
			}
			delivered := l.hear(b)
			if want := tt.want == accepted; delivered != want {
				t.Errorf("delivered: got %v, want %v", delivered, want)
			}
			var want Drops
			if tt.want != accepted {
				want[tt.want] = 1
			}
			got, unheld := l.counters().Dropped, l.link.Drops()
			for i := range got {
				got[i] += unheld[i]
			}
			if got != want {
				t.Errorf("dropped: got %v, want %v", got, want)
			}
			if tt.want != accepted && l.log.count("advert dropped", tt.want.Error(), "peer=") != 1 {
				t.Errorf("log: %s", l.log.b.String())
			}
		})
	}
}

// Rule 39: the version is also compared with the instance's, for a Link may know more than one.
func TestRule39_VersionIsTheInstances(t *testing.T) {
	cfg := testConfig()
	ad := cfg.advert(100)
	ad.Version = 3
	if got := judge(&cfg, self, above, groupIPv4(), &ad); got != DropVersion {
		t.Errorf("got %v, want %v", got, DropVersion)
	}
}

// Rule 42: "MUST verify that the VRID is configured on the receiving interface" (RFC 3768 section 7.1). Each stranger is told
// of once.
func TestRule42_ForeignVRID(t *testing.T) {
	l := newListener(t, nil)
	for range 3 {
		for _, from := range []string{"10.0.0.1", "10.0.0.2"} {
			if l.hear(packetFrom(t, from, 150, func(a *Advert) { a.VRID = 77 })) {
				t.Error("delivered")
			}
		}
	}
	l.hear(packetFrom(t, "10.0.0.1", 150, func(a *Advert) { a.VRID = 0 }))
	drops := l.link.Drops()
	if got := drops.Of(DropVRID); got != 7 {
		t.Errorf("got %d drops, want 7", got)
	}
	if got := l.log.count("another virtual router", "vrid=77"); got != 2 {
		t.Errorf("got %d lines, want one for each sender", got)
	}
	t.Run("the table is bounded", func(t *testing.T) {
		for i := range 1000 {
			l.hear(packetFrom(t, fmt.Sprintf("10.1.%d.%d", i/250, i%250), 150, func(a *Advert) { a.VRID = 77 }))
		}
		if got := len(l.link.unheld.strangers); got != maxStrangers {
			t.Errorf("got %d entries, want %d", got, maxStrangers)
		}
	})
}

// Rule 44: both nodes of a pair with different intervals become master, so it is told as an error.
func TestRule44_IntervalMismatchIsLoud(t *testing.T) {
	l := newListener(t, nil)
	l.hear(packetFrom(t, "10.0.0.1", 150, func(a *Advert) { a.Interval = 3 * time.Second }))
	if l.log.count("[ERROR]", "both nodes become MASTER", "peer=10.0.0.1", "instance=VI_1", "vrid=51") != 1 {
		t.Errorf("log: %s", l.log.b.String())
	}
}

// Rule 47, our choice RFC 9568's: an owner that hears another router logs it and processes the advert.
func TestRule47_OwnerHearsAdverts(t *testing.T) {
	l := newListener(t, owner)
	for range 3 {
		if !l.hear(packetFrom(t, "10.0.0.1", 150, nil)) {
			t.Error("not delivered")
		}
	}
	if got := l.counters().WhileOwner; got != 3 {
		t.Errorf("got %d, want 3", got)
	}
	if got := l.log.count("peer advertises addresses that this node owns"); got != 1 {
		t.Errorf("got %d lines, want 1", got)
	}
}

// Rule 48: `MAY verify that "Count IP Addrs" and the list of IP Address matches the IP_Addresses configured for the VRID`
// (RFC 3768 section 7.1). Our choice: told, counted and accepted.
func TestRule48_AddressListDiffers(t *testing.T) {
	tests := []struct {
		name   string
		list   []netip.Addr
		differ bool
	}{
		{"the same", addrs("10.0.0.100", "10.0.0.101"), false},
		{"another order", addrs("10.0.0.101", "10.0.0.100"), false},
		{"one more", addrs("10.0.0.100", "10.0.0.101", "10.0.0.102"), true},
		{"one less", addrs("10.0.0.100"), true},
		{"none", nil, true},
		{"another one", addrs("10.0.0.100", "10.0.0.102"), true},
		{"one twice", addrs("10.0.0.100", "10.0.0.100"), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newListener(t, func(c *Config) { c.Addresses = addrs("10.0.0.100", "10.0.0.101") })
			for range 2 {
				if !l.hear(packetFrom(t, "10.0.0.1", 150, func(a *Advert) { a.Addresses = tt.list })) {
					t.Error("not delivered")
				}
			}
			want := map[bool][2]int{true: {2, 1}}[tt.differ]
			if got := l.counters().AddressesDiffer; got != uint64(want[0]) {
				t.Errorf("counted %d, want %d", got, want[0])
			}
			if got := l.log.count("peer advertises other addresses"); got != want[1] {
				t.Errorf("logged %d times, want %d", got, want[1])
			}
		})
	}
}

// Rule 49: "If any one of the above checks fails, the receiver MUST discard the packet, SHOULD log the event" (RFC 3768
// section 7.1): each kind once, until an accepted advert comes from another master.
func TestRule49_LogsOnceUntilTheMasterChanges(t *testing.T) {
	l := newListener(t, nil)
	bad := func() {
		for range 5 {
			l.hear(packetFrom(t, "10.0.0.66", 150, func(a *Advert) { a.Interval = 9 * time.Second }))
			l.hear(packetFrom(t, "10.0.0.66", 150, func(a *Advert) { a.AuthType = AuthPass }))
		}
	}
	logged := func(want int) {
		t.Helper()
		for _, r := range []DropReason{DropInterval, DropAuthType} {
			if got := l.log.count("advert dropped", r.Error()); got != want {
				t.Errorf("%s: logged %d times, want %d", r.Label(), got, want)
			}
		}
	}
	bad()
	logged(1)
	l.hear(packetFrom(t, "10.0.0.1", 150, nil))
	bad()
	logged(2)
	l.hear(packetFrom(t, "10.0.0.1", 150, nil)) // the same master
	l.hear(packetFrom(t, "10.0.0.2", 0, nil))   // no master
	bad()
	logged(2)
	l.hear(packetFrom(t, "10.0.0.2", 150, nil))
	bad()
	logged(3)
	if c := l.counters(); c.Dropped.Of(DropInterval) != 20 || c.Dropped.Of(DropAuthType) != 20 || c.Dropped.Total() != 40 {
		t.Errorf("got %v", c.Dropped)
	}
}

func TestAdvertsThatWaitAreBounded(t *testing.T) {
	l := newListener(t, nil)
	for range maxAdverts + 3 {
		l.conn.inject(packetFrom(t, "10.0.0.1", 150, nil))
		l.link.Drain()
	}
	l.group.Post("VI_1", PriorityChanged{77}) // never bounded, never lost
	if got := l.counters().Dropped.Of(DropOverload); got != 3 {
		t.Errorf("got %d drops, want 3", got)
	}
	if got := len(l.group.take()); got != maxAdverts+1 {
		t.Errorf("got %d events, want %d", got, maxAdverts+1)
	}
	if !l.hear(packetFrom(t, "10.0.0.1", 150, nil)) {
		t.Error("the queue is empty again: not delivered")
	}
}

func TestReloadChangesWhatCounts(t *testing.T) {
	l := newListener(t, nil)
	secret := func(a *Advert) { a.AuthType, a.AuthData = AuthPass, Auth{AuthPass, "new"}.data() }
	if l.hear(packetFrom(t, "10.0.0.1", 150, secret)) {
		t.Error("delivered before")
	}
	cfg := testConfig()
	cfg.Auth = Auth{AuthPass, "new"}
	l.group.step(simEpoch, l.group.members[0], ConfigChanged{cfg})
	if !l.hear(packetFrom(t, "10.0.0.1", 150, secret)) {
		t.Error("not delivered after")
	}
	l.group.step(simEpoch, l.group.members[0], SourceChanged{netip.MustParseAddr("10.0.0.1")})
	if l.hear(packetFrom(t, "10.0.0.1", 150, secret)) {
		t.Error("the own source has changed: delivered")
	}
}

// Rule 50: a million random packets, most of them nearly right, leave state and deadlines as they are.
func TestRule50_RandomPacketsChangeNothing(t *testing.T) {
	l := newListener(t, func(c *Config) { c.Auth = Auth{AuthPass, "s3cret77"} })
	// The random password is never the right one, so nothing may be delivered.
	seed := packetFrom(t, "10.0.0.1", 150, func(a *Advert) { a.AuthType = AuthPass })
	before := l.group.Status()[0]
	deadline := l.group.members[0].machine.Deadline()
	rnd := rand.New(rand.NewPCG(50, 112))
	const packets = 1_000_000
	b := make([]byte, 0, 256)
	for range packets {
		b = append(b[:0], seed...)
		switch rnd.IntN(3) {
		case 0: // noise of any length
			b = b[:rnd.IntN(200)]
			for i := range b {
				b[i] = byte(rnd.Uint32())
			}
		case 1: // a few octets of a good one changed
			for range 1 + rnd.IntN(4) {
				b[rnd.IntN(len(b))] = byte(rnd.Uint32())
			}
		case 2: // the same with a right checksum
			for range 1 + rnd.IntN(4) {
				b[ipv4Len+rnd.IntN(len(b)-ipv4Len)] = byte(rnd.Uint32())
			}
			fix(b[ipv4Len:])
		}
		l.link.mu.Lock()
		l.link.receive(b)
		l.link.mu.Unlock()
	}
	if events := l.group.take(); len(events) != 0 {
		t.Errorf("%d packets were delivered, the first is %+v", len(events), events[0].ev)
	}
	after := l.group.Status()[0]
	c, unheld := after.Counters, l.link.Drops()
	if got := c.Dropped.Total() + unheld.Total(); got != packets {
		t.Errorf("counted %d drops, want %d", got, packets)
	}
	for _, r := range []DropReason{DropIP, DropTTL, DropVersion, DropType, DropLength, DropChecksum, DropAuthType, DropAuthData} {
		if c.Dropped.Of(r)+unheld.Of(r) == 0 {
			t.Errorf("no packet was dropped for %q: the random ones do not reach there", r.Label())
		}
	}
	if !l.group.members[0].machine.Deadline().Equal(deadline) || after.State != before.State || after.Epoch != before.Epoch {
		t.Errorf("got %+v, want %+v", after, before)
	}
}

// Rule 50: whatever comes in, no packet panics on the way to an instance of any kind, and none is lost to the counters.
func FuzzReceive(f *testing.F) {
	kinds := []func(*Config){func(*Config) {}, v3, unicast, six, func(c *Config) { six(c); c.MaxLearnedInterval = time.Second },
		signing(f, 1), both(six, signing(f, 1))}
	for i, set := range kinds {
		cfg := testConfig()
		set(&cfg)
		ad, src := cfg.advert(150), netip.MustParseAddr("10.0.0.1")
		if cfg.Family() == IPv6 {
			src = peer6
		}
		packets, err := appendPackets(nil, &cfg, src, []netip.Addr{cfg.Family().group()}, &ad)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), packets[0].Data)
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		cfg := testConfig()
		kinds[int(kind)%len(kinds)](&cfg)
		link, err := NewLink(LinkConfig{Interface: "eth0", Family: cfg.Family(), Listen: new(lan).listen})
		if err != nil {
			t.Fatal(err)
		}
		heard := uint64(0)
		e, err := link.attach(cfg, self, hclog.NewNullLogger(), func(AdvertReceived) bool { heard++; return true })
		if err != nil {
			t.Fatal(err)
		}
		link.mu.Lock()
		link.receive(b)
		link.mu.Unlock()
		drops, unheld := e.report.drops(), link.Drops()
		if got := heard + drops.Total() + unheld.Total(); got != 1 {
			t.Errorf("counted %d packets, want 1", got)
		}
	})
}

func BenchmarkReceive(b *testing.B) {
	link, err := NewLink(LinkConfig{Interface: "eth0", Listen: new(lan).listen})
	if err != nil {
		b.Fatal(err)
	}
	cfg := testConfig()
	e, err := link.attach(cfg, self, hclog.NewNullLogger(), func(AdvertReceived) bool { return true })
	if err != nil {
		b.Fatal(err)
	}
	defer link.detach(e)
	ad := cfg.advert(150)
	packet, err := appendPacket(nil, above, groupIPv4(), advertTTL, &ad)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		link.mu.Lock()
		link.receive(packet)
		link.mu.Unlock()
	}
}
