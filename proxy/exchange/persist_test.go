package exchange

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// sticky is a frontend with the servers A and B, which are called so in the cookie S.
func sticky(t testing.TB, c persist.Config) (f *Frontend, servers []*upstream.Server) {
	t.Helper()
	var members []upstream.Member
	var named []persist.Server
	for _, name := range []string{"A", "B"} {
		s := upstream.NewServer(upstream.Key{Backend: "app", Name: name, Address: netip.MustParseAddrPort("192.0.2.1:80")}, upstream.Link{})
		s.SetHealth(upstream.Health{Status: hysteresis.Up})
		servers, members, named = append(servers, s), append(members, upstream.Member{Server: s, Weight: 1}), append(named, persist.Server{Server: s, Value: name})
	}
	pool, err := upstream.NewPool(upstream.Options{}, members)
	if err != nil {
		t.Fatal(err)
	}
	pool.Attach()
	c.Name = "S"
	cookie, err := persist.NewCookie(c, named)
	if err != nil {
		t.Fatal(err)
	}
	f = newFrontend(t, nil)
	f.Default.Servers, f.Default.Redispatch, f.Default.Persist = pool, true, &Persistence{Cookie: cookie}
	return f, servers
}

// with is a request with a cookie; empty: with none.
func with(cookie string) at {
	e := asks(0)
	if cookie != "" {
		e.Target.Fields = fieldList{{"cookie", cookie}}
	}
	return e
}

// The letters of the log, and which server is asked, in all ways that a request can take.
func TestR7_R41_R52_R57_Persistence(t *testing.T) {
	t.Parallel()
	answered := []at{happens(1, Connected), heads(2, 200), happens(3, Finished)}
	refused := func(ms int) at { return happens(ms, ConnectFailed) }
	over := func(ms int) at { return happens(ms, WaitOver) }
	for _, tt := range []struct {
		name     string
		cookie   string
		down     bool // B is
		stubborn bool // there is no redispatch
		retries  int
		events   []at
		want     string
		letters  string // the termination's two, and that of the request
		retried  int
		moved    bool
	}{
		{"no cookie", "", false, false, 3, answered, "connect:A send forward done", "--N", 0, false},
		{"valid", "S=B", false, false, 3, answered, "connect:B send forward done", "--V", 0, false},
		{"unknown", "S=Z", false, false, 3, answered, "connect:A send forward done", "--I", 0, false},
		{"down", "S=B", true, false, 3, answered, "connect:A send forward done", "--D", 0, false},
		{"R41 refused, and the last retry moves", "S=B", false, false, 3, slices.Concat([]at{refused(0), over(1), refused(2), over(3), refused(4)}, answered),
			"connect:B wait:500ms connect:B wait:500ms connect:B connect:A send forward done", "--D", 3, true},
		{"refused once", "S=B", false, false, 3, slices.Concat([]at{refused(0), over(1)}, answered), "connect:B wait:500ms connect:B send forward done", "--V", 1, false},
		{"one retry moves", "S=B", false, false, 1, slices.Concat([]at{refused(0)}, answered), "connect:B connect:A send forward done", "--D", 1, true},
		{"no retry", "S=B", false, false, 0, []at{refused(0), happens(1, Finished)}, "connect:B respond:503 done", "SCV", 0, false},
		{"no redispatch", "S=B", false, true, 1, []at{refused(0), over(1), refused(2), happens(3, Finished)}, "connect:B wait:500ms connect:B respond:503 done", "SCV", 1, false},
		{"no redispatch, and it is down", "S=B", true, true, 1, answered, "connect:A send forward done", "--D", 0, false},
		{"without a cookie the first retry moves", "", false, false, 3, slices.Concat([]at{refused(0)}, answered), "connect:A connect:B send forward done", "--N", 1, true},
		{"with an unknown one too", "S=Z", false, false, 3, slices.Concat([]at{refused(0)}, answered), "connect:A connect:B send forward done", "--I", 1, true},
		{"it acknowledges nothing", "S=B", false, false, 3, slices.Concat([]at{happens(0, Lost)}, answered), "connect:B connect:A send forward done", "--D", 1, true},
		{"it acknowledges nothing, no redispatch", "S=B", false, true, 3, slices.Concat([]at{happens(0, Lost)}, answered), "connect:B stay send forward done", "--V", 0, false},
		{"it answers 503, and is asked again", "S=B", false, false, 3, []at{happens(1, Connected), {2, Event{Kind: Head, Status: 503, Held: true}}, over(3), happens(4, Connected), heads(5, 200), happens(6, Finished)},
			"connect:B send wait:500ms connect:B send forward done", "--V", 1, false},
		{"it answers 503 to the last but one", "S=B", false, false, 1, []at{happens(1, Connected), {2, Event{Kind: Head, Status: 503, Held: true}}, happens(4, Connected), heads(5, 200), happens(6, Finished)},
			"connect:B send connect:A send forward done", "--D", 1, true},
		{"the client leaves", "S=B", false, false, 3, []at{happens(1, Connected), happens(2, ClientGone)}, "connect:B send abort", "CHV", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, servers := sticky(t, persist.Config{})
			f.Default.Retries, f.Default.Redispatch, f.Default.Repeat = tt.retries, !tt.stubborn, repeating()
			if tt.down {
				servers[1].SetHealth(upstream.Health{Status: hysteresis.Down})
			}
			got, r := walk(t, f, append([]at{with(tt.cookie)}, tt.events...)...)
			if got != tt.want {
				t.Errorf("did  %s\nwant %s", got, tt.want)
			}
			if letters := r.Termination.String() + string(r.Cookie.Request); letters != tt.letters || r.Retries != tt.retried || r.Redispatched != tt.moved {
				t.Errorf("got %s, %d retries, moved %t", letters, r.Retries, r.Redispatched)
			}
			if r.Cookie.Response != 'N' { // nobody has said what became of it
				t.Errorf("response: got %c, want N", r.Cookie.Response)
			}
		})
	}
}

// A server that goes down while its client waits to ask it again has lost the client.
func TestR57_DownMeanwhile(t *testing.T) {
	t.Parallel()
	f, servers := sticky(t, persist.Config{})
	var x Exchange
	now := time.Unix(1_000_000, 0)
	x.Start(now, f)
	x.Step(now, with("S=B").Event)
	if a := x.Step(now, Event{Kind: ConnectFailed}); a.Do != Wait {
		t.Fatalf("got %s, want a wait", describe(a))
	}
	servers[1].SetHealth(upstream.Health{Status: hysteresis.Down})
	if a := x.Step(now, Event{Kind: WaitOver}); describe(a) != "connect:A" {
		t.Errorf("got %s, want connect:A", describe(a))
	}
	for _, e := range []Event{{Kind: Connected}, {Kind: Head, Status: 200}} {
		x.Step(now, e)
	}
	var r persist.Response
	if !x.ResponseCookie(now, &r) {
		t.Fatal("the response has nothing to do with cookies")
	}
	got := ""
	r.Each(nil, func(name string, value []byte) { got = string(value) })
	x.CookieSent(r.Letter())
	record := x.Step(now, Event{Kind: Finished}).Record
	if got != "S=A; path=/" || record.Cookie != (CookieState{'D', 'I'}) {
		t.Errorf("got %q, %c%c, want S=A, DI", got, record.Cookie.Request, record.Cookie.Response)
	}
	if n := servers[0].InFlight() + servers[1].InFlight(); n != 0 {
		t.Errorf("%d slots are still taken", n)
	}
}

// No server at all: HAProxy logs SCDN.
func TestR57_AllDown(t *testing.T) {
	t.Parallel()
	f, servers := sticky(t, persist.Config{})
	for _, s := range servers {
		s.SetHealth(upstream.Health{Status: hysteresis.Down})
	}
	for cookie, want := range map[string]CookieState{"S=A": {'D', 'N'}, "S=Z": {'I', 'N'}, "": {'N', 'N'}} {
		_, r := walk(t, f, with(cookie), happens(1, Finished))
		if r.Termination.String() != "SC" || r.Cookie != want {
			t.Errorf("%q: got %s%c%c, want SC%c%c", cookie, r.Termination, r.Cookie.Request, r.Cookie.Response, want.Request, want.Response)
		}
	}
}

// What a request without a backend, or one without persistence, says of cookies is a dash.
func TestR7_NoPersistence(t *testing.T) {
	t.Parallel()
	f, _ := sticky(t, persist.Config{Indirect: true})
	f.Default.Persist = nil
	var x Exchange
	x.Start(time.Time{}, f)
	x.Step(time.Time{}, with("S=A").Event)
	if x.RequestCookie() != nil || x.ResponseCookie(time.Time{}, new(persist.Response)) {
		t.Error("there is something about cookies")
	}
	if r := x.Step(time.Time{}, Event{Kind: ClientGone}).Record; r.Cookie != (CookieState{}) {
		t.Errorf("got %+v, want nothing", r.Cookie)
	}
	f, _ = sticky(t, persist.Config{Indirect: true})
	if _, r := walk(t, f, happens(0, ClientSilent), happens(1, Finished)); r.Cookie != (CookieState{}) {
		t.Errorf("no request: got %+v, want nothing", r.Cookie)
	}
}

// R43: a request waits for the server that it belongs to, and belongs there still. Where as many wait for that as may, it goes to another one,
// unless there is no redispatch.
func TestR43_QueueOfTheServer(t *testing.T) {
	t.Parallel()
	for _, firm := range []bool{false, true} {
		f, servers := sticky(t, persist.Config{})
		pool, err := upstream.NewPool(upstream.Options{MaxQueue: 1}, []upstream.Member{{Server: servers[0], Weight: 1}, {Server: servers[1], Weight: 1, MaxConnections: 1}})
		if err != nil {
			t.Fatal(err)
		}
		pool.Attach()
		f.Default.Servers, f.Default.Redispatch, f.Default.Queue = pool, !firm, time.Second
		var first, second, third Exchange
		now := time.Unix(1_000_000, 0)
		for _, x := range []*Exchange{&first, &second, &third} {
			x.Wake(nobody{})
			x.Start(now, f)
		}
		if a := first.Step(now, with("S=B").Event); describe(a) != "connect:B" {
			t.Fatalf("got %s, want connect:B", describe(a))
		}
		if a := second.Step(now, with("S=B").Event); a.Do != Queue {
			t.Fatalf("got %+v, want it to wait", a)
		}
		a := third.Step(now, with("S=B").Event)
		if firm {
			r := third.Step(now, Event{Kind: Finished}).Record
			if a.Do != Respond || r.Termination.String() != "SQ" || r.Cookie != (CookieState{'V', 'N'}) {
				t.Errorf("no redispatch: got %+v, %s%c%c", a, r.Termination, r.Cookie.Request, r.Cookie.Response)
			}
		} else if describe(a) != "connect:A" || third.record.Cookie.Request != 'D' {
			t.Errorf("got %s, %c, want connect:A, D", describe(a), third.record.Cookie.Request)
		}
		if a = second.Step(now.Add(time.Second), Event{Kind: WaitOver}); a.Do != Respond {
			t.Fatalf("got %+v, want 503", a)
		}
		if r := second.Step(now, Event{Kind: Finished}).Record; r.Termination.String() != "sQ" || r.Cookie != (CookieState{'V', 'N'}) || r.Server != "B" || r.ServerQueue != 1 {
			t.Errorf("waited in vain: got %s %s%c%c %d/%d, want B sQVN 1/0", r.Server, r.Termination, r.Cookie.Request, r.Cookie.Response, r.ServerQueue, r.BackendQueue)
		}
	}
}

// nobody is woken: nothing becomes free.
type nobody struct{}

func (nobody) Wake() {}

// A request belongs nowhere because another one on the same connection did.
func TestRequestsBelongOneByOne(t *testing.T) {
	t.Parallel()
	f, _ := sticky(t, persist.Config{})
	var x Exchange
	for i, tt := range []struct{ cookie, want string }{{"S=B", "connect:B"}, {"", "connect:A"}, {"S=B", "connect:B"}, {"S=Z", "connect:B"}, {"", "connect:A"}} {
		x.Start(time.Time{}, f)
		if got := describe(x.Step(time.Time{}, with(tt.cookie).Event)); got != tt.want {
			t.Errorf("request %d: %s, want %s", i, got, tt.want)
		}
		x.Step(time.Time{}, Event{Kind: ClientGone})
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	f, servers := sticky(t, persist.Config{})
	f.Default.Persist = &Persistence{Sources: persist.NewSources(persist.SourcesConfig{Size: 10, Expire: time.Hour, IPv6Prefix: 64})}
	from := func(client string, session bool) (server string, record *Record) {
		t.Helper()
		var x Exchange
		now := time.Unix(1_000_000, 0)
		kind := Request
		if x.Start(now, f); session {
			x.StartSession(now, f)
			kind = Opened
		}
		a := x.Step(now, Event{Kind: kind, Target: &Target{Method: "GET", Host: "a", URI: "/", Client: netip.MustParseAddrPort(client)}})
		x.Step(now, Event{Kind: Connected})
		return a.Server.Key().Name, x.Step(now, Event{Kind: ClientGone}).Record
	}
	for _, session := range []bool{false, true} {
		for _, tt := range []struct{ client, want string }{
			{"192.0.2.1:1", "A"}, {"192.0.2.2:1", "B"}, {"192.0.2.1:2", "A"}, {"192.0.2.1:3", "A"}, {"192.0.2.2:2", "B"},
			{"[2001:db8::1]:1", "A"}, {"[2001:db8::2]:1", "A"}, {"[2001:db8:0:1::1]:1", "B"},
		} {
			got, r := from(tt.client, session)
			if got != tt.want || r.Cookie != (CookieState{}) {
				t.Errorf("%s: got %s, %+v, want %s", tt.client, got, r.Cookie, tt.want)
			}
		}
	}
	servers[0].SetHealth(upstream.Health{Status: hysteresis.Down})
	if got, _ := from("192.0.2.1:4", false); got != "B" {
		t.Errorf("A is down: got %s, want B", got)
	}
	servers[0].SetHealth(upstream.Health{Status: hysteresis.Up})
	if got, _ := from("192.0.2.1:5", false); got != "B" {
		t.Errorf("A is back: got %s, and the client is with B now", got)
	}
}

// A client is where a connection stands, not where one was tried.
func TestSourcesLearnWhatStands(t *testing.T) {
	t.Parallel()
	f, servers := sticky(t, persist.Config{})
	table := persist.NewSources(persist.SourcesConfig{Size: 10, Expire: time.Hour, IPv6Prefix: 64})
	f.Default.Persist = &Persistence{Sources: table}
	client := netip.MustParseAddrPort("192.0.2.1:1")
	now := time.Unix(1_000_000, 0)
	var x Exchange
	x.Start(now, f)
	x.Step(now, Event{Kind: Request, Target: &Target{Method: "GET", Host: "a", URI: "/", Client: client}})
	if got := table.Find(now, client.Addr()); got != nil {
		t.Errorf("while connecting: got %v", got.Key())
	}
	x.Step(now, Event{Kind: ConnectFailed})
	x.Step(now, Event{Kind: Connected})
	if got := table.Find(now, client.Addr()); got != servers[1] {
		t.Errorf("got %v, want B", got)
	}
}

func TestPersistenceAllocatesNothing(t *testing.T) {
	f, _ := sticky(t, persist.Config{Indirect: true})
	request := with("S=B; a=1").Event
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
