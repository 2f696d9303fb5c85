package e2e

import (
	"context"
	wire "encoding/binary" // binary is the program under test
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

const (
	forgedRounds = 40
	forgedBatch  = 10 // packets of each kind in a round: a round fits the default buffer of a socket
)

// forgery is one advert, with everything that a sender can lie about.
type forgery struct {
	source  netip.Addr
	ttl     uint8
	payload []byte // the VRRP message
}

// forger makes adverts that a router would have to believe if it looked at all but one thing.
type forger struct{ random *rand.Rand }

// advert is one of the pair's own, from another router, with a priority that would change something.
func (f forger) advert() forgery {
	priority := []byte{0, 1, 102, 255}[f.random.IntN(4)]
	return forgery{
		source: netip.AddrFrom4([4]byte{10, 77, 0, byte(30 + f.random.IntN(200))}), ttl: 255,
		payload: append([]byte{0x21, 51, priority, 1, 1, 1, 0, 0, 10, 77, 0, 100}, "s3cret77"...),
	}
}

// sum makes the checksum right.
func (f forgery) sum() forgery {
	clear(f.payload[6:8])
	wire.BigEndian.PutUint16(f.payload[6:], internetChecksum(f.payload))
	return f
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

// noise fills b.
func (f forger) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(f.random.Uint32())
	}
	return b
}

// forgeries are the kinds: what is wrong, and the counter that grows by it on each node. Where that is empty, the kinds
// share the rest.
func forgeries() []struct {
	name, reason string
	make         func(f forger, own netip.Addr) forgery
} {
	type kind = struct {
		name, reason string
		make         func(f forger, own netip.Addr) forgery
	}
	change := func(do func(f forger, a *forgery)) func(forger, netip.Addr) forgery {
		return func(f forger, _ netip.Addr) forgery {
			a := f.advert()
			do(f, &a)
			return a.sum()
		}
	}
	return []kind{
		{"TTL", "ttl", change(func(f forger, a *forgery) { a.ttl = byte(f.random.IntN(255)) })},
		{"version", "version", change(func(f forger, a *forgery) { a.payload[0] = byte(f.random.IntN(16))&^3<<4 | 1 })},
		{"type", "type", change(func(f forger, a *forgery) { a.payload[0] = 0x20 | byte(2+f.random.IntN(14)) })},
		{"VRID", "vrid", change(func(f forger, a *forgery) { a.payload[1] = byte(52 + f.random.IntN(204)) })},
		{"authentication type", "auth_type", change(func(f forger, a *forgery) { a.payload[4] = byte(2 * f.random.IntN(100)) })},
		{"password", "auth_data", change(func(f forger, a *forgery) { copy(a.payload[12:], f.noise(7)) })},
		{"interval", "interval", change(func(f forger, a *forgery) { a.payload[5] = byte(2 + f.random.IntN(254)) })},
		{"truncated", "length", change(func(f forger, a *forgery) { a.payload = a.payload[:8+f.random.IntN(12)] })},
		{"oversized", "length", change(func(f forger, a *forgery) { a.payload = append(a.payload, f.noise(1+f.random.IntN(1000))...) })},
		{"too long for an advert", "length", change(func(f forger, a *forgery) { a.payload = append(a.payload, f.noise(1200)...) })},
		{"checksum", "checksum", func(f forger, _ netip.Addr) forgery {
			a := f.advert().sum()
			a.payload[6] ^= byte(1 + f.random.IntN(255))
			return a
		}},
		{"own source", "own_source", func(f forger, own netip.Addr) forgery {
			a := f.advert().sum()
			a.source = own
			return a
		}},
		{"noise", "", func(f forger, _ netip.Addr) forgery {
			a := f.advert()
			a.payload = f.noise(f.random.IntN(100))
			return a
		}},
	}
}

// frameTo is the forgery as an Ethernet frame for one node, so that each node can get packets from its own address.
func (f forgery) frameTo(mac, from net.HardwareAddr) []byte {
	b := append(append(append([]byte(nil), mac...), from...), 0x08, 0x00)
	ip := []byte{0x45, 0xc0, 0, 0, 0, 0, 0, 0, f.ttl, protocolVRRP, 0, 0}
	source, group := f.source.As4(), [4]byte{224, 0, 0, 18}
	ip = append(append(ip, source[:]...), group[:]...)
	wire.BigEndian.PutUint16(ip[2:], uint16(len(ip)+len(f.payload)))
	wire.BigEndian.PutUint16(ip[10:], internetChecksum(ip))
	return append(append(b, ip...), f.payload...)
}

// Thousands of forged adverts change nothing on a pair, but counters.
func TestIntegrationForgedAdvertsChangeNothing(t *testing.T) {
	p := newPair(t, "")
	nodes := []string{"lb1", "lb2"}
	for _, node := range nodes {
		letOwnSourceIn(t, p.Node(node))
	}
	check(t, p.Start(t.Context()))
	before, lines := map[string]status.Snapshot{}, map[string]int{}
	for _, node := range nodes {
		s, err := statusOf(t.Context(), p, node)
		check(t, err)
		before[node], lines[node] = s, strings.Count(p.Daemon(node).Output(), "\n")
	}
	mark, begun := p.Lab.Mark(), time.Now()

	conn := rawSocket(t, p.Node("client"), "eth0", []bpf.Instruction{bpf.RetConstant{Val: 0}})
	t.Cleanup(func() { _ = conn.Close() })
	f := forger{random: rand.New(rand.NewPCG(3768, 2338))}
	round := func(node string) {
		own := netip.MustParseAddr(map[string]string{"lb1": "10.77.0.1", "lb2": "10.77.0.2"}[node])
		for _, kind := range forgeries() {
			for range forgedBatch {
				send(t, conn, kind.make(f, own).frameTo(p.Cable(node).MAC, p.Cable("client").MAC))
			}
		}
	}
	want := map[string]uint64{} // by reason; "" is the sum of all
	for range forgedRounds {
		for _, kind := range forgeries() {
			want[kind.reason] += forgedBatch
			if kind.reason != "" {
				want[""] += forgedBatch
			}
		}
		for _, node := range nodes {
			round(node)
		}
		for _, node := range nodes { // before the next round: the socket's buffer is finite
			awaitDropped(t, p, node, want)
		}
	}

	for _, node := range nodes {
		t.Run(node, func(t *testing.T) {
			after, err := statusOf(t.Context(), p, node)
			check(t, err)
			sameTerm(t, before[node], after)
			got := dropped(after)
			t.Logf("%s dropped %v", node, got)
			for reason, n := range want {
				if reason != "" && got[reason] < n {
					t.Errorf("%d packets dropped for %s, want %d", got[reason], reason, n)
				}
			}
			// Each reason once, for the instance and for the interface, and each stranger up to a limit of 64.
			const most = 2*12 + 64
			if n := strings.Count(p.Daemon(node).Output(), "\n") - lines[node]; n > most {
				t.Errorf("%d lines of log for %d packets, want %d at most", n, want[""], most)
			} else {
				t.Logf("%d packets, %d lines of log", want[""], n)
			}
		})
	}
	figure{"5200 forged adverts in half a second", 0}.judge(t, p.Record.Since(begun))
	events, err := p.Lab.Since(mark)
	check(t, err)
	for _, e := range events {
		if e.Address.Addr() == drill.VIP && e.Kind != netlab.AddressChanged || e.Node == "lb2" && e.Kind == netlab.AdvertSeen {
			t.Errorf("a forged advert led to: %v", e)
		}
	}
	check(t, p.AwaitSole(t.Context(), "lb1"))

	t.Run("a silent master is still missed", func(t *testing.T) {
		mark, begun := p.Lab.Mark(), time.Now()
		check(t, p.Cable("lb1").Pull(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		taken := make(chan netlab.Event, 1) // the one event; sent by the goroutine below, which closes it
		go func() {
			defer close(taken)
			if e, err := p.Lab.Await(ctx, mark, func(e netlab.Event) bool {
				return e.Kind == netlab.AddressAdded && e.Node == "lb2" && e.Address.Addr() == drill.VIP
			}); err == nil {
				taken <- e
			}
		}()
		for {
			round("lb2")
			select {
			case e, ok := <-taken:
				took := e.Time.Sub(begun)
				if !ok || took > keepalivedDown+slack {
					t.Errorf("lb2 took over %t, after %v; want within %v", ok, took, keepalivedDown+slack)
				}
				t.Logf("takeover under forged adverts: %v", took)
				return
			case <-time.After(20 * time.Millisecond): // between two rounds
			}
		}
	})
}

// letOwnSourceIn has the kernel deliver packets that claim to come from the node itself, which it would drop: the daemon
// is to be looked at, not the kernel.
func letOwnSourceIn(t *testing.T, node *netlab.Node) {
	t.Helper()
	check(t, node.Do(func() error {
		return os.WriteFile("/proc/sys/net/ipv4/conf/all/accept_local", []byte("1"), 0)
	}))
}

func send(t *testing.T, conn *packet.Conn, frame []byte) {
	t.Helper()
	if _, err := conn.WriteTo(frame, &packet.Addr{HardwareAddr: net.HardwareAddr(frame[:6])}); err != nil {
		t.Fatal(fmt.Errorf("send a forged advert: %w", err))
	}
}

// awaitDropped waits until a node has counted so many packets; want[""] is the sum.
func awaitDropped(t *testing.T, p *drill.Pair, node string, want map[string]uint64) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		s, err := statusOf(t.Context(), p, node)
		check(t, err)
		sum := uint64(0)
		for _, n := range dropped(s) {
			sum += n
		}
		if sum >= want[""] {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s counted %d of %d forged adverts: %v", node, sum, want[""], dropped(s))
		}
		time.Sleep(10 * time.Millisecond) // the counters make no events
	}
}
