package exchange

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/rule"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// bell is rung when somebody has his turn.
type bell struct{ rung int }

func (b *bell) Wake() { b.rung++ }

// crowded is a frontend whose backend has servers with one slot each.
func crowded(t testing.TB, most int, names ...string) (*Frontend, *upstream.Pool) {
	var members []upstream.Member
	for _, name := range names {
		s := upstream.NewServer(upstream.Key{Backend: "app", Name: name, Address: netip.MustParseAddrPort("192.0.2.1:80")}, upstream.Link{})
		s.SetHealth(upstream.Health{Status: hysteresis.Up})
		members = append(members, upstream.Member{Server: s, Weight: 1, MaxConnections: 1})
	}
	p, err := upstream.NewPool(upstream.Options{MaxQueue: most}, members)
	if err != nil {
		t.Fatal(err)
	}
	p.Attach()
	table, err := rule.Compile(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &Backend{Name: "app", Servers: p, Connect: 500 * time.Millisecond, Queue: 300 * time.Millisecond, Retries: 3}
	return &Frontend{Name: "web", Rules: table, Default: b}, p
}

// events are what the scripts of TestR14R43Queue say an engine tells. free, other and down are what happens elsewhere.
var events = map[string]Event{
	"ask": {Kind: Request, Target: &Target{Method: "GET", Host: "a", URI: "/"}}, "turn": {Kind: Turn}, "late": {Kind: WaitOver},
	"gone": {Kind: ClientGone}, "refused": {Kind: ConnectFailed}, "connected": {Kind: Connected}, "head": {Kind: Head, Status: 200}, "done": {Kind: Finished},
}

func TestR14R43Queue(t *testing.T) {
	for _, tt := range []struct {
		name   string
		names  []string // of the servers, with one slot each
		most   int
		before int    // requests that come first: each takes a slot, or waits
		script string // what happens, and at which ms; another: one more comes; free: whoever has
		// had a slot for longest leaves; down: the first server is
		did    string
		record string // status, termination, server, Tw, place in the backend's queue, retries
		left   int    // slots that are taken in the end
	}{
		{"R14: nobody has room in time", []string{"s1"}, 0, 1, "0 ask 300 late 300 done", "queue:300ms respond:503 done", `503 sQ "" 300 1 0`, 1},
		{
			"somebody has", []string{"s1"}, 0, 1, "0 ask 90 free 100 turn 101 connected 110 head 111 done",
			"queue:300ms connect:s1 send forward done", `200 -- "s1" 100 1 0`, 0,
		},
		{
			"after another one", []string{"s1"}, 0, 2, "0 ask 40 free 50 turn 90 free 100 turn 101 connected 110 head 111 done",
			"queue:300ms stay connect:s1 send forward done", `200 -- "s1" 100 2 0`, 0,
		},
		{
			"in the moment that its time is over", []string{"s1"}, 0, 1, "0 ask 300 free 300 late 301 connected 310 head 311 done",
			"queue:300ms connect:s1 send forward done", `200 -- "s1" 300 1 0`, 0,
		},
		{"R43: the client leaves", []string{"s1"}, 0, 1, "0 ask 100 gone", "queue:300ms abort", `0 CQ "" 100 1 0`, 1},
		{"the client leaves when it has its turn", []string{"s1"}, 0, 1, "0 ask 99 free 100 gone", "queue:300ms abort", `0 CQ "" 100 1 0`, 0},
		{"too many wait", []string{"s1"}, 1, 2, "0 ask 1 done", "respond:503 done", `503 SQ "" -1 0 0`, 1},
		{"R35: the only server goes down", []string{"s1"}, 0, 1, "0 ask 10 down 20 free 300 late 300 done", "queue:300ms respond:503 done", `503 sQ "" 300 1 0`, 0},
		{
			"R41: one refuses, and the other one has no room", []string{"s1", "s2"}, 0, 1, "0 ask 1 refused 501 late 502 connected 510 head 511 done",
			"connect:s2 wait:500ms connect:s2 send forward done", `200 -- "s2" 501 0 1`, 1,
		},
		{
			"whoever waits comes before who tries again", []string{"s1", "s2"}, 0, 1, "0 ask 0 another 1 refused 50 free 50 turn 51 connected 60 head 61 done",
			"connect:s2 queue:300ms connect:s1 send forward done", `200 -- "s1" 50 1 1`, 1,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, p := crowded(t, tt.most, tt.names...)
			var others []*upstream.Server
			var waiting []*upstream.Waiter
			another := func() {
				s, outcome := p.Pick(upstream.Request{})
				if outcome == upstream.Picked {
					others = append(others, s)
					return
				}
				w := &upstream.Waiter{Waker: &bell{}}
				if _, outcome := p.Enter(upstream.Request{}, w); outcome != upstream.Waiting {
					t.Fatalf("another one: got %v", outcome)
				}
				waiting = append(waiting, w)
			}
			for range tt.before {
				another()
			}
			var x Exchange
			x.Wake(&bell{})
			start := time.Unix(1_000_000, 0)
			x.Start(start, f)
			var did []string
			var r *Record
			words := strings.Fields(tt.script)
			for i := 0; i < len(words); i += 2 {
				ms, _ := strconv.Atoi(words[i])
				switch words[i+1] {
				case "free":
					others[0].Release()
					others = others[1:]
					if len(waiting) > 0 {
						s, _ := waiting[0].Leave()
						others, waiting = append(others, s), waiting[1:]
					}
					continue
				case "another":
					another()
					continue
				case "down":
					p.Members()[0].SetHealth(upstream.Health{Status: hysteresis.Down})
					continue
				}
				a := x.Step(start.Add(time.Duration(ms)*time.Millisecond), events[words[i+1]])
				did = append(did, describe(a))
				if a.Record != nil {
					r = a.Record
				}
			}
			if got := strings.Join(did, " "); got != tt.did {
				t.Errorf("got %s, want %s", got, tt.did)
			}
			wait := int64(-1)
			if r.Wait >= 0 {
				wait = r.Wait.Milliseconds()
			}
			if got := fmt.Sprintf("%d %v %q %d %d %d", r.Status, r.Termination, r.Server, wait, r.BackendQueue, r.Retries); got != tt.record {
				t.Errorf("got %s, want %s", got, tt.record)
			}
			var left int64
			for _, m := range p.Members() {
				left += m.InFlight()
			}
			if left != int64(tt.left) {
				t.Errorf("%d slots are taken in the end, want %d", left, tt.left)
			}
		})
	}
}

// stickyCrowd is sticky, where A and B have one slot each.
func stickyCrowd(t *testing.T) (f *Frontend, servers []*upstream.Server) {
	t.Helper()
	f, servers = sticky(t, persist.Config{})
	var members []upstream.Member
	for _, s := range servers {
		members = append(members, upstream.Member{Server: s, Weight: 1, MaxConnections: 1})
	}
	pool, err := upstream.NewPool(upstream.Options{}, members)
	if err != nil {
		t.Fatal(err)
	}
	pool.Attach()
	f.Default.Servers, f.Default.Queue = pool, time.Second
	return f, servers
}

// begin starts an exchange for a request with a cookie.
func begin(f *Frontend, cookie string) (*Exchange, Action) {
	x := &Exchange{}
	x.Wake(nobody{})
	now := time.Unix(1_000_000, 0)
	x.Start(now, f)
	return x, x.Step(now, with(cookie).Event)
}

// Who has waited for a server that went down meanwhile gets another one, and another cookie.
func TestR57_DownWhileItWaits(t *testing.T) {
	f, servers := stickyCrowd(t)
	_, _ = begin(f, "S=A")
	other, _ := begin(f, "S=B")
	x, a := begin(f, "S=A")
	if a.Do != Queue {
		t.Fatalf("got %s, want it to wait", describe(a))
	}
	servers[0].SetHealth(upstream.Health{Status: hysteresis.Down})
	now := time.Unix(1_000_000, 0)
	other.Step(now, Event{Kind: ClientGone})
	if a := x.Step(now, Event{Kind: Turn}); describe(a) != "connect:B" || x.record.Cookie.Request != 'D' || x.stuck {
		t.Errorf("got %s, %c, want connect:B, D", describe(a), x.record.Cookie.Request)
	}
}

// A server that was ejected is tried by whoever gets it, by way of the queue too: one who has waited, and one who comes while others wait.
func TestR37_TheTrialOutOfTheQueue(t *testing.T) {
	rules := &upstream.Passive{MaxFails: 1, FailTimeout: time.Second}
	for _, waits := range []bool{true, false} {
		f, servers := stickyCrowd(t)
		f.Default.Passive = rules
		now := time.Unix(1_000_000, 0)
		_, _ = begin(f, "S=A")
		_, _ = begin(f, "S=A") // waits
		b := servers[1]
		eject := func() {
			b.Failed(now, rules, false, "x")
			b.Reopen(now.Add(time.Hour))
		}
		var x *Exchange
		var a Action
		if waits {
			other, _ := begin(f, "S=B")
			if x, a = begin(f, ""); a.Do != Queue {
				t.Fatalf("got %s, want it to wait", describe(a))
			}
			eject()
			other.Step(now, Event{Kind: ClientGone})
			a = x.Step(now, Event{Kind: Turn})
		} else {
			eject()
			x, a = begin(f, "")
		}
		if describe(a) != "connect:B" {
			t.Fatalf("waits %t: got %s, want connect:B", waits, describe(a))
		}
		x.Step(now, Event{Kind: Connected})
		x.Step(now, Event{Kind: Head, Status: 200})
		if e := b.Ejection(); e.Ejected || e.HalfOpen {
			t.Errorf("waits %t: got %+v, want it back", waits, e)
		}
	}
}

// A backend's requests are counted for as long as they are its, those that wait too, and each tells of the others.
func TestRequestsOfABackendAreCounted(t *testing.T) {
	f, _ := stickyCrowd(t)
	active := &atomic.Int64{}
	f.Default.Active = active
	now := time.Unix(1_000_000, 0)
	var all []*Exchange
	for _, cookie := range []string{"S=A", "S=B", "S=A"} {
		x, _ := begin(f, cookie)
		x.Detail(&Details{})
		all = append(all, x)
	}
	for i, want := range []struct{ backend, server int64 }{{2, 0}, {1, 0}, {0, 0}} {
		if got := active.Load(); got != int64(3-i) {
			t.Errorf("before %d ends: %d are counted, want %d", i, got, 3-i)
		}
		d := all[i].Step(now, Event{Kind: ClientGone}).Record.Details
		all[i].Step(now, Event{Kind: ClientGone}) // of no consequence any more
		if d.BackendRequests != want.backend || d.ServerRequests != want.server {
			t.Errorf("request %d: %d others in the backend and %d at the server, want %+v", i, d.BackendRequests, d.ServerRequests, want)
		}
	}
	if got := active.Load(); got != 0 {
		t.Errorf("%d are left, want none", got)
	}
}
