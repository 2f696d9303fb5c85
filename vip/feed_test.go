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
		if got := p.Take(start.Add(tt.age), tt.ifname, tt.gap); got != tt.want {
			t.Errorf("%s: got %v to wait, want %v", tt.name, got, tt.want)
		}
	}
}
