package exchange

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// ring picks in order, untried servers first; the servers' own Pool is tested elsewhere. It hands out servers that a
// Pool of one member made, so that slots are counted.
type ring struct {
	pools []*upstream.Pool
	next  int
}

func (r *ring) Pick(q upstream.Request) (*upstream.Server, upstream.Outcome) {
	for range r.pools {
		p := r.pools[r.next%len(r.pools)]
		r.next++
		if !slices.Contains(q.Tried, p.Members()[0].Server) {
			return p.Pick(upstream.Request{})
		}
	}
	if len(r.pools) == 0 {
		return nil, upstream.None
	}
	return r.pools[0].Pick(upstream.Request{})
}

// Enter is not called: nobody here has a limit.
func (r *ring) Enter(upstream.Request, *upstream.Waiter) (*upstream.Server, upstream.Outcome) {
	return nil, upstream.None
}

func newRing(t testing.TB, names ...string) *ring {
	r := &ring{}
	for _, name := range names {
		s := upstream.NewServer(upstream.Key{Backend: "app", Name: name, Address: netip.MustParseAddrPort("192.0.2.1:80")}, upstream.Link{})
		p, err := upstream.NewPool(upstream.Options{}, []upstream.Member{{Server: s, Weight: 1}})
		if err != nil {
			t.Fatal(err)
		}
		r.pools = append(r.pools, p)
	}
	return r
}

func (r *ring) inFlight() (n int64) {
	for _, p := range r.pools {
		n += p.Members()[0].Stats().InFlight
	}
	return n
}

func newFrontend(t testing.TB, r *ring, rules ...rule.Rule) *Frontend {
	table, err := rule.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	return &Frontend{
		Name: "web", Rules: table, Routes: make([]Route, len(rules)),
		Default: &Backend{Name: "app", Servers: r, Connect: 500 * time.Millisecond, Retries: 3},
	}
}

// at is one event at a time after the start.
type at struct {
	ms int
	Event
}

// happens is an event that is nothing but its kind.
func happens(ms int, k Kind) at { return at{ms, Event{Kind: k}} }

func heads(ms, status int) at { return at{ms, Event{Kind: Head, Status: status}} }

func asks(ms int) at {
	return at{ms, Event{Kind: Request, Target: &Target{Method: "GET", Host: "a", URI: "/"}}}
}

// walk feeds events to an exchange; it returns what each led to, and the record.
func walk(t *testing.T, f *Frontend, events ...at) (string, *Record) {
	t.Helper()
	start := time.Unix(1_000_000, 0)
	var x Exchange
	x.Start(start, f)
	var did []string
	var record *Record
	for _, e := range events {
		a := x.Step(start.Add(time.Duration(e.ms)*time.Millisecond), e.Event)
		did = append(did, describe(a))
		if a.Record != nil {
			record = a.Record
		}
	}
	return strings.Join(did, " "), record
}

func describe(a Action) string {
	switch a.Do {
	case Connect:
		return "connect:" + a.Server.Key().Name
	case Wait:
		return "wait:" + a.Timeout.String()
	case Queue:
		return "queue:" + a.Timeout.String()
	case Respond:
		return "respond:" + statusText(a.Reply.Status)
	}
	return [...]string{Send: "send", Forward: "forward", Tunnel: "tunnel", Stay: "stay", Done: "done", Abort: "abort"}[a.Do]
}

func statusText(status int) string {
	return string([]byte{byte('0' + status/100), byte('0' + status/10%10), byte('0' + status%10)})
}

// TestWalks: the statuses, termination states and timers are those that HAProxy shows for the same course of events.
func TestWalks(t *testing.T) {
	for _, tt := range []struct {
		name    string
		servers []string
		events  []at
		want    string

		termination string
		status      int
		server      string
		timers      [5]int // TR Tw Tc Tr Ta in ms
		retries     int
		redispatch  bool
	}{
		{
			"all is well", []string{"s1", "s2"},
			[]at{asks(1), happens(3, Connected), heads(10, 200), happens(15, Finished)},
			"connect:s1 send forward done", "--", 200, "s1", [5]int{1, 0, 2, 7, 15}, 0, false,
		},
		{
			"R41: the first retry already moves", []string{"s1", "s2"},
			[]at{asks(0), happens(1, ConnectFailed), happens(2, Connected), heads(3, 200), happens(4, Finished)},
			"connect:s1 connect:s2 send forward done", "--", 200, "s2", [5]int{0, 1, 1, 1, 4}, 1, true,
		},
		{
			"R40: a server that is alone is waited for", []string{"s1"},
			[]at{
				asks(0), happens(1, ConnectFailed), happens(501, WaitOver), happens(502, ConnectFailed), happens(1002, WaitOver),
				happens(1002, ConnectFailed), happens(1503, WaitOver), happens(1504, ConnectFailed), happens(1504, Finished),
			},
			"connect:s1 wait:500ms connect:s1 wait:500ms connect:s1 wait:500ms connect:s1 respond:503 done",
			"SC", 503, "s1", [5]int{0, 1503, -1, -1, 1504}, 3, false,
		},
		{
			"R11: connect timeouts are 503 and need no wait", []string{"s1"},
			[]at{
				asks(0), happens(500, ConnectTimedOut), happens(1000, ConnectTimedOut), happens(1500, ConnectTimedOut),
				happens(2000, ConnectTimedOut), happens(2000, Finished),
			},
			"connect:s1 connect:s1 connect:s1 connect:s1 respond:503 done", "sC", 503, "s1", [5]int{0, 1500, -1, -1, 2000}, 3, false,
		},
		{
			"no server", nil, []at{asks(0), happens(1, Finished)},
			"respond:503 done", "SC", 503, "", [5]int{0, -1, -1, -1, 1}, 0, false,
		},
		{
			"R12: a silent server is 504", []string{"s1"},
			[]at{asks(0), happens(0, Connected), happens(1000, ServerSilent), happens(1001, Finished)},
			"connect:s1 send respond:504 done", "sH", 504, "s1", [5]int{0, 0, 0, -1, 1001}, 0, false,
		},
		{
			"a server that closes is 502", []string{"s1"},
			[]at{asks(0), happens(0, Connected), happens(5, ServerClosed), happens(5, Finished)},
			"connect:s1 send respond:502 done", "SH", 502, "s1", [5]int{0, 0, 0, -1, 5}, 0, false,
		},
		{
			"garbage is 502", []string{"s1"},
			[]at{asks(0), happens(0, Connected), happens(5, ServerGarbage), happens(5, Finished)},
			"connect:s1 send respond:502 done", "PH", 502, "s1", [5]int{0, 0, 0, -1, 5}, 0, false,
		},
		{
			"a 101 that nobody asked for is 502", []string{"s1"},
			[]at{asks(0), happens(0, Connected), heads(5, 101), happens(5, Finished)},
			"connect:s1 send respond:502 done", "PH", 502, "s1", [5]int{0, 0, 0, -1, 5}, 0, false,
		},
		{
			"a stale connection is no retry", []string{"s1"},
			[]at{asks(0), happens(0, Connected), happens(1, Stale), happens(3, Connected), heads(4, 200), happens(5, Finished)},
			"connect:s1 send connect:s1 send forward done", "--", 200, "s1", [5]int{0, 1, 2, 1, 5}, 0, false,
		},
		{
			"a truncated body", []string{"s1"},
			[]at{asks(0), happens(0, Connected), heads(1, 200), happens(2, ServerClosed)},
			"connect:s1 send forward abort", "SD", 200, "s1", [5]int{0, 0, 0, 1, 2}, 0, false,
		},
		{
			"a body that stops", []string{"s1"},
			[]at{asks(0), happens(0, Connected), heads(1, 200), happens(1001, ServerSilent)},
			"connect:s1 send forward abort", "sD", 200, "s1", [5]int{0, 0, 0, 1, 1001}, 0, false,
		},
		{
			"a body that breaks", []string{"s1"},
			[]at{asks(0), happens(0, Connected), heads(1, 200), happens(2, ServerGarbage)},
			"connect:s1 send forward abort", "PD", 200, "s1", [5]int{0, 0, 0, 1, 2}, 0, false,
		},
		{
			"the client leaves while connecting", []string{"s1"}, []at{asks(0), happens(7, ClientGone)},
			"connect:s1 abort", "CC", 0, "s1", [5]int{0, 0, -1, -1, 7}, 0, false,
		},
		{
			"the client leaves while waiting", []string{"s1"}, []at{asks(0), happens(0, ConnectFailed), happens(7, ClientGone)},
			"connect:s1 wait:500ms abort", "CC", 0, "s1", [5]int{0, 0, -1, -1, 7}, 1, false,
		},
		{
			"the client leaves before the head", []string{"s1"},
			[]at{asks(0), happens(0, Connected), happens(7, ClientGone)},
			"connect:s1 send abort", "CH", 0, "s1", [5]int{0, 0, 0, -1, 7}, 0, false,
		},
		{
			"the client leaves in the body", []string{"s1"},
			[]at{asks(0), happens(0, Connected), heads(1, 200), happens(7, ClientGone)},
			"connect:s1 send forward abort", "CD", 200, "s1", [5]int{0, 0, 0, 1, 7}, 0, false,
		},
		{
			"R13: the client stops in its body", []string{"s1"},
			[]at{asks(0), happens(0, Connected), happens(1500, ClientSilent), happens(1500, Finished)},
			"connect:s1 send respond:408 done", "cH", 408, "s1", [5]int{0, 0, 0, -1, 1500}, 0, false,
		},
		{
			"R13: slow headers", []string{"s1"}, []at{happens(1500, ClientSilent), happens(1501, Finished)},
			"respond:408 done", "cR", 408, "", [5]int{-1, -1, -1, -1, 1501}, 0, false,
		},
		{
			"the client leaves in its head", []string{"s1"}, []at{happens(5, ClientGone)},
			"abort", "CR", 0, "", [5]int{-1, -1, -1, -1, 5}, 0, false,
		},
		{
			"a bad request", []string{"s1"}, []at{{1, Event{Kind: Refused, Status: 431}}, happens(1, Finished)},
			"respond:431 done", "PR", 431, "", [5]int{-1, -1, -1, -1, 1}, 0, false,
		},
		{
			"an answer that is lost", nil, []at{asks(0), happens(3, ClientGone)},
			"respond:503 abort", "SC", 503, "", [5]int{0, -1, -1, -1, 3}, 0, false,
		},
		{
			"an engine that breaks", []string{"s1"}, []at{asks(0), happens(0, Connected), happens(3, Broken)},
			"connect:s1 send abort", "IH", 0, "s1", [5]int{0, 0, 0, -1, 3}, 0, false,
		},
		{
			"an engine that breaks over an answer", nil, []at{asks(0), happens(3, Broken)},
			"respond:503 abort", "IC", 503, "", [5]int{0, -1, -1, -1, 3}, 0, false,
		},
		{
			"an event out of place", []string{"s1"}, []at{asks(0), heads(3, 200), happens(4, Finished)},
			"connect:s1 abort done", "IC", 0, "s1", [5]int{0, 0, -1, -1, 3}, 0, false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			servers := newRing(t, tt.servers...)
			got, r := walk(t, newFrontend(t, servers), tt.events...)
			if got != tt.want {
				t.Fatalf("did %s\nwant %s", got, tt.want)
			}
			if r.Termination.String() != tt.termination || r.Status != tt.status || r.Server != tt.server {
				t.Errorf("got %s %d %q, want %s %d %q", r.Termination, r.Status, r.Server, tt.termination, tt.status, tt.server)
			}
			var timers [5]int
			for i, d := range []time.Duration{r.Request, r.Wait, r.Connect, r.Response, r.Active} {
				timers[i] = int(d.Milliseconds())
				if d == NotReached {
					timers[i] = -1
				}
			}
			if timers != tt.timers {
				t.Errorf("got the timers %v, want %v", timers, tt.timers)
			}
			if r.Retries != tt.retries || r.Redispatched != tt.redispatch {
				t.Errorf("got %d retries, redispatched %t, want %d, %t", r.Retries, r.Redispatched, tt.retries, tt.redispatch)
			}
			if n := servers.inFlight(); n != 0 {
				t.Errorf("%d slots are still taken", n)
			}
		})
	}
}

func TestRulesAnswer(t *testing.T) {
	plain := false
	f := newFrontend(t, newRing(t, "s1"),
		rule.Rule{Match: rule.Match{Path: "/health"}, Respond: &rule.Respond{Status: 200, Body: "fine", ContentType: "text/plain"}, NoLog: true},
		rule.Rule{Match: rule.Match{PathPrefix: "/a/", TLS: &plain}, Redirect: &rule.Redirect{Scheme: "https", Code: 301}},
	)
	f.Default = nil
	for _, tt := range []struct {
		name        string
		target      Target
		want        Reply
		termination string
		noLog       bool
	}{
		{"respond", Target{Method: "GET", URI: "/health"}, Reply{Status: 200, Body: "fine", ContentType: "text/plain"}, "LR", true},
		{
			"redirect", Target{Method: "GET", Host: "a:80", URI: "/b/../a/?q=//x"},
			Reply{Status: 301, Location: "https://a/a/?q=//x"}, "LR", false,
		},
		{"redirect to nowhere", Target{Method: "GET", URI: "/a/"}, errorReply(400), "PR", false},
		{"no rule, no default", Target{Method: "GET", Host: "a", URI: "/a/", TLS: true}, errorReply(503), "SC", false},
		{"no path", Target{Method: "GET", Host: "a", URI: "/%2f"}, errorReply(400), "PR", false},
		{"CONNECT", Target{Method: "CONNECT", Host: "a:443", URI: "a:443"}, errorReply(501), "PR", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var x Exchange
			x.Start(time.Time{}, f)
			a := x.Step(time.Time{}, Event{Kind: Request, Target: &tt.target})
			if a.Do != Respond || *a.Reply != tt.want {
				t.Fatalf("got %s %+v, want %+v", describe(a), a.Reply, tt.want)
			}
			a = x.Step(time.Time{}, Event{Kind: Finished})
			if r := a.Record; r.Termination.String() != tt.termination || r.NoLog != tt.noLog || r.Server != "" {
				t.Errorf("got %s, no log %t, server %q", r.Termination, r.NoLog, r.Server)
			}
		})
	}
}

func TestUpgrade(t *testing.T) {
	for protocol, want := range map[string]string{
		"websocket": "connect:s1 send tunnel abort", "": "connect:s1 send respond:502 abort",
		"h2c": "connect:s1 send respond:502 abort", "H2C, websocket": "connect:s1 send respond:502 abort",
		"H2C/2.0": "connect:s1 send respond:502 abort", "h2": "connect:s1 send respond:502 abort",
	} {
		asks := asks(0)
		asks.Target.Upgrade = protocol
		servers := newRing(t, "s1")
		got, _ := walk(t, newFrontend(t, servers), asks, happens(0, Connected), heads(1, 101), happens(5000, ServerSilent))
		if got != want {
			t.Errorf("%q: did %s, want %s", protocol, got, want)
		}
		if n := servers.pools[0].Members()[0].Stats().ResponseFailures; (n == 0) != (protocol == "websocket") {
			t.Errorf("%q: %d failures are the server's: silence in a tunnel is none, an unwanted 101 is one", protocol, n)
		}
	}
}

// TestOneRecord: whatever an engine tells, in whatever order, there is one record and no slot is lost.
func TestOneRecord(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		servers := newRing(t, []string{"s1", "s2", "s3"}[:rapid.IntRange(0, 3).Draw(rt, "servers")]...)
		f := newFrontend(t, servers)
		f.Default.Retries = rapid.IntRange(0, 4).Draw(rt, "retries")
		var x Exchange
		now := time.Unix(1_000_000, 0)
		x.Start(now, f)
		records, ended := 0, false
		step := func(ev Event) {
			now = now.Add(time.Millisecond)
			a := x.Step(now, ev)
			if ended && (a.Do != Done || a.Record != nil) {
				rt.Fatalf("after the end: %s", describe(a))
			}
			if a.Record != nil {
				records++
				if a.Record.Active <= 0 || a.Record.Termination.Cause == Normal && a.Do != Done {
					rt.Fatalf("%s with the record %+v", describe(a), *a.Record)
				}
			}
			ended = ended || a.Do == Done || a.Do == Abort
		}
		for range rapid.IntRange(0, 20).Draw(rt, "events") {
			status := rapid.SampledFrom([]int{101, 200}).Draw(rt, "status")
			step(Event{
				Kind: Kind(rapid.IntRange(int(Request), int(Broken)).Draw(rt, "kind")), Status: status,
				Target: &Target{Method: "GET", Host: "a", URI: "/"},
			})
		}
		step(Event{Kind: Broken})
		if !ended || records != 1 {
			rt.Fatalf("ended: %t, %d records, want one", ended, records)
		}
		if n := servers.inFlight(); n != 0 {
			rt.Fatalf("%d slots are still taken", n)
		}
	})
}

// R28: a request that became a tunnel counts for its server until the tunnel is closed.
func TestR28_TunnelCountsUntilClosed(t *testing.T) {
	r := newRing(t, "s1")
	var x Exchange
	now := time.Unix(1_000_000, 0)
	x.Start(now, newFrontend(t, r))
	for _, ev := range []Event{
		{Kind: Request, Target: &Target{Method: "GET", Host: "a", URI: "/", Upgrade: "websocket"}}, {Kind: Connected}, {Kind: Head, Status: 101},
	} {
		x.Step(now, ev)
		if got := r.inFlight(); got != 1 {
			t.Errorf("after event %d: %d in flight, want 1", ev.Kind, got)
		}
	}
	x.Step(now.Add(time.Hour), Event{Kind: Finished})
	if got := r.inFlight(); got != 0 {
		t.Errorf("closed: %d in flight, want 0", got)
	}
}

func BenchmarkExchange(b *testing.B) {
	f := newFrontend(b, newRing(b, "s1"))
	f.Default.Servers = newRing(b, "s1").pools[0]
	target := Target{Method: "GET", Host: "example.com", URI: "/static/logo.png?v=1"}
	now := time.Unix(1_000_000, 0)
	var x Exchange
	b.ReportAllocs()
	for b.Loop() {
		x.Start(now, f)
		x.Step(now, Event{Kind: Request, Target: &target})
		x.Step(now, Event{Kind: Connected})
		x.Step(now, Event{Kind: Head, Status: 200})
		if a := x.Step(now, Event{Kind: Finished}); a.Record == nil {
			b.Fatal("no record")
		}
	}
}

func TestExchangeAllocatesNothing(t *testing.T) {
	f := newFrontend(t, newRing(t, "s1"))
	f.Default.Servers = newRing(t, "s1").pools[0]
	request := asks(0).Event
	var x Exchange
	n := testing.AllocsPerRun(100, func() {
		x.Start(time.Time{}, f)
		for _, e := range []Event{request, {Kind: Connected}, {Kind: Head, Status: 200}, {Kind: Finished}} {
			x.Step(time.Time{}, e)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// The last retry waits for the server that has refused. If that goes down meanwhile it is another one's, for nobody has been asked yet.
func TestDownWhileTheLastRetryWaits(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"another one is there", "wait:500ms connect:s2 send forward done"},
		{"nobody is", "wait:500ms respond:503 done"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			servers, others := newRing(t, "s1"), newRing(t, "s2")
			f := newFrontend(t, servers)
			f.Default.Retries = 1
			var x Exchange
			now := time.Unix(1_000_000, 0)
			x.Start(now, f)
			x.Step(now, asks(0).Event)
			var did []string
			step := func(k Kind) *Record {
				a := x.Step(now, Event{Kind: k, Status: 200})
				did = append(did, describe(a))
				return a.Record
			}
			step(ConnectFailed)
			first := servers.pools[0].Members()[0].Server
			first.SetHealth(upstream.Health{Status: hysteresis.Down})
			if servers.pools = nil; tt.name != "nobody is" {
				servers.pools = others.pools
			}
			if step(WaitOver); len(servers.pools) > 0 {
				step(Connected)
				step(Head)
			}
			r := step(Finished)
			if got := strings.Join(did, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if r == nil {
				t.Fatal("it had ended before")
			}
			if r.Retries != 1 || r.Redispatched != (len(servers.pools) > 0) {
				t.Errorf("got %d retries, redispatched: %t", r.Retries, r.Redispatched)
			}
			if n := first.Stats(); n.ConnectFailures != 1 || n.InFlight != 0 {
				t.Errorf("s1 has failed once: got %+v", n)
			}
		})
	}
}

// A server that answers nothing any more, and whom nobody can take the place of, has not been tried in vain yet.
func TestLostToNobody(t *testing.T) {
	servers := newRing(t, "s1")
	var x Exchange
	now := time.Unix(1_000_000, 0)
	x.Start(now, newFrontend(t, servers))
	x.Step(now, asks(0).Event)
	for range 3 {
		if a := x.Step(now, Event{Kind: Lost}); a.Do != Stay || len(x.tried) != 0 || servers.inFlight() != 1 {
			t.Errorf("got %s, %d tried, %d slots", describe(a), len(x.tried), servers.inFlight())
		}
	}
}
