package vip

import (
	"testing"
	"time"
)

func TestFeed(t *testing.T) {
	var f Feed
	f.Publish(Event{Kind: LinkChanged}) // nobody listens
	links, cancel := f.Subscribe(func(e Event) bool { return e.Kind == LinkChanged })
	pending := func() bool {
		select {
		case <-links:
			return true
		default:
			return false
		}
	}
	for _, tt := range []struct {
		name string
		do   func()
		want bool
	}{
		{"nothing yet", func() {}, false},
		{"an event that does not match", func() { f.Publish(Event{Kind: AddressAdded}) }, false},
		{"one that matches", func() { f.Publish(Event{Kind: LinkChanged}) }, true},
		{"many are one value", func() { f.Publish(Event{Kind: LinkChanged}); f.Publish(Event{Kind: LinkChanged}) }, true},
		{"which is read once", func() {}, false},
		{"events were lost", f.Lost, true},
		{"cancelled", func() { cancel(); f.Lost() }, false},
	} {
		if tt.do(); pending() != tt.want {
			t.Errorf("%s: want a value: %v", tt.name, tt.want)
		}
	}
}

func TestPacer(t *testing.T) {
	var p Pacer
	start := time.Unix(1000, 0)
	for _, tt := range []struct {
		name, ifname string
		age, gap     time.Duration
		want         time.Duration
	}{
		{"the first", "eth0", 0, time.Second, 0},
		{"too soon", "eth0", 400 * time.Millisecond, time.Second, 600 * time.Millisecond},
		{"another interface", "eth1", 400 * time.Millisecond, time.Second, 0},
		{"a refusal does not count", "eth0", time.Second, time.Second, 0},
		{"no pacing", "eth0", time.Second, 0, 0},
		{"another's shorter gap", "eth0", 1100 * time.Millisecond, 100 * time.Millisecond, 0},
	} {
		if got := p.Take(start.Add(tt.age), tt.ifname, tt.gap, false); got != tt.want {
			t.Errorf("%s: got %v to wait, want %v", tt.name, got, tt.want)
		}
	}
}

// Repeats on one interface are bounded, in a burst and in the long run; first announcements never wait for them.
func TestPacerOfRepeats(t *testing.T) {
	var p Pacer
	now := time.Unix(1000, 0)
	sent := func(ifname string, tries int) (n int) {
		for range tries {
			switch p.Take(now, ifname, 0, true) {
			case 0:
				n++
			case repeatPause:
			default:
				t.Fatal("want another try after the pause")
			}
		}
		return n
	}
	if got := sent("eth0", 5000); got != repeatsAtOnce {
		t.Errorf("at once: got %d, want %d", got, repeatsAtOnce)
	}
	if got := p.Take(now, "eth0", 0, false); got != 0 {
		t.Errorf("a first announcement: got %v to wait, want 0", got)
	}
	if got := sent("eth1", 100); got != 100 {
		t.Errorf("on another interface: got %d, want 100", got)
	}
	total := 0
	for range 20 {
		now = now.Add(repeatPause)
		total += sent("eth0", 5000)
	}
	if total != repeatsPerSecond {
		t.Errorf("in a second of such tries: got %d, want %d", total, repeatsPerSecond)
	}
}
