package exchange

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// said is a Watcher that keeps why servers were ejected.
type said struct{ all []string }

func (s *said) Doubted(_ *upstream.Server, why string) { s.all = append(s.all, "doubted: "+why) }
func (s *said) Ejected(_ *upstream.Server, why string) { s.all = append(s.all, why) }
func (s *said) Reinstated(*upstream.Server)            { s.all = append(s.all, "back") }

// pair is a backend of two servers that are judged by what they answer. The first one is chosen while it may be, for the second is a backup.
func pair(t *testing.T, passive *upstream.Passive) (f *Frontend, first *upstream.Server, heard *said) {
	t.Helper()
	heard = &said{}
	var members []upstream.Member
	for i, name := range []string{"a", "b"} {
		s := upstream.NewServer(upstream.Key{Backend: "app", Name: name, Address: netip.MustParseAddrPort("192.0.2.1:80")}, upstream.Link{})
		s.Watch(heard)
		s.SetHealth(upstream.Health{Status: hysteresis.Up})
		members = append(members, upstream.Member{Server: s, Weight: 1, Backup: i > 0})
	}
	p, err := upstream.NewPool(upstream.Options{}, members)
	if err != nil {
		t.Fatal(err)
	}
	p.Attach()
	f = newFrontend(t, nil)
	f.Default.Servers, f.Default.Passive = p, passive
	return f, members[0].Server, heard
}

// A response that does not come in time has the server probed at once, where probes can be hurried; a body that stops does not.
func TestSilentServersAreDoubted(t *testing.T) {
	asked := Event{Kind: Request, Target: &Target{Method: "GET", Host: "a", URI: "/"}}
	for _, tt := range []struct {
		name   string
		doubts bool
		events []at
		want   []string
	}{
		{"no head", true, []at{{0, asked}, happens(0, Connected), happens(9, ServerSilent)}, []string{"doubted: it did not answer in time"}},
		{"no head, and no probes", false, []at{{0, asked}, happens(0, Connected), happens(9, ServerSilent)}, nil},
		{"half a body", true, []at{{0, asked}, happens(0, Connected), heads(1, 200), happens(9, ServerSilent)}, nil},
		{"closed", true, []at{{0, asked}, happens(0, Connected), happens(1, ServerClosed)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, first, heard := pair(t, nil)
			f.Default.Doubts = tt.doubts
			walk(t, f, tt.events...)
			if !slices.Equal(heard.all, tt.want) || first.Doubted() != (tt.want != nil) {
				t.Errorf("got %q, doubted %v, want %q", heard.all, first.Doubted(), tt.want)
			}
		})
	}
}

// R34 of the design: "passive detection" of a server that listens and is of no use: what counts, and what does not.
func TestR34_WhatIsHeldAgainstAServer(t *testing.T) {
	rules := &upstream.Passive{MaxFails: 1, FailTimeout: time.Second}
	rules.Count(500, 504)
	const once = "1 failures in a row, the last one: "
	asked := Event{Kind: Request, Target: &Target{Method: "GET", Host: "a", URI: "/", Upgrade: "websocket"}}
	for _, tt := range []struct {
		name   string
		events []at
		want   string // why it is ejected; empty: it is not
	}{
		{"200", []at{{0, asked}, happens(0, Connected), heads(1, 200), happens(2, Finished)}, ""},
		{"499", []at{{0, asked}, happens(0, Connected), heads(1, 499), happens(2, Finished)}, ""},
		{"500", []at{{0, asked}, happens(0, Connected), heads(1, 500), happens(2, Finished)}, once + "status 500"},
		{"505 is not among them", []at{{0, asked}, happens(0, Connected), heads(1, 505), happens(2, Finished)}, ""},
		{"refused", []at{{0, asked}, happens(0, ConnectFailed)}, once + "connecting failed"},
		{"connect timeout", []at{{0, asked}, happens(0, ConnectTimedOut)}, once + "connecting took too long"},
		{"closed", []at{{0, asked}, happens(0, Connected), happens(1, ServerClosed)}, once + "it closed the connection"},
		{"no HTTP", []at{{0, asked}, happens(0, Connected), happens(1, ServerGarbage)}, once + "it sent no HTTP"},
		{"silent", []at{{0, asked}, happens(0, Connected), happens(1, ServerSilent)}, once + "it was silent"},
		{"closed in a body", []at{{0, asked}, happens(0, Connected), heads(1, 200), happens(2, ServerClosed)}, once + "it closed the connection"},
		{"silent in a body", []at{{0, asked}, happens(0, Connected), heads(1, 200), happens(2, ServerSilent)}, once + "it was silent"},
		{"silent in a tunnel", []at{{0, asked}, happens(0, Connected), heads(1, 101), happens(2, ServerSilent)}, ""},
		{"the client leaves", []at{{0, asked}, happens(0, Connected), happens(1, ClientGone)}, ""},
		{"the client is silent", []at{{0, asked}, happens(0, Connected), happens(1, ClientSilent)}, ""},
		{"the checks have found it down", []at{{0, asked}, happens(0, ServerDown)}, ""},
		{"cut, for the checks have found it down", []at{{0, asked}, happens(0, Connected), happens(1, ServerDown)}, ""},
		{"it answers nothing any more", []at{{0, asked}, happens(0, Connected), happens(1, Lost)}, once + "it was silent"},
		{"nor does connecting", []at{{0, asked}, happens(1, Lost)}, once + "connecting took too long"},
	} {
		f, _, heard := pair(t, rules)
		walk(t, f, tt.events...)
		if got := strings.Join(heard.all, ", "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// One request decides about a server whose time is over, and only what comes of it does.
func TestR37_TheTrialDecides(t *testing.T) {
	rules := &upstream.Passive{MaxFails: 1, FailTimeout: time.Second}
	for _, tt := range []struct {
		name   string
		events []at
		want   []string // beside the first ejection
		next   string   // who gets the next request
	}{
		{"good", []at{asks(0), happens(0, Connected), heads(1, 200), happens(2, Finished)}, []string{"back"}, "a"},
		{"bad", []at{asks(0), happens(0, Connected), happens(1, ServerClosed), happens(1, Finished)}, []string{"it was tried again and failed: it closed the connection"}, "b"},
		{"refused", []at{asks(0), happens(0, ConnectFailed), happens(0, Connected), heads(1, 200), happens(2, Finished)}, []string{"it was tried again and failed: connecting failed"}, "b"},
		{"the client leaves", []at{asks(0), happens(0, Connected), happens(1, ClientGone)}, nil, "a"},
		{"under way", []at{asks(0), happens(0, Connected)}, nil, "b"},
	} {
		f, first, heard := pair(t, rules)
		first.Failed(time.Unix(0, 0), rules, false, "x")
		first.Reopen(time.Unix(1, 0))
		walk(t, f, tt.events...)
		if got := heard.all[1:]; !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if got, _ := f.Default.Servers.Pick(upstream.Request{}); got.Key().Name != tt.next {
			t.Errorf("%s: the next request goes to %s, want %s", tt.name, got.Key().Name, tt.next)
		}
	}
}

// A session whose connection stands has succeeded: a server that was ejected is back with it.
func TestR37_TheTrialOfASession(t *testing.T) {
	rules := &upstream.Passive{MaxFails: 1, FailTimeout: time.Second}
	f, first, heard := pair(t, rules)
	first.Failed(time.Unix(0, 0), rules, false, "x")
	first.Reopen(time.Unix(1, 0))
	var x Exchange
	now := time.Unix(2, 0)
	x.StartSession(now, f)
	x.Step(now, Event{Kind: Opened, Target: &Target{}})
	if a := x.Step(now, Event{Kind: Connected}); a.Do != Tunnel {
		t.Errorf("got %s, want a tunnel", describe(a))
	}
	if got := heard.all[1:]; !slices.Equal(got, []string{"back"}) {
		t.Errorf("got %q, want it back", got)
	}
}
