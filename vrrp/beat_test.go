package vrrp

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestGroupPulses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newHost(t, new(lan), "10.0.0.1", nil, nil, withPriority(200)).start()
		a.group.Post("VI_1", FaultChanged{[]string{"no timer runs in FAULT"}})
		time.Sleep(10 * time.Second)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.pulses < 100 || a.pulses > 110 {
			t.Errorf("got %d pulses in 10 s, want 100", a.pulses)
		}
	})
}

// fakeBeat keeps what it is told.
type fakeBeat struct {
	mu    sync.Mutex
	alive bool           // guarded by mu, like the rest
	set   map[string]int // packets set, by instance
	spoke time.Duration  // what Spoke says
	calls []string
	prio  byte // of the packet set last
}

func (f *fakeBeat) Set(instance string, packets []Packet, iface string, interval, _ time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set[instance]++
	f.prio = packets[0].Data[ipv4Len+2]
	var dsts []string
	for _, p := range packets {
		dsts = append(dsts, p.Dst.String())
	}
	f.calls = append(f.calls, fmt.Sprintf("set %s %d on %s to %s each %v", instance, f.prio, iface, strings.Join(dsts, " "), interval))
}

func (f *fakeBeat) Stop(instance string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.set, instance)
	f.calls = append(f.calls, "stop "+instance)
}

func (f *fakeBeat) Alive(string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.alive
}

func (f *fakeBeat) Spoke(string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.spoke
}

func (f *fakeBeat) live(alive bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alive = alive
}

func (f *fakeBeat) want(t *testing.T, calls ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.calls, calls) {
		t.Errorf("got %q, want %q", f.calls, calls)
	}
	f.calls = nil
}

func TestBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lan)
		beat := &fakeBeat{alive: true, set: map[string]int{}}
		a := newHost(t, l, "10.0.0.1", beat, nil, withPriority(200)).start()
		time.Sleep(3 * time.Second)
		beat.want(t) // a backup has none
		time.Sleep(time.Second)
		synctest.Wait()
		beat.want(t, "set VI_1 200 on eth0 to 224.0.0.18 each 1s")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		beat.want(t) // level: nothing changed
		if got := len(l.sent(t)); got != 1 {
			t.Errorf("the group sent %d adverts, want the one of the takeover", got)
		}
		if !a.group.Status()[0].BeatElsewhere {
			t.Error("status does not tell")
		}

		a.conn.arrive(packetFrom(t, "10.0.0.9", 0, nil))
		synctest.Wait()
		if got := l.sent(t); len(got) != 2 {
			t.Errorf("got %q, want an answer to priority 0 at once, beat or not", got)
		}
		a.group.Post("VI_1", PriorityChanged{180})
		synctest.Wait()
		beat.want(t, "set VI_1 180 on eth0 to 224.0.0.18 each 1s")

		beat.live(false)
		time.Sleep(turnEvery)
		synctest.Wait()
		if got := l.sent(t); len(got) != 3 || got[2] != "10.0.0.1 180" {
			t.Errorf("after the beat died: got %q, want an advert at once", got)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := len(l.sent(t)); got != 8 {
			t.Errorf("got %d adverts, want the group's own five more", got)
		}
		beat.want(t, "stop VI_1")

		beat.live(true)
		time.Sleep(turnEvery)
		synctest.Wait()
		beat.want(t, "set VI_1 180 on eth0 to 224.0.0.18 each 1s")
		a.stop()
		beat.want(t, "stop VI_1")
	})
}

// A beat that died while its node resigned, and came back with what was set, would go on as a master that is none.
func TestDeadBeatIsNotCarriedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		beat := &fakeBeat{alive: true, set: map[string]int{}}
		a := newHost(t, new(lan), "10.0.0.1", beat, nil, withPriority(200)).start()
		time.Sleep(4 * time.Second)
		beat.live(false)
		time.Sleep(turnEvery)
		a.group.Post("VI_1", FaultChanged{[]string{"eth0 is down"}})
		synctest.Wait()
		beat.live(true)
		time.Sleep(time.Second)
		synctest.Wait()
		if len(beat.set) != 0 {
			t.Errorf("state %v, and the beat has still %v", a.group.Status()[0].State, beat.set)
		}
		a.stop()
	})
}

// Nothing may follow the priority-0 advert, so the beat ends when the release begins.
func TestBeatEndsBeforeTheRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		beat := &fakeBeat{alive: true, set: map[string]int{}}
		a := newHost(t, new(lan), "10.0.0.1", beat, nil, withPriority(200))
		var order []string
		inner := a.group.cfg.Do
		a.group.cfg.Do = func(instance string, act Action) {
			if _, ok := act.(ReleaseAddresses); ok {
				beat.mu.Lock()
				order = append(order, beat.calls[len(beat.calls)-1], "release")
				beat.mu.Unlock()
			}
			inner(instance, act)
		}
		a.start()
		time.Sleep(4 * time.Second)
		a.stop()
		if want := []string{"stop VI_1", "release"}; !slices.Equal(order, want) {
			t.Errorf("got %q, want %q", order, want)
		}
	})
}
