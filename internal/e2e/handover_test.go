package e2e

import (
	"context"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/netlab"
	"github.com/tandem-lb/tandem/internal/status"
)

// What tandem handover says.
var (
	handedOver = regexp.MustCompile(`^VI_1: lb2's 10\.77\.0\.2 is MASTER since \d\d:\d\d:\d\d(, [\d.]+m?s after this node gave up)?; this node leaves it alone until \d\d:\d\d:\d\d\n$`)
	onBackup   = regexp.MustCompile(`^VI_1 is BACKUP: it leaves a live master alone until \d\d:\d\d:\d\d\n$`)
)

const (
	handoverInterval = 200 * time.Millisecond // which a busy machine does not miss three of
	handoverSkew     = 156 * handoverInterval / 256
	handoverDown     = 3*handoverInterval + handoverSkew
)

// A node that hands over serves until the other one has taken over, stays away from the other one although its own priority is higher, and is there when the
// other one is not.
func TestIntegrationHandover(t *testing.T) {
	config := edited(t, config3(t), "advert_interval: 100ms", "advert_interval: 200ms")
	p := newPair(t, config)
	check(t, p.Start(t.Context()))
	ready(t, p, "lb1")
	saying := func(want *regexp.Regexp, args ...string) {
		t.Helper()
		if out := command(t, p, "lb1", append([]string{binary(t), "handover"}, args...)...); !want.MatchString(out) {
			t.Errorf("handover %v says %q, want %s", args, out, want)
		}
	}
	staysAway := func() {
		t.Helper()
		pause(t, 2*handoverDown)
		wantHolder(t, p, "lb2")
	}

	measure(t, p, figure{"planned handover, v3 200 ms", contestBound}, "lb2", func(context.Context) error {
		saying(handedOver, "--for", "1h")
		return nil
	})
	staysAway()
	measure(t, p, figure{"released", contestBound}, "lb1", func(context.Context) error {
		command(t, p, "lb1", binary(t), "handover", "--release")
		return nil
	})
	measure(t, p, figure{"planned handover at once, v3 200 ms", handoverSkew + 150*time.Millisecond}, "lb2", func(context.Context) error {
		saying(handedOver, "--for", "1h", "--now")
		return nil
	})
	staysAway()
	i := mustSnapshot(t, p, "lb1").Instances[0]
	if i.Counters.Handovers != 2 || time.Until(i.HandoverUntil) < 59*time.Minute || !strings.Contains(strings.Join(i.Holds, "\n"), "handed over: ") {
		t.Errorf("got %d handovers, until %v, holding back for %q", i.Counters.Handovers, i.HandoverUntil, i.Holds)
	}
	if out := command(t, p, "lb1", binary(t), "explain"); !strings.Contains(out, "Holds back: handed over: it leaves a live master alone until ") {
		t.Errorf("explain says:\n%s", out)
	}
	mustReload(t, p, "lb1", edited(t, config, "weight: -30", "weight: -20"))
	saying(onBackup, "--for", "1h")
	staysAway()

	// Nobody else is master: it serves, and cannot hand over.
	mark := p.Lab.Mark()
	check(t, p.Daemon("lb2").Signal(syscall.SIGTERM))
	<-p.Daemon("lb2").Done()
	await(t, p, mark, "lb1 takes over from a node that resigns", added("lb1"))
	if out, err := try(t, p, "lb1", binary(t), "handover", "--for", "1h", "--now"); err == nil || out != "nobody took over: VI_1 is MASTER here again\n" {
		t.Errorf("handover to nobody: %v, %q", err, out)
	}
	if out := command(t, p, "lb1", binary(t), "explain"); !strings.Contains(out, "  Handed over: nobody else has the addresses; ") {
		t.Errorf("explain says:\n%s", out)
	}

	// A handover ends by itself.
	start(t, p, "lb2")
	mark = p.Lab.Mark()
	saying(handedOver, "--for", "1s", "--now")
	given := await(t, p, mark, "lb1 gives the address up", removed("lb1"))
	taken := await(t, p, mark, "the handover ends", added("lb1"))
	if took := taken.Time.Sub(given.Time); took < time.Second || took > time.Second+handoverInterval+handoverDown+slack {
		t.Errorf("it came back after %v, want after a second and its down interval", took)
	}
}

// Tandem is MASTER with priority 101, Keepalived BACKUP with 100.
func TestIntegrationHandoverToKeepalived(t *testing.T) {
	m := newMixedPair(t, config3(t), keepalivedConf3(t))
	m.start(t, "lb1")
	m.run(t, []move{
		{
			name: "v3: Tandem hands over", do: func(t *testing.T) { command(t, m.Pair, "lb1", binary(t), "handover") },
			kind: netlab.AddressAdded, node: "lb2", in: keepalivedDown3 + slack3, why: "3 x 100 ms + skew", sole: "lb2", outage: giveBack,
		},
		{
			name: "v3: Tandem released",
			await: func(t *testing.T) {
				mark := m.Lab.Mark()
				pause(t, 3*tandemDown3)
				events, err := m.Lab.Since(mark)
				check(t, err)
				if moved := filter(events, func(e netlab.Event) bool { return added("lb1")(e) || removed("lb2")(e) }); len(moved) > 0 {
					t.Errorf("the address moved before: %v", moved)
				}
				m.awaitStatus(t, "lb1", "it hears Keepalived's priority below its own", func(s status.Snapshot) bool {
					i := s.Instances[0]
					return i.Peer != nil && i.Peer.Priority == 100 && i.Priority.Effective == 101
				})
			},
			do:   func(t *testing.T) { command(t, m.Pair, "lb1", binary(t), "handover", "--release") },
			kind: netlab.AddressAdded, node: "lb1", in: tandemDown3 + slack3, why: "3 x 100 ms + skew", sole: "lb1", outage: giveBack,
		},
	})
}

// A member's name stands for its sync group: all of it goes, once, and comes back when any of it is released.
func TestIntegrationHandoverOfASyncGroup(t *testing.T) {
	p := newSyncPair(t, syncConfig)
	check(t, p.StartDaemon("lb1"))
	p.awaitHolder(t, "lb1")
	check(t, p.StartDaemon("lb2"))
	p.settledOn(t, "lb1")

	var said string
	events := p.moves(t, "VI_2 handed over", "lb2", syncResigns, func() error {
		said = command(t, p.Pair, "lb1", binary(t), "handover", "--instance", "VI_2", "--now")
		return nil
	})
	wantGoneFirst(t, events, "lb1", "lb2", p.vips)
	if lines := strings.Split(said, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], "VI_1: lb2's 10.77.0.2 is MASTER since ") ||
		!strings.HasPrefix(lines[1], "VI_2: 10.78.0.2 is MASTER since ") {
		t.Errorf("handover says\n%s", said)
	}
	pause(t, 2*syncSilence)
	p.settledOn(t, "lb2")
	p.moves(t, "VI_1 released", "lb1", syncSilence, func() error {
		said = command(t, p.Pair, "lb1", binary(t), "handover", "--release", "--instance", "VI_1")
		return nil
	})
	if want := "VI_1 is BACKUP, and is released: it may preempt again\nVI_2 is BACKUP, and is released: it may preempt again\n"; said != want {
		t.Errorf("release says\n%s", said)
	}
	p.settledOn(t, "lb1")
	p.moves(t, "VI_1 handed over to who takes it first", "lb2", syncSilence, func() error {
		command(t, p.Pair, "lb1", binary(t), "handover", "--instance", "VI_1")
		return nil
	})
	p.settledOn(t, "lb2")
}
