package seal

import (
	"net/netip"
	"testing"
	"time"
)

const sender1 = "10.77.0.1"

// host is a machine with two clocks.
type host struct {
	real time.Time
	boot time.Duration
}

func (h *host) now() Now { return Now{Real: h.real, Boot: h.boot} }

func (h *host) pass(d time.Duration) { h.real, h.boot = h.real.Add(d), h.boot+d }

func (h *host) step(d time.Duration) { h.real = h.real.Add(d) }

func newTestHost() *host { return &host{real: time.Unix(0x68000000, 500_000_000), boot: time.Hour} }

// What a sequence says is the time, as NTP writes it.
func TestRule37_Sequence(t *testing.T) {
	var c Clock
	h := newTestHost()
	if got, want := c.Next(h.now()), uint64(0x6800000080000000); got != want {
		t.Errorf("got %#x, want %#x", got, want)
	}
	if got, want := c.Next(h.now()), uint64(0x6800000080000001); got != want {
		t.Errorf("a second one at once: got %#x, want %#x", got, want)
	}
	h.pass(250 * time.Millisecond)
	if got, want := c.Next(h.now()), uint64(0x68000000c0000000); got != want {
		t.Errorf("after 250 ms: got %#x, want %#x", got, want)
	}
}

// The daemon and its keeper speak in turns, in the name of one sender. Whatever the real-time clock does meanwhile, a receiver
// refuses none of their adverts.
func TestRule37_TwoProcessesOneSender(t *testing.T) {
	const window = 5 * time.Second
	tests := []struct {
		name  string
		slack time.Duration // 0: monotonic
		steps []time.Duration
	}{
		{"a steady clock", window, []time.Duration{0}},
		{"the leap second", window, []time.Duration{-time.Second}},
		{"set back within the window", window, []time.Duration{-4 * time.Second}},
		{"set back beyond it", window, []time.Duration{-time.Minute}},
		{"set forwards", window, []time.Duration{time.Hour}},
		{"set forwards and back", window, []time.Duration{3 * time.Second, -3 * time.Second}},
		{"monotonic, set back by a day", 0, []time.Duration{-24 * time.Hour}},
		{"monotonic, set forwards and back", 0, []time.Duration{time.Hour, -2 * time.Hour}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, m, h := key(t, 1, 32), new(Memory), newTestHost()
			policy := Policy{Keys: []Key{k}, Window: tt.slack}
			daemon, keeper := &Clock{Slack: tt.slack}, &Clock{Slack: tt.slack}
			say := func(who string, c *Clock) {
				t.Helper()
				sequence := c.Next(h.now())
				// The receiver's clock is the sender's here: what it steps by, NTP steps all by.
				if got, _ := policy.Verify(m, netip.MustParseAddr(sender1), sealedAt(t, k, sender1, sequence), h.real); got != OK {
					t.Errorf("the %s's advert at %v: got %v, want %v", who, h.boot, got, OK)
				}
			}
			for _, step := range append([]time.Duration{0}, tt.steps...) {
				h.step(step)
				daemon.Follow(h.now()) // as the loops of both do several times a second
				keeper.Follow(h.now())
				for range 20 {
					say("daemon", daemon)
					h.pass(3 * time.Microsecond)
					say("keeper", keeper)
					h.pass(time.Microsecond)
					say("daemon", daemon)
					h.pass(100 * time.Millisecond)
				}
			}
			h.pass(time.Second)
			restarted := Clock{Slack: tt.slack, Offset: keeper.Offset} // the daemon tells a new keeper where it is
			say("new keeper", &restarted)
			h.pass(time.Microsecond)
			say("daemon", daemon)
		})
	}
}

// A reading that was interrupted is no step, and a first one is better than none.
func TestRule37_InterruptedReading(t *testing.T) {
	h := newTestHost()
	var c Clock
	c.Follow(h.now())
	before := c.Offset
	late := h.now()
	late.Real, late.Span = late.Real.Add(2*time.Second), 2*time.Second
	if c.Follow(late) || c.Offset != before {
		t.Errorf("took an interruption for a step: offset moved by %v", c.Offset-before)
	}
	if !c.Follow(Now{Real: h.real.Add(time.Second), Boot: h.boot}) {
		t.Error("did not follow a step")
	}
}

// Read tries again when it was interrupted, and keeps the best of what it got.
func TestRule37_Read(t *testing.T) {
	wall := time.Unix(0x68000000, 0)
	for _, tt := range []struct {
		name string
		boot []time.Duration // what the clock says each time it is read
		want Now
	}{
		{"at once", []time.Duration{10, 12}, Now{wall, 10, 2}},
		{"once interrupted", []time.Duration{10, 10 + time.Second, time.Minute, time.Minute + 3}, Now{wall, time.Minute, 3}},
		{"again and again", []time.Duration{0, 9 * time.Second, 10 * time.Second, 13 * time.Second, 20 * time.Second, 28 * time.Second, 30 * time.Second, 37 * time.Second},
			Now{wall, 10 * time.Second, 3 * time.Second}},
	} {
		read := 0
		boot := func() time.Duration { read++; return tt.boot[read-1] }
		if got := Read(func() time.Time { return wall }, boot); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
