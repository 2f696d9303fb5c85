package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// Rules 68 and 83: "If a Shutdown event is received, then: o Cancel the Adver_Timer o Send an ADVERTISEMENT with Priority =
// 0 o Transition to the {Initialize} state" (section 6.4.3); the addresses are gone before priority 0 is said.
func TestRule68_83_MasterShutsDown(t *testing.T) {
	b := master(t, nil)
	b.want(b.do(Shutdown{}), "release")
	b.state(Master)
	if b.m.Beating() {
		t.Error("somebody else may still beat")
	}
	b.after(500 * time.Millisecond)
	b.want(b.do(AddressesReleased{}), "send 0, MASTER>INIT")
	b.due(0)
	if !b.m.Done() {
		t.Error("not done")
	}
}

func TestRule83_ResigningKeepsPeersWaiting(t *testing.T) {
	b := master(t, nil)
	b.do(Shutdown{})
	b.after(time.Second)
	b.want(b.do(Tick{}), "beat 100")
	t.Run("but not for ever", func(t *testing.T) {
		b.after(ReleaseTimeout - time.Second)
		b.want(b.do(Tick{}), "send 0, MASTER>INIT")
	})
	t.Run("and a late answer changes nothing", func(t *testing.T) {
		b.want(b.do(AddressesReleased{}), "")
	})
}

func TestRule83_WhileResigning(t *testing.T) {
	resigning := func(t *testing.T) *bench {
		b := master(t, nil)
		b.want(b.do(Shutdown{}), "release")
		return b
	}
	t.Run("a second Shutdown asks for nothing", func(t *testing.T) {
		b := resigning(t)
		b.want(b.do(Shutdown{}), "")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>INIT")
	})
	t.Run("a lower advert is left alone", func(t *testing.T) {
		b := resigning(t)
		b.want(b.hear(50, above), "")
	})
	t.Run("a higher advert makes priority 0 unnecessary", func(t *testing.T) {
		b := resigning(t)
		b.want(b.hear(200, above), "MASTER>BACKUP")
		b.want(b.do(AddressesReleased{}), "send 100, BACKUP>INIT")
	})
	t.Run("lost addresses are no news", func(t *testing.T) {
		b := resigning(t)
		b.want(b.do(AddressFailed{errors.New("gone")}), "")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>INIT")
	})
	t.Run("oversleeping ends it in silence", func(t *testing.T) {
		b := resigning(t)
		b.want(b.after(time.Minute).do(Overslept{time.Minute}), "MASTER>BACKUP")
		b.want(b.do(AddressesReleased{}), "BACKUP>INIT")
	})
	t.Run("a fault that passes does not stop it", func(t *testing.T) {
		b := master(t, nil)
		b.want(b.do(FaultChanged{[]string{"eth0 is down"}}), "release")
		b.want(b.do(FaultChanged{}), "")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>BACKUP")
		b.due(down100)
	})
	t.Run("a shutdown during a fault's release is one farewell", func(t *testing.T) {
		b := master(t, nil)
		b.want(b.do(FaultChanged{[]string{"eth0 is down"}}), "release")
		b.want(b.do(Shutdown{}), "")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>INIT")
	})
}

// Rule 69: "If the Priority in the ADVERTISEMENT is Zero, then: o Send an ADVERTISEMENT o Reset the Adver_Timer to
// Advertisement_Interval" (section 6.4.3)
func TestRule69_MasterAnswersPriorityZero(t *testing.T) {
	b := master(t, nil)
	b.after(400 * time.Millisecond)
	b.want(b.hear(0, above), "send 100")
	b.due(time.Second)
}

// Rules 70, 72 and 74: "If the Priority in the ADVERTISEMENT is greater than the local Priority, or If the Priority in the
// ADVERTISEMENT is equal to the local Priority and the primary IP Address of the sender is greater than the local primary
// IP Address, then: o Cancel Adver_Timer o Set Master_Down_Timer to Master_Down_Interval o Transition to the {Backup} state"
// (section 6.4.3)
func TestRule70_72_74_MasterYields(t *testing.T) {
	tests := []struct {
		name     string
		set      func(*Config)
		priority uint8
		from     netip.Addr
	}{
		{"rule 70 higher priority", nil, 101, lower},
		{"rule 70 equal priority, higher address", nil, 100, above},
		{"rule 72 addresses compare as numbers, not as text", nil, 100, netip.MustParseAddr("10.0.0.40")},
		{"rule 74 preempt false", noPreempt, 101, lower},
		{"two owners, higher address", owner, 255, above},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := master(t, func(c *Config) {
				if tt.set != nil {
					tt.set(c)
				}
				if c.Priority == PriorityOwner {
					c.Priority = 254 // to start as backup
				}
			})
			if tt.priority == PriorityOwner {
				cfg := b.m.Config()
				cfg.Priority = PriorityOwner
				b.do(ConfigChanged{cfg})
			}
			own := b.m.Priority()
			b.want(b.hear(tt.priority, tt.from), "release, MASTER>BACKUP")
			if b.m.Beating() {
				t.Error("somebody else may still beat")
			}
			if want := b.now.Add(b.m.MasterDownInterval()); !b.m.downAt.Equal(want) {
				t.Errorf("master down timer at %v, want %v", b.m.downAt, want)
			}
			// The winner announces when it hears the loser's own priority.
			b.want(b.after(50*time.Millisecond).do(AddressesReleased{}), fmt.Sprintf("send %d", own))
			b.want(b.do(AddressesReleased{}), "")
		})
	}
}

func TestRule70_AfterYielding(t *testing.T) {
	yielded := func(t *testing.T) *bench {
		b := master(t, nil)
		b.want(b.hear(200, above), "release, MASTER>BACKUP")
		return b
	}
	t.Run("the parting advert has the priority that lost", func(t *testing.T) {
		b := yielded(t)
		b.do(PriorityChanged{250}) // would throw the winner out
		b.want(b.do(AddressesReleased{}), "send 100")
	})
	t.Run("a release that hangs ends without it", func(t *testing.T) {
		b := yielded(t)
		b.want(b.after(ReleaseTimeout).do(Tick{}), "")
		b.want(b.do(AddressesReleased{}), "")
	})
	t.Run("a new term waits for no old release", func(t *testing.T) {
		b := yielded(t)
		b.hear(0, above)
		b.want(b.after(skew100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
		b.want(b.do(AddressesReleased{}), "")
		b.want(b.do(AddressesReady{}), "")
		b.due(time.Second)
	})
	t.Run("the answers of an old term are none to a new one", func(t *testing.T) {
		b := backup(t, nil)
		b.want(b.after(down100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
		b.want(b.hear(200, above), "release, MASTER>BACKUP")
		b.hear(0, above)
		b.want(b.after(skew100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
		for _, tt := range []struct {
			answer Event
			want   Holding
		}{{AddressesReady{}, HoldingAcquiring}, {AddressesReleased{}, HoldingAcquiring}, {AddressesReady{}, HoldingHeld}} {
			b.want(b.do(tt.answer), "")
			if got := b.m.status().Addresses; got != tt.want {
				t.Errorf("after %T: addresses %v, want %v", tt.answer, got, tt.want)
			}
		}
	})
	t.Run("the answer to an old release is none to a new one", func(t *testing.T) {
		b := yielded(t)
		b.hear(0, above)
		b.want(b.after(skew100).do(Tick{}), "send 100, acquire, BACKUP>MASTER")
		b.want(b.do(Shutdown{}), "release")
		b.want(b.do(AddressesReleased{}), "")
		b.want(b.do(AddressesReleased{}), "send 0, MASTER>INIT")
	})
	t.Run("a shutdown waits for the release", func(t *testing.T) {
		b := yielded(t)
		b.want(b.do(Shutdown{}), "")
		b.want(b.hear(0, above), "")
		b.want(b.after(skew100).do(Tick{}), "")
		b.want(b.do(AddressesReleased{}), "send 100, BACKUP>INIT")
	})
	t.Run("a fault does not forget the parting advert", func(t *testing.T) {
		b := yielded(t)
		b.want(b.do(FaultChanged{[]string{"check_app failed"}}), "BACKUP>FAULT")
		b.want(b.do(AddressesReleased{}), "send 100")
	})
}

// Rule 71 as RFC 9568 section 6.4.3 has it: a master that hears a lower router answers at once. Rule 75: and it announces,
// for the other one may have announced itself.
func TestRule71_75_MasterAnswersLower(t *testing.T) {
	for _, tt := range []struct {
		name     string
		priority uint8
		from     netip.Addr
	}{
		{"lower priority", 99, above},
		{"rule 72 equal priority, lower address", 100, lower},
		{"rule 72 10.0.0.5 is above 10.0.0.4, and 9.255.255.255 below", 100, netip.MustParseAddr("9.255.255.255")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := master(t, nil)
			b.after(400 * time.Millisecond)
			b.want(b.hear(tt.priority, tt.from), "send 100, announce")
			b.due(600 * time.Millisecond)
		})
	}
}
