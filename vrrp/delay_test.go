package vrrp

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

func preemptDelay(c *Config) { c.PreemptDelay = 10 * time.Second }

// hearFor has the bench hear a master of a priority every second, and reports whether it takes over meanwhile.
func (b *bench) hearFor(d time.Duration, priority uint8) bool {
	for end := b.now.Add(d); b.now.Before(end); b.after(time.Second) {
		b.hear(priority, lower)
		if next := b.m.Deadline(); !next.After(b.now.Add(time.Second)) {
			b.now = next
			return strings.Contains(short(b.do(Tick{})), "BACKUP>MASTER")
		}
	}
	return false
}

// Rule 80, as Keepalived has it: the delay runs from the first advert of a lower priority, and without one there is none.
func TestRule80_PreemptDelay(t *testing.T) {
	t.Run("rule 80 a live master of lower priority is left alone for the delay", func(t *testing.T) {
		b := backup(t, preemptDelay)
		if b.hearFor(10*time.Second, 50) {
			t.Fatalf("took over after %v", b.now.Sub(b.start))
		}
		// The next advert no longer resets the timer, which the last one within the delay set.
		if !b.hearFor(down100, 50) {
			t.Fatal("did not take over after the delay")
		}
		if got, want := b.now.Sub(b.start), 9*time.Second+down100; got != want {
			t.Errorf("took over after %v, want %v", got, want)
		}
	})
	t.Run("rule 80 nobody was seen: no delay", func(t *testing.T) {
		b := backup(t, preemptDelay)
		b.due(down100)
		b.want(b.after(down100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
	t.Run("rule 80 a master that falls silent within the delay is replaced", func(t *testing.T) {
		b := backup(t, preemptDelay)
		b.hearFor(5*time.Second, 50)
		b.after(down100 - time.Second)
		b.want(b.do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
	t.Run("rule 80 and one that resigns", func(t *testing.T) {
		b := backup(t, preemptDelay)
		b.hear(50, lower)
		b.hear(0, lower)
		b.due(skew100)
	})
	t.Run("an advert of a higher priority begins it anew", func(t *testing.T) {
		b := backup(t, preemptDelay)
		b.hearFor(9*time.Second, 50)
		b.hear(200, above)
		if b.hearFor(9*time.Second, 50) {
			t.Errorf("took over after %v", b.now.Sub(b.start))
		}
	})
	t.Run("so does a fault", func(t *testing.T) {
		b := backup(t, preemptDelay)
		b.hearFor(9*time.Second, 50)
		b.do(FaultChanged{[]string{"eth0 is down"}})
		b.do(FaultChanged{})
		if b.hearFor(9*time.Second, 50) {
			t.Errorf("took over after %v", b.now.Sub(b.start))
		}
	})
	t.Run("so does a term as master", func(t *testing.T) {
		b := master(t, preemptDelay)
		b.hear(200, above)
		b.do(AddressesReleased{})
		if b.hearFor(9*time.Second, 50) {
			t.Errorf("took over after %v", b.now.Sub(b.start))
		}
	})
	t.Run("a master whose priority fell is not failback", func(t *testing.T) {
		b := backup(t, preemptDelay)
		b.hear(200, lower)
		if !b.hearFor(down100+time.Second, 50) {
			t.Error("did not take over from a master that fares worse than it did")
		}
	})
	t.Run("an owner always preempts", func(t *testing.T) {
		b := newBench(t, func(c *Config) { owner(c); preemptDelay(c) })
		b.do(HoldPreempt{[]string{"warming up"}})
		b.do(Startup{})
		b.do(HoldPreempt{})
		if !b.hearFor(5*time.Second, 50) {
			t.Error("waited")
		}
	})
	t.Run("rule 74 a master yields whatever the delay", func(t *testing.T) {
		b := master(t, preemptDelay)
		b.want(b.hear(200, above), "release, MASTER>BACKUP")
	})
}

func TestStartupDelay(t *testing.T) {
	delay := func(c *Config) { c.StartupDelay = 30 * time.Second }
	t.Run("nobody is there", func(t *testing.T) {
		b := backup(t, delay)
		b.want(b.after(down100).do(Tick{}), "")
		b.due(30*time.Second - down100)
		if got := b.m.status().NotBefore; !got.Equal(b.start.Add(30 * time.Second)) {
			t.Errorf("status tells %v", got)
		}
		b.now = b.start.Add(30 * time.Second)
		b.want(b.do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
	t.Run("whoever is heard", func(t *testing.T) {
		b := backup(t, delay)
		if b.hearFor(30*time.Second, 50) && b.now.Sub(b.start) < 30*time.Second {
			t.Errorf("took over after %v", b.now.Sub(b.start))
		}
	})
	t.Run("a master that resigns meanwhile", func(t *testing.T) {
		b := backup(t, delay)
		b.hear(0, lower)
		b.want(b.after(skew100).do(Tick{}), "")
		b.due(30*time.Second - skew100)
	})
	t.Run("an owner", func(t *testing.T) {
		b := newBench(t, func(c *Config) { owner(c); delay(c) })
		b.want(b.do(Startup{}), "INIT>BACKUP")
	})
	t.Run("it concerns the start alone", func(t *testing.T) {
		b := backup(t, delay)
		b.after(time.Minute)
		b.do(FaultChanged{[]string{"eth0 is down"}})
		b.do(FaultChanged{})
		b.want(b.after(down100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
}

// A port of a switch that is up may not pass traffic yet: who then hears nobody would steal the addresses.
func TestWarmUp(t *testing.T) {
	warm := func(c *Config) { c.WarmUp = 60 * time.Second }
	t.Run("nobody is heard: the longer wait", func(t *testing.T) {
		b := backup(t, warm)
		b.want(b.after(down100).do(Tick{}), "")
		b.due(60*time.Second - down100)
		b.now = b.start.Add(60 * time.Second)
		b.want(b.do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
	t.Run("one advert proves the link", func(t *testing.T) {
		b := backup(t, warm)
		b.after(40 * time.Second)
		b.hear(200, above)
		b.due(down100)
		b.want(b.after(down100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
	t.Run("after the timer was put off too", func(t *testing.T) {
		b := backup(t, warm)
		b.after(down100).do(Tick{})
		b.hear(0, above)
		b.due(skew100)
	})
	t.Run("after a fault the link is to be proven again", func(t *testing.T) {
		b := backup(t, warm)
		b.hear(200, above)
		b.do(FaultChanged{[]string{"eth0 is down"}})
		b.do(FaultChanged{})
		b.want(b.after(down100).do(Tick{}), "")
		b.due(60*time.Second - down100)
	})
	t.Run("a master that lost heard the winner", func(t *testing.T) {
		b := backup(t, warm)
		b.now = b.start.Add(60 * time.Second)
		b.do(Tick{})
		b.hear(200, above)
		b.do(AddressesReleased{})
		b.want(b.after(down100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
	t.Run("an owner", func(t *testing.T) {
		b := newBench(t, func(c *Config) { owner(c); warm(c) })
		b.want(b.do(Startup{}), "INIT>BACKUP")
	})
}

func TestDelaysValidate(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*Config)
		want string
	}{
		{"the longest", func(c *Config) {
			c.PreemptDelay, c.StartupDelay, c.WarmUp = 1000*time.Second, 1000*time.Second, 1000*time.Second
		}, ""},
		{"preempt delay", func(c *Config) { c.PreemptDelay = -1 }, "instance VI_1: preempt delay of -1ns, want 0s to 16m40s"},
		{"startup delay", func(c *Config) { c.StartupDelay = 1001 * time.Second }, "instance VI_1: startup delay of 16m41s, want 0s to 16m40s"},
		{"warm-up", func(c *Config) { c.WarmUp = time.Hour }, "instance VI_1: warm-up of 1h0m0s, want 0s to 16m40s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig()
			tt.set(&cfg)
			got := ""
			if err := cfg.Validate(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// At 10 ms the master down interval is shorter than the loop's usual rest, which is no oversleeping.
func TestShortIntervalsAreNotOverslept(t *testing.T) {
	fast := func(set func(*Config)) Config {
		cfg := testConfig()
		cfg.Version, cfg.AdvertInterval = V3, 10*time.Millisecond
		set(&cfg)
		return cfg
	}
	for _, tt := range []struct {
		name string
		cfg  Config
		ev   Event
		want State
	}{
		{"as backup that waits", fast(func(c *Config) { c.WarmUp = 2 * time.Second }), HoldPreempt{}, Master},
		{"in FAULT", fast(func(*Config) {}), FaultChanged{[]string{"eth0 is down"}}, Fault},
		{"as master", fast(func(*Config) {}), HoldPreempt{}, Master},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log logBuffer
				h := newHost(t, new(lan), "10.0.0.1", nil, hclog.New(&hclog.LoggerOptions{Output: &log}), tt.cfg)
				h.group.Post("VI_1", tt.ev)
				h.start()
				time.Sleep(3 * time.Second)
				h.wantStates(tt.want)
				if got := log.count("overslept"); got != 0 {
					t.Errorf("%d lines say that it overslept", got)
				}
			})
		})
	}
	t.Run("in a sync group that waits for a member", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			slow := fast(func(c *Config) { c.Name, c.VRID, c.AdvertInterval = "VI_2", 52, time.Second })
			h := newHost(t, new(lan), "10.0.0.1", nil, nil, fast(func(*Config) {}), slow)
			h.group.cfg.Sync = true
			for _, m := range h.group.machines {
				m.grouped = true
			}
			h.start()
			time.Sleep(5 * time.Second)
			h.wantStates(Master, Master)
		})
	})
}
