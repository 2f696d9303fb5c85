package vrrp

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// Our choice on preempt: false concerns failback; a master that gets worse is replaced.
func TestNoPreempt(t *testing.T) {
	takesOver := func(b *bench) bool { // when the present master goes on as it did last
		b.t.Helper()
		last := b.m.peer.priority
		for range 5 {
			b.after(time.Second)
			if b.hear(last, above); !b.m.Deadline().After(b.now.Add(900 * time.Millisecond)) {
				b.now = b.m.Deadline()
				return short(b.do(Tick{})) == fmt.Sprintf("send %d, acquire, BACKUP>MASTER", b.m.Priority())
			}
		}
		return false
	}
	tests := []struct {
		name   string
		script func(b *bench)
		want   bool
	}{
		{"a master that always was lower is left alone", func(b *bench) { b.hear(90, above); b.hear(90, above) }, false},
		{"a master that fell below is replaced", func(b *bench) { b.hear(120, above); b.hear(90, above) }, true},
		{"a master that fell but stays above is left alone", func(b *bench) { b.hear(120, above); b.hear(110, above) }, false},
		{"a lower master that fell further is replaced", func(b *bench) { b.hear(90, above); b.hear(70, above) }, true},
		{"a master that recovered is left alone", func(b *bench) { b.hear(90, above); b.hear(70, above); b.hear(90, above) }, false},
		{"equally sick: nothing moves", func(b *bench) { b.hear(120, above); b.do(PriorityChanged{80}); b.hear(80, above) }, false},
		{"another master has a term of its own", func(b *bench) { b.hear(120, lower); b.hear(90, above) }, false},
		{"own recovery is no reason", func(b *bench) { b.do(PriorityChanged{60}); b.hear(90, above); b.do(PriorityChanged{100}) }, false},
		{"priority 0 ends the term", func(b *bench) { b.hear(120, above); b.hear(0, above); b.hear(90, above) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := backup(t, noPreempt)
			tt.script(b)
			if got := takesOver(b); got != tt.want {
				t.Errorf("takes over: got %v, want %v", got, tt.want)
			}
		})
	}
	t.Run("a silent master is replaced", func(t *testing.T) {
		b := backup(t, noPreempt)
		b.hear(90, above)
		b.want(b.after(down100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
}

func TestHoldPreempt(t *testing.T) {
	held := func(t *testing.T) *bench {
		b := backup(t, nil)
		b.want(b.do(HoldPreempt{[]string{"backend web has no healthy server"}}), "")
		return b
	}
	t.Run("a live master of lower priority is left alone", func(t *testing.T) {
		b := held(t)
		b.after(time.Second)
		b.hear(50, above)
		b.due(down100)
	})
	t.Run("also one that fell", func(t *testing.T) {
		b := held(t)
		b.hear(200, above)
		b.after(time.Second)
		b.hear(50, above)
		b.due(down100)
	})
	t.Run("a silent one is replaced", func(t *testing.T) {
		b := held(t)
		b.hear(50, above)
		b.want(b.after(down100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
	t.Run("afterwards it preempts", func(t *testing.T) {
		b := held(t)
		b.hear(50, above)
		b.do(HoldPreempt{})
		b.after(time.Second)
		b.hear(50, above)
		b.due(down100 - time.Second)
	})
}

func TestOverslept(t *testing.T) {
	t.Run("a master steps down before it speaks, and parts in silence", func(t *testing.T) {
		b := master(t, nil)
		b.after(10 * time.Second)
		b.want(b.do(Overslept{10 * time.Second}), "release, MASTER>BACKUP")
		b.want(b.do(Tick{}), "")
		b.want(b.do(AddressesReleased{}), "")
		b.due(down100)
	})
	t.Run("a new term has heard nothing of the old one", func(t *testing.T) {
		b := backup(t, nil)
		b.hear(0, above)
		b.now = b.m.Deadline()
		b.do(Tick{})
		b.after(time.Minute).do(Overslept{time.Minute})
		b.now = b.m.Deadline()
		b.do(AddressesReleased{})
		got := b.after(down100).do(Tick{})
		if reason := got[len(got)-1].(Transition).Reason; reason != "no master heard" {
			t.Errorf("got reason %q", reason)
		}
	})
	t.Run("a backup listens before it takes over", func(t *testing.T) {
		b := backup(t, nil)
		b.after(10 * time.Second)
		b.want(b.do(Overslept{10 * time.Second}), "")
		b.want(b.do(Tick{}), "")
		b.due(down100)
	})
	t.Run("a backup on a busy host believes silence at last", func(t *testing.T) {
		b := backup(t, nil)
		b.after(10 * time.Second)
		b.want(b.do(Overslept{10 * time.Second}), "")
		b.due(down100)
		b.after(5 * time.Second)
		b.want(b.do(Overslept{5 * time.Second}), "")
		b.want(b.do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	})
	t.Run("so does another term", func(t *testing.T) {
		b := backup(t, nil)
		b.after(10 * time.Second)
		b.do(Overslept{10 * time.Second})
		b.do(FaultChanged{[]string{"eth0 is down"}})
		b.do(FaultChanged{})
		b.after(10 * time.Second)
		b.do(Overslept{10 * time.Second})
		b.due(down100)
	})
	t.Run("what it hears makes it patient again", func(t *testing.T) {
		b := backup(t, nil)
		b.after(10 * time.Second)
		b.do(Overslept{10 * time.Second})
		b.hear(200, above)
		b.after(5 * time.Second)
		b.do(Overslept{5 * time.Second})
		b.want(b.do(Tick{}), "")
		b.due(down100)
	})
	t.Run("nothing else cares", func(t *testing.T) {
		b := newBench(t, nil)
		b.want(b.do(Overslept{time.Minute}), "")
		b.due(0)
	})
}

// A node has lost touch only when it both slept and, as master, was not heard.
func TestLostTouch(t *testing.T) {
	const second, minute = time.Second, time.Minute // shorter and longer than down100
	for _, tt := range []struct {
		name          string
		state         State
		slept, silent time.Duration
		want          bool
	}{
		{"a master slept and was silent: a suspended host, or no keeper", Master, minute, minute, true},
		{"a master slept while its keeper spoke", Master, minute, second, false},
		{"a master was awake while its adverts were late", Master, second, minute, false},
		{"a master that is on time", Master, second, second, false},
		{"just the down interval", Master, down100, down100, false},
		{"just above", Master, down100 + 1, down100 + 1, true},
		{"a backup slept", Backup, minute, 0, true},
		{"a backup was awake", Backup, second, minute, false},
		{"who is in FAULT has nothing to lose", Fault, minute, minute, false},
		{"nor who has not begun", Initialize, minute, minute, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := NewMachine(testConfig())
			m.state = tt.state
			if got := m.lostTouch(tt.slept, tt.silent); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestReload(t *testing.T) {
	t.Run("of nothing emits nothing and moves no timer", func(t *testing.T) {
		for _, b := range []*bench{backup(t, nil), master(t, nil)} {
			b.do(PriorityChanged{80})
			b.after(300 * time.Millisecond)
			state, deadline, epoch := b.m.State(), b.m.Deadline(), b.m.epoch
			b.want(b.do(ConfigChanged{testConfig()}), "")
			if b.m.State() != state || !b.m.Deadline().Equal(deadline) || b.m.epoch != epoch || b.m.Priority() != 80 {
				t.Errorf("%v: something changed", state)
			}
		}
	})
	t.Run("of the priority keeps what the trackers made of it", func(t *testing.T) {
		b := backup(t, nil)
		b.do(PriorityChanged{80})
		cfg := testConfig()
		cfg.Priority = 120
		b.do(ConfigChanged{cfg})
		if got := b.m.Priority(); got != 100 {
			t.Errorf("got %d, want 100", got)
		}
		b.due(down100)
	})
	t.Run("to owner and back", func(t *testing.T) {
		b := backup(t, nil)
		b.do(PriorityChanged{80})
		cfg := testConfig()
		cfg.Priority = PriorityOwner
		b.do(ConfigChanged{cfg})
		if got := b.m.Priority(); got != PriorityOwner {
			t.Errorf("got %d, want 255", got)
		}
		b.do(ConfigChanged{testConfig()})
		if got := b.m.Priority(); got != 100 {
			t.Errorf("got %d, want 100", got)
		}
	})
	t.Run("of addresses, password and interval reaches the next advert", func(t *testing.T) {
		b := master(t, func(c *Config) { c.AdvertInterval = 4 * time.Second })
		cfg := testConfig()
		cfg.Addresses = addrs("10.0.0.100", "10.0.0.101")
		cfg.Auth = Auth{AuthPass, "secret"}
		b.want(b.do(ConfigChanged{cfg}), "")
		b.state(Master)
		b.due(time.Second)
		ad := b.after(time.Second).do(Tick{})[0].(SendAdvert).Advert
		if !slices.Equal(ad.Addresses, cfg.Addresses) || ad.AuthData != cfg.Auth.data() || ad.Interval != time.Second {
			t.Errorf("got %+v", ad)
		}
	})
	t.Run("of the interval moves a backup's timer", func(t *testing.T) {
		b := backup(t, nil)
		b.after(time.Second)
		cfg := testConfig()
		cfg.AdvertInterval = 2 * time.Second
		b.do(ConfigChanged{cfg})
		b.due(down100 - time.Second + 3*time.Second)
	})
	t.Run("does not share the caller's addresses", func(t *testing.T) {
		cfg := testConfig()
		m := NewMachine(cfg)
		cfg.Addresses[0] = lower
		if got := m.Advert().Addresses[0]; got == lower {
			t.Error("the caller's change reached the machine")
		}
	})
	t.Run("never makes another router of it", func(t *testing.T) {
		b := backup(t, nil)
		cfg := testConfig()
		cfg.VRID, cfg.Interface = 7, "eth1"
		six(&cfg)
		b.do(ConfigChanged{cfg})
		if got := b.m.Config(); got.VRID != 51 || got.Interface != "eth0" || got.Version != V2 || got.Family() != IPv4 {
			t.Errorf("got VRID %d on %s, version %d, %v", got.VRID, got.Interface, got.Version, got.Family())
		}
	})
}
