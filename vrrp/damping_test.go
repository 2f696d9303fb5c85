package vrrp

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// damped is flap damping after three times in 60 s, for 30 s.
func damped(c *Config) {
	c.FlapDamping = FlapDamping{Transitions: 3, Window: time.Minute, Hold: 30 * time.Second}
}

func TestFlapDampingCounts(t *testing.T) {
	tests := []struct {
		name   string
		losses []time.Duration // when it ceased to be Master
		until  time.Duration   // end of the hold; 0: none
	}{
		{"never", nil, 0},
		{"twice", []time.Duration{0, time.Second}, 0},
		{"three times", []time.Duration{0, 10 * time.Second, 20 * time.Second}, 50 * time.Second},
		{"three times in exactly the window", []time.Duration{0, 10 * time.Second, time.Minute}, 90 * time.Second},
		{"three times in more than the window", []time.Duration{0, 10 * time.Second, time.Minute + 1}, 0},
		{"the first one is forgotten", []time.Duration{0, 50 * time.Second, 70 * time.Second, 100 * time.Second}, 130 * time.Second},
		{"each further time counts anew", []time.Duration{0, 1 * time.Second, 2 * time.Second, 40 * time.Second}, 70 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			damped(&cfg)
			var d damping
			for _, at := range tt.losses {
				d.lost(simEpoch.Add(at), cfg.FlapDamping)
			}
			want := time.Time{}
			if tt.until != 0 {
				want = simEpoch.Add(tt.until)
			}
			if !d.until.Equal(want) {
				t.Errorf("holds until %v, want %v", d.until, want)
			}
			if n := len(d.losses); n > 3 {
				t.Errorf("%d times are kept, want at most 3", n)
			}
		})
	}
}

// flapping is a bench that took over three times from nobody and lost to a higher one each time.
func flapping(t *testing.T, set func(*Config)) *bench {
	t.Helper()
	b := backup(t, set)
	for range 3 {
		b.now = b.m.Deadline()
		b.do(Tick{})
		b.do(AddressesReady{})
		b.hear(200, above)
		b.do(AddressesReleased{})
	}
	b.state(Backup)
	return b
}

func TestFlapDamping(t *testing.T) {
	t.Run("a live master of lower priority is left alone for the hold", func(t *testing.T) {
		b := flapping(t, damped)
		if got := b.m.status().DampedUntil; !got.Equal(b.now.Add(30 * time.Second)) {
			t.Errorf("damped until %v, want %v", got, b.now.Add(30*time.Second))
		}
		if b.hearFor(30*time.Second, 50) {
			t.Fatalf("took over after %v", b.now.Sub(b.start))
		}
		if !b.hearFor(down100, 50) {
			t.Error("did not take over after the hold")
		}
	})
	t.Run("also one whose priority fell", func(t *testing.T) {
		b := flapping(t, damped)
		b.hear(90, lower)
		b.hear(50, lower)
		b.due(down100)
		b.want(b.do(Tick{}), "")
	})
	t.Run("a silent master is replaced", func(t *testing.T) {
		b := flapping(t, damped)
		b.hear(50, lower)
		b.due(down100)
		b.now = b.m.Deadline()
		b.want(b.do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
	t.Run("and one that resigns", func(t *testing.T) {
		b := flapping(t, damped)
		b.hear(50, lower)
		b.hear(0, lower)
		b.due(skew100)
	})
	t.Run("nothing of it by default", func(t *testing.T) {
		b := flapping(t, nil)
		if !b.hearFor(2*down100, 50) {
			t.Error("did not take over")
		}
	})
	t.Run("a reload to another rule forgets", func(t *testing.T) {
		b := flapping(t, damped)
		cfg := b.m.Config()
		cfg.FlapDamping.Hold = time.Minute
		b.do(ConfigChanged{cfg})
		if got := b.m.status().DampedUntil; !got.IsZero() {
			t.Errorf("damped until %v", got)
		}
	})
	t.Run("and one that keeps the rule does not", func(t *testing.T) {
		b := flapping(t, damped)
		cfg := b.m.Config()
		cfg.Priority = 120
		b.do(ConfigChanged{cfg})
		if b.m.status().DampedUntil.IsZero() {
			t.Error("forgotten")
		}
	})
}

func TestFlapDampingIsValidated(t *testing.T) {
	tests := []struct {
		name string
		set  FlapDamping
		want string
	}{
		{"none", FlapDamping{}, ""},
		{"the least", FlapDamping{2, time.Second, time.Second}, ""},
		{"the most", FlapDamping{100, 24 * time.Hour, 24 * time.Hour}, ""},
		{"once", FlapDamping{1, time.Minute, time.Minute}, "flap damping after 1 transitions, want 2 to 100"},
		{"too often", FlapDamping{101, time.Minute, time.Minute}, "flap damping after 101 transitions, want 2 to 100"},
		{"no window", FlapDamping{5, 0, time.Minute}, "flap damping within 0s, want 1s to 24h0m0s"},
		{"a long hold", FlapDamping{5, time.Minute, 25 * time.Hour}, "flap damping for 25h0m0s, want 1s to 24h0m0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.FlapDamping = tt.set
			got := ""
			if err := cfg.Validate(); err != nil {
				got = strings.TrimPrefix(err.Error(), "instance VI_1: ")
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A node whose interface fails every 8 s takes the address away from a healthy one each time it is well for a moment.
// Damping ends that after the configured number of times, and the address is still its own when the other one dies.
func TestFlapDampingOnTheSimulatedLAN(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rule   FlapDamping
		losses int // of ten faults
	}{
		{"without", FlapDamping{}, 10},
		{"with", FlapDamping{Transitions: 3, Window: time.Minute, Hold: 10 * time.Minute}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &sim{rnd: rand.New(rand.NewPCG(1, 114)), make: newRouter, keep: true}
			for i, p := range []uint8{200, 100} {
				n := &simNode{addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)}), tickAt: -1, clock: s.time, cfg: testConfig()}
				n.cfg.Priority, n.cfg.FlapDamping = p, tt.rule
				s.nodes = append(s.nodes, n)
				s.start(n)
			}
			weak, steady := s.nodes[0], s.nodes[1]
			s.watch.troubleAt = time.Hour // its look at what happens without trouble is not for this
			at := 10 * time.Second
			for range 10 {
				s.after(at, func() { s.ill(weak) })
				s.after(at+time.Second, func() { s.well(weak) })
				at += 8 * time.Second
			}
			if err := s.run(at); err != nil {
				t.Fatalf("%v\n%s", err, s.story())
			}
			if got := strings.Count(strings.Join(s.trace, "\n"), "10.0.0.1 MASTER -> FAULT"); got != tt.losses {
				t.Errorf("lost %d times, want %d:\n%s", got, tt.losses, s.story())
			}
			s.crash(steady)
			if err := s.run(at + weak.router.MasterDownInterval() + boundSilence); err != nil {
				t.Fatalf("%v\n%s", err, s.story())
			}
			if !weak.master() {
				t.Errorf("a silent master is not replaced:\n%s", s.story())
			}
		})
	}
}
