package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/drill"
	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/peers"
	"github.com/tandem-lb/tandem/internal/status"
)

// keepalivedConf is the other half of drill.Config: a Keepalived with the same virtual router, one below lb1's 101.
const keepalivedConf = `global_defs {
	router_id lb2
	script_user root
	enable_script_security
	vrrp_version 2
}

vrrp_instance VI_1 {
	state BACKUP
	interface eth0
	virtual_router_id 51
	priority 100
	advert_int 1
	authentication {
		auth_type PASS
		auth_pass s3cret77
	}
	virtual_ipaddress {
		10.77.0.100/24
	}
}
`

// edited replaces the one place where a text says old; pairs of old and new.
func edited(t *testing.T, text string, changes ...string) string {
	t.Helper()
	for i := 0; i+1 < len(changes); i += 2 {
		if n := strings.Count(text, changes[i]); n != 1 {
			t.Fatalf("%q is %d times in the configuration, want once", changes[i], n)
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return text
}

// startKeepalived starts Debian's Keepalived on a node, in the foreground, with its own /run for the pid files.
func startKeepalived(t *testing.T, node *netlab.Node, conf string) *netlab.Process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keepalived.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	path := peers.Find(t, "keepalived")
	p, err := node.Start(exec.Command(path, "--dont-fork", "--log-console", "--log-detail", "--vrrp", "--use-file", file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of Keepalived:\n%s", p.Output())
		}
	})
	return p
}

// Bounds: what the protocol takes, and slack for two cores that do other things too.
const (
	advertInterval = time.Second
	keepalivedSkew = 156 * time.Second / 256 // of priority 100: (256 - 100) / 256 s (RFC 3768 section 6.1)
	tandemSkew     = 155 * time.Second / 256 // of priority 101
	keepalivedDown = 3*advertInterval + keepalivedSkew
	tandemDown     = 3*advertInterval + tandemSkew

	slack      = 500 * time.Millisecond
	startSlack = time.Second // where a process starts, too

	// untilChecked is how long a Tandem whose cable is back may have priority 71 still: until the next check of drill.Config.
	// It yields meanwhile, and its down interval begins after it.
	untilChecked = 500 * time.Millisecond
)

// router is the one on lb2, which is not Tandem.
type router interface {
	start(t *testing.T)
	running() *netlab.Process // what speaks VRRP, as it was last started
	// moved says whether by this event it has the virtual address (AddressAdded), or has it no more (AddressRemoved).
	moved(e netlab.Event, kind netlab.Kind) bool
	holds() (bool, error) // whether it has the address now
}

// keepalived is Debian's.
type keepalived struct {
	pair    *drill.Pair
	conf    string
	process *netlab.Process
}

// start starts it and waits until it hears adverts.
func (k *keepalived) start(t *testing.T) {
	t.Helper()
	k.process = startKeepalived(t, k.pair.Node("lb2"), k.conf)
	eventually(t, "Keepalived listens", func() (bool, any) {
		out := k.process.Output()
		return strings.Contains(out, "VRRP sockpool: "), out
	})
}

func (k *keepalived) running() *netlab.Process { return k.process }

func (k *keepalived) moved(e netlab.Event, kind netlab.Kind) bool {
	return e.Kind == kind && e.Node == "lb2" && e.Address.Addr() == k.pair.VIP
}

func (k *keepalived) holds() (bool, error) {
	holders, err := k.pair.Holders()
	return slices.Contains(holders, "lb2"), err
}

// mixedPair is Tandem on lb1 and another router on lb2, beside which a web server answers on whatever lb2 holds.
type mixedPair struct {
	*drill.Pair
	peer router
}

// newMixedPair is one with Keepalived.
func newMixedPair(t *testing.T, config, conf string) *mixedPair {
	t.Helper()
	return newMixedPairOf(t, config, conf, drill.VIP)
}

// newMixedPairOf is one whose client asks another address.
func newMixedPairOf(t *testing.T, config, conf string, vip netip.Addr) *mixedPair {
	t.Helper()
	peers.Find(t, "keepalived")
	p := newPairOf(t, config, vip)
	check(t, p.StartServer(t.Context(), "lb2"))
	return &mixedPair{Pair: p, peer: &keepalived{pair: p, conf: conf}}
}

// AwaitSole waits until a node has the virtual address and the other does not.
func (m *mixedPair) AwaitSole(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		mark := m.Lab.Mark() // before looking, so that no change is missed
		holders, err := m.Holders()
		theirs, peerErr := m.peer.holds()
		if err = errors.Join(err, peerErr); err != nil {
			return err
		}
		ours := slices.Contains(holders, "lb1")
		if ours == (name == "lb1") && theirs == (name == "lb2") {
			return nil
		}
		if _, err := m.Lab.Await(ctx, mark, m.anyMove); err != nil {
			return fmt.Errorf("wait until %s alone has the address, now Tandem %t, the other %t: %w", name, ours, theirs, err)
		}
	}
}

func (m *mixedPair) anyMove(e netlab.Event) bool {
	return m.moved(e, "lb1", netlab.AddressAdded) || m.moved(e, "lb1", netlab.AddressRemoved) ||
		m.moved(e, "lb2", netlab.AddressAdded) || m.moved(e, "lb2", netlab.AddressRemoved)
}

// moved says whether by an event a node got the virtual address (AddressAdded), or lost it (AddressRemoved).
func (m *mixedPair) moved(e netlab.Event, node string, kind netlab.Kind) bool {
	if node == "lb2" {
		return m.peer.moved(e, kind)
	}
	return e.Kind == kind && e.Node == node && e.Address.Addr() == m.VIP
}

// start starts both nodes, the one that is to hold the address first, and the client.
func (m *mixedPair) start(t *testing.T, holder string) {
	t.Helper()
	tandem := func() { check(t, m.StartDaemon("lb1")) }
	if holder == "lb1" {
		tandem()
		check(t, m.AwaitSole(t.Context(), "lb1"))
		m.peer.start(t)
	} else {
		m.peer.start(t)
		check(t, m.AwaitSole(t.Context(), "lb2"))
		tandem()
		m.awaitStatus(t, "lb1", "it is BACKUP", func(s status.Snapshot) bool { return s.Instances[0].State == status.Backup })
	}
	m.StartClient()
	check(t, m.AwaitService(t.Context(), time.Now()))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// statusOf asks a daemon for its snapshot, as tandem status --json prints it.
func statusOf(ctx context.Context, p *drill.Pair, node string) (s status.Snapshot, err error) {
	out, err := p.Command(ctx, node, "status", "--json")
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return s, fmt.Errorf("status of %s: %w", node, err)
	}
	if len(s.Instances) == 0 {
		return s, fmt.Errorf("status of %s: no instance", node)
	}
	return s, nil
}

// awaitStatus asks a daemon until its snapshot is as wanted: what makes no event in the lab cannot be awaited there.
func (m *mixedPair) awaitStatus(t *testing.T, node, what string, ok func(status.Snapshot) bool) status.Snapshot {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for {
		s, err := statusOf(ctx, m.Pair, node)
		if err == nil && ok(s) {
			return s
		}
		select {
		case <-ctx.Done():
			t.Fatalf("wait on %s until %s: %v, %v; now %+v", node, what, ctx.Err(), err, s)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// move is something done to a pair, and what is to come of it.
type move struct {
	name  string
	await func(t *testing.T) // before the clock starts; nil: nothing
	do    func(t *testing.T)
	after func(t *testing.T) // once the address has moved, before requests are to succeed; nil: nothing
	then  func(t *testing.T) // once they do; nil: nothing

	kind netlab.Kind // AddressAdded or AddressRemoved: the virtual address,
	node string      // on this node,
	in   time.Duration
	why  string // how in is made up, without slack

	sole   string        // who alone has the address then; empty: also the one who cannot hear of it
	outage time.Duration // the client's, at most; 0: in
}

// run makes the moves one after the other: each begins where the one before ended.
func (m *mixedPair) run(t *testing.T, moves []move) {
	for _, v := range moves {
		if !t.Run(v.name, func(t *testing.T) { m.make(t, v) }) {
			return
		}
	}
}

func (m *mixedPair) make(t *testing.T, v move) {
	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
	defer cancel()
	if v.await != nil {
		v.await(t)
	}
	mark, begun := m.Lab.Mark(), time.Now()
	v.do(t)
	e, err := m.Lab.Await(ctx, mark, func(e netlab.Event) bool { return m.moved(e, v.node, v.kind) })
	check(t, err)
	took := e.Time.Sub(begun)
	if v.sole != "" {
		check(t, m.AwaitSole(ctx, v.sole))
	}
	if v.after != nil {
		v.after(t)
	}
	check(t, m.AwaitService(ctx, e.Time))
	seen := m.Record.Since(begun)
	if v.then != nil {
		v.then(t)
	}

	// One line in the form of the table in docs/benchmarks.md.
	outageBound := cmp.Or(v.outage, v.in)
	does := "takes it"
	if v.kind == netlab.AddressRemoved {
		does = "gives it up"
	}
	t.Logf("| %s | %s %s | %d ms | %d ms | %d of %d | %s |", v.name, v.node, does, took.Milliseconds(),
		seen.Outage.Milliseconds(), seen.Failed, seen.Requests, v.why)
	if took > v.in {
		t.Errorf("%v %v on %s after %v, want at most %v", m.VIP, v.kind, v.node, took, v.in)
	}
	if seen.Outage > outageBound {
		t.Errorf("the client saw: %v; want at most %v", seen, outageBound)
		if events, err := m.Lab.Since(mark); err == nil {
			for _, e := range events {
				t.Log(e)
			}
		}
	}
}

func (m *mixedPair) pull(node string) func(*testing.T) {
	return func(t *testing.T) { check(t, m.Cable(node).Pull(t.Context())) }
}

func (m *mixedPair) mute(node string) func(*testing.T) {
	return func(t *testing.T) { check(t, m.Cable(node).Mute()) }
}

func (m *mixedPair) restore(node string) func(*testing.T) {
	return func(t *testing.T) { check(t, m.Cable(node).Restore(t.Context())) }
}

// stop ends a daemon with a signal; its end is not waited for.
func (m *mixedPair) stop(node string, s syscall.Signal) func(*testing.T) {
	return func(t *testing.T) { check(t, m.process(node).Signal(s)) }
}

// again starts the daemon of a node once the one before has ended.
func (m *mixedPair) again(node string) func(*testing.T) {
	return func(t *testing.T) {
		<-m.process(node).Done()
		if node == "lb2" {
			m.peer.start(t)
			return
		}
		check(t, m.StartDaemon(node))
	}
}

func (m *mixedPair) process(node string) *netlab.Process {
	if node == "lb2" {
		return m.peer.running()
	}
	return m.Daemon(node)
}
