package e2e

import (
	"bytes"
	"context"
	wire "encoding/binary" // binary is the program under test
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
	"github.com/tandem-lb/tandem/vrrp/seal"
)

// The keys of these pairs, as they stand in the configuration.
const (
	firstKey  = `{id: 1, key: "hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"}`
	secondKey = `{id: 2, key: a passphrase of 32 octets at least}`
)

// signed is config3 with HMAC.
func signed(t *testing.T, keys string) string {
	return edited(t, config3(t), "      virtual_router_id: 51\n", "      virtual_router_id: 51\n      authentication: {type: HMAC, "+keys+"}\n")
}

// noneRefused: no advert of the pair's own was taken for a forged or repeated one.
func noneRefused(t *testing.T, p *drill.Pair, nodes ...string) {
	t.Helper()
	for _, node := range nodes {
		for reason, n := range dropped(mustSnapshot(t, p, node)) {
			if strings.HasPrefix(reason, "hmac") {
				t.Errorf("%s dropped %d adverts of the other node for %s", node, n, reason)
			}
		}
	}
}

// Rule 37: a pair that enforces HMAC fails over as any other does, whoever of a node's processes speaks last: the daemon, or its
// keeper when the daemon is killed or frozen, or a keeper that took another's place.
func TestIntegrationRule37HMACPair(t *testing.T) {
	p := newPair(t, signed(t, "keys: ["+firstKey+"]"))
	check(t, p.Start(t.Context()))
	ready(t, p, "lb1")
	if h := mustSnapshot(t, p, "lb1").Instances[0].HMAC; h == nil || h.Mode != "enforce" || len(h.Keys) != 1 || h.Active != 1 || h.Window != 5 {
		t.Errorf("the status tells of HMAC: %+v", h)
	}
	measure(t, p, figure{"HMAC: master's cable pulled", silenceBound3}, "lb2", func(ctx context.Context) error { return p.Cable("lb1").Pull(ctx) })
	unserving(t, p, "lb1")
	measure(t, p, figure{"HMAC: cable back", contestBound}, "lb1", func(ctx context.Context) error { return p.Cable("lb1").Restore(ctx) })
	ready(t, p, "lb1")
	noneRefused(t, p, "lb1", "lb2")
	measure(t, p, figure{"HMAC: master stopped", stopBound3}, "lb2", signal(p, "lb1", syscall.SIGTERM))
	measure(t, p, figure{"HMAC: start again: failback", contestBound}, "lb1", func(context.Context) error { return p.StartDaemon("lb1") })
	ready(t, p, "lb1")
	noneRefused(t, p, "lb1", "lb2")

	before := mustSnapshot(t, p, "lb1").Keeper
	measure(t, p, figure{"HMAC: keeper killed (kill -9)", 0}, "lb1", func(context.Context) error {
		command(t, p, "lb1", "kill", "-9", strconv.Itoa(before.PID))
		return nil
	})
	awaitStatus(t, p, "lb1", "has another keeper, which beats", func(s status.Snapshot) bool {
		return s.Keeper.Alive && s.Keeper.PID != before.PID && s.Keeper.Adverts > 0
	})
	if s := mustSnapshot(t, p, "lb1").Keeper; s.AdvertErrors > 0 {
		t.Errorf("the keeper could not send %d adverts", s.AdvertErrors)
	}
	measure(t, p, figure{"HMAC: daemon killed (kill -9)", killBound3}, "lb2", signal(p, "lb1", syscall.SIGKILL))
	noneRefused(t, p, "lb2")
	restartForgetting(t, p, "lb1")
	awaitFailback(t, p)
	ready(t, p, "lb1")
	measure(t, p, figure{"HMAC: daemon frozen (SIGSTOP)", 2*time.Second + stopBound3}, "lb2", signal(p, "lb1", syscall.SIGSTOP))
	noneRefused(t, p, "lb2")
}

// Rule 37: from one key to another by reloads, and from nothing to HMAC; no advert is lost on the way, and what would make two
// masters is refused.
func TestIntegrationRule37HMACRotation(t *testing.T) {
	plain := config3(t)
	p := newPair(t, plain)
	check(t, p.Start(t.Context()))
	ready(t, p, "lb1")
	mark := p.Lab.Mark()
	before := map[string]status.Snapshot{"lb1": mustSnapshot(t, p, "lb1"), "lb2": mustSnapshot(t, p, "lb2")}
	refusal := func(config string) {
		t.Helper()
		check(t, p.WriteConfig(config))
		if out, err := try(t, p, "lb1", binary(t), "reload"); err == nil || !strings.Contains(out, "refused without --force: VI_1: authentication: ") {
			t.Errorf("a reload that the other node would not understand: got %v, %s", err, out)
		}
	}
	both := func(keys string) {
		t.Helper()
		for _, node := range []string{"lb2", "lb1"} {
			mustReload(t, p, node, signed(t, keys))
			pause(t, 3*advertInterval3)
		}
	}
	refusal(signed(t, "keys: ["+firstKey+"]"))
	both("mode: receive-only, keys: [" + firstKey + "]")
	refusal(signed(t, "keys: ["+firstKey+"]"))
	both("mode: permissive, keys: [" + firstKey + "]")
	both("mode: enforce, keys: [" + firstKey + "]")
	refusal(signed(t, "keys: ["+secondKey+"]"))
	both("keys: [" + firstKey + ", " + secondKey + "], active_key: 1")
	both("keys: [" + firstKey + ", " + secondKey + "], active_key: 2")
	both("keys: [" + secondKey + "]")
	noneRefused(t, p, "lb1", "lb2")
	for node, s := range before {
		sameTerm(t, s, mustSnapshot(t, p, node))
	}
	events, err := p.Lab.Since(mark)
	check(t, err)
	last, longest, keys := time.Time{}, time.Duration(0), []byte{}
	for _, e := range filter(events, func(e netlab.Event) bool { return e.Kind == netlab.AdvertSeen }) {
		if e.Node != "lb1" {
			t.Errorf("an advert of %s: %v", e.Node, e)
			continue
		}
		if !last.IsZero() {
			longest = max(longest, e.Time.Sub(last))
		}
		last = e.Time
		id := byte(0)
		if len(e.Advert.Payload) > seal.Len+8 {
			id = e.Advert.Payload[len(e.Advert.Payload)-seal.Len+1]
		}
		if n := len(keys); n == 0 || keys[n-1] != id {
			keys = append(keys, id)
		}
	}
	if !bytes.Equal(keys, []byte{0, 1, 2}) {
		t.Errorf("signed with the keys %v one after the other, want none, 1 and 2", keys)
	}
	within(t, "HMAC: longest silence while keys rotate", longest, advertInterval3+20*time.Millisecond)
}

// Rule 37: what somebody without a key sends, and copies of what the nodes sent themselves, change nothing: not even those of a
// farewell, to the node that took over by it.
func TestIntegrationRule37HMACForgedAndReplayed(t *testing.T) {
	p := newPair(t, signed(t, "keys: ["+firstKey+"]"))
	check(t, p.Start(t.Context()))
	ready(t, p, "lb1")
	mark := p.Lab.Mark()
	check(t, p.Daemon("lb1").Signal(syscall.SIGTERM)) // so that both have spoken, and one has said farewell
	check(t, p.AwaitSole(t.Context(), "lb2"))
	pause(t, 3*advertInterval3)
	start(t, p, "lb1")
	awaitFailback(t, p)
	ready(t, p, "lb1")
	events, err := p.Lab.Since(mark)
	check(t, err)
	recorded := map[string][][]byte{}
	for _, e := range filter(events, func(e netlab.Event) bool { return e.Kind == netlab.AdvertSeen }) {
		recorded[e.Node] = append(recorded[e.Node], e.Advert.Payload)
	}
	before, lines := map[string]status.Snapshot{}, map[string]int{}
	for _, node := range []string{"lb1", "lb2"} {
		if len(recorded[node]) == 0 {
			t.Fatalf("no advert of %s seen", node)
		}
		before[node], lines[node] = mustSnapshot(t, p, node), strings.Count(p.Daemon(node).Output(), "\n")
	}
	mark, begun := p.Lab.Mark(), time.Now()

	conn := rawSocket(t, p.Node("client"), "eth0", []bpf.Instruction{bpf.RetConstant{Val: 0}})
	t.Cleanup(func() { _ = conn.Close() })
	sent := map[string]int{}
	address := map[string]string{"lb1": "10.77.0.1", "lb2": "10.77.0.2"}
	for range 5 {
		for node, payloads := range recorded {
			for _, payload := range append(payloads, signedForgeries(t, address[node], payloads[0])...) {
				f := forgery{source: netip.MustParseAddr(address[node]), to: vrrpGroup, ttl: 255, payload: payload}
				to := other(node)
				_, err := conn.WriteTo(f.frameTo(p.Cable(to).MAC, p.Cable("client").MAC), &packet.Addr{HardwareAddr: p.Cable(to).MAC})
				check(t, err)
				sent[to]++
			}
		}
		pause(t, advertInterval3)
	}
	for _, node := range []string{"lb1", "lb2"} {
		after := awaitStatus(t, p, node, "has dropped them all", func(s status.Snapshot) bool {
			n := uint64(0)
			for _, count := range dropped(s) {
				n += count
			}
			return n >= uint64(sent[node])
		})
		sameTerm(t, before[node], after)
		got := dropped(after)
		t.Logf("%s dropped %v of %d", node, got, sent[node])
		for _, reason := range []string{"hmac_missing", "hmac_malformed", "hmac_stale", "hmac_key", "hmac"} {
			if got[reason] < 5 {
				t.Errorf("%s: %d adverts dropped for %s, want 5 at least", node, got[reason], reason)
			}
		}
		if got["hmac_replay"] == 0 {
			t.Errorf("%s noticed no copy: %v", node, got)
		}
		// Each reason once, and again when the master is another one.
		if n := strings.Count(p.Daemon(node).Output(), "\n") - lines[node]; n > len(got) {
			t.Errorf("%s: %d lines of log for %d packets, want %d at most", node, n, sent[node], len(got))
		}
	}
	figure{"HMAC: forged adverts and copies", 0}.judge(t, p.Record.Since(begun))
	check(t, p.AwaitSole(t.Context(), "lb1"))
	events, err = p.Lab.Since(mark)
	check(t, err)
	if moved := filter(events, func(e netlab.Event) bool { return added("lb2")(e) || removed("lb1")(e) }); len(moved) > 0 {
		t.Errorf("the address moved: %v", moved)
	}
}

// signedForgeries are what one can make of a signed advert without the key, each with one thing wrong, and one advert that was
// signed with the key a minute ago.
func signedForgeries(t *testing.T, source string, payload []byte) [][]byte {
	t.Helper()
	message := len(payload) - seal.Len
	change := func(do func(b []byte)) []byte {
		b := bytes.Clone(payload)
		b[2] = 255 // the priority; a checksum of RFC 9568, which has no pseudo header
		do(b)
		clear(b[6:8])
		wire.BigEndian.PutUint16(b[6:], internetChecksum(b[:message]))
		return b
	}
	now := func(b []byte) { wire.BigEndian.PutUint32(b[message+4:], uint32(time.Now().Unix())) }
	old := change(func([]byte) {})
	k, err := seal.NewKey(1, []byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"))
	check(t, err)
	ip := make([]byte, 20)
	ip[0] = 0x45
	from := netip.MustParseAddr(source).As4()
	copy(ip[12:], from[:])
	whole := append(ip, old...)
	check(t, k.Seal(whole, uint64(time.Now().Add(-time.Minute).Unix())<<32))
	return [][]byte{
		change(now),
		change(func(b []byte) { now(b); b[message] = 2 }),
		change(func(b []byte) { now(b); b[message+1] = 9 }),
		change(func([]byte) {})[:message],
		whole[len(ip):],
	}
}
