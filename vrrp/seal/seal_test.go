package seal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// octets are 0, 1, 2, ...
func octets(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func key(t testing.TB, id uint8, n int) Key {
	t.Helper()
	k, err := NewKey(id, octets(n))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// vector is a message with its trailer, as it is on real wires.
type vector struct {
	name, provenance string
	src              string
	message          string
	id               uint8
	secret           int // octets of it
	sequence         uint64
}

// The first two stand in the appendix of the draft, and in Keepalived's own test. All three HMACs were computed with Python's
// hmac and hashlib besides: HMAC-SHA256 over the pseudo header (4 or 6, version, VRID, 0, source padded to 16 octets), the
// message with zeros for the checksum, the trailer's first 12 octets and 16 zeros; the first 16 octets of it.
func vectors() []vector {
	return []vector{
		{"version 3, IPv4", "draft-cassen-vrrp-auth-hmac, appendix; Python", "198.51.100.10",
			"3133c801 00644402 c0000264 01010000 6800000080000000 1b84bc4e8e43892dc6d98448f8ee2265", 1, 32, 0x6800000080000000},
		{"version 3, IPv6", "draft-cassen-vrrp-auth-hmac, appendix; Python", "fe80::10",
			"3133c801 0064a2e9 fe800000000000000000000000000100 01010000 6800000080000000 c8c56146ebfd66ee10ec4d8186461b78", 1, 32, 0x6800000080000000},
		{"version 2, the longest secret", "computed by Python", "10.77.0.1",
			"21336501 00016f19 0a4d0064 0000000000000000 01070000 6942e0c3a5a51234 82907ad0788b374eee7487e554c273cd", 7, 64, 0x6942e0c3a5a51234},
	}
}

// packet puts an IP header before a message.
func packet(src netip.Addr, message []byte) []byte {
	var b []byte
	if src.Is4() {
		b = make([]byte, ipv4Len)
		b[0] = 4<<4 | ipv4Len/4
		four := src.As4()
		copy(b[12:], four[:])
	} else {
		b = make([]byte, ipv6Len)
		b[0] = 6 << 4
		sixteen := src.As16()
		copy(b[8:], sixteen[:])
	}
	return append(b, message...)
}

func TestRule37_Vectors(t *testing.T) {
	for _, tt := range vectors() {
		t.Run(tt.name, func(t *testing.T) {
			want, src, k := unhex(t, tt.message), netip.MustParseAddr(tt.src), key(t, tt.id, tt.secret)
			policy := Policy{Keys: []Key{key(t, 200, 40), k}}
			if fault, _ := policy.Verify(new(Memory), src, want, time.Unix(0, 0)); fault != OK {
				t.Errorf("verify: got %v, want %v", fault, OK)
			}
			whole := packet(src, want)
			message := whole[len(whole)-len(want):]
			copy(message[len(message)-Len:], bytes.Repeat([]byte{0xaa}, Len)) // a former seal
			if err := k.Seal(whole, tt.sequence); err != nil {
				t.Fatal(err)
			}
			clear(message[checksumAt : checksumAt+checksumLen]) // IPv6's changed with the trailer: see TestRule37_Checksum
			clear(want[checksumAt : checksumAt+checksumLen])
			if !bytes.Equal(message, want) {
				t.Errorf("seal: got %x, want %x", message, want)
			}
		})
	}
}

// IPv6's checksum covers the trailer, IPv4's does not.
func TestRule37_Checksum(t *testing.T) {
	sum := func(b []byte) (n uint32) {
		for i := 0; i < len(b); i += 2 {
			n += uint32(binary.BigEndian.Uint16(b[i:]))
		}
		for n > 0xffff {
			n = n>>16 + n&0xffff
		}
		return n
	}
	k := key(t, 1, 32)
	for _, tt := range vectors() {
		whole := packet(netip.MustParseAddr(tt.src), unhex(t, tt.message))
		at := len(whole) - len(unhex(t, tt.message)) + checksumAt
		before, checksum := sum(whole), [2]byte(whole[at:])
		for n := range uint64(1000) {
			if err := k.Seal(whole, n*0x123456789abcdef); err != nil {
				t.Fatal(err)
			}
			v6 := whole[0]>>4 == 6
			if v6 && sum(whole) != before || !v6 && [2]byte(whole[at:]) != checksum {
				t.Fatalf("%s, after %d seals: the checksum is wrong", tt.name, n+1)
			}
		}
	}
}

// What can be wrong with a seal, and with what came before it.
func TestRule37_Verify(t *testing.T) {
	v := vectors()[1]
	sealed := time.Unix(0x68000000, 0)
	flip := func(offset int) func([]byte) { return func(b []byte) { b[offset] ^= 1 } }
	const trailer = 24 // octets before it
	tests := []struct {
		name   string
		change func(message []byte)
		src    string
		window time.Duration
		clock  time.Duration // the receiver's, against the sender's
		want   Fault
	}{
		{name: "as sent", want: OK},
		{name: "another priority", change: flip(2), want: Forged},
		{name: "another VRID", change: flip(1), want: Forged},
		{name: "another version", change: flip(0), want: Forged},
		{name: "another interval", change: flip(5), want: Forged},
		{name: "another address", change: flip(23), want: Forged},
		{name: "another checksum", change: flip(6), want: OK},
		{name: "another source", src: "fe80::11", want: Forged},
		{name: "another scheme", change: flip(trailer), want: Malformed},
		{name: "reserved octets", change: flip(trailer + 3), want: Malformed},
		{name: "another key id", change: flip(trailer + 1), want: UnknownKey},
		{name: "another second", change: flip(trailer + 7), want: Forged},
		{name: "another counter", change: flip(trailer + 11), want: Forged},
		{name: "another first octet of the HMAC", change: flip(trailer + 12), want: Forged},
		{name: "another last octet of the HMAC", change: flip(trailer + 27), want: Forged},
		{name: "the HMAC left out", change: func(b []byte) { clear(b[trailer+12:]) }, want: Forged},
		{name: "as old as the window", window: 5 * time.Second, clock: 5 * time.Second, want: OK},
		{name: "older than the window", window: 5 * time.Second, clock: 6 * time.Second, want: Stale},
		{name: "as early as the window", window: 5 * time.Second, clock: -5 * time.Second, want: OK},
		{name: "earlier than the window", window: 5 * time.Second, clock: -6 * time.Second, want: Stale},
		{name: "a lie about the time is not found out by its HMAC", change: flip(trailer + 4), window: 5 * time.Second, want: Stale},
		{name: "old, and clocks are not compared", clock: 24 * time.Hour, want: OK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			message := unhex(t, v.message)
			if tt.change != nil {
				tt.change(message)
			}
			if tt.src == "" {
				tt.src = v.src
			}
			policy := Policy{Keys: []Key{key(t, 1, 32)}, Window: tt.window}
			got, skew := policy.Verify(new(Memory), netip.MustParseAddr(tt.src), message, sealed.Add(tt.clock))
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got == OK && skew != tt.clock {
				t.Errorf("skew: got %v, want %v", skew, tt.clock)
			}
		})
	}
	if got, _ := (&Policy{}).Verify(new(Memory), netip.MustParseAddr("fe80::1"), make([]byte, minMessage-1), sealed); got != Malformed {
		t.Errorf("too short: got %v, want %v", got, Malformed)
	}
}

// sealedAt is a message of a sender with a sequence.
func sealedAt(t testing.TB, k Key, src string, sequence uint64) []byte {
	t.Helper()
	whole := packet(netip.MustParseAddr(src), append(unhex(t, "3133c80100644402c0000264"), make([]byte, Len)...))
	if err := k.Seal(whole, sequence); err != nil {
		t.Fatal(err)
	}
	return whole[ipv4Len:]
}

// Replays, from the receiver's view: one mark for each sender.
func TestRule37_Replay(t *testing.T) {
	k := key(t, 1, 32)
	const s = 0x68000000
	at := func(sec int64, more uint64) uint64 { return uint64(s+sec)<<32 | more }
	type step struct {
		src      string
		sequence uint64
		clock    int64 // seconds
		want     Fault
	}
	tests := []struct {
		name   string
		window time.Duration
		steps  []step
	}{
		{"each one later than the last", 5 * time.Second, []step{
			{"10.0.0.1", at(0, 0), 0, OK}, {"10.0.0.1", at(0, 1), 0, OK}, {"10.0.0.1", at(0, 1), 0, Replayed}, {"10.0.0.1", at(0, 0), 0, Replayed},
			{"10.0.0.1", at(1, 0), 1, OK}, {"10.0.0.1", at(0, 1<<31), 1, Replayed}}},
		{"senders do not disturb each other", 5 * time.Second, []step{
			{"10.0.0.1", at(3, 0), 0, OK}, {"10.0.0.2", at(1, 0), 0, OK}, {"10.0.0.2", at(2, 0), 0, OK}, {"10.0.0.1", at(3, 0), 0, Replayed}}},
		{"a mark from the future expires with the window, once this node's clock was set back", 5 * time.Second, []step{
			{"10.0.0.1", at(60, 0), 60, OK}, {"10.0.0.1", at(0, 0), 0, OK}, {"10.0.0.1", at(0, 0), 0, Replayed}}},
		{"within the window it does not", 5 * time.Second, []step{{"10.0.0.1", at(4, 0), 2, OK}, {"10.0.0.1", at(2, 0), 2, Replayed}}},
		{"monotonic: the mark stays for ever", 0, []step{
			{"10.0.0.1", at(7200, 0), 0, OK}, {"10.0.0.1", at(0, 0), 0, Replayed}, {"10.0.0.1", at(7200, 1), 0, OK}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, policy := new(Memory), Policy{Keys: []Key{k}, Window: tt.window}
			for i, step := range tt.steps {
				got, _ := policy.Verify(m, netip.MustParseAddr(step.src), sealedAt(t, k, step.src, step.sequence), time.Unix(s+step.clock, 0))
				if got != step.want {
					t.Errorf("step %d: got %v, want %v", i+1, got, step.want)
				}
			}
		})
	}
}

// The seconds have 32 bits, which end in 2106.
func TestRule37_EndOfTheSeconds(t *testing.T) {
	k, m := key(t, 1, 32), new(Memory)
	policy := Policy{Keys: []Key{k}, Window: 5 * time.Second}
	for _, after := range []time.Duration{-time.Second, time.Second, 2 * time.Second} {
		now := time.Unix(1<<32, 0).Add(after)
		sequence := sequenceOf(time.Duration(now.UnixNano()))
		if got, _ := policy.Verify(m, netip.MustParseAddr("10.0.0.1"), sealedAt(t, k, "10.0.0.1", sequence), now); got != OK {
			t.Errorf("%v after the end: got %v, want %v", after, got, OK)
		}
	}
}

// Who has no key is not remembered, so a flood of invented senders makes this node forget nobody; and who has it cannot fill
// the memory.
func TestRule37_MemoryIsBounded(t *testing.T) {
	k, m := key(t, 1, 32), new(Memory)
	policy := Policy{Keys: []Key{k}}
	verify := func(src string, message []byte) Fault {
		fault, _ := policy.Verify(m, netip.MustParseAddr(src), message, time.Unix(0, 0))
		return fault
	}
	for i := range 500 {
		src := fmt.Sprintf("10.1.%d.%d", i/250, i%250)
		message := sealedAt(t, k, src, 1)
		message[len(message)-1] ^= 1
		if got := verify(src, message); got != Forged {
			t.Fatalf("forged: got %v, want %v", got, Forged)
		}
	}
	if len(m.senders) != 0 {
		t.Errorf("remembers %d forgers, want none", len(m.senders))
	}
	for i := range 500 {
		verify("10.0.0.1", sealedAt(t, k, "10.0.0.1", uint64(2+i)))
		src := fmt.Sprintf("10.2.%d.%d", i/250, i%250)
		verify(src, sealedAt(t, k, src, 1))
	}
	if len(m.senders) != maxSenders {
		t.Errorf("remembers %d senders, want %d", len(m.senders), maxSenders)
	}
	if got := verify("10.0.0.1", sealedAt(t, k, "10.0.0.1", 2)); got != Replayed {
		t.Errorf("the sender that is always there was forgotten: got %v, want %v", got, Replayed)
	}
}

func TestRule37_Keys(t *testing.T) {
	for _, tt := range []struct {
		name string
		id   uint8
		n    int
		want string
	}{
		{"shortest", 1, 32, ""},
		{"longest", 255, 64, ""},
		{"too short", 3, 31, "key 3 has 31 octets, want 32 to 64"},
		{"too long", 3, 65, "key 3 has 65 octets, want 32 to 64"},
		{"no id", 0, 32, "key id 0, want 1 to 255"},
	} {
		_, err := NewKey(tt.id, octets(tt.n))
		if got := fmt.Sprint(err); got != tt.want && (err != nil || tt.want != "") {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	a, b := key(t, 1, 32), key(t, 1, 32)
	if !a.Equal(b) || a.Equal(key(t, 2, 32)) || a.Equal(key(t, 1, 33)) || a.Equal(Key{}) || !(Key{}).Equal(Key{}) {
		t.Error("equal keys, or different ones, are not told apart")
	}
}

// Whatever prints a key, or what it is part of, shows no octet of it.
func TestRule37_KeysAreNotPrinted(t *testing.T) {
	k, err := NewKey(9, bytes.Repeat([]byte("S3CR3TQQ"), 4))
	if err != nil {
		t.Fatal(err)
	}
	type hidden struct{ keys []Key }
	for _, v := range []any{k, &k, hidden{[]Key{k}}, &hidden{[]Key{k}}, Policy{Keys: []Key{k}}, struct{ a any }{k}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text = append(text, fmt.Sprintf(format, v)...)
		}
		for _, leak := range []string{"S3CR3T", "533343523354", "83 51 67 82"} {
			if strings.Contains(string(text), leak) {
				t.Errorf("%T: %s is in %s", v, leak, text)
			}
		}
	}
}

func TestRule37_SealRefuses(t *testing.T) {
	k := key(t, 1, 32)
	good := packet(netip.MustParseAddr("10.0.0.1"), make([]byte, minMessage))
	for _, tt := range []struct {
		name   string
		key    Key
		packet []byte
		want   string
	}{
		{"no key", Key{}, good, "seal an advert: no key"},
		{"nothing", k, nil, "seal an advert: the packet is empty"},
		{"no IP", k, []byte{0x50, 0}, "seal an advert: no IP packet"},
		{"a header of no length", k, []byte{0x40, 0}, "seal an advert: no IP packet"},
		{"no room", k, good[:len(good)-1], "seal an advert: a packet of 55 octets, want at least 56"},
	} {
		if err := tt.key.Seal(tt.packet, 1); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

// A flood costs a bounded time for each packet: one digest at most, and none for what a look at the trailer tells.
func BenchmarkVerify(b *testing.B) {
	k := key(b, 1, 32)
	now := time.Unix(0x68000000, 0)
	good := sealedAt(b, k, "10.0.0.1", 0x68000000<<32)
	forged, stale := bytes.Clone(good), bytes.Clone(good)
	forged[len(forged)-1] ^= 1
	stale[16] ^= 1
	src, policy, m := netip.MustParseAddr("10.0.0.1"), Policy{Keys: []Key{k}, Window: 5 * time.Second}, new(Memory)
	for name, message := range map[string][]byte{"forged": forged, "stale": stale} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				policy.Verify(m, src, message, now)
			}
		})
	}
}

// Rule 37: no trailer makes the receiver panic, and none that was not made with the key counts.
func FuzzRule37_Verify(f *testing.F) {
	for _, v := range vectors() {
		f.Add(unhex(f, v.message), false)
		f.Add(unhex(f, v.message), true)
	}
	f.Fuzz(func(t *testing.T, message []byte, v6 bool) {
		src := netip.MustParseAddr("10.77.0.1")
		if v6 {
			src = netip.MustParseAddr("fe80::10")
		}
		k, err := NewKey(7, bytes.Repeat([]byte{0x5a}, 32))
		if err != nil {
			t.Fatal(err)
		}
		policy, m := Policy{Keys: []Key{k}}, new(Memory)
		if fault, _ := policy.Verify(m, src, message, time.Unix(0x68000000, 0)); fault == OK {
			t.Fatalf("a message that nobody sealed counts: %x", message)
		}
		whole := packet(src, message)
		if err := k.Seal(whole, 1); err != nil {
			return
		}
		sealed := whole[len(whole)-len(message):]
		if fault, _ := policy.Verify(m, src, sealed, time.Unix(0x68000000, 0)); fault != OK {
			t.Fatalf("what was sealed does not count: %v, %x", fault, sealed)
		}
	})
}
