package vrrp

import (
	"strings"
	"testing"
	"time"
)

// v3 is a router of version 3 at 100 ms.
func v3(c *Config) { c.Version, c.AdvertInterval = V3, 100*time.Millisecond }

const down100v3 = 360937500 * time.Nanosecond // master down interval at priority 100 and 100 ms

// hearEvery has the bench hear an advert of version 3 with an interval.
func (b *bench) hearEvery(priority uint8, interval time.Duration) []Action {
	ad := b.m.Advert()
	ad.Priority, ad.Interval = priority, interval
	return b.do(AdvertReceived{Advert: ad, From: above})
}

// Rule 52: "Skew_Time: ... Calculated as: (((256 - Priority) * Active_Adver_Interval) / 256)" (RFC 9568 section 6.1), unrounded.
// Rule 53: "(3 * Active_Adver_Interval) + Skew_Time".
func TestRule52_53_SkewAndDownIntervalV3(t *testing.T) {
	tests := []struct {
		priority   uint8
		interval   time.Duration
		skew, down time.Duration
	}{
		{100, time.Second, 609375 * time.Microsecond, 3609375 * time.Microsecond},
		{254, time.Second, 7812500 * time.Nanosecond, 3007812500 * time.Nanosecond},
		{100, 100 * time.Millisecond, 60937500 * time.Nanosecond, down100v3},
		{254, 100 * time.Millisecond, 781250 * time.Nanosecond, 300781250 * time.Nanosecond},
		{255, 10 * time.Millisecond, 39062 * time.Nanosecond, 30039062 * time.Nanosecond},
		{1, 40950 * time.Millisecond, 40790039062 * time.Nanosecond, 163640039062 * time.Nanosecond},
	}
	for _, tt := range tests {
		if got := skewTime(V3, tt.interval, tt.priority); got != tt.skew {
			t.Errorf("rule 52, priority %d, interval %v: got %v, want %v", tt.priority, tt.interval, got, tt.skew)
		}
		if got := masterDownInterval(V3, tt.interval, tt.priority); got != tt.down {
			t.Errorf("rule 53, priority %d, interval %v: got %v, want %v", tt.priority, tt.interval, got, tt.down)
		}
	}
}

// Rule 54: "Set Active_Adver_Interval to Max Advertise Interval contained in the ADVERTISEMENT o Recompute the Skew_Time o
// Recompute the Active_Down_Interval o Reset the Active_Down_Timer to Active_Down_Interval" (RFC 9568 section 6.4.2).
func TestRule54_BackupLearnsTheInterval(t *testing.T) {
	b := backup(t, v3)
	b.due(down100v3) // rule 61: at first the local one
	b.hearEvery(200, 500*time.Millisecond)
	b.due(5 * down100v3)
	b.hearEvery(200, 20*time.Millisecond)
	b.due(down100v3 / 5)
	t.Run("rule 64 priority 0 waits the skew of the learned interval", func(t *testing.T) {
		b := backup(t, v3)
		b.hearEvery(200, 500*time.Millisecond)
		b.hearEvery(0, 100*time.Millisecond)
		b.due(5 * 60937500 * time.Nanosecond)
	})
	t.Run("rule 66 what is discarded teaches nothing", func(t *testing.T) {
		b := backup(t, v3)
		b.hearEvery(50, time.Second)
		b.due(down100v3)
	})
	t.Run("rule 65 without preemption the lower one teaches", func(t *testing.T) {
		b := backup(t, func(c *Config) { v3(c); c.NoPreempt = true })
		b.hearEvery(50, time.Second)
		b.due(10 * down100v3)
	})
	t.Run("rule 70 a master learns from the one it yields to", func(t *testing.T) {
		b := master(t, v3)
		b.want(b.hearEvery(200, 500*time.Millisecond), "release, MASTER>BACKUP")
		b.do(AddressesReleased{})
		b.due(5 * down100v3)
	})
	t.Run("a master counts by its own, and forgets what it learned", func(t *testing.T) {
		b := backup(t, v3)
		b.hearEvery(200, 500*time.Millisecond)
		b.now = b.m.Deadline()
		b.want(b.do(Tick{}), "send 100, acquire, BACKUP>MASTER")
		b.due(100 * time.Millisecond)
		if got := b.m.MasterDownInterval(); got != down100v3 {
			t.Errorf("got %v, want %v", got, down100v3)
		}
	})
	t.Run("rule 61 after a fault the local one counts again", func(t *testing.T) {
		b := backup(t, v3)
		b.hearEvery(200, 500*time.Millisecond)
		b.do(FaultChanged{[]string{"eth0 is down"}})
		b.want(b.do(FaultChanged{}), "FAULT>BACKUP")
		b.due(down100v3)
	})
	t.Run("rule 55 a change of priority moves the learned timer", func(t *testing.T) {
		b := backup(t, v3)
		b.hearEvery(200, 512*time.Millisecond)
		before := b.m.Deadline()
		b.do(PriorityChanged{101})
		if got := before.Sub(b.m.Deadline()); got != 2*time.Millisecond {
			t.Errorf("moved by %v, want 2ms", got)
		}
	})
	t.Run("a reload keeps what was learned", func(t *testing.T) {
		b := backup(t, v3)
		b.hearEvery(200, 500*time.Millisecond)
		cfg := b.m.Config()
		cfg.AdvertInterval = time.Second
		b.want(b.do(ConfigChanged{cfg}), "")
		b.due(5 * down100v3)
	})
}

// A reload to a longer interval is told at once, and once more when the advert timer of the former one fires: a backup that
// learned the former would take the master for dead otherwise.
func TestReloadTellsALongerInterval(t *testing.T) {
	tests := []struct {
		name     string
		interval time.Duration
		want     string
		due      time.Duration
	}{
		{"longer", time.Second, "send 100", 70 * time.Millisecond},
		{"the same", 100 * time.Millisecond, "", 70 * time.Millisecond},
		{"shorter", 20 * time.Millisecond, "", 20 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := master(t, v3)
			b.after(30 * time.Millisecond)
			cfg := b.m.Config()
			cfg.AdvertInterval = tt.interval
			out := b.do(ConfigChanged{cfg})
			b.want(out, tt.want)
			b.due(tt.due)
			if len(out) == 1 && out[0].(SendAdvert).Advert.Interval != tt.interval {
				t.Errorf("got %+v", out[0])
			}
		})
	}
	t.Run("but not by a master that resigns", func(t *testing.T) {
		b := master(t, v3)
		b.do(Resign{"told to"})
		cfg := b.m.Config()
		cfg.AdvertInterval = time.Second
		b.want(b.do(ConfigChanged{cfg}), "")
	})
}

// Rule 45: version 3 lets intervals differ; it is logged once and counted. Rule 54: but not without bound.
func TestRule45_54_OtherIntervals(t *testing.T) {
	tests := []struct {
		name     string
		bound    time.Duration
		interval time.Duration
		want     DropReason
		differs  uint64
	}{
		{"the same", 0, 100 * time.Millisecond, accepted, 0},
		{"rule 45 shorter", 0, 10 * time.Millisecond, accepted, 3},
		{"rule 45 ten times as long", 0, time.Second, accepted, 3},
		{"rule 54 longer", 0, 1010 * time.Millisecond, DropIntervalLong, 0},
		{"rule 54 the bound of the configuration", 300 * time.Millisecond, 300 * time.Millisecond, accepted, 3},
		{"rule 54 beyond it", 300 * time.Millisecond, 310 * time.Millisecond, DropIntervalLong, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newListener(t, func(c *Config) { v3(c); c.MaxLearnedInterval = tt.bound })
			for range 3 {
				packet := packetFrom(t, "10.0.0.1", 150, func(a *Advert) { a.Version, a.Interval = V3, tt.interval })
				if got, want := l.hear(packet), tt.want == accepted; got != want {
					t.Errorf("delivered: got %v, want %v", got, want)
				}
			}
			c := l.counters()
			if c.IntervalDiffers != tt.differs {
				t.Errorf("counted %d, want %d", c.IntervalDiffers, tt.differs)
			}
			if got, want := l.log.count("peer advertises another interval", "interval="+tt.interval.String()), int(min(tt.differs, 1)); got != want {
				t.Errorf("logged %d times, want %d", got, want)
			}
			if tt.want != accepted && (c.Dropped.Of(tt.want) != 3 || l.log.count("[ERROR]", tt.want.Error()) != 1) {
				t.Errorf("dropped %d, log: %s", c.Dropped.Of(tt.want), l.log.b.String())
			}
		})
	}
}

// Rule 47, erratum 8298 to RFC 9568: an owner that hears another router logs it and processes the advert.
func TestRule47_OwnerHearsAdvertsV3(t *testing.T) {
	l := newListener(t, func(c *Config) { v3(c); owner(c) })
	if !l.hear(packetFrom(t, "10.0.0.1", 150, func(a *Advert) { a.Version, a.Interval = V3, 100*time.Millisecond })) {
		t.Error("not delivered")
	}
	if l.counters().WhileOwner != 1 || l.log.count("peer advertises addresses that this node owns") != 1 {
		t.Errorf("log: %s", l.log.b.String())
	}
}

// Rule 39: a router of version 3 drops version 2, and the reverse.
func TestRule39_VersionsDoNotMix(t *testing.T) {
	for _, own := range []Version{V2, V3} {
		l := newListener(t, func(c *Config) { c.Version = own })
		l.hear(packetFrom(t, "10.0.0.1", 150, func(a *Advert) { a.Version = V2 + V3 - own }))
		if got := l.counters().Dropped.Of(DropVersion); got != 1 {
			t.Errorf("version %d: %d dropped, want 1", own, got)
		}
	}
}

func TestRule57_ConfigValidateV3(t *testing.T) {
	const range3 = "want 10ms to 40.95s in steps of 10ms"
	tests := []struct {
		name string
		set  func(*Config)
		want string
	}{
		{"10 ms", func(c *Config) { c.AdvertInterval = 10 * time.Millisecond }, ""},
		{"40.95 s", func(c *Config) { c.AdvertInterval = 40950 * time.Millisecond }, ""},
		{"0", func(c *Config) { c.AdvertInterval = 0 }, "advert interval 0s, " + range3},
		{"9 ms", func(c *Config) { c.AdvertInterval = 9 * time.Millisecond }, "advert interval 9ms, " + range3},
		{"15 ms", func(c *Config) { c.AdvertInterval = 15 * time.Millisecond }, "advert interval 15ms, " + range3},
		{"40.96 s", func(c *Config) { c.AdvertInterval = 40960 * time.Millisecond }, "advert interval 40.96s, " + range3},
		{"rule 54, a bound", func(c *Config) { c.MaxLearnedInterval = c.AdvertInterval }, ""},
		{"rule 54, a bound below the own interval", func(c *Config) { c.MaxLearnedInterval = 90 * time.Millisecond },
			"learned interval of at most 90ms, want at least the own one, 100ms"},
		{"rule 36, a password", func(c *Config) { c.Auth = Auth{AuthPass, "x"} }, "a password with version 3, want version 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			v3(&cfg)
			tt.set(&cfg)
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
