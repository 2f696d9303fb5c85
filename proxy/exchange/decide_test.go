package exchange

import (
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/rule"
)

// R44: the monitor comes before all rules, and leaves no line in the log.
func TestR44_MonitorIsNotLogged(t *testing.T) {
	t.Parallel()
	f := newFrontend(t, newRing(t), rule.Rule{Deny: 403})
	fails := false
	f.Monitor = &Monitor{Path: "/health", Fails: func() bool { return fails }}
	for _, tt := range []struct {
		path   string
		fails  bool
		status int
		quiet  bool
	}{{"/health", false, 200, true}, {"/health", true, 503, true}, {"/healthy", false, 403, false}} {
		fails = tt.fails
		var x Exchange
		x.Start(time.Time{}, f)
		a := x.Step(time.Time{}, Event{Kind: Request, Target: &Target{Method: "GET", Host: "a", URI: tt.path}})
		if a.Do != Respond || a.Reply.Status != tt.status {
			t.Errorf("%s: got %+v, want %d", tt.path, a, tt.status)
		}
		if r := x.Step(time.Time{}, Event{Kind: Finished}).Record; r.NoLog != tt.quiet {
			t.Errorf("%s: unlogged %t, want %t", tt.path, r.NoLog, tt.quiet)
		}
	}
}

// users is a realm without a file.
type users map[string]bool // by credentials: whether they have been verified

func (u users) Known(c string) bool { return u[c] }

func (u users) Verify(c string) bool {
	_, there := u[c]
	return there
}

// Who is not known yet is verified while the exchange waits, and nobody gets a server before.
func TestVerify(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		said  string
		event Kind // after Verify
		want  string
	}{
		{"known", "Basic known", 0, "connect:s1"},
		{"verified", "basic right", Verified, "verify connect:s1"},
		{"unverified", "Basic wrong", Unverified, "verify respond:401"},
		{"too many wait", "Basic right", Overloaded, "verify respond:503"},
		{"the client leaves", "Basic right", ClientGone, "verify abort"},
		{"without a word", "", 0, "respond:401"},
	} {
		ring := newRing(t, "s1")
		f := newFrontend(t, ring, rule.Rule{Backend: "app"})
		f.Routes[0] = Route{Choice: Choice{Backend: f.Default}, Realm: &Realm{Challenge: "Basic", Users: users{"known": true, "right": false}}}
		var fields rule.Fields
		if tt.said != "" {
			fields = fieldList{{"authorization", tt.said}}
		}
		var x Exchange
		x.Start(time.Time{}, f)
		a := x.Step(time.Time{}, Event{Kind: Request, Target: &Target{Method: "GET", Host: "a", URI: "/", Fields: fields}})
		x.Forget()
		did := ""
		if a.Do == Verify {
			did = "verify "
			if ring.inFlight() != 0 {
				t.Errorf("%s: a slot is held while nobody knows who it is for", tt.name)
			}
			if got := a.Verify(); got != (tt.said != "Basic wrong") {
				t.Errorf("%s: verified %t", tt.name, got)
			}
			a = x.Step(time.Time{}, Event{Kind: tt.event})
		}
		if did += describe(a); did != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, did, tt.want)
		}
		if a.Do == Respond && (a.Reply.Challenge != "") != (a.Reply.Status == 401) {
			t.Errorf("%s: got the challenge %q with %d", tt.name, a.Reply.Challenge, a.Reply.Status)
		}
	}
}

// A body that turns out to be too large, or malformed, is answered as long as no response has begun, and no server is kept.
func TestRefusedBodies(t *testing.T) {
	t.Parallel()
	now := time.Time{}
	for _, tt := range []struct {
		name   string
		events []Kind
		do     Do
	}{
		{"while connecting", nil, Respond},
		{"while it waits to connect again", []Kind{ConnectFailed}, Respond},
		{"while it is sent", []Kind{Connected}, Respond},
		{"in the response", []Kind{Connected, Head}, Abort},
	} {
		ring := newRing(t, "s1")
		f := newFrontend(t, ring)
		f.MaxBody = 10
		var x Exchange
		x.Start(now, f)
		x.Step(now, Event{Kind: Request, Target: &Target{Method: "POST", Host: "a", URI: "/", Body: true, Length: -1}})
		for _, kind := range tt.events {
			x.Step(now, Event{Kind: kind, Status: 200})
		}
		if x.Count(10, 0); x.TooLarge() {
			t.Errorf("%s: 10 octets are too large, want as many allowed", tt.name)
		}
		if x.Count(1, 0); !x.TooLarge() {
			t.Errorf("%s: 11 octets are not too large", tt.name)
		}
		a := x.Step(now, Event{Kind: Refused, Status: 413, Why: "body_too_large"})
		if a.Do != tt.do || a.Do == Respond && a.Reply.Status != 413 || ring.inFlight() != 0 {
			t.Errorf("%s: got %+v with %d servers kept, want %d", tt.name, a, ring.inFlight(), tt.do)
		}
	}
}

// A body that is held is a part of the request: no server is kept before it is here, and waiting for it is the client's time.
func TestGather(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_000_000, 0)
	after := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for _, tt := range []struct {
		name string
		kind Kind
		want Do
		code int
	}{
		{"it has come", Gathered, Connect, 0},
		{"the client says nothing", ClientSilent, Respond, 408},
		{"it is malformed", Refused, Respond, 400},
		{"the client leaves", ClientGone, Abort, 0},
		{"what cannot be", Connected, Abort, 0},
	} {
		ring := newRing(t, "s1")
		f := newFrontend(t, ring)
		f.Default.Hold = 100
		var x Exchange
		x.Start(start, f)
		a := x.Step(after(1), Event{Kind: Request, Target: &Target{Method: "POST", Host: "a", URI: "/", Body: true, Length: 10}})
		if a.Do != Gather || a.Backend != f.Default || ring.inFlight() != 0 {
			t.Fatalf("%s: got %+v with %d servers kept, want to hold the body", tt.name, a, ring.inFlight())
		}
		a = x.Step(after(10), Event{Kind: tt.kind, Status: 400})
		if a.Do != tt.want || a.Do == Respond && a.Reply.Status != tt.code {
			t.Errorf("%s: got %+v, want %d", tt.name, a, tt.want)
		}
		if r := &x.record; a.Do == Connect && (r.Request != 10*time.Millisecond || r.Wait != 0) {
			t.Errorf("%s: the request took %v, and %v until a server was asked, want 10 ms and none", tt.name, r.Request, r.Wait)
		}
	}
	f := newFrontend(t, newRing(t, "s1"))
	f.Default.Hold = 100
	var x Exchange
	x.Start(start, f)
	if a := x.Step(start, Event{Kind: Request, Target: &Target{Method: "GET", Host: "a", URI: "/"}}); a.Do != Connect {
		t.Errorf("without a body: got %+v, want a server asked", a)
	}
}
