package upstream

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/balance"
)

// site is a pool of servers that change: a and b serve, c and d are their backups.
func site(t *testing.T, o Options) (*Pool, []*Server) {
	servers := []*Server{newServer(0, up), newServer(1, up), newServer(2, up), newServer(3, up)}
	p := poolOf(t, o,
		Member{Server: servers[0], Weight: 1}, Member{Server: servers[1], Weight: 1},
		Member{Server: servers[2], Weight: 1, Backup: true}, Member{Server: servers[3], Weight: 1, Backup: true})
	return p, servers
}

// step is what happens to servers, and who gets four requests then.
type step struct {
	server int
	status hysteresis.Status
	want   map[string]int
}

func walk(t *testing.T, p *Pool, servers []*Server, steps []step) {
	t.Helper()
	for i, s := range steps {
		servers[s.server].SetHealth(Health{Status: s.status})
		if got := count(p, Request{}, 4); !maps.Equal(got, s.want) {
			t.Errorf("step %d: got %v, want %v", i, got, s.want)
		}
	}
}

func TestBackups(t *testing.T) {
	both := map[string]int{"a": 2, "b": 2}
	for _, tt := range []struct {
		name    string
		options Options
		steps   []step
	}{
		{"all of them", Options{}, []step{
			{0, up, both}, {0, down, map[string]int{"b": 4}}, {1, down, map[string]int{"c": 2, "d": 2}}, {2, down, map[string]int{"d": 4}},
			{3, down, map[string]int{"": 4}}, {3, unknown, map[string]int{"d": 4}}, {2, up, map[string]int{"c": 4}}, {0, unknown, map[string]int{"a": 4}}, {1, up, map[string]int{"b": 4}}, {0, up, both},
		}},
		{"the first", Options{FirstBackup: true}, []step{
			{0, up, both}, {0, down, map[string]int{"b": 4}}, {1, down, map[string]int{"c": 4}}, {2, down, map[string]int{"d": 4}},
			{2, up, map[string]int{"c": 4}}, {3, down, map[string]int{"c": 4}}, {0, up, map[string]int{"a": 4}},
		}},
	} {
		for _, attached := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				p, servers := site(t, tt.options)
				if attached {
					p.Attach()
				}
				walk(t, p, servers, tt.steps)
			})
		}
	}
}

// A backup serves a request that all others have failed, though the checks have not found that yet. It is no habit.
func TestBackupServesARetry(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first bool
		tried []int
		want  map[string]int
	}{
		{"another is left", false, []int{0}, map[string]int{"b": 4}},
		{"none is", false, []int{0, 1}, map[string]int{"c": 4}},
		{"nor the first backup", false, []int{0, 1, 2}, map[string]int{"d": 4}},
		{"nor the first backup, which is the only one", true, []int{0, 1, 2}, map[string]int{"d": 4}},
		{"nobody", false, []int{0, 1, 2, 3}, map[string]int{"a": 2, "b": 2}},
	} {
		p, servers := site(t, Options{FirstBackup: tt.first})
		p.Attach()
		var tried []*Server
		for _, i := range tt.tried {
			tried = append(tried, servers[i])
		}
		if got := count(p, Request{Tried: tried}, 4); !maps.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
		if got, want := count(p, Request{}, 4), map[string]int{"a": 2, "b": 2}; !maps.Equal(got, want) {
			t.Errorf("%s, and the next requests: got %v, want %v", tt.name, got, want)
		}
	}
}

func TestMaxConnections(t *testing.T) {
	a, b, c := newServer(0, up), newServer(1, up), newServer(2, up)
	p := poolOf(t, Options{}, Member{Server: a, Weight: 1, MaxConnections: 2}, Member{Server: b, Weight: 1, MaxConnections: 1}, Member{Server: c, Weight: 1, Backup: true})
	p.Attach()
	got := map[*Server]int{}
	for range 3 {
		got[p.pick()]++
	}
	if want := map[*Server]int{a: 2, b: 1}; !maps.Equal(got, want) {
		t.Errorf("got %v, want 2 of a and 1 of b", got)
	}
	for range 2 {
		if s, why := p.Pick(Request{}); s != nil || why != Full {
			t.Errorf("got %v, %d, want none for all are full", s, why)
		}
	}
	b.Release()
	if s := p.pick(); s != b {
		t.Errorf("b has a slot again: got %v", s)
	}
	if s, why := p.Pick(Request{Tried: []*Server{b}}); s != c || why != Picked {
		t.Errorf("a is full and b has failed: got %v, %d, want the backup", s, why)
	}
	a.SetHealth(Health{Status: down})
	b.SetHealth(Health{Status: down})
	c.SetHealth(Health{Status: down})
	if s, why := p.Pick(Request{}); s != nil || why != None {
		t.Errorf("all are down: got %v, %d, want none", s, why)
	}
}

// R23: a server of weight 0 gets no new traffic, but what belongs to it.
func TestR23_WhatBelongsToAServer(t *testing.T) {
	for _, tt := range []struct {
		name    string
		member  Member
		status  hysteresis.Status
		tried   bool
		held    int // requests
		want    string
		outcome Outcome
	}{
		{"usual", Member{Weight: 1}, up, false, 0, "a", Picked},
		{"weight 0", Member{Weight: 0}, up, false, 0, "a", Picked},
		{"backup", Member{Weight: 1, Backup: true}, up, false, 0, "a", Picked},
		{"not known yet", Member{Weight: 1}, unknown, false, 0, "a", Picked},
		{"down", Member{Weight: 1}, down, false, 0, "b", Picked},
		{"it has failed this request", Member{Weight: 1}, up, true, 0, "b", Picked},
		{"full", Member{Weight: 1, MaxConnections: 1}, up, false, 1, "", Full},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := newServer(0, tt.status), newServer(1, up)
			tt.member.Server = a
			p := poolOf(t, Options{}, tt.member, Member{Server: b, Weight: 1})
			p.Attach()
			for range tt.held {
				if s, _ := p.Pick(Request{Stick: []*Server{a}}); s != a {
					t.Fatalf("got %v, want a", s)
				}
			}
			r := Request{Stick: []*Server{a}}
			if tt.tried {
				r.Tried = []*Server{a}
			}
			for range 3 {
				s, outcome := p.Pick(r)
				name := ""
				if s != nil {
					name = s.Key().Name
					s.Release()
				}
				if name != tt.want || outcome != tt.outcome {
					t.Errorf("got %q, %d, want %q, %d", name, outcome, tt.want, tt.outcome)
				}
			}
		})
	}
	p := newPool(t, []hysteresis.Status{up}, 1)
	if s, _ := p.Pick(Request{Stick: []*Server{newServer(7, up)}}); s != p.Members()[0].Server {
		t.Errorf("a server of another pool: got %v", s)
	}
	p = newPool(t, []hysteresis.Status{up, down, up, up}, 1, 1, 1, 1)
	members := p.Members()
	for range 3 {
		if s, _ := p.Pick(Request{Stick: []*Server{members[1].Server, members[2].Server, members[3].Server}}); s != members[2].Server {
			t.Errorf("of several the first that may be used: got %v", s.Key())
		}
	}
}

// An attached pool knows at each moment what one that looks at everything finds.
func TestAttachedKnowsAll(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var members []Member
		for i := range rapid.IntRange(1, 6).Draw(r, "servers") {
			members = append(members, Member{
				Server: newServer(i, unknown), Weight: rapid.IntRange(0, 2).Draw(r, "weight"), Backup: rapid.Bool().Draw(r, "backup"),
				MaxConnections: rapid.IntRange(0, 2).Draw(r, "most"),
			})
		}
		o := Options{FirstBackup: rapid.Bool().Draw(r, "first")}
		p := poolOf(t, o, members...)
		p.Attach()
		var held []*Server
		for range 50 {
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0:
				members[rapid.IntRange(0, len(members)-1).Draw(r, "server")].SetHealth(Health{Status: rapid.SampledFrom([]hysteresis.Status{up, down, unknown}).Draw(r, "status")})
			case 1:
				if len(held) > 0 {
					held[0].Release()
					held = held[1:]
				}
			default:
				if s := p.pick(); s != nil {
					held = append(held, s)
				}
			}
			fresh := poolOf(t, o, members...)
			if !slices.Equal(p.told, fresh.told) || p.now != fresh.now {
				r.Fatalf("got weights %v of group %d, want %v of %d", p.told, p.now, fresh.told, fresh.now)
			}
		}
	})
}

// Two pools over the same servers, as during a reload: the requests of each count for the other.
func TestReloadCountsRequestsOfBothPools(t *testing.T) {
	a, b := newServer(0, up), newServer(1, up)
	members := []Member{{Server: a, Weight: 1, MaxConnections: 1}, {Server: b, Weight: 1, MaxConnections: 1}}
	old, next := poolOf(t, Options{}, members...), poolOf(t, Options{}, members...)
	old.Attach()
	first := old.pick()
	next.Attach()
	if old.attached.Load() || !next.attached.Load() {
		t.Error("the old pool believes that it hears of everything")
	}
	if second := next.pick(); second == first || next.pick() != nil {
		t.Errorf("got %v twice, or more than both", second)
	}
	first.Release()
	if s := old.pick(); s != first { // a retry of a request that began before the reload
		t.Errorf("got %v, want %v", s, first)
	}
	if s := next.pick(); s != nil {
		t.Errorf("the retry has the last slot, and yet got %v", s)
	}
	if at := first.seat.Load(); at.pool != next {
		t.Error("the servers tell the old pool")
	}
}

// The first backup serves alone, but for what it has failed itself.
func TestFirstBackupFails(t *testing.T) {
	p, servers := site(t, Options{FirstBackup: true})
	p.Attach()
	servers[0].SetHealth(Health{Status: down})
	servers[1].SetHealth(Health{Status: down})
	if got, want := count(p, Request{Tried: servers[2:3]}, 4), map[string]int{"d": 4}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// R39: after it was down a server's share grows; when it is first seen it has all of it.
func TestR39_SlowStart(t *testing.T) {
	a, b := newServer(0, unknown), newServer(1, up)
	p := poolOf(t, Options{}, Member{Server: a, Weight: 2, SlowStart: 20 * time.Second}, Member{Server: b, Weight: 2})
	p.Attach()
	start := time.Unix(1_000_000, 0)
	share := func(seconds float64) int {
		t.Helper()
		return count(p, Request{Now: start.Add(time.Duration(seconds * float64(time.Second)))}, 400)["a"]
	}
	a.SetHealth(Health{Status: down}) // as init_state may have it
	a.SetHealth(Health{Status: up, Since: start})
	if got := share(0.1); got != 200 {
		t.Errorf("first seen: got %d of 400, want 200", got)
	}
	a.SetHealth(Health{Status: down, Since: start.Add(time.Second)})
	if got := share(10); got != 0 {
		t.Errorf("down: got %d, want 0", got)
	}
	a.SetHealth(Health{Status: up, Since: start.Add(100 * time.Second)})
	for _, tt := range []struct {
		at   float64
		want int // of 400: step/(20+step)
	}{{100, 19}, {101.9, 19}, {102, 36}, {105, 80}, {110, 133}, {119.9, 194}, {120, 200}, {1000, 200}} {
		if got := share(tt.at); got < tt.want-1 || got > tt.want+1 {
			t.Errorf("%.1f s after its return: got %d, want %d", tt.at-100, got, tt.want)
		}
		a.SetHealth(Health{Status: up, Since: start.Add(100 * time.Second), Text: "checked again"})
	}
	if len(p.slow.rising) != 0 {
		t.Errorf("nobody rises, but for %v", p.slow.rising)
	}
}

func TestThrottle(t *testing.T) {
	risen := time.Unix(1000, 0)
	for _, tt := range []struct {
		name  string
		after time.Duration
		risen time.Time
		slow  time.Duration
		want  int
	}{
		{"none", 0, risen, 0, 100},
		{"never down", 0, time.Time{}, time.Minute, 100},
		{"it begins", 0, risen, time.Minute, 5},
		{"the clock is behind", -time.Hour, risen, time.Minute, 5},
		{"half-way", 30 * time.Second, risen, time.Minute, 50},
		{"nearly", 59 * time.Second, risen, time.Minute, 95},
		{"over", time.Minute, risen, time.Minute, 100},
		{"shorter than its steps", 1, risen, 3, 30},
	} {
		if got := Throttle(risen.Add(tt.after), tt.risen, tt.slow); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

// Loops and checks change everything at once. What is left is right.
func TestPoolConcurrently(t *testing.T) {
	p, servers := site(t, Options{})
	p.Attach()
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 300 {
				if s := p.pick(); s != nil {
					if i%3 == 0 {
						servers[w].SetHealth(Health{Status: []hysteresis.Status{up, down, unknown}[i%9/3]})
					}
					s.Release()
				}
			}
		})
	}
	all.Wait()
	for _, s := range servers {
		s.SetHealth(Health{Status: up})
		if n := s.Stats().InFlight; n != 0 {
			t.Errorf("%s: %d in flight, want 0", s.Key().Name, n)
		}
	}
	if got, want := count(p, Request{}, 400), map[string]int{"a": 200, "b": 200}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What is known of the servers' times outlives a reload; a pool that has no use for it costs them nothing.
func TestLatencyOutlivesReload(t *testing.T) {
	a, b := newServer(0, up), newServer(1, up)
	members := []Member{{Server: a, Weight: 1}, {Server: b, Weight: 1}}
	now := time.Unix(1_000_000, 0)
	plain := poolOf(t, Options{}, members...)
	plain.Attach()
	a.Answered(now, time.Minute, false)
	if got := a.lastLatency(); got != (balance.Latency{}) {
		t.Errorf("nobody asked for it, got %v", got)
	}
	for reload := range 3 {
		p := poolOf(t, Options{Algorithm: balance.LeastTime}, members...)
		p.Attach()
		if reload == 0 {
			a.Answered(now, time.Second, false)
			b.Answered(now, time.Millisecond, false)
		}
		if got := count(p, Request{}, 10); got["b"] != 10 {
			t.Errorf("reload %d: got %v, want b alone", reload, got)
		}
	}
}

// A client keeps its server through what happens to others, and is told apart by its key alone.
func TestKeysAreHashed(t *testing.T) {
	var members []Member
	for i := range 5 {
		members = append(members, Member{Server: newServer(i, up), Weight: 1})
	}
	p := poolOf(t, Options{Algorithm: balance.Hash}, members...)
	p.Attach()
	key := balance.HashKey("client")
	home := slices.Collect(maps.Keys(count(p, Request{Key: key}, 5)))
	if len(home) != 1 {
		t.Fatalf("got %v, want one server", home)
	}
	for _, m := range members {
		if m.Key().Name == home[0] {
			continue
		}
		m.SetHealth(Health{Status: down})
		if got := count(p, Request{Key: key}, 5)[home[0]]; got != 5 {
			t.Errorf("with %s down: got %d of 5", m.Key().Name, got)
		}
	}
}

// A server whose address nobody knows gets nothing, whatever is known of its health, and whoever belongs to it.
func TestVacant(t *testing.T) {
	for _, status := range []hysteresis.Status{up, unknown, down} {
		s, other := newServer(0, status), newServer(1, up)
		p := poolOf(t, Options{}, Member{Server: s, Weight: 1, Vacant: true}, Member{Server: other, Weight: 1})
		for range 3 {
			if got, outcome := p.Pick(Request{Stick: []*Server{s}}); got != other || outcome != Picked {
				t.Errorf("%v: got %v, %d, want the other one", status, got, outcome)
			}
		}
		alone := poolOf(t, Options{}, Member{Server: s, Weight: 1, Vacant: true})
		if got, outcome := alone.Pick(Request{Stick: []*Server{s}, Tried: []*Server{s}}); got != nil || outcome != None {
			t.Errorf("%v, alone: got %v, %d, want nobody", status, got, outcome)
		}
	}
}
