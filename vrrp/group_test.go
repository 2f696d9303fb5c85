package vrrp

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestRunBoundsAReleaseThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		a := newHost(t, l, "10.0.0.1", nil, nil, withPriority(200)).start()
		time.Sleep(4 * time.Second)
		a.wantStates(Master)
		a.mu.Lock()
		a.mute = true
		a.mu.Unlock()
		begin := time.Now()
		a.stop()
		if took := time.Since(begin); took != ReleaseTimeout {
			t.Errorf("took %v, want %v", took, ReleaseTimeout)
		}
		if sent := l.sent(t); sent[len(sent)-1] != "10.0.0.1 0" {
			t.Errorf("got %q, want priority 0 last", sent)
		}
	})
}

func TestGroupFencesItselfOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		a := newHost(t, l, "10.0.0.1", nil, nil, withPriority(200)).start()
		time.Sleep(4 * time.Second)
		a.wantStates(Master)
		before := len(l.sent(t))
		a.mu.Lock()
		a.asleep = 10 * time.Second // the host was suspended: only CLOCK_BOOTTIME went on
		a.mu.Unlock()
		a.conn.inject(packetFrom(t, "10.0.0.9", 150, nil)) // a lower one took over meanwhile
		time.Sleep(turnEvery)
		synctest.Wait()
		a.wantStates(Backup)
		if after := l.sent(t); len(after) != before {
			t.Errorf("spoke before it listened: %q", after[before:])
		}
		if s := a.group.Status()[0]; s.Reason != "overslept 10.1s" || s.Master.Address != netip.MustParseAddr("10.0.0.9") {
			t.Errorf("got reason %q, master %v", s.Reason, s.Master.Address)
		}
	})
}

// A loop that was not let run while its keeper spoke reads what came and goes on as master; without its keeper it
// steps down, and a higher master that spoke meanwhile has it at once.
func TestGroupSleepsWhileItsBeatGoesOn(t *testing.T) {
	const long = 10 * time.Second
	for _, tt := range []struct {
		name   string
		spoke  time.Duration // before it wakes
		waits  uint8         // priority of an advert in the socket; 0: none
		want   State
		reason string
	}{
		{"the keeper spoke", 900 * time.Millisecond, 0, Master, "no master heard"},
		{"it spoke, and a lower one took over", 900 * time.Millisecond, 150, Master, "no master heard"},
		{"it spoke, and a higher one took over", 900 * time.Millisecond, 250, Backup, "10.0.0.9 advertises priority 250, own is 200"},
		{"it stopped with the daemon", long, 0, Backup, "overslept 10.1s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				beat := &fakeBeat{alive: true, set: map[string]int{}}
				a := newHost(t, new(lan), "10.0.0.1", beat, nil, withPriority(200)).start()
				time.Sleep(4 * time.Second)
				a.wantStates(Master)
				a.mu.Lock()
				a.asleep = long
				a.mu.Unlock()
				beat.mu.Lock()
				beat.spoke = a.group.cfg.BootTime() - tt.spoke
				beat.mu.Unlock()
				if tt.waits != 0 {
					a.conn.inject(packetFrom(t, "10.0.0.9", tt.waits, nil))
				}
				time.Sleep(turnEvery)
				synctest.Wait()
				a.wantStates(tt.want)
				if got := a.group.Status()[0].Reason; got != tt.reason {
					t.Errorf("got reason %q, want %q", got, tt.reason)
				}
			})
		})
	}
}
