package vrrp

import (
	"errors"
	"testing"
	"time"
)

// Rule 78: FAULT as Keepalived has it: priority 0 on the way from Master, and Backup with a full down timer on the way out.
func TestRule78_Fault(t *testing.T) {
	t.Run("from Master", func(t *testing.T) {
		b := master(t, nil)
		b.want(b.do(FaultChanged{[]string{"eth0 is down", "check_app failed"}}), "release")
		got := b.do(AddressesReleased{})
		b.want(got, "send 0, MASTER>FAULT")
		if reason := got[1].(Transition).Reason; reason != "eth0 is down; check_app failed" {
			t.Errorf("got reason %q", reason)
		}
		b.due(0)
		b.want(b.hear(50, above), "")
		b.want(b.after(time.Hour).do(Tick{}), "")
		b.want(b.do(FaultChanged{}), "FAULT>BACKUP")
		b.due(down100)
	})
	t.Run("from Backup", func(t *testing.T) {
		b := backup(t, nil)
		b.want(b.do(FaultChanged{[]string{"eth0 is down"}}), "BACKUP>FAULT")
		b.due(0)
		b.want(b.do(FaultChanged{[]string{"another one"}}), "")
		b.want(b.do(FaultChanged{}), "FAULT>BACKUP")
	})
	t.Run("at the start", func(t *testing.T) {
		b := newBench(t, owner)
		b.do(FaultChanged{[]string{"eth0 is down"}})
		b.want(b.do(Startup{}), "INIT>FAULT")
		b.want(b.do(Shutdown{}), "FAULT>INIT")
	})
	t.Run("a master that yields during a fault goes there", func(t *testing.T) {
		b := master(t, nil)
		b.want(b.do(FaultChanged{[]string{"check_app failed"}}), "release")
		b.want(b.hear(200, above), "MASTER>FAULT")
		b.want(b.do(AddressesReleased{}), "send 100")
	})
	t.Run("an interface without an address", func(t *testing.T) {
		b := master(t, nil)
		b.want(b.do(SourceChanged{}), "release")
		got := b.do(AddressesReleased{})
		b.want(got, "send 0, MASTER>FAULT")
		if reason := got[1].(Transition).Reason; reason != "interface eth0 has no address to send from" {
			t.Errorf("got reason %q", reason)
		}
		if b.m.Source() != self {
			t.Errorf("the farewell is sent from %v, want %v", b.m.Source(), self)
		}
		b.want(b.do(SourceChanged{above}), "FAULT>BACKUP")
	})
	t.Run("no address from the start", func(t *testing.T) {
		m := NewMachine(testConfig())
		if got := short(m.Step(simEpoch, Startup{}, nil)); got != "INIT>FAULT" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAddressFailed(t *testing.T) {
	b := master(t, nil)
	wait := firstRetry
	for _, want := range []time.Duration{2, 4, 8, 16, 32, 64, 64} {
		if wait = want * time.Second; b.m.State() != Master {
			t.Fatalf("state %v", b.m.State())
		}
		b.want(b.do(AddressFailed{errors.New("add 10.0.0.100/32 to eth0: no buffer space")}), "release")
		got := b.do(AddressesReleased{})
		b.want(got, "send 0, MASTER>FAULT")
		if reason := got[1].(Transition).Reason; reason != "add 10.0.0.100/32 to eth0: no buffer space" {
			t.Errorf("got reason %q", reason)
		}
		b.due(wait)
		b.want(b.after(wait).do(Tick{}), "FAULT>BACKUP")
		b.now = b.m.Deadline()
		b.want(b.do(Tick{}), "send 100, acquire, BACKUP>MASTER")
	}
	t.Run("success begins the count anew", func(t *testing.T) {
		b.do(AddressesReady{})
		b.do(AddressFailed{errors.New("lost")})
		b.do(AddressesReleased{})
		b.due(firstRetry)
	})
	t.Run("a shutdown ends the waiting", func(t *testing.T) {
		b := master(t, nil)
		b.do(AddressFailed{errors.New("lost")})
		b.do(AddressesReleased{})
		b.want(b.do(Shutdown{}), "FAULT>INIT")
		b.due(0)
	})
	t.Run("it does not concern a backup", func(t *testing.T) {
		b := backup(t, nil)
		b.want(b.do(AddressFailed{errors.New("late")}), "")
		b.state(Backup)
	})
}
