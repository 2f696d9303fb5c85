package upstream

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
)

// heard is a Watcher that keeps what it is told.
type heard struct{ said []string }

func (h *heard) Doubted(s *Server, why string) {
	h.said = append(h.said, s.Key().Name+" doubted: "+why)
}
func (h *heard) Ejected(s *Server, why string) {
	h.said = append(h.said, s.Key().Name+" ejected: "+why)
}
func (h *heard) Reinstated(s *Server) { h.said = append(h.said, s.Key().Name+" back") }

var start = time.Unix(1_000_000, 0)

// watched returns a server of which somebody hears.
func watched(i int, status hysteresis.Status) (*Server, *heard) {
	s, h := newServer(i, status), &heard{}
	s.Watch(h)
	return s, h
}

// R37 of the design: "3 failures inside 30 s → skipped for 30 s, then one live request probes it".
func TestR37_FailuresInARowEject(t *testing.T) {
	t.Parallel()
	p := &Passive{MaxFails: 3, FailTimeout: 30 * time.Second}
	const in, away, tried = "in", "out", "half-open"
	state := func(s *Server) string {
		switch e := s.Ejection(); {
		case e.Ejected:
			return away
		case e.HalfOpen:
			return tried
		}
		return in
	}
	type step struct {
		at   time.Duration
		does string // fail, ok, try, reopen, failed trial, ok trial, untried, pardon
		want string // the state then
	}
	const sec = time.Second
	for _, tt := range []struct {
		name  string
		steps []step
		count int64
	}{
		{"three", []step{{0, "fail", in}, {sec, "fail", in}, {2 * sec, "fail", away}}, 1},
		{"a success between", []step{{0, "fail", in}, {0, "fail", in}, {0, "ok", in}, {0, "fail", in}, {0, "fail", in}, {0, "fail", away}}, 1},
		{"in good time", []step{{0, "fail", in}, {sec, "fail", in}, {30 * sec, "fail", away}}, 1},
		{"too far apart", []step{{0, "fail", in}, {sec, "fail", in}, {31 * sec, "fail", in}, {32 * sec, "fail", in}, {33 * sec, "fail", away}}, 1},
		{"not opened too early", []step{{0, "fail", in}, {0, "fail", in}, {0, "fail", away}, {30*sec - 1, "reopen", away}, {30 * sec, "reopen", tried}}, 1},
		{"a good trial", []step{{0, "fail", in}, {0, "fail", in}, {0, "fail", away}, {30 * sec, "reopen", tried}, {30 * sec, "try", tried}, {31 * sec, "ok trial", in}, {31 * sec, "fail", in}, {31 * sec, "fail", in}, {31 * sec, "ok", in}}, 1},
		{"what began before says nothing", []step{{0, "fail", in}, {0, "fail", in}, {0, "fail", away}, {sec, "ok", away}, {sec, "fail", away}, {30 * sec, "reopen", tried}, {30 * sec, "ok", tried}, {30 * sec, "fail", tried}}, 1},
		{"a bad trial, and twice as long", []step{{0, "fail", in}, {0, "fail", in}, {0, "fail", away}, {30 * sec, "reopen", tried}, {30 * sec, "try", tried}, {31 * sec, "failed trial", away}, {90 * sec, "reopen", away}, {91 * sec, "reopen", tried}}, 2},
		{"nothing came of it", []step{{0, "fail", in}, {0, "fail", in}, {0, "fail", away}, {30 * sec, "reopen", tried}, {30 * sec, "try", tried}, {31 * sec, "untried", tried}, {32 * sec, "try", tried}, {32 * sec, "ok trial", in}}, 1},
		{"pardoned", []step{{0, "fail", in}, {0, "fail", in}, {0, "fail", away}, {sec, "pardon", in}, {sec, "fail", in}}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := watched(0, up)
			for i, step := range tt.steps {
				now := start.Add(step.at)
				switch step.does {
				case "fail":
					s.Failed(now, p, false, "x")
				case "failed trial":
					s.Failed(now, p, true, "x")
				case "ok":
					s.Succeeded(false)
				case "ok trial":
					s.Succeeded(true)
				case "try":
					if !s.Try() || s.Try() {
						t.Errorf("step %d: want one request to decide", i)
					}
				case "untried":
					s.Untried()
				case "reopen":
					s.Reopen(now)
				case "pardon":
					s.Pardon()
				}
				if got := state(s); got != step.want {
					t.Fatalf("step %d, %s: got %s, want %s", i, step.does, got, step.want)
				}
				if held, want := s.held(), step.want == away || step.does == "try"; held != want && step.want != tried {
					t.Errorf("step %d, %s: held %t, want %t", i, step.does, held, want)
				}
			}
			if got := s.Ejection().Count; got != tt.count {
				t.Errorf("got %d ejections, want %d", got, tt.count)
			}
		})
	}
}

// The time doubles while trials fail, not for ever, and begins anew after a good one.
func TestEjectionsGrow(t *testing.T) {
	t.Parallel()
	p := &Passive{MaxFails: 1, FailTimeout: time.Second}
	s, h := watched(0, up)
	now := start
	s.Failed(now, p, false, "it was silent")
	var got []time.Duration
	for range 7 {
		until := s.Ejection().Until
		got = append(got, until.Sub(now))
		now = until
		s.Reopen(now)
		s.Try()
		s.Failed(now, p, true, "status 500")
	}
	if want := []time.Duration{1e9, 2e9, 4e9, 8e9, 16e9, 16e9, 16e9}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	now = s.Ejection().Until
	s.Reopen(now)
	s.Try()
	s.Succeeded(true)
	s.Failed(now, p, false, "it was silent")
	if got := s.Ejection().Until.Sub(now); got != time.Second {
		t.Errorf("after a good trial: got %v", got)
	}
	if want := []string{"a ejected: 1 failures in a row, the last one: it was silent", "a ejected: it was tried again and failed: status 500"}; !slices.Equal(h.said[:2], want) || h.said[8] != "a back" {
		t.Errorf("heard %q", h.said)
	}
}

func TestErrorRatio(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		every time.Duration
		share int // one of so many fails
		n     int
		least int
		want  int64
	}{
		{"half", time.Millisecond, 2, 100, 20, 1},
		{"a third", time.Millisecond, 3, 100, 20, 0},
		{"all, but few", time.Millisecond, 1, 3, 4, 0},
		{"all, and enough", time.Millisecond, 1, 4, 4, 1},
		{"all, seldom", 3 * time.Second, 1, 100, 4, 1},
		{"all, too seldom", 6 * time.Second, 1, 100, 4, 0},
	} {
		p := &Passive{MaxFails: 1000, FailTimeout: 10 * time.Second, ErrorRatio: 50, MinRequests: tt.least}
		s, _ := watched(0, up)
		for i := range tt.n {
			s.acquire()
			if now := start.Add(time.Duration(i) * tt.every); i%tt.share == 0 {
				s.Failed(now, p, false, "x")
			} else {
				s.Succeeded(false)
			}
			if s.Ejection().Ejected {
				break
			}
		}
		if got := s.Ejection().Count; got != tt.want {
			t.Errorf("%s: got %d ejections, want %d", tt.name, got, tt.want)
		}
	}
}

func TestStatusesThatFail(t *testing.T) {
	t.Parallel()
	p := &Passive{}
	p.Count(500, 500)
	p.Count(502, 504)
	p.Count(599, 10_000)
	p.Count(-5, -1)
	var got []int
	for status := -10; status < 2000; status++ {
		if p.Fails(status) && status < 620 {
			got = append(got, status)
		}
	}
	if want := []int{500, 502, 503, 504, 599, 600, 601, 602, 603, 604, 605, 606, 607, 608, 609, 610, 611, 612, 613, 614, 615, 616, 617, 618, 619}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Doubt holds a server back until it is trusted, and is told once.
func TestDoubt(t *testing.T) {
	t.Parallel()
	s, h := watched(0, up)
	s.Doubt(Unheard)
	s.Doubt(Unheard)
	if !s.Doubted() || !s.held() || !slices.Equal(h.said, []string{"a doubted: " + Unheard}) {
		t.Errorf("got doubted %t, held %t, heard %q", s.Doubted(), s.held(), h.said)
	}
	s.Failed(start, &Passive{MaxFails: 1, FailTimeout: time.Second}, false, "x")
	if !s.Trust() || s.Trust() || s.Doubted() || !s.held() {
		t.Errorf("trusted: got doubted %t, held %t, want it held for what it failed", s.Doubted(), s.held())
	}
	s.Pardon()
	if s.held() {
		t.Error("held for nothing")
	}
	newServer(1, up).Doubt(Unheard) // nobody hears of it
	if s.SetPatience(time.Second); s.Patience() != time.Second {
		t.Errorf("got %v", s.Patience())
	}
}

// Who gets requests while some are held back: others, unless too few are left. R37: "With a single server max_fails is ignored".
func TestHeldBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		statuses string // of servers a, b, c…: u, d or ?, in upper case held back; b: a backup follows
		panic    int
		want     map[string]int
	}{
		{"one of two", "Uu", 30, map[string]int{"b": 12}},
		{"two of three", "UUu", 30, map[string]int{"c": 12}},
		{"three of four are too many", "UUUu", 30, map[string]int{"a": 3, "b": 3, "c": 3, "d": 3}},
		{"two of four", "UUuu", 30, map[string]int{"c": 6, "d": 6}},
		{"those that are down do not count", "Uudd", 50, map[string]int{"b": 12}},
		{"nobody is left", "UU", 0, map[string]int{"a": 6, "b": 6}},
		{"a single one", "U", 30, map[string]int{"a": 12}},
		{"one that is not known is", "U?", 30, map[string]int{"b": 12}},
		{"a backup is", "Ubu", 30, map[string]int{"b": 12}},
		{"a backup that is held back is not", "UbU", 30, map[string]int{"a": 12}},
		{"all must be left", "Uuuu", 100, map[string]int{"a": 3, "b": 3, "c": 3, "d": 3}},
		{"any may be left", "UUUu", 0, map[string]int{"d": 12}},
		{"down, and held back", "Du", 30, map[string]int{"b": 12}},
		{"nobody but one that is down", "D", 30, map[string]int{"": 12}},
	} {
		for _, attached := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				var members []Member
				backup := false
				for _, letter := range tt.statuses {
					if letter == 'b' {
						backup = true
						continue
					}
					s := newServer(len(members), map[rune]hysteresis.Status{'u': up, 'U': up, 'd': down, 'D': down, '?': unknown}[letter])
					members = append(members, Member{Server: s, Weight: 1, Backup: backup})
				}
				p := poolOf(t, Options{PanicThreshold: tt.panic}, members...)
				if attached {
					p.Attach()
				}
				i := 0
				for _, letter := range tt.statuses {
					if letter == 'b' {
						continue
					}
					if letter == 'U' || letter == 'D' {
						members[i].Doubt(Unheard)
					}
					i++
				}
				if got := count(p, Request{}, 12); !maps.Equal(got, tt.want) {
					t.Errorf("got %v, want %v", got, tt.want)
				}
				for _, m := range members {
					m.Trust()
				}
				free := map[string]int{}
				for _, m := range members {
					if m.Health().Status == up && !m.Backup {
						free[m.Key().Name] = 12
					}
				}
				for name := range free {
					free[name] = 12 / len(free)
				}
				if got := count(p, Request{}, 12); len(free) > 0 && !maps.Equal(got, free) {
					t.Errorf("all are trusted: got %v, want %v", got, free)
				}
			})
		}
	}
}

// A server that has just been killed refuses a request; another one is in doubt, wrongly.
func TestARetryAsksOneThatIsHeldBackRatherThanTheSameAgain(t *testing.T) {
	t.Parallel()
	a, b, c := newServer(0, up), newServer(1, up), newServer(2, up)
	p := poolOf(t, Options{PanicThreshold: 30}, Member{Server: a, Weight: 1}, Member{Server: b, Weight: 1}, Member{Server: c, Weight: 1, Backup: true})
	p.Attach()
	b.Doubt(Unheard)
	for _, tt := range []struct {
		name  string
		tried []*Server
		want  *Server
	}{
		{"none", nil, a},
		{"the only one that is not held back", []*Server{a}, c},
		{"and the backup", []*Server{a, c}, b},
		{"all", []*Server{a, b, c}, a},
	} {
		if got, _ := p.Pick(Request{Tried: tt.tried}); got != tt.want {
			t.Errorf("tried %s: got %v, want %v", tt.name, got.Key().Name, tt.want.Key().Name)
		}
	}
}

// A client that belongs to a server which is held back goes elsewhere, while there is an elsewhere.
func TestStickToOneHeldBack(t *testing.T) {
	t.Parallel()
	a, b := newServer(0, up), newServer(1, up)
	p := poolOf(t, Options{PanicThreshold: 30}, Member{Server: a, Weight: 1}, Member{Server: b, Weight: 1})
	p.Attach()
	a.Doubt(Unheard)
	if got, _ := p.Pick(Request{Stick: []*Server{a}}); got != b {
		t.Errorf("got %v, want the other one", got.Key().Name)
	}
	b.SetHealth(Health{Status: down})
	if got, _ := p.Pick(Request{Stick: []*Server{a}}); got != a {
		t.Errorf("got %v, want its own, for want of others", got)
	}
}

// A half-open server gets one request.
func TestR37_OneRequestDecides(t *testing.T) {
	t.Parallel()
	a, b := newServer(0, up), newServer(1, up)
	p := poolOf(t, Options{PanicThreshold: 30}, Member{Server: a, Weight: 1}, Member{Server: b, Weight: 1})
	p.Attach()
	rules := &Passive{MaxFails: 1, FailTimeout: time.Second}
	a.Failed(start, rules, false, "x")
	if got := count(p, Request{}, 4); !maps.Equal(got, map[string]int{"b": 4}) {
		t.Errorf("ejected: got %v", got)
	}
	a.Reopen(start.Add(time.Second))
	got, trials := map[string]int{}, 0
	for range 6 {
		s, _ := p.Pick(Request{})
		got[s.Key().Name]++
		if s.Try() {
			trials++
		}
	}
	if !maps.Equal(got, map[string]int{"a": 1, "b": 5}) || trials != 1 {
		t.Errorf("half-open: got %v, %d trials, want one request of a", got, trials)
	}
	a.Succeeded(true)
	if got := count(p, Request{}, 4); !maps.Equal(got, map[string]int{"a": 2, "b": 2}) {
		t.Errorf("back: got %v", got)
	}
}

// What a good request costs.
func TestSucceededAllocatesNothing(t *testing.T) {
	s := newServer(0, up)
	if n := testing.AllocsPerRun(100, func() { s.Try(); s.Succeeded(false) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkSucceeded(b *testing.B) {
	s := newServer(0, up)
	b.ReportAllocs()
	for b.Loop() {
		s.Try()
		s.Succeeded(false)
	}
}
