package vrrp

import (
	"slices"
	"testing"
	"time"
)

func TestStatus(t *testing.T) {
	b := backup(t, nil)
	b.do(HoldPreempt{[]string{"warming up"}})
	b.hear(200, above)
	s := b.m.status()
	if s.State != Backup || s.Master.Address != above || s.Master.Priority != 200 || s.Master.Interval != time.Second ||
		!s.Master.Heard.Equal(b.now) || !s.MasterDownDue.Equal(b.now.Add(down100)) || s.Source != self ||
		!slices.Equal(s.Holds, []string{"warming up"}) || s.Reason != "started" || s.Epoch != 1 || s.Addresses != HoldingNone {
		t.Errorf("got %+v", s)
	}
	b.do(SourceChanged{})
	if s := b.m.status(); s.Source.IsValid() || s.State != Fault || len(s.Faults) != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestStatesAreNamed(t *testing.T) {
	for s, want := range map[State]string{Initialize: "INIT", Backup: "BACKUP", Master: "MASTER", Fault: "FAULT"} {
		if got := s.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// In the steady state neither a backup that hears its master nor a master that beats allocates.
func TestStepDoesNotAllocate(t *testing.T) {
	out := make([]Action, 0, 8)
	b := backup(t, nil)
	ad := b.m.Advert()
	ad.Priority = 200
	now := b.now
	if n := testing.AllocsPerRun(100, func() { out = b.m.Step(now, AdvertReceived{Advert: ad, From: above}, out[:0]) }); n != 0 {
		t.Errorf("backup: got %v allocations, want 0", n)
	}
	b = master(t, nil)
	now = b.now
	if n := testing.AllocsPerRun(100, func() {
		now = now.Add(time.Second)
		if out = b.m.Step(now, Tick{}, out[:0]); len(out) != 1 {
			t.Fatal(short(out))
		}
	}); n != 0 {
		t.Errorf("master: got %v allocations, want 0", n)
	}
}

func BenchmarkStep(b *testing.B) {
	m := NewMachine(testConfig())
	m.Step(simEpoch, SourceChanged{self}, nil)
	m.Step(simEpoch, Startup{}, nil)
	ad := m.Advert()
	ad.Priority = 200
	out := make([]Action, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		out = m.Step(simEpoch, AdvertReceived{Advert: ad, From: above}, out[:0])
	}
}
