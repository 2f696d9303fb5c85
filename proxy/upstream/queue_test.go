package upstream

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// bell counts how often it was rung.
type bell struct{ rung atomic.Int64 }

func (b *bell) Wake() { b.rung.Add(1) }

// limitedPool is an attached pool of servers that are up, each with a limit; 0: none.
func limitedPool(t testing.TB, o Options, limits ...int) *Pool {
	t.Helper()
	var members []Member
	for i, n := range limits {
		members = append(members, Member{Server: newServer(i, up), Weight: 1, MaxConnections: n})
	}
	p := poolOf(t, o, members...)
	p.Attach()
	return p
}

// guest is a request that asks for a server and waits for one if it has to.
type guest struct {
	bell
	Waiter
	name    string
	server  *Server
	outcome Outcome
	place   Place
}

func come(p *Pool, name string, r Request) *guest {
	g := &guest{name: name}
	g.Waker = &g.bell
	if g.server, g.outcome = p.Pick(r); g.outcome == Full {
		g.server, g.outcome = p.Enter(r, &g.Waiter)
	}
	return g
}

// look has a guest that was woken leave the queue.
func (g *guest) look() {
	if g.outcome == Waiting && g.Given() {
		g.server, g.place = g.Leave()
		g.outcome = Picked
	}
}

func (g *guest) String() string {
	g.look()
	switch g.outcome {
	case Picked:
		return g.name + ":" + g.server.Key().Name
	case Waiting:
		return g.name + " waits"
	case Full:
		return g.name + " has no place"
	}
	return g.name + " has nobody"
}

// R43: "excess waits FIFO in server queue (persistent) or backend queue".
func TestR43TheLongestWaitIsOverFirst(t *testing.T) {
	for _, tt := range []struct {
		name   string
		o      Options
		limits []int
		own    int // as in Member.MaxQueue
		firm   bool
		script string // a: a guest comes, a/b: one that belongs to server b; -a: it goes; !b: server b is down, +b: up
		want   string // who has what in the end
	}{
		{"no limit", Options{}, []int{0}, 0, false, "1 2 3", "1:a 2:a 3:a"},
		{"one at a time", Options{}, []int{1}, 0, false, "1 2 3", "1:a 2 waits 3 waits"},
		{"the first is next", Options{}, []int{1}, 0, false, "1 2 3 -1", "2:a 3 waits"},
		{"then the second", Options{}, []int{1}, 0, false, "1 2 3 -1 -2", "3:a"},
		{"whoever comes later waits behind", Options{}, []int{1}, 0, false, "1 2 -1 3", "2:a 3 waits"},
		{"two servers", Options{}, []int{1, 1}, 0, false, "1 2 3 4 5 -2 -1", "3:b 4:a 5 waits"},
		{"a server without a limit takes all", Options{}, []int{1, 0}, 0, false, "1 2 3 4", "1:a 2:b 3:b 4:b"},
		{"who gives up is not missed", Options{}, []int{1}, 0, false, "1 2 3 -2 -1", "3:a"},
		{"of all servers together", Options{MaxConnections: 2}, []int{0, 0}, 0, false, "1 2 3 4 -1", "2:b 3:a 4 waits"},
		{"the smaller limit counts", Options{MaxConnections: 3}, []int{1, 1}, 0, false, "1 2 3 -1", "2:b 3:a"},

		{"there is a limit to waiting", Options{MaxQueue: 2}, []int{1}, 0, false, "1 2 3 4", "1:a 2 waits 3 waits 4 has no place"},
		{"which who leaves makes room below", Options{MaxQueue: 2}, []int{1}, 0, false, "1 2 3 -2 4", "1:a 3 waits 4 waits"},

		{"nobody is there", Options{}, []int{1}, 0, false, "!a 1", "1 has nobody"},
		{"nor later", Options{}, []int{1}, 0, false, "1 2 !a 3", "1:a 2 waits 3 has nobody"},
		{"R35: not to one that is down", Options{}, []int{1}, 0, false, "1 2 !a -1", "2 waits"},
		{"until it is up", Options{}, []int{1}, 0, false, "1 2 !a -1 +a", "2:a"},
		{"another one has come up", Options{}, []int{1, 1}, 0, false, "!b 1 2 3 +b", "1:a 2:b 3 waits"},

		{"a server's own", Options{}, []int{1, 1}, 0, false, "1/a 2/a 3 4/a", "1:a 2 waits 3:b 4 waits"},
		{"own and others in the order that they came", Options{}, []int{1, 1}, 0, false, "1/a 2 3/a 4 5/a -1", "2:b 3:a 4 waits 5 waits"},
		{"others before own", Options{}, []int{1, 1}, 0, false, "1/a 2 3 4/a -1", "2:b 3:a 4 waits"},
		{"own do not wait for others' servers", Options{}, []int{1, 1}, 0, false, "1/a 2 3/a -2", "1:a 3 waits"},
		{"whose server is down goes to another, in its turn", Options{}, []int{1, 1}, 0, false, "1/a 2/b 3/a 4 5/a !a -2", "1:a 3:b 4 waits 5 waits"},
		{"own places have a limit, and others take who is too many", Options{}, []int{1, 1}, 1, false, "1/a 2/a 3/a 4/a", "1:a 2 waits 3:b 4 waits"},
		{"unless nobody else will do", Options{}, []int{1, 1}, 1, true, "1/a 2/a 3/a", "1:a 2 waits 3 has no place"},
		{"own places are the server's, where it says how many", Options{MaxQueue: 1}, []int{1, 1}, 2, false, "1/a 2/b 3/a 4/a 5", "1:a 2:b 3 waits 4 waits 5 waits"},
		{"room in the backend is for those with a server of their own too", Options{MaxConnections: 1}, []int{0, 0}, 0, false, "1 2/b -1", "2:b"},
		{"who has lost his server is not bound to it when it is back", Options{}, []int{1, 1}, 0, false, "1/a 2/b 3/a !a +a -2", "1:a 3:b"},
		{"own beside a full backend", Options{MaxConnections: 1}, []int{0, 0}, 0, false, "1 2 3/b -1 -2", "3:b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := limitedPool(t, tt.o, tt.limits...)
			for i := range p.members {
				p.members[i].MaxQueue = tt.own
			}
			server := func(name string) *Server { return p.members[name[0]-'a'].Server }
			var guests []*guest
			for _, word := range strings.Fields(tt.script) {
				switch word[0] {
				case '!':
					server(word[1:]).SetHealth(Health{Status: down})
				case '+':
					server(word[1:]).SetHealth(Health{Status: up})
				case '-':
					i := slices.IndexFunc(guests, func(g *guest) bool { return g.name == word[1:] })
					guests[i].look()
					if s, _ := guests[i].Leave(); s != nil {
						t.Fatalf("%s has two servers", word)
					}
					if s := guests[i].server; s != nil {
						s.Release()
					}
					guests = slices.Delete(guests, i, i+1)
				default:
					name, own, _ := strings.Cut(word, "/")
					r := Request{Firm: tt.firm}
					if own != "" {
						r.Stick = []*Server{server(own)}
					}
					guests = append(guests, come(p, name, r))
				}
			}
			var got []string
			waiting := 0
			for _, g := range guests {
				got = append(got, g.String())
				if g.outcome == Waiting {
					waiting++
				}
				if g.outcome != Picked && g.rung.Load() > 0 {
					t.Errorf("%s was woken for nothing", g)
				}
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if p.queue != nil && p.queue.waiting.Load() != int64(waiting) {
				t.Errorf("%d are counted as waiting, want %d", p.queue.waiting.Load(), waiting)
			}
		})
	}
}

// R6: %sq and %bq count those that were served before, and the request itself, as HAProxy 2.6 does.
func TestR6PlacesInQueues(t *testing.T) {
	p := limitedPool(t, Options{}, 1, 1)
	a := p.members[0].Server
	first, second := come(p, "1", Request{Stick: []*Server{a}}), come(p, "2", Request{})
	own, other, late, last := come(p, "own", Request{Stick: []*Server{a}}), come(p, "other", Request{}), come(p, "late", Request{Stick: []*Server{a}}), come(p, "last", Request{})
	_, gaveUp := late.Leave()
	first.server.Release()
	second.server.Release()
	own.look()
	other.look()
	own.server.Release()
	last.look()
	for _, tt := range []struct {
		name      string
		got, want Place
	}{
		{"the first in a server's line", own.place, Place{Server: 1}},
		{"the first in that of the backend", other.place, Place{Backend: 1}},
		{"one that has given up while nobody was served", gaveUp, Place{Server: 1}},
		{"the second", last.place, Place{Backend: 2}},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, tt.got, tt.want)
		}
	}
}

// A reload that takes a limit away, raises it, or brings another server, serves those who wait.
func TestReloadServesThoseWhoWait(t *testing.T) {
	for _, tt := range []struct {
		name    string
		members func(old []Member) []Member
		o       Options
		want    string
	}{
		{"the same", func(old []Member) []Member { return old }, Options{}, "2 waits 3 waits 4 waits"},
		{"one more", func(old []Member) []Member { old[0].MaxConnections = 2; return old }, Options{}, "2:a 3 waits 4 waits"},
		{"no limit", func(old []Member) []Member { old[0].MaxConnections = 0; return old }, Options{}, "2:a 3:a 4:a"},
		{"another server", func(old []Member) []Member {
			return append(old, Member{Server: newServer(1, up), Weight: 1, MaxConnections: 2})
		}, Options{}, "2:b 3:b 4 waits"},
		{"another one in its place", func([]Member) []Member {
			return []Member{{Server: newServer(1, up), Weight: 1, MaxConnections: 1}}
		}, Options{}, "2:b 3 waits 4 waits"},
		{"no weight", func(old []Member) []Member { old[0].Weight = 0; return old }, Options{}, "2 waits 3 waits 4:a"},
		{"a limit of the backend instead", func(old []Member) []Member { old[0].MaxConnections = 0; return old }, Options{MaxConnections: 2}, "2:a 3 waits 4 waits"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := limitedPool(t, Options{}, 1)
			come(p, "1", Request{})
			guests := []*guest{come(p, "2", Request{}), come(p, "3", Request{}), come(p, "4", Request{Stick: []*Server{p.members[0].Server}})}
			if tt.name == "no weight" {
				guests[2].Leave()
			}
			tt.o.Queue = p.Queue()
			next := poolOf(t, tt.o, tt.members(slices.Clone(p.Members()))...)
			next.Attach()
			if tt.name == "no weight" { // who belongs to it gets it nevertheless, once there is room
				guests[2] = come(next, "4", Request{Stick: []*Server{p.members[0].Server}})
				p.members[0].Server.Release()
			}
			var got []string
			for _, g := range guests {
				got = append(got, g.String())
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// Many goroutines come, wait, give up and go while servers fail, come back and get other limits: no limit is passed, nobody is forgotten,
// and nothing is left in the end. A wake-up that is lost leaves a bubble in which all wait.
func TestQueueForgetsNobody(t *testing.T) {
	for _, tt := range []struct {
		name    string
		o       Options
		sticky  bool
		leaves  bool
		changes bool
	}{
		{"come and go", Options{}, false, false, false},
		{"some give up", Options{}, false, true, false},
		{"servers of their own", Options{}, true, true, false},
		{"of all together", Options{MaxConnections: 4}, true, true, false},
		{"least_conn", Options{Algorithm: "least_conn"}, true, true, false},
		{"while all changes", Options{}, true, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { crowd(t, tt.o, tt.sticky, tt.leaves, tt.changes) })
		})
	}
}

// visitor waits by a channel.
type visitor struct {
	Waiter
	woken chan struct{} // capacity 1: sent to by who wakes it, never closed
}

func (v *visitor) Wake() {
	select {
	case v.woken <- struct{}{}:
	default: // it is awake already
	}
}

// crowd is the body of TestQueueForgetsNobody.
func crowd(t *testing.T, o Options, sticky, leaves, changes bool) {
	const guests, rounds = 24, 60
	limits := []int{1, 2, 3}
	first := limitedPool(t, o, limits...)
	var pool atomic.Pointer[Pool]
	pool.Store(first)
	var served, gaveUp atomic.Int64
	var all, changing sync.WaitGroup
	done := make(chan struct{})
	if changes {
		changing.Go(func() { shake(t, &pool, done) })
	}
	for n := range guests {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(n)))
			v := &visitor{woken: make(chan struct{}, 1)}
			v.Waker = v
			for range rounds {
				var r Request
				if sticky && rnd.IntN(2) == 0 {
					r.Stick = []*Server{first.members[rnd.IntN(len(limits))].Server}
				}
				s := v.ask(&pool, r, leaves && rnd.IntN(4) == 0, time.Duration(rnd.IntN(3))*time.Millisecond)
				if s == nil {
					gaveUp.Add(1)
					continue
				}
				if n := s.InFlight(); !changes && n > int64(limits[s.Key().Name[0]-'a']) {
					t.Errorf("server %s has %d requests", s.Key().Name, n)
				}
				served.Add(1)
				time.Sleep(time.Duration(rnd.IntN(2000)) * time.Microsecond)
				s.Release()
			}
		})
	}
	all.Wait()
	close(done)
	changing.Wait()
	if got := served.Load() + gaveUp.Load(); got != guests*rounds || served.Load() == 0 {
		t.Errorf("%d were served and %d gave up, want %d", served.Load(), gaveUp.Load(), guests*rounds)
	}
	q := first.Queue()
	if q.waiting.Load() != 0 || q.any.first != nil || q.any.length != 0 || len(q.lines) != 0 {
		t.Errorf("left behind: %d waiting, %d for any server, %d lines", q.waiting.Load(), q.any.length, len(q.lines))
	}
	for i, m := range first.members {
		if n := m.InFlight(); n != 0 {
			t.Errorf("server %d has %d slots taken", i, n)
		}
	}
}

// ask returns a server; nil where it has given up.
func (v *visitor) ask(pool *atomic.Pointer[Pool], r Request, leaves bool, patience time.Duration) *Server {
	for {
		p := pool.Load()
		s, outcome := p.Pick(r)
		if outcome == Full {
			s, outcome = p.Enter(r, &v.Waiter)
		}
		switch outcome {
		case Picked:
			return s
		case None: // all are down
			time.Sleep(time.Millisecond)
			continue
		}
		var late <-chan time.Time
		if leaves {
			late = time.After(patience)
		}
		for !v.Given() {
			select {
			case <-v.woken:
				continue
			case <-late:
			}
			break
		}
		s, _ = v.Leave()
		return s
	}
}

// shake changes the health and the limits of servers until done, and leaves them up.
func shake(t *testing.T, pool *atomic.Pointer[Pool], done <-chan struct{}) {
	rnd := rand.New(rand.NewPCG(2, 2))
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Duration(rnd.IntN(3000)) * time.Microsecond):
		}
		p := pool.Load()
		switch s := p.members[rnd.IntN(len(p.members))].Server; rnd.IntN(5) {
		case 0:
			s.SetHealth(Health{Status: down})
		case 1, 2:
			s.SetHealth(Health{Status: up})
		default:
			members := slices.Clone(p.Members())
			members[rnd.IntN(len(members))].MaxConnections = rnd.IntN(4)
			next := poolOf(t, Options{Queue: p.Queue()}, members...)
			next.Attach()
			pool.Store(next)
		}
	}
}

// With one slot at a time, on many goroutines, who came first is first: nobody gets in between.
func TestQueueIsFIFOAcrossGoroutines(t *testing.T) {
	p := limitedPool(t, Options{}, 1)
	var mu sync.Mutex
	var order []uint64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			v := &visitor{woken: make(chan struct{}, 1)}
			v.Waker = v
			for range 500 {
				s, outcome := p.Enter(Request{}, &v.Waiter)
				var n uint64
				if outcome == Waiting {
					n = v.number
					for !v.Given() {
						<-v.woken
					}
					s, _ = v.Leave()
				}
				if n > 0 { // it holds the only slot
					mu.Lock()
					order = append(order, n)
					mu.Unlock()
				}
				runtime.Gosched() // so that others come meanwhile
				s.Release()
			}
		})
	}
	all.Wait()
	if len(order) == 0 || !slices.IsSorted(order) {
		t.Errorf("%d have waited, in another order than they came", len(order))
	}
}

// A slot that was just freed, of which nobody has been told yet, is for those who wait.
func TestNobodyGetsInBetween(t *testing.T) {
	p := limitedPool(t, Options{}, 1)
	held := p.pick()
	early := come(p, "early", Request{})
	held.inFlight.Add(-1) // as Release does
	p.mu.Lock()
	p.load(0)
	p.mu.Unlock()
	late := come(p, "late", Request{})
	p.queue.freed(held)
	if early.String() != "early:a" || late.String() != "late waits" {
		t.Errorf("got %s, %s", early, late)
	}
}

// What a limit costs a request that need not wait, and one that does.
func BenchmarkLimited(b *testing.B) {
	for _, tt := range []struct {
		name   string
		limits []int
		taken  int
	}{{"without", []int{0, 0}, 0}, {"below", []int{100, 100}, 0}, {"one waits", []int{1, 1}, 2}} {
		b.Run(tt.name, func(b *testing.B) {
			p := limitedPool(b, Options{}, tt.limits...)
			var held []*Server
			for range tt.taken {
				held = append(held, p.pick())
			}
			g := &guest{}
			g.Waker = &g.bell
			b.ReportAllocs()
			for b.Loop() {
				s, outcome := p.Pick(Request{})
				if outcome == Full {
					_, _ = p.Enter(Request{}, &g.Waiter)
					held[0].Release()
					held[0], _ = g.Leave()
					continue
				}
				s.Release()
			}
		})
	}
}

func TestLimitsAllocateNothing(t *testing.T) {
	p := limitedPool(t, Options{}, 1)
	g := &guest{}
	g.Waker = &g.bell
	held := p.pick()
	if n := testing.AllocsPerRun(100, func() {
		if s, outcome := p.Enter(Request{}, &g.Waiter); outcome != Waiting {
			panic(fmt.Sprint(s, outcome))
		}
		held.Release()
		held, _ = g.Leave()
	}); n != 0 {
		t.Errorf("waiting allocates %v times", n)
	}
}

// A reload has the servers tell the new pool before the queue chooses by it. What is given out in between tells that pool of its load, which
// must not have it look for who waits: whoever gives it out holds the queue's lock, and would wait for itself for ever.
func TestQueueServesInTheMidstOfAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := limitedPool(t, Options{}, 1)
		first := come(p, "1", Request{})
		guests := []*guest{come(p, "2", Request{}), come(p, "3", Request{})}
		next := poolOf(t, Options{Queue: p.Queue()}, slices.Clone(p.Members())...)
		q := p.Queue()
		q.mu.Lock()
		var reloads sync.WaitGroup
		reloads.Go(next.Attach)
		for !next.attached.Load() || p.attached.Load() { // until it waits for the queue
			runtime.Gosched()
		}
		first.server.inFlight.Add(-1) // as Release begins
		q.serveAll()
		q.mu.Unlock()
		reloads.Wait()
		if got := guests[0].String() + " " + guests[1].String(); got != "2:a 3 waits" {
			t.Errorf("got %s, want 2:a 3 waits", got)
		}
	})
}

// Where no server takes new traffic those that belong to one which is drained wait for it all the same, each behind the other.
func TestR43DrainedServersHaveALine(t *testing.T) {
	p := poolOf(t, Options{}, Member{Server: newServer(0, up), Weight: 0, MaxConnections: 1})
	p.Attach()
	own := Request{Stick: []*Server{p.members[0].Server}}
	guests := []*guest{come(p, "1", own), come(p, "2", own), come(p, "3", own), come(p, "4", Request{})}
	var got []string
	for _, g := range guests {
		got = append(got, g.String())
	}
	if got, want := strings.Join(got, " "), "1:a 2 waits 3 waits 4 has nobody"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Who frees a slot counts it before he looks who waits. Somebody who comes in between does not get it: another one waits for it.
func TestR43_NobodyGetsInWhileASlotIsFreed(t *testing.T) {
	p := limitedPool(t, Options{}, 1)
	first := come(p, "1", Request{})
	own := come(p, "2", Request{Stick: []*Server{first.server}})
	first.server.inFlight.Add(-1) // as Release begins
	first.server.tellLoad()
	late := come(p, "3", Request{})
	if got := own.String() + " " + late.String(); got != "2:a 3 waits" {
		t.Errorf("got %s, want 2:a 3 waits", got)
	}
}

// A place counts those who were served before in the line for any server, though others have joined that from the line of a server.
func TestR6PlacesInALineThatOthersJoin(t *testing.T) {
	p := limitedPool(t, Options{}, 1, 1)
	first, _ := come(p, "1", Request{}), come(p, "2", Request{})
	third, fourth := come(p, "3", Request{}), come(p, "4", Request{})
	come(p, "5", Request{Stick: []*Server{p.members[1].Server}})
	first.server.Release()
	third.look()
	p.members[1].SetHealth(Health{Status: down})
	third.server.Release()
	fourth.look()
	if want := (Place{Backend: 2}); fourth.place != want || third.place != (Place{Backend: 1}) {
		t.Errorf("got %+v and %+v, want 1 and %+v", third.place, fourth.place, want)
	}
}
