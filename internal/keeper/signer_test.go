package keeper

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/vrrp/seal"
)

const testSecret = "s3cret s3cret s3cret s3cret s3cret"

func testSigner(t testing.TB) Signer {
	t.Helper()
	key, err := seal.NewKey(7, []byte(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	return Signer{seal.Signer{Key: key, Offset: 1000 * time.Hour, Slack: 5 * time.Second}}
}

// sealable is an advert of 10.77.0.1 with room for a trailer.
func sealable(t testing.TB, priority byte) Packet {
	t.Helper()
	data := append([]byte{0x45, 0xc0, 0, 60, 0, 0, 0, 0, 255, 112, 0, 0, 10, 77, 0, 1, 224, 0, 0, 18}, 0x31, 51, priority, 1, 0, 10, 0, 0, 10, 77, 0, 100)
	return Packet{Interface: "eth0", Dst: testDst, Data: append(data, make([]byte, seal.Len)...), Signer: testSigner(t)}
}

// recorder are Effects that keep what is sent.
type recorder struct{ packets [][]byte }

func (r *recorder) RemoveAddress(string, netip.Prefix) error { return nil }
func (r *recorder) OpenSender(Way) (Sender, error)           { return recorderSender{r}, nil }

type recorderSender struct{ *recorder }

func (r recorderSender) Send(_ netip.Addr, packet []byte) error {
	r.packets = append(r.packets, bytes.Clone(packet))
	return nil
}
func (recorderSender) Close() error { return nil }

// testLoop is a keeper's loop that is not run.
func testLoop(t *testing.T, e Effects) *loop {
	t.Helper()
	book, file, err := makeLedger()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() }) // it stays mapped
	return newLoop(e, book, os.Getpid())
}

// Rule 37: the daemon speaks, hands its beat over, speaks between two beats, and is killed; the keeper has the last word. Then
// another keeper goes on in the place of one that was killed. A receiver takes none of it for a copy, and the farewell is as
// fresh as it can be, however long ago it was left.
func TestRule37_TheKeeperSigns(t *testing.T) {
	t.Parallel()
	boot, real := time.Hour, time.Unix(0x68000000, 0)
	pass := func(d time.Duration) { boot, real = boot+d, real.Add(d) }
	now := func() seal.Now { return seal.Now{Real: real, Boot: boot} }
	sent := new(recorder)
	policy, memory := seal.Policy{Keys: []seal.Key{testSigner(t).Key}, Window: 5 * time.Second}, new(seal.Memory)
	heard := func(what string) {
		t.Helper()
		if len(sent.packets) == 0 {
			t.Errorf("%s: nothing was sent", what)
		}
		for _, b := range sent.packets {
			if got, _ := policy.Verify(memory, netip.AddrFrom4([4]byte(b[12:])), b[20:], real); got != seal.OK {
				t.Errorf("%s: the receiver says %v, want %v", what, got, seal.OK)
			}
		}
		sent.packets = nil
	}
	daemon := seal.Clock{Slack: 5 * time.Second}
	daemonSays := func(what string) {
		t.Helper()
		p := sealable(t, 101)
		if err := p.Signer.Key.Seal(p.Data, daemon.Next(now())); err != nil {
			t.Fatal(err)
		}
		sent.packets = append(sent.packets, p.Data)
		heard(what)
	}
	newKeeper := func() *loop {
		l := testLoop(t, sent)
		l.hands.clocks.now = now
		l.core.silence = defaultSilence
		l.file = willJournal{file: willFileOf(t.TempDir(), "lb1")}
		return l
	}
	beat := func() *Beat {
		p := sealable(t, 101)
		p.Signer.Offset = daemon.Offset
		return &Beat{Packet: p, Interval: 100 * ms}
	}
	farewell := func() will {
		p := sealable(t, 0)
		p.Signer.Offset = 0 // who leaves a will does not know the clock of who carries it out
		return will{RemoveAddress{Interface: "eth0", Prefix: testVIP}, SendPacket(p)}
	}
	ask := func(l *loop, r request) {
		t.Helper()
		r.Instance = "VI_1"
		if err := l.request(r); err != nil {
			t.Fatal(err)
		}
	}

	daemonSays("the daemon takes over")
	first := newKeeper()
	ask(first, request{Kind: askWill, Will: farewell()})
	ask(first, request{Kind: askBeat, Beat: beat()})
	for i := range 10 {
		pass(100 * ms)
		first.advert(action{instance: "VI_1", beat: *first.core.instances[0].beat})
		heard(fmt.Sprintf("beat %d", i+1))
		pass(2 * time.Microsecond)
		daemonSays("the daemon, in a contest")
	}
	real = real.Add(-3 * time.Second) // NTP sets the clock back, by less than the window
	second := newKeeper()
	ask(second, request{Kind: askWill, Will: farewell()})
	ask(second, request{Kind: askBeat, Beat: beat()})
	pass(ms)
	second.advert(action{instance: "VI_1", beat: *second.core.instances[0].beat})
	heard("another keeper, after the clock was set back")
	pass(2 * time.Microsecond)
	daemonSays("the daemon, after the clock was set back")
	pass(time.Hour) // the farewell has waited for long
	second.note(second.step(bootTime(), event{kind: hangup}))
	if len(sent.packets) != 1 || sent.packets[0][22] != 0 {
		t.Errorf("sent %x, want a farewell", sent.packets)
	}
	heard("the farewell")
	if len(second.failed) > 0 {
		t.Error(second.failed)
	}
}

// Rule 37: the same advert to several peers has one sequence, as Keepalived sends it.
func TestRule37_PeersGetTheSameSeal(t *testing.T) {
	t.Parallel()
	sent := new(recorder)
	l := testLoop(t, sent)
	b := Beat{Packet: sealable(t, 101), Also: []Packet{sealable(t, 101)}, Interval: 100 * ms}
	l.advert(action{instance: "VI_1", beat: b})
	l.advert(action{instance: "VI_1", beat: b})
	if len(sent.packets) != 4 || !bytes.Equal(sent.packets[0], sent.packets[1]) || bytes.Equal(sent.packets[1], sent.packets[2]) || !bytes.Equal(sent.packets[2], sent.packets[3]) {
		t.Errorf("sent %x", sent.packets)
	}
	if l.counters.Adverts != 4 || l.counters.AdvertErrors != 0 {
		t.Errorf("counted %+v", l.counters)
	}
}

// Rule 37: a key reaches the keeper whole, and no file.
func TestRule37_KeysOnTheSocketAndNotOnDisk(t *testing.T) {
	t.Parallel()
	w := will{RemoveAddress{Interface: "eth0", Prefix: testVIP}, SendPacket(sealable(t, 0))}
	message, err := encodeRequest(request{Kind: askWill, Instance: "VI_1", Will: w})
	if err != nil {
		t.Fatal(err)
	}
	r, err := decodeRequest(message[1:])
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Will.signer(); !got.Equal(testSigner(t).Signer) {
		t.Errorf("got the signer %v, want %v", got, testSigner(t))
	}
	file := willFileOf(t.TempDir(), "lb1")
	if err := file.save(map[string]will{"VI_1": r.Will, "VI_2": testWill()}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(string(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{"signer", "secret", testSecret, hex.EncodeToString([]byte(testSecret)), base64.StdEncoding.EncodeToString([]byte(testSecret))} {
		if strings.Contains(string(text), leak) {
			t.Errorf("%q is in the file: %s", leak, text)
		}
	}
	wills, err := file.load()
	if err != nil {
		t.Fatal(err)
	}
	var ops []string
	for _, name := range []string{"VI_1", "VI_2"} {
		for _, op := range wills[name] {
			ops = append(ops, name+": "+op.String())
		}
	}
	want := []string{"VI_1: remove 10.77.0.100/24 from eth0", "VI_2: remove 10.77.0.100/24 from eth0", "VI_2: send 3 octets to 224.0.0.18 on eth0"}
	if !slices.Equal(ops, want) {
		t.Errorf("got %q, want %q", ops, want)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", w, w, w, w); strings.Contains(shown, "s3cret") || strings.Contains(shown, "115 51 99 114") {
		t.Errorf("the key is in %s", shown)
	}
}

func TestRule37_SignersThatAreRefused(t *testing.T) {
	t.Parallel()
	const will = `{"kind":"will","instance":"VI_1","will":[{"op":"send_packet","with":{"interface":"eth0","dst":"224.0.0.18","data":"%s","signer":{"id":%d,"secret":"%s","offset":0,"slack":0}}}]}`
	room := base64.StdEncoding.EncodeToString(sealable(t, 0).Data)
	secret := base64.StdEncoding.EncodeToString([]byte(testSecret))
	for _, tt := range []struct{ name, text, want string }{
		{"as it should be", fmt.Sprintf(will, room, 1, secret), ""},
		{"a short secret", fmt.Sprintf(will, room, 1, "AAAA"), "request: operation 1: signer: key 1 has 3 octets, want 32 to 64"},
		{"no id", fmt.Sprintf(will, room, 0, secret), "request: operation 1: signer: key id 0, want 1 to 255"},
		{"no room", fmt.Sprintf(will, "RQ==", 1, secret), "request: operation 1: seal an advert: a packet of 1 octets, want at least 56"},
	} {
		_, err := decodeRequest([]byte(tt.text))
		if got := fmt.Sprint(err); got != tt.want && (err != nil || tt.want != "") {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
