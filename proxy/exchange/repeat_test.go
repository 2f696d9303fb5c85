package exchange

import (
	"sync"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// repeating is what a request is sent again for in these tests: everything there is.
func repeating() *Repeat {
	r := &Repeat{Empty: true, Junk: true, Timeout: true, Budget: NewBudget(20, 10)}
	r.Status[503], r.Status[599] = true, true
	return r
}

func TestRequestsAreSentAgain(t *testing.T) {
	held := func(ms int, k Kind) at { return at{ms, Event{Kind: k, Held: true}} }
	answers := func(ms, status int) at { return at{ms, Event{Kind: Head, Status: status, Held: true}} }
	method := func(m string) at {
		return at{0, Event{Kind: Request, Target: &Target{Method: m, Host: "a", URI: "/"}}}
	}
	connected := happens(0, Connected)
	for _, tt := range []struct {
		name    string
		change  func(*Backend)
		servers []string
		events  []at
		want    string
		ends    string // status, termination
		retries int
	}{
		{"a server closes", nil, []string{"s1", "s2"}, []at{asks(0), connected, held(1, ServerClosed), connected, heads(3, 200), happens(4, Finished)},
			"connect:s1 send connect:s2 send forward done", "200 --", 1},
		{"it sends no HTTP", nil, []string{"s1", "s2"}, []at{asks(0), connected, held(1, ServerGarbage), connected, heads(3, 200), happens(4, Finished)},
			"connect:s1 send connect:s2 send forward done", "200 --", 1},
		{"it is silent", nil, []string{"s1", "s2"}, []at{asks(0), connected, held(1, ServerSilent), connected, heads(3, 200), happens(4, Finished)},
			"connect:s1 send connect:s2 send forward done", "200 --", 1},
		{"it answers 503", nil, []string{"s1", "s2"}, []at{asks(0), connected, answers(1, 503), connected, heads(3, 200), happens(4, Finished)},
			"connect:s1 send connect:s2 send forward done", "200 --", 1},
		{"500 is not asked for", nil, []string{"s1", "s2"}, []at{asks(0), connected, answers(1, 500), happens(4, Finished)},
			"connect:s1 send forward done", "500 --", 0},
		{"a status above all", nil, []string{"s1", "s2"}, []at{asks(0), connected, answers(1, 999), happens(4, Finished)},
			"connect:s1 send forward done", "999 --", 0},
		{"the last answer is the client's", nil, []string{"s1", "s2"}, []at{
			asks(0), connected, answers(1, 503), connected, answers(2, 503), connected, answers(3, 503), happens(503, WaitOver), connected, answers(504, 503), happens(505, Finished)},
			"connect:s1 send connect:s2 send connect:s1 send wait:500ms connect:s1 send forward done", "503 --", 3},
		{"nothing of that is asked for", func(b *Backend) { b.Repeat = &Repeat{Budget: b.Repeat.Budget} }, []string{"s1", "s2"},
			[]at{asks(0), connected, held(1, ServerClosed), happens(1, Finished)}, "connect:s1 send respond:502 done", "502 SH", 0},
		{"there is no such thing", func(b *Backend) { b.Repeat = nil }, []string{"s1", "s2"},
			[]at{asks(0), connected, held(1, ServerSilent), happens(1, Finished)}, "connect:s1 send respond:504 done", "504 sH", 0},
		{"it is not held any more", nil, []string{"s1", "s2"}, []at{asks(0), connected, happens(1, ServerClosed), happens(1, Finished)},
			"connect:s1 send respond:502 done", "502 SH", 0},
		{"R38: a POST may have done something", nil, []string{"s1", "s2"}, []at{method("POST"), connected, held(1, ServerClosed), happens(1, Finished)},
			"connect:s1 send respond:502 done", "502 SH", 0},
		{"a PUT does the same twice", nil, []string{"s1", "s2"}, []at{method("PUT"), connected, held(1, ServerClosed), connected, heads(3, 201), happens(4, Finished)},
			"connect:s1 send connect:s2 send forward done", "201 --", 1},
		{"methods are case-sensitive", nil, []string{"s1", "s2"}, []at{method("get"), connected, held(1, ServerClosed), happens(1, Finished)},
			"connect:s1 send respond:502 done", "502 SH", 0},
		{"no retries", func(b *Backend) { b.Retries = 0 }, []string{"s1", "s2"}, []at{asks(0), connected, answers(1, 503), happens(4, Finished)},
			"connect:s1 send forward done", "503 --", 0},
		{"the budget is spent", func(b *Backend) { b.Repeat.Budget = NewBudget(20, 0) }, []string{"s1", "s2"}, []at{asks(0), connected, answers(1, 503), happens(4, Finished)},
			"connect:s1 send forward done", "503 --", 0},
		{"a server that is alone is waited for", nil, []string{"s1"}, []at{asks(0), connected, held(1, ServerClosed), happens(501, WaitOver), connected, heads(502, 200), happens(503, Finished)},
			"connect:s1 send wait:500ms connect:s1 send forward done", "200 --", 1},
		{"and was, if it was silent", nil, []string{"s1"}, []at{asks(0), connected, held(1, ServerSilent), connected, heads(502, 200), happens(503, Finished)},
			"connect:s1 send connect:s1 send forward done", "200 --", 1},
		{"a response that breaks off later is the client's", nil, []string{"s1", "s2"}, []at{asks(0), connected, heads(1, 200), held(2, ServerClosed)},
			"connect:s1 send forward abort", "200 SD", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			servers := newRing(t, tt.servers...)
			f := newFrontend(t, servers)
			f.Default.Repeat = repeating()
			if tt.change != nil {
				tt.change(f.Default)
			}
			got, r := walk(t, f, tt.events...)
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if ends := statusText(r.Status) + " " + r.Termination.String(); ends != tt.ends || r.Retries != tt.retries {
				t.Errorf("got %s after %d retries, want %s after %d", ends, r.Retries, tt.ends, tt.retries)
			}
			if n := servers.inFlight(); n != 0 {
				t.Errorf("%d slots are held", n)
			}
		})
	}
}

// Where nobody else is left the client gets what there is, and the slot is held until it has.
func TestNobodyIsLeftToSendItTo(t *testing.T) {
	servers := newRing(t, "s1")
	f := newFrontend(t, servers)
	f.Default.Repeat = repeating()
	budget := NewBudget(0, 1) // 10 in as many seconds
	f.Default.Repeat.Budget = budget
	var x Exchange
	now := time.Unix(1_000_000, 0)
	x.Start(now, f)
	x.Step(now, asks(0).Event)
	x.Step(now, Event{Kind: Connected})
	all := servers.pools
	servers.pools = nil
	if a := x.Step(now, Event{Kind: Head, Status: 503, Held: true}); a.Do != Forward {
		t.Errorf("got %s, want forward", describe(a))
	}
	servers.pools = all
	if n := servers.inFlight(); n != 1 {
		t.Errorf("%d slots are held, want 1", n)
	}
	if a := x.Step(now, Event{Kind: ServerClosed}); a.Do != Abort || servers.inFlight() != 0 {
		t.Errorf("got %s, %d slots are held", describe(a), servers.inFlight())
	}
	left := 0
	for budget.Take(now) {
		left++
	}
	if left != 10 {
		t.Errorf("%d of 10 may be sent again, and none was", left)
	}
}

func TestBudget(t *testing.T) {
	start := time.Unix(1_000_003, 0)
	for _, tt := range []struct {
		name           string
		percent, least int
		requests       int // in each of 30 s, all of which fail
		want           int // how many are sent again in the last 10 of these
	}{
		{"a share", 20, 0, 100, 200},
		{"at least some", 20, 1, 2, 10},
		{"the larger counts", 20, 1, 100, 200},
		{"none", 0, 0, 100, 0},
		{"as many as there are", 100, 0, 100, 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := NewBudget(tt.percent, tt.least)
			got := 0
			for s := range 30 {
				for n := range tt.requests {
					now := start.Add(time.Duration(s)*time.Second + time.Duration(n)*time.Millisecond)
					b.Count(now)
					if b.Take(now) && s >= 20 {
						got++
					}
				}
			}
			if got < tt.want*95/100 || got > tt.want {
				t.Errorf("%d were sent again, want %d", got, tt.want)
			}
		})
	}
	t.Run("what was saved up is soon gone", func(t *testing.T) {
		b := NewBudget(10, 0)
		for s := range 3600 {
			for range 100 {
				b.Count(start.Add(time.Duration(s) * time.Second))
			}
		}
		got, end := 0, start.Add(3599*time.Second)
		for b.Take(end) {
			got++
		}
		if got != 100 {
			t.Errorf("after an hour without any %d are sent again at once, want a tenth of the last 10 s, 100", got)
		}
		if b.Take(end.Add(11 * time.Second)) {
			t.Error("one more, 11 s after the last request")
		}
	})
	t.Run("a clock that goes back", func(t *testing.T) {
		b := NewBudget(0, 1)
		for range 10 {
			b.Take(start)
		}
		if b.Take(start) || !b.Take(start.Add(-time.Hour)) {
			t.Error("what was spent later counts")
		}
	})
	t.Run("many loops", func(t *testing.T) {
		b := NewBudget(50, 0)
		var all sync.WaitGroup
		var mu sync.Mutex
		got := 0
		for range 4 {
			all.Go(func() {
				for range 100 {
					b.Count(start)
				}
			})
		}
		all.Wait()
		for range 4 {
			all.Go(func() {
				for range 100 {
					if b.Take(start) {
						mu.Lock()
						got++
						mu.Unlock()
					}
				}
			})
		}
		if all.Wait(); got != 200 {
			t.Errorf("%d were sent again, want 200", got)
		}
	})
}

func BenchmarkBudget(b *testing.B) {
	budget, now := NewBudget(20, 10), time.Unix(1_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		budget.Count(now)
	}
}

// A request that is sent again decides about a server that was ejected, as any other one.
func TestR37_TheTrialOfARepeat(t *testing.T) {
	rules := &upstream.Passive{MaxFails: 1, FailTimeout: time.Second}
	f, servers := sticky(t, persist.Config{})
	f.Default.Passive, f.Default.Repeat, f.Default.Retries = rules, repeating(), 1 // the last one leaves the client's server
	now := time.Unix(1_000_000, 0)
	x, _ := begin(f, "S=A")
	x.Step(now, Event{Kind: Connected})
	servers[1].Failed(now, rules, false, "x")
	servers[1].Reopen(now.Add(time.Hour))
	if a := x.Step(now, Event{Kind: Head, Status: 503, Held: true}); describe(a) != "connect:B" {
		t.Fatalf("got %s, want connect:B", describe(a))
	}
	x.Step(now, Event{Kind: Connected})
	x.Step(now, Event{Kind: Head, Status: 200})
	if e := servers[1].Ejection(); e.Ejected || e.HalfOpen {
		t.Errorf("got %+v, want it back", e)
	}
}
