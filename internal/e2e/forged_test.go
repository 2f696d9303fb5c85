package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

const (
	forgedRounds = 10
	forgedBatch  = 10     // packets of each kind in a round: a round fits the default buffer of a socket
	forgedFlood  = 20_000 // at once, half of them to each node

	// forgedCPU bounds what a packet of the flood costs a node, all in all: a hundred times what it takes is still no attack.
	forgedCPU = 100 * time.Microsecond
	// forgedLines bounds the log: each reason once, for the instance and for the interface, and each stranger up to a
	// limit of 64.
	forgedLines = 2*16 + 64
)

// besieged is a pair whose nodes get adverts that somebody made up.
type besieged struct {
	*drill.Pair
	mode    forgedMode
	conn    *packet.Conn // the forger's
	forgers map[string]forger
	before  map[string]status.Snapshot
	lines   map[string]int // of log, before
}

var bothNodes = []string{"lb1", "lb2"}

// Thousands of forged adverts change nothing on a pair, but counters, in whatever way it speaks. What a valid one changes is
// the protocol's own: nobody is asked who he is but by a password or by his address.
func TestIntegrationForgedAdvertsChangeNothing(t *testing.T) {
	v2, v3 := forgedModes(t)
	t.Run("v2", func(t *testing.T) { // at an advert a second it takes 4 s to the first master: side by side
		for _, b := range besiege(t, v2...) {
			t.Run(b.mode.name, b.stands)
		}
	})
	for _, mode := range v3 {
		t.Run(mode.name, func(t *testing.T) { besiege(t, mode)[0].stands(t) })
	}
}

func (b *besieged) stands(t *testing.T) {
	for _, node := range bothNodes {
		b.before[node], b.lines[node] = mustSnapshot(t, b.Pair, node), strings.Count(b.Daemon(node).Output(), "\n")
	}
	mark, begun := b.Lab.Mark(), time.Now()
	t.Run("counted", b.countsEach)
	t.Run("replayed", b.hearsReplays)
	b.wantNothingDone(t, mark)
	t.Run("flood", b.standsFlood) // of which the lab cannot keep every packet
	b.wantSame(t)
	figure{b.mode.name + ": forged adverts", 0}.judge(t, b.Record.Since(begun))
	if b.mode.ipv6 {
		t.Run("a global source counts", b.hearsGlobal)
	}
	if b.mode.name != "v2 none" { // which takes seconds, and is the same
		t.Run("a silent master is still missed", b.missesTheMaster)
	}
	if b.mode.password == "" {
		t.Run("a valid advert is believed", b.believes)
	}
}

// besiege starts a pair for each mode, all at once.
func besiege(t *testing.T, modes ...forgedMode) []*besieged {
	t.Helper()
	var wg sync.WaitGroup
	all, errs := make([]*besieged, len(modes)), make([]error, len(modes))
	for i, mode := range modes {
		b := assemble(t, mode)
		all[i] = b
		wg.Go(func() { errs[i] = b.Start(t.Context()) })
	}
	wg.Wait()
	check(t, errors.Join(errs...))
	for _, b := range all {
		ready(t, b.Pair, "lb1")
	}
	return all
}

// assemble makes a pair that has yet to start, and those who send it adverts.
func assemble(t *testing.T, mode forgedMode) *besieged {
	t.Helper()
	_, asked := mode.virtual()
	b := &besieged{
		Pair: newPairOf(t, mode.config, asked), mode: mode,
		forgers: map[string]forger{}, before: map[string]status.Snapshot{}, lines: map[string]int{},
	}
	own := mode.sources()
	for _, node := range bothNodes {
		letOwnSourceIn(t, b.Node(node))
		b.forgers[node] = forger{mode, rand.New(rand.NewPCG(3768, 2338)), own[node], own[other(node)]}
	}
	b.conn = rawSocket(t, b.Node("client"), "eth0", []bpf.Instruction{bpf.RetConstant{Val: 0}})
	t.Cleanup(func() { _ = b.conn.Close() })
	return b
}

func (b *besieged) send(t *testing.T, node string, a forgery) {
	t.Helper()
	frame := a.frameTo(b.Cable(node).MAC, b.Cable("client").MAC)
	if _, err := b.conn.WriteTo(frame, &packet.Addr{HardwareAddr: net.HardwareAddr(frame[:6])}); err != nil {
		t.Fatal(fmt.Errorf("send a forged advert: %w", err))
	}
}

// round sends some of each kind to a node.
func (b *besieged) round(t *testing.T, node string) {
	t.Helper()
	for _, kind := range b.mode.kinds() {
		for range forgedBatch {
			b.send(t, node, kind.make(b.forgers[node]))
		}
	}
}

// countsEach: each packet is dropped for its reason.
func (b *besieged) countsEach(t *testing.T) {
	want := map[string]uint64{} // by reason; "" is the sum of all
	for range forgedRounds {
		for _, kind := range b.mode.kinds() {
			want[kind.reason] += forgedBatch
			if kind.reason != "" {
				want[""] += forgedBatch
			}
		}
		for _, node := range bothNodes {
			b.round(t, node)
		}
		for _, node := range bothNodes { // before the next round: the socket's buffer is finite
			awaitDropped(t, b.Pair, node, want)
		}
	}
	for _, node := range bothNodes {
		got := dropped(mustSnapshot(t, b.Pair, node))
		t.Logf("%s dropped %v", node, got)
		for reason, n := range want {
			if reason != "" && got[reason] < n {
				t.Errorf("%s: %d packets dropped for %s, want %d", node, got[reason], reason, n)
			}
		}
	}
}

// hearsReplays: the master's own adverts, sent again by somebody else, are the master's to its backup, and no one's to itself.
func (b *besieged) hearsReplays(t *testing.T) {
	const copies = 200
	e := await(t, b.Pair, b.Lab.Mark(), "the master speaks", func(e netlab.Event) bool { return e.Kind == netlab.AdvertSeen && e.Node == "lb1" })
	again := forgery{source: e.Advert.Source, to: e.Advert.Destination, ttl: e.Advert.TTL, payload: e.Advert.Payload}
	before := map[string]uint64{}
	for _, node := range bothNodes {
		before[node] = judged(mustSnapshot(t, b.Pair, node))
		for range copies {
			b.send(t, node, again)
		}
	}
	for _, node := range bothNodes {
		if node == "lb1" && b.mode.unicast {
			continue // it is lb2 that it was sent to: the kernel drops it
		}
		awaitStatus(t, b.Pair, node, "has judged the copies", func(s status.Snapshot) bool { return judged(s) >= before[node]+copies })
	}
}

// judged is how many adverts a node has looked at.
func judged(s status.Snapshot) (n uint64) {
	for _, i := range s.Instances {
		n += i.Counters.AdvertsReceived
	}
	for _, d := range dropped(s) {
		n += d
	}
	return n
}

// standsFlood sends as many as fast as it can. What the sockets have no room for, the kernel drops.
func (b *besieged) standsFlood(t *testing.T) {
	kinds := b.mode.kinds()
	queue := map[string][]forgery{}
	for _, node := range bothNodes {
		for n := range forgedFlood / len(bothNodes) {
			queue[node] = append(queue[node], kinds[n%len(kinds)].make(b.forgers[node]))
		}
	}
	used, begun := map[string]time.Duration{}, time.Now()
	counted := map[string]uint64{}
	for _, node := range bothNodes {
		used[node], counted[node] = cpuOf(t, b.Daemon(node)), judged(mustSnapshot(t, b.Pair, node))
	}
	for n := range forgedFlood / len(bothNodes) {
		for _, node := range bothNodes {
			b.send(t, node, queue[node][n])
		}
	}
	sent := time.Since(begun)
	for _, node := range bothNodes {
		last := uint64(0)
		eventually(t, node+" has judged what reached it", func() (bool, any) { // it hears another advert or two at most
			pause(t, 100*time.Millisecond)
			now := judged(mustSnapshot(t, b.Pair, node))
			done := now <= last+2
			last = now
			return done, now
		})
		spent := cpuOf(t, b.Daemon(node)) - used[node]
		lines := strings.Count(b.Daemon(node).Output(), "\n") - b.lines[node]
		t.Logf("figure | %s: %s under %d forged adverts in %v | %d judged | %v of CPU in %v | %d lines of log in all",
			b.mode.name, node, len(queue[node]), sent.Round(time.Millisecond), last-counted[node], spent,
			time.Since(begun).Round(time.Millisecond), lines)
		if most := forgedCPU * time.Duration(len(queue[node])); spent > most {
			t.Errorf("%s: %v of CPU, want %v at most", node, spent, most)
		}
		if lines > forgedLines {
			t.Errorf("%s: %d lines of log, want %d at most", node, lines, forgedLines)
		}
	}
}

// cpuOf is what a process has used, in user and system mode (proc(5)).
func cpuOf(t *testing.T, p *netlab.Process) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid()))
	check(t, err)
	_, after, _ := bytes.Cut(text, []byte(") ")) // the name may have spaces
	fields := strings.Fields(string(after))
	ticks := 0
	for _, i := range []int{14 - 3, 15 - 3} {
		n, err := strconv.Atoi(fields[i])
		check(t, err)
		ticks += n
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every architecture
	return time.Duration(ticks) * tick
}

// wantSame: neither node changed its state or its address.
func (b *besieged) wantSame(t *testing.T) {
	t.Helper()
	for _, node := range bothNodes {
		sameTerm(t, b.before[node], mustSnapshot(t, b.Pair, node))
	}
	wantHolder(t, b.Pair, "lb1")
}

// wantNothingDone: nor did either for a moment, and the backup said nothing.
func (b *besieged) wantNothingDone(t *testing.T, mark netlab.Mark) {
	t.Helper()
	b.wantSame(t)
	events, err := b.Lab.Since(mark)
	check(t, err)
	for _, e := range events {
		if e.Address.Addr() == b.VIP && e.Kind != netlab.AddressChanged || e.Node == "lb2" && e.Kind == netlab.AdvertSeen {
			t.Errorf("a forged advert led to: %v", e)
		}
	}
}

func (b *besieged) missesTheMaster(t *testing.T) {
	bound := keepalivedDown + slack
	if b.mode.version == 3 {
		bound = keepalivedDown3 + slack3
	}
	mark, begun := b.Lab.Mark(), time.Now()
	check(t, b.Cable("lb1").Pull(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	taken := make(chan netlab.Event, 1) // the one event; sent by the goroutine below, which closes it
	go func() {
		defer close(taken)
		if e, err := b.Lab.Await(ctx, mark, on(netlab.AddressAdded, "lb2", b.VIP)); err == nil {
			taken <- e
		}
	}()
	for {
		b.round(t, "lb2")
		select {
		case e, ok := <-taken:
			took := e.Time.Sub(begun)
			if !ok || took > bound {
				t.Errorf("lb2 took over %t, after %v; want within %v", ok, took, bound)
			}
			t.Logf("takeover under forged adverts: %v", took)
			return
		case <-time.After(20 * time.Millisecond): // between two rounds
		}
	}
}

// hearsGlobal: adverts of IPv6 leave from a link-local address, but no receiver has to look for that (RFC 9568 sections
// 5.1.2.1 and 7.1). The hop limit says that the sender is on the LAN; a lower priority gets a master's answer.
func (b *besieged) hearsGlobal(t *testing.T) {
	before := mustSnapshot(t, b.Pair, "lb1")
	a := b.forgers["lb1"].advert()
	a.source, a.payload[2] = netip.MustParseAddr("fd00:77::99"), 1
	b.send(t, "lb1", a.sum())
	sameTerm(t, before, awaitStatus(t, b.Pair, "lb1", "has heard it", func(s status.Snapshot) bool {
		return s.Instances[0].Counters.AdvertsReceived == before.Instances[0].Counters.AdvertsReceived+1
	}))
}

// believes: without a password whoever reaches the nodes may be a router, by unicast with the peer's address. A single
// valid advert of a higher priority takes the mastership for a down interval, as the RFCs have it. Authentication by HMAC is
// against that.
func (b *besieged) believes(t *testing.T) {
	check(t, b.Cable("lb1").Restore(t.Context()))
	check(t, b.AwaitSole(t.Context(), "lb1"))
	ready(t, b.Pair, "lb1")
	mark, lost := b.Lab.Mark(), on(netlab.AddressRemoved, "lb1", b.VIP)
	watch(t, b.Pair, b.mode.name+": one valid advert of priority 255", func(ctx context.Context) error {
		f := b.forgers["lb1"]
		a := f.advert()
		a.payload[2] = 255
		b.send(t, "lb1", a.sum())
		if _, err := b.Lab.Await(ctx, mark, lost); err != nil {
			return err
		}
		return b.AwaitSole(ctx, "lb1") // nobody speaks for the forger
	})
	events, err := b.Lab.Since(mark)
	check(t, err)
	gone := slices.IndexFunc(events, lost)
	back := slices.IndexFunc(events[gone:], on(netlab.AddressAdded, "lb1", b.VIP))
	t.Logf("figure | %s: one valid advert of a stranger's | lb1 is no master for %v", b.mode.name, events[gone+back].Time.Sub(events[gone].Time))
}

// letOwnSourceIn has the kernel deliver packets that claim to come from the node itself, which it would drop: the daemon
// is to be looked at, not the kernel.
func letOwnSourceIn(t *testing.T, node *netlab.Node) {
	t.Helper()
	check(t, node.Do(func() error {
		return os.WriteFile("/proc/sys/net/ipv4/conf/all/accept_local", []byte("1"), 0)
	}))
}

// awaitDropped waits until a node has counted so many packets; want[""] is the sum.
func awaitDropped(t *testing.T, p *drill.Pair, node string, want map[string]uint64) {
	t.Helper()
	awaitStatus(t, p, node, fmt.Sprintf("has dropped %d adverts", want[""]), func(s status.Snapshot) bool {
		sum := uint64(0)
		for n := range maps.Values(dropped(s)) {
			sum += n
		}
		return sum >= want[""]
	})
}
