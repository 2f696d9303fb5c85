package vrrp

import (
	"testing"
	"time"
)

// offering is a Master of priority 200 that was told not to preempt and looks for a successor.
func offering(t *testing.T) *bench {
	t.Helper()
	b := master(t, func(c *Config) { c.Priority = 200 })
	b.want(b.do(HoldPreempt{handedOver}), "")
	b.want(b.do(Offer{Reason: "handed over", For: 5 * time.Second}), "send 1")
	return b
}

// A master that looks for a successor serves until somebody has taken over, and yields to any priority then.
func TestOfferUntilSomebodyTakesOver(t *testing.T) {
	b := offering(t)
	for range 3 {
		b.after(time.Second)
		b.want(b.do(Tick{}), "beat 1")
	}
	b.want(b.do(PriorityChanged{150}), "") // what trackers find changes nothing of it
	b.want(b.hear(100, lower), "release, MASTER>BACKUP")
	if got, want := b.m.status().Reason, "handed over: 10.0.0.4 took over"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
	b.want(b.do(AddressesReleased{}), "send 1")
	if got := b.m.Priority(); got != 150 {
		t.Errorf("effective priority %d afterwards, want 150", got)
	}
	for range 20 { // longer than any down interval
		b.after(time.Second)
		b.want(b.hear(100, lower), "")
	}
}

// Where nobody takes over it resigns in order, and takes the addresses back when nobody wants them even so.
func TestOfferThatNobodyTakes(t *testing.T) {
	b := offering(t)
	b.after(5 * time.Second)
	b.want(b.do(Tick{}), "release, beat 1")
	b.want(b.do(AddressesReleased{}), "send 0, MASTER>BACKUP")
	if got := b.m.status().Reason; got != "handed over" {
		t.Errorf("reason %q", got)
	}
	b.now = b.m.Deadline()
	b.want(b.do(Tick{}), "send 200, acquire, BACKUP>MASTER")
}

func TestOffer(t *testing.T) {
	t.Run("ended: the own priority again, at once", func(t *testing.T) {
		b := offering(t)
		b.want(b.do(Offer{}), "send 200")
		b.want(b.do(Offer{}), "")
		b.want(b.hear(100, lower), "send 200, announce")
	})
	t.Run("a backup has nothing to offer", func(t *testing.T) {
		b := backup(t, nil)
		b.want(b.do(Offer{Reason: "handed over", For: time.Second}), "")
		b.due(down100)
	})
	t.Run("an owner too", func(t *testing.T) {
		b := newBench(t, owner)
		b.do(Startup{})
		b.do(AddressesReady{})
		b.do(HoldPreempt{handedOver})
		b.want(b.do(Offer{Reason: "handed over", For: 5 * time.Second}), "send 1")
		b.want(b.hear(100, lower), "release, MASTER>BACKUP")
	})
	t.Run("with a fault it resigns at once", func(t *testing.T) {
		b := offering(t)
		b.want(b.do(FaultChanged{[]string{"eth0 is down"}}), "release")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>FAULT")
	})
	t.Run("a reload keeps it", func(t *testing.T) {
		b := offering(t)
		cfg := b.m.Config()
		cfg.Priority = 201
		b.want(b.do(ConfigChanged{cfg}), "")
		if got := b.m.Advert().Priority; got != 1 {
			t.Errorf("advertises %d, want 1", got)
		}
	})
	t.Run("shutdown ends it", func(t *testing.T) {
		b := offering(t)
		b.want(b.do(Shutdown{}), "release")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>INIT")
	})
}

// A backup of any priority takes over within the time, counted from the last advert before the Offer.
func TestSuccessorWithin(t *testing.T) {
	for _, cfg := range []Config{{Version: V2, AdvertInterval: time.Second}, {Version: V2, AdvertInterval: 255 * time.Second}, {Version: V3, AdvertInterval: 100 * time.Millisecond}} {
		if got, slowest := cfg.SuccessorWithin(), masterDownInterval(cfg.Version, cfg.AdvertInterval, 1); got <= slowest || got > slowest+2*cfg.AdvertInterval {
			t.Errorf("version %d, %v: got %v, where a backup of priority 1 takes %v", cfg.Version, cfg.AdvertInterval, got, slowest)
		}
	}
}

// A sync group goes as a whole, to who takes over any of it.
func TestOfferOfASyncGroup(t *testing.T) {
	c := masters(t)
	for i := range c.ms {
		c.tell(i, HoldPreempt{handedOver})
	}
	for i := range c.ms {
		c.tell(i, Offer{Reason: "handed over", For: 5 * time.Second})
	}
	c.want("1: send 1", "2: send 1")
	c.hear(0, 40, lower)
	c.want("1: release, MASTER>BACKUP", "2: release")
}
