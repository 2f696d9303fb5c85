package upstream

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/balance"
)

// newPool makes a pool, not attached, of servers named a, b, c…, each with its status and weight.
func newPool(t testing.TB, statuses []hysteresis.Status, weights ...int) *Pool {
	t.Helper()
	var members []Member
	for i, status := range statuses {
		members = append(members, Member{Server: newServer(i, status), Weight: weights[i]})
	}
	return poolOf(t, Options{}, members...)
}

func newServer(i int, status hysteresis.Status) *Server {
	s := NewServer(Key{Backend: "app", Name: string(rune('a' + i)), Address: netip.MustParseAddrPort("192.0.2.1:80")}, Link{})
	s.SetHealth(Health{Status: status})
	return s
}

func poolOf(t testing.TB, o Options, members ...Member) *Pool {
	t.Helper()
	p, err := NewPool(o, members)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pick takes a slot for a request of no interest.
func (p *Pool) pick(tried ...*Server) *Server {
	s, _ := p.Pick(Request{Tried: tried})
	return s
}

// count returns who gets each of n requests that end at once; "" stands for nobody.
func count(p *Pool, r Request, n int) map[string]int {
	got := map[string]int{}
	for range n {
		s, _ := p.Pick(r)
		if s == nil {
			got[""]++
			continue
		}
		got[s.Key().Name]++
		s.Release()
	}
	return got
}

const up, down, unknown = hysteresis.Up, hysteresis.Down, hysteresis.Unknown

func TestPick(t *testing.T) {
	for _, tt := range []struct {
		name     string
		statuses []hysteresis.Status
		weights  []int
		tried    []int
		want     map[string]int // of 6 picks; "" stands for none
	}{
		{"nobody", nil, nil, nil, map[string]int{"": 6}},
		{"R22: shares", []hysteresis.Status{up, up, up}, []int{3, 2, 1}, nil, map[string]int{"a": 3, "b": 2, "c": 1}},
		{"R35: down gets nothing", []hysteresis.Status{up, down, up}, []int{1, 1, 1}, nil, map[string]int{"a": 3, "c": 3}},
		{"all down", []hysteresis.Status{down, down}, []int{1, 1}, nil, map[string]int{"": 6}},
		{"weight 0 gets nothing", []hysteresis.Status{up, up}, []int{0, 1}, nil, map[string]int{"b": 6}},
		{"only weight 0", []hysteresis.Status{up, unknown}, []int{0, 0}, nil, map[string]int{"": 6}},
		{"R32: nobody is known", []hysteresis.Status{unknown, unknown, down}, []int{1, 1, 1}, nil, map[string]int{"a": 3, "b": 3}},
		{"unknown beside up", []hysteresis.Status{unknown, up}, []int{1, 1}, nil, map[string]int{"b": 6}},
		{"unknown beside up of weight 0", []hysteresis.Status{unknown, up}, []int{1, 0}, nil, map[string]int{"a": 6}},
		{"R41: not the one that failed", []hysteresis.Status{up, up, up}, []int{1, 1, 1}, []int{0}, map[string]int{"b": 3, "c": 3}},
		{"nor both", []hysteresis.Status{up, up, up}, []int{1, 1, 1}, []int{0, 2}, map[string]int{"b": 6}},
		{"but for want of others", []hysteresis.Status{up, up}, []int{1, 1}, []int{0, 1}, map[string]int{"a": 3, "b": 3}},
		{"up and failed beats unknown", []hysteresis.Status{up, unknown}, []int{1, 1}, []int{0}, map[string]int{"a": 6}},
		{"unknown and failed", []hysteresis.Status{unknown, down}, []int{1, 1}, []int{0}, map[string]int{"a": 6}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPool(t, tt.statuses, tt.weights...)
			var tried []*Server
			for _, i := range tt.tried {
				tried = append(tried, p.members[i].Server)
			}
			got := count(p, Request{Tried: tried}, 6)
			if !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSlots(t *testing.T) {
	p := newPool(t, []hysteresis.Status{up, up}, 1, 1)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				s := p.pick()
				s.ConnectFailed()
				s.ResponseFailed()
				s.Release()
			}
		})
	}
	all.Wait()
	held := p.pick()
	want := Stats{InFlight: 1, Requests: 201, ConnectFailures: 200, ResponseFailures: 200}
	if got := held.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestHealthy(t *testing.T) {
	for _, tt := range []struct {
		name           string
		statuses       []hysteresis.Status
		weights        []int
		healthy, total int
		known          bool
	}{
		{"nobody", nil, nil, 0, 0, true},
		{"all up", []hysteresis.Status{up, up}, []int{1, 1}, 2, 2, true},
		{"one down", []hysteresis.Status{up, down}, []int{1, 1}, 1, 2, true},
		{"one unknown", []hysteresis.Status{up, unknown}, []int{1, 1}, 1, 2, false},
		{"weight 0 does not count", []hysteresis.Status{down, up, unknown}, []int{1, 0, 0}, 0, 1, true},
	} {
		p := newPool(t, tt.statuses, tt.weights...)
		if healthy, total, known := p.Healthy(); healthy != tt.healthy || total != tt.total || known != tt.known {
			t.Errorf("%s: got %d of %d, known %t, want %d of %d, %t", tt.name, healthy, total, known, tt.healthy, tt.total, tt.known)
		}
	}
}

func TestHandshakes(t *testing.T) {
	s := newPool(t, []hysteresis.Status{up}, 1).Members()[0].Server
	if got := s.HandshakeFailures(); got != nil {
		t.Errorf("got %v, want none", got)
	}
	for i, tt := range []struct {
		reason string // empty: it succeeds
		news   bool
	}{{"timeout", true}, {"timeout", false}, {"gone", true}, {"timeout", true}, {"", false}, {"timeout", true}, {"timeout", false}} {
		news := false
		if tt.reason == "" {
			s.HandshakeDone()
		} else {
			news = s.HandshakeFailed(tt.reason)
		}
		if news != tt.news {
			t.Errorf("step %d, %q: got news %t", i, tt.reason, news)
		}
	}
	if got, want := s.HandshakeFailures(), map[string]int64{"timeout": 5, "gone": 1}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestHealthIsKept(t *testing.T) {
	p := newPool(t, []hysteresis.Status{unknown}, 1)
	want := Health{Status: up, Text: "200 OK", Since: time.Unix(1, 0)}
	p.Members()[0].SetHealth(want)
	if got := p.Members()[0].Health(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestNewPoolRefuses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options Options
		weight  int
		want    string
	}{
		{"unknown algorithm", Options{Algorithm: "fastest"}, 1, `balance algorithm "fastest", want ` + strings.Join(balance.Algorithms(), ", ")},
		{"negative weight", Options{}, -1, "weight -1 of server a, want 0 to 256"},
		{"weight above HAProxy's", Options{}, 257, "weight 257 of server a, want 0 to 256"},
	} {
		if _, err := NewPool(tt.options, []Member{{Server: newServer(0, up), Weight: tt.weight}}); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

// many returns that many members, of weight 1 to 3.
func many(n int) []Member {
	members := make([]Member, n)
	for i := range members {
		members[i] = Member{Server: NewServer(Key{Backend: "app", Name: fmt.Sprint("web", i)}, Link{}), Weight: 1 + i%3}
		members[i].SetHealth(Health{Status: up})
	}
	return members
}

// BenchmarkPick is what a request costs from its choice to the slot given back, 64 requests being in flight.
func BenchmarkPick(b *testing.B) {
	for _, algorithm := range balance.Algorithms() {
		for _, n := range []int{1, 10, 100, 1000, 10_000} {
			b.Run(fmt.Sprint(algorithm, "/", n), func(b *testing.B) {
				p := poolOf(b, Options{Algorithm: algorithm}, many(n)...)
				p.Attach()
				r := Request{Now: time.Unix(1_000_000, 0)}
				var busy [64]*Server
				next := func(i int) {
					r.Now = r.Now.Add(10 * time.Microsecond)
					r.Key = uint64(i+1) * 0x9e3779b97f4a7c15
					busy[i%64], _ = p.Pick(r)
				}
				for i := range busy {
					next(i)
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					busy[i%64].Answered(r.Now, time.Duration(1+i%20)*time.Millisecond, false)
					busy[i%64].Release()
					next(i)
					i++
				}
			})
		}
	}
}

// BenchmarkNewPool is what a reload costs that changes a backend of 10,000 servers.
func BenchmarkNewPool(b *testing.B) {
	for _, algorithm := range balance.Algorithms() {
		b.Run(algorithm, func(b *testing.B) {
			members := many(10_000)
			b.ReportAllocs()
			for b.Loop() {
				poolOf(b, Options{Algorithm: algorithm}, members...).Attach()
			}
		})
	}
}

// BenchmarkHealth is what a change of a server's health costs a backend of 10,000.
func BenchmarkHealth(b *testing.B) {
	for _, algorithm := range balance.Algorithms() {
		b.Run(algorithm, func(b *testing.B) {
			members := many(10_000)
			poolOf(b, Options{Algorithm: algorithm}, members...).Attach()
			i := 0
			for b.Loop() {
				members[i/2%len(members)].SetHealth(Health{Status: []hysteresis.Status{down, up}[i%2]})
				i++
			}
		})
	}
}

func TestPickAllocatesNothing(t *testing.T) {
	p := newPool(t, []hysteresis.Status{unknown, up, up}, 1, 1, 1)
	p.Attach()
	tried := []*Server{p.Members()[1].Server}
	if n := testing.AllocsPerRun(100, func() { p.pick().Release(); p.pick(tried...).Release() }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// With FirstBackup a request that all others have failed goes to the first backup, however much that has to do.
func TestRetryGoesToTheFirstBackup(t *testing.T) {
	for _, tt := range []struct {
		first bool
		want  string
	}{{true, "b"}, {false, "c"}} {
		p := poolOf(t, Options{FirstBackup: tt.first}, Member{Server: newServer(0, up), Weight: 1}, Member{Server: newServer(1, up), Weight: 1, Backup: true}, Member{Server: newServer(2, up), Weight: 1, Backup: true})
		p.Attach()
		p.members[1].acquire()
		if s, _ := p.Pick(Request{Tried: []*Server{p.members[0].Server}}); s.Key().Name != tt.want {
			t.Errorf("first %t: got %s, want %s", tt.first, s.Key().Name, tt.want)
		}
	}
}
