package vrrp

import (
	"testing"
	"time"
)

var handedOver = []string{"handover"}

// yielding is a Master of priority 200 that was told not to preempt and to resign, and has.
func yielding(t *testing.T, set func(*Config)) *bench {
	t.Helper()
	b := master(t, func(c *Config) {
		c.Priority = 200
		if set != nil {
			set(c)
		}
	})
	b.want(b.do(HoldPreempt{handedOver}), "")
	b.want(b.do(Resign{"told to"}), "release")
	b.want(b.do(AddressesReleased{}), "send 0, MASTER>BACKUP")
	if got := b.m.status().Reason; got != "told to" {
		t.Errorf("reason %q, want %q", got, "told to")
	}
	return b
}

// A handover is HoldPreempt and Resign: rule 83's order, and no way back while another router is there and may stay.
func TestResignAndStayAway(t *testing.T) {
	b := yielding(t, nil)
	for range 20 { // longer than any down interval
		b.want(b.hear(100, lower), "")
		b.due(3*time.Second + 56*time.Second/256)
		b.after(time.Second)
	}
	b.want(b.hear(50, lower), "") // nor from one that fares worse
	b.do(HoldPreempt{})
	b.want(b.hear(100, lower), "")
	b.now = b.m.Deadline()
	b.want(b.do(Tick{}), "send 200, acquire, BACKUP>MASTER")
}

func TestResignTellsSinceWhenAnotherIsMaster(t *testing.T) {
	b := yielding(t, nil)
	if got := b.m.status().Master; got.Address.IsValid() {
		t.Errorf("before anybody spoke: %+v", got)
	}
	b.after(200*time.Millisecond).hear(100, lower)
	first := b.now
	b.after(time.Second).hear(100, lower)
	if got := b.m.status().Master; got.Address != lower || !got.Since.Equal(first) || !got.Heard.Equal(b.now) {
		t.Errorf("got %+v, want %v since %v, heard %v", got, lower, first, b.now)
	}
}

func TestResign(t *testing.T) {
	t.Run("nobody else: the addresses come back", func(t *testing.T) {
		b := yielding(t, nil)
		b.now = b.m.Deadline()
		b.want(b.do(Tick{}), "send 200, acquire, BACKUP>MASTER")
	})
	t.Run("the other one resigns too: it comes back after the skew time", func(t *testing.T) {
		b := yielding(t, nil)
		b.hear(100, lower)
		b.hear(0, lower)
		b.due(56 * time.Second / 256)
	})
	t.Run("an owner keeps away too", func(t *testing.T) {
		b := newBench(t, owner)
		b.want(b.do(Startup{}), "send 255, acquire, INIT>MASTER")
		b.do(AddressesReady{})
		b.do(HoldPreempt{handedOver})
		b.want(b.do(Resign{"told to"}), "release")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>BACKUP")
		b.hear(100, lower)
		b.due(3*time.Second + time.Second/256)
	})
	t.Run("a backup has nothing to give", func(t *testing.T) {
		b := backup(t, nil)
		b.want(b.do(Resign{"told to"}), "")
		b.due(down100)
	})
	t.Run("twice is once", func(t *testing.T) {
		b := master(t, nil)
		b.want(b.do(Resign{"told to"}), "release")
		b.want(b.do(Resign{"again"}), "")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>BACKUP")
	})
	t.Run("with a fault meanwhile it goes there", func(t *testing.T) {
		b := master(t, nil)
		b.do(Resign{"told to"})
		b.do(FaultChanged{[]string{"eth0 is down"}})
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>FAULT")
	})
	t.Run("a higher one that comes meanwhile is yielded to", func(t *testing.T) {
		b := master(t, nil)
		b.do(Resign{"told to"})
		b.want(b.hear(200, above), "MASTER>BACKUP")
		b.want(b.do(AddressesReleased{}), "send 100")
	})
}

// A sync group goes as a whole, whoever of it is told.
func TestResignOfASyncGroup(t *testing.T) {
	c := masters(t)
	for i := range c.ms {
		c.tell(i, HoldPreempt{handedOver})
	}
	c.tell(1, Resign{"told to"})
	c.want("2: release", "1: release")
	c.tell(1, AddressesReleased{})
	c.tell(0, AddressesReleased{})
	c.want("2: send 0, MASTER>BACKUP", "1: send 0, MASTER>BACKUP")
	for range 10 {
		c.hear(0, 40, lower)
		c.hear(1, 40, lower)
		c.pass(time.Second)
	}
	c.want()
	c.tell(0, HoldPreempt{})
	for range 10 {
		c.hear(0, 40, lower)
		c.hear(1, 40, lower)
		c.pass(time.Second)
	}
	c.want() // one that holds back holds all
}
