package resolve

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

var times = Config{Timeout: time.Second, Attempts: 1, MinTTL: time.Second, MaxTTL: 5 * time.Minute, HoldAbsent: 30 * time.Second}

// hosts returns the endpoints of hosts: "1 2" is 192.0.2.1 and 192.0.2.2.
func hosts(words string) []Endpoint {
	var all []Endpoint
	for _, w := range strings.Fields(words) {
		all = append(all, Endpoint{Address: netip.MustParseAddrPort("192.0.2." + w + ":0")})
	}
	return all
}

// words is the reverse of hosts.
func words(all []Endpoint) string {
	var texts []string
	for _, e := range all {
		texts = append(texts, strings.TrimPrefix(e.Address.Addr().String(), "192.0.2."))
	}
	return strings.Join(texts, " ")
}

// What is known of a name, and when it is asked for again.
func TestRecord(t *testing.T) {
	t.Parallel()
	const sec = time.Second
	servfail := errors.New("SERVFAIL")
	nxdomain := errNoName
	type step struct {
		at   time.Duration
		got  string // addresses; none: err
		ttl  time.Duration
		err  error
		want string
		next time.Duration // from now
	}
	for _, tt := range []struct {
		name  string
		tune  func(c *Config)
		steps []step
	}{
		{"by its time to live", nil, []step{{0, "1 2", 60 * sec, nil, "1 2", 60 * sec}, {60 * sec, "2 3", 20 * sec, nil, "2 3", 20 * sec}}},
		{"no sooner than min_ttl", nil, []step{{0, "1", 0, nil, "1", sec}}},
		{"no later than max_ttl", nil, []step{{0, "1", 86400 * sec, nil, "1", 300 * sec}}},
		{"nothing known, again and again", nil, []step{{0, "", 0, servfail, "", sec}, {1 * sec, "", 0, servfail, "", 2 * sec}, {3 * sec, "", 0, servfail, "", 4 * sec},
			{7 * sec, "", 0, servfail, "", 8 * sec}, {15 * sec, "", 0, servfail, "", 10 * sec}, {25 * sec, "", 0, servfail, "", 10 * sec}, {35 * sec, "1", 60 * sec, nil, "1", 60 * sec}, {95 * sec, "", 0, servfail, "1", sec}}},
		{"failures keep the last good answer for ever", nil, []step{{0, "1", 60 * sec, nil, "1", 60 * sec}, {60 * sec, "", 0, servfail, "1", sec}, {1e6 * sec, "", 0, servfail, "1", 2 * sec}}},
		{"or as long as they may", func(c *Config) { c.HoldFailed = 5 * sec }, []step{{0, "1", 60 * sec, nil, "1", 60 * sec}, {60 * sec, "", 0, servfail, "1", sec}, {61 * sec, "", 0, servfail, "1", 2 * sec}, {63 * sec, "", 0, servfail, "1", 2 * sec}, {65 * sec, "", 0, servfail, "", 8 * sec}}},
		{"a good answer ends that", func(c *Config) { c.HoldFailed = 5 * sec }, []step{{0, "1", sec, nil, "1", sec}, {1 * sec, "", 0, servfail, "1", sec}, {2 * sec, "1", sec, nil, "1", sec}, {6 * sec, "", 0, servfail, "1", sec}}},
		{"a name that is gone", nil, []step{{0, "1", 60 * sec, nil, "1", 60 * sec}, {60 * sec, "", 0, nxdomain, "1", sec}, {89 * sec, "", 0, nxdomain, "1", sec}, {90 * sec, "", 0, nxdomain, "", 4 * sec}}},
		{"and failures beside", nil, []step{{0, "1", 60 * sec, nil, "1", 60 * sec}, {60 * sec, "", 0, nxdomain, "1", sec}, {95 * sec, "", 0, servfail, "1", 2 * sec}, {97 * sec, "", 0, nxdomain, "", 4 * sec}}},
		{"failures before are another matter", nil, []step{{0, "1", 60 * sec, nil, "1", 60 * sec}, {60 * sec, "", 0, servfail, "1", sec}, {100 * sec, "", 0, nxdomain, "1", 2 * sec}, {129 * sec, "", 0, nxdomain, "1", sec}, {130 * sec, "", 0, nxdomain, "", 8 * sec}}},
		{"and so is what was gone before", nil, []step{{0, "1", 60 * sec, nil, "1", 60 * sec}, {60 * sec, "", 0, nxdomain, "1", sec}, {61 * sec, "1", 60 * sec, nil, "1", 60 * sec}, {121 * sec, "", 0, nxdomain, "1", sec}, {150 * sec, "", 0, nxdomain, "1", sec}, {151 * sec, "", 0, nxdomain, "", 4 * sec}}},
		{"at once where it is not held", func(c *Config) { c.HoldAbsent = 0 }, []step{{0, "1", 60 * sec, nil, "1", 60 * sec}, {60 * sec, "", 0, nxdomain, "", sec}}},
		{"an address that is missing", nil, []step{{0, "1 2", 60 * sec, nil, "1 2", 60 * sec}, {60 * sec, "2", 60 * sec, nil, "2", 60 * sec}}},
		{"is held", func(c *Config) { c.HoldGone = 90 * sec }, []step{{0, "1 2", 60 * sec, nil, "1 2", 60 * sec}, {60 * sec, "2", 60 * sec, nil, "1 2", 30 * sec}, {90 * sec, "2", 60 * sec, nil, "2", 60 * sec}}},
		{"and comes back", func(c *Config) { c.HoldGone = 90 * sec }, []step{{0, "1 2", 60 * sec, nil, "1 2", 60 * sec}, {60 * sec, "2", 60 * sec, nil, "1 2", 30 * sec}, {89 * sec, "1", 60 * sec, nil, "1 2", 60 * sec}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := times
			if tt.tune != nil {
				tt.tune(&c)
			}
			r, start, before := &record{}, time.Unix(1_000_000, 0), ""
			for _, s := range tt.steps {
				now := start.Add(s.at)
				r.begin(now)
				if next := r.state().Next; !next.IsZero() {
					t.Errorf("at %v it is being asked for, and yet again at %v", s.at, next)
				}
				changed := r.end(now, &c, answer{endpoints: hosts(s.got), ttl: s.ttl}, s.err)
				state := r.state()
				got := words(state.Endpoints)
				if got != s.want || state.Next.Sub(now) != s.next || changed != (got != before) || !errors.Is(state.Err, s.err) {
					t.Errorf("at %v: got %q, changed %t, next after %v, %v; want %q, next after %v, %v", s.at, got, changed, state.Next.Sub(now), state.Err, s.want, s.next, s.err)
				}
				before = got
			}
		})
	}
}

// Hosts of a service that nobody tells the addresses of keep those that they had.
func TestRecordKeepsTargets(t *testing.T) {
	t.Parallel()
	at := func(i byte, target string) Endpoint {
		return Endpoint{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, i}), 80), Target: target}
	}
	c, now, fault := times, time.Unix(1_000_000, 0), errors.New("SERVFAIL")
	r := &record{}
	r.end(now, &c, answer{endpoints: []Endpoint{at(1, "a"), at(2, "b")}, ttl: time.Second}, nil)
	if !r.end(now.Add(time.Second), &c, answer{endpoints: []Endpoint{at(3, "a")}, failed: []string{"b"}, fault: fault, ttl: time.Second}, nil) {
		t.Error("not changed")
	}
	if got, want := words(r.endpoints()), "2 3"; got != want || !errors.Is(r.err, fault) || r.failures != 0 {
		t.Errorf("got %q, %v, %d failures, want %q and %v", got, r.err, r.failures, want, fault)
	}
	r.end(now.Add(2*time.Second), &c, answer{endpoints: []Endpoint{at(3, "a")}, ttl: time.Second}, nil)
	if got, want := words(r.endpoints()), "3"; got != want || r.err != nil {
		t.Errorf("got %q, %v, want %q", got, r.err, want)
	}
}

func TestHurry(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_000_000, 0)
	c := times
	c.MinTTL = 5 * time.Second
	r := &record{}
	r.begin(start)
	if r.hurry(start, &c) {
		t.Error("it is being asked for")
	}
	r.end(start, &c, answer{endpoints: hosts("1"), ttl: time.Minute}, nil)
	for _, tt := range []struct {
		at, next time.Duration
		want     bool
	}{{time.Second, 5 * time.Second, true}, {2 * time.Second, 5 * time.Second, false}, {5 * time.Second, 5 * time.Second, false}} {
		if got := r.hurry(start.Add(tt.at), &c); got != tt.want || r.next.Sub(start) != tt.next {
			t.Errorf("after %v: got %t, next after %v, want %t, %v", tt.at, got, r.next.Sub(start), tt.want, tt.next)
		}
	}
}

func TestAssign(t *testing.T) {
	t.Parallel()
	slots := func(text string) []netip.AddrPort {
		var all []netip.AddrPort
		for _, w := range strings.Fields(text) {
			if w == "-" {
				all = append(all, netip.AddrPort{})
			} else {
				all = append(all, hosts(w)[0].Address)
			}
		}
		return all
	}
	prioritized := func(text string) []Endpoint { // "1 2/20": 192.0.2.2 of priority 20
		var all []Endpoint
		for _, w := range strings.Fields(text) {
			host, priority, _ := strings.Cut(w, "/")
			e := hosts(host)[0]
			fmt.Sscan(priority, &e.Priority)
			all = append(all, e)
		}
		return tidy(all)
	}
	for _, tt := range []struct {
		name, now, all string
		n              int
		want           string
	}{
		{"first", "", "1 2", 3, "1 2 -"},
		{"none", "", "", 2, "- -"},
		{"they stay", "3 - 1", "1 2 3", 3, "3 2 1"},
		{"one goes", "1 2 3", "1 3", 3, "1 - 3"},
		{"one for another", "1 2 3", "1 3 4", 3, "1 4 3"},
		{"too many", "", "1 2 3", 2, "1 2"},
		{"a lower one does not displace", "2 3", "1 2 3", 2, "2 3"},
		{"fewer slots than before", "3 1 2", "1 2 3", 2, "3 1"},
		{"more slots than before", "2", "1 2", 3, "2 1 -"},
		{"backups come last", "", "9 1/20 2/20", 2, "9 1"},
		{"and give way", "1 2", "9 1/20 2/20", 2, "1 9"},
		{"all the same", "2 1", "1/20 2/20", 2, "2 1"},
		{"in two slots before", "1 1", "1 2", 2, "1 2"},
	} {
		var got []string
		for _, e := range Assign(slots(tt.now), prioritized(tt.all), tt.n) {
			if !e.Address.IsValid() {
				got = append(got, "-")
			} else {
				got = append(got, words([]Endpoint{e}))
			}
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestWeights(t *testing.T) {
	t.Parallel()
	of := func(priority, weight uint16) Endpoint {
		return Endpoint{Target: "a", Priority: priority, Weight: weight}
	}
	for _, tt := range []struct {
		name    string
		all     []Endpoint
		weights []int
		backup  []bool
	}{
		{"as they are", []Endpoint{of(1, 10), of(1, 256)}, []int{10, 256}, []bool{false, false}},
		{"none at all", []Endpoint{of(1, 0), of(1, 0)}, []int{1, 1}, []bool{false, false}},
		{"one without", []Endpoint{of(1, 0), of(1, 2)}, []int{1, 256}, []bool{false, false}},
		{"too heavy", []Endpoint{of(1, 65535), of(1, 32768), of(1, 1)}, []int{256, 128, 1}, []bool{false, false, false}},
		{"priorities", []Endpoint{of(20, 1), of(10, 1), {}, of(30, 1)}, []int{1, 1, 1, 1}, []bool{true, false, false, true}},
		{"of hosts", []Endpoint{{}, {}}, []int{1, 1}, []bool{false, false}},
	} {
		if weights, backup := Weights(tt.all); !slices.Equal(weights, tt.weights) || !slices.Equal(backup, tt.backup) {
			t.Errorf("%s: got %v, %v, want %v, %v", tt.name, weights, backup, tt.weights, tt.backup)
		}
	}
}
