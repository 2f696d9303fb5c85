package proxy_test

import (
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/resolve"
	"github.com/tandem-lb/tandem/proxy/resolve/resolvetest"
)

// A server that has moved without telling is looked up at once, and not when its answer's time has passed.
func TestLookedUpOnFailure(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	port, all := islands(t, 2)
	s.Set("app.test", "A", "app.test. 3600 IN A 127.0.0.2")
	c := lookedUp(s, proxy.Server{Name: "app", Lookup: resolve.Query{Name: "app.test"}, Port: port})
	b, book := logged(t, c)
	book.await(t, "server has another address", "to=127.0.0.2")
	if got := answers(t, b, 1); got["2"] != 1 {
		t.Errorf("got %v, want an answer of 2", got)
	}
	other := c // where it has no name; it is not applied, and so of no consequence
	other.Backends = slices.Clone(c.Backends)
	other.Backends[0].Servers = []proxy.Server{{Name: "app", Weight: 1, Address: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), port)}, {Name: "b", Weight: 1, Address: netip.MustParseAddrPort("127.0.0.1:1")}}
	plan, err := b.Plan(other)
	if err != nil {
		t.Fatal(err)
	}
	plan.Discard()
	s.Set("app.test", "A", "app.test. 3600 IN A 127.0.0.3")
	_ = all[0].server.Close()
	if got := answers(t, b, 1); got["3"] != 1 { // tried again after a second, where it is by then
		t.Errorf("got %v, want an answer of 3", got)
	}
}

// Answers that come between a plan and its time are not lost with it, nor what is known of the servers that they brought.
func TestAnswersOvertakeAPlan(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	port, _ := islands(t, 2)
	s.Set("app.test", "A", records("app.test", 2)...)
	c := lookedUp(s, proxy.Server{Name: "app", Lookup: resolve.Query{Name: "app.test"}, Port: port})
	b, book := logged(t, c)
	book.await(t, "server has another address", "to=127.0.0.2")
	c.Backends[0].Retries = 1
	plan, err := b.Plan(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Set("app.test", "A", records("app.test", 3)...)
	book.await(t, "server has another address", "to=127.0.0.3")
	if got := answers(t, b, 1); got["3"] != 1 {
		t.Errorf("got %v, want an answer of 3", got)
	}
	b.Apply(plan)
	if one := b.Snapshot().Backends[0].Servers[0]; one.Address.Addr().String() != "127.0.0.3" || one.Requests != 1 {
		t.Errorf("got %v with %d requests, want 127.0.0.3 with 1", one.Address, one.Requests)
	}
}

// A monitor tells of a backend as it is, though its servers had no address when the configuration came, and have others later.
func TestR44_MonitorOfNames(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	port, _ := islands(t, 1)
	s.Forget("app.test", "A")
	c := lookedUp(s, proxy.Server{Name: "app", Lookup: resolve.Query{Name: "app.test"}, Port: port})
	c.Frontends[0].Monitor = &proxy.Monitor{Path: "/", FailIf: []proxy.TooFew{{Backend: "app", MinUp: 1}}}
	b, book := logged(t, c)
	book.await(t, "backend has no server available")
	if status, body := get(t, b, newClient(t)); status != 503 || body != "unhealthy\n" {
		t.Errorf("without an address: got %d %q, want 503", status, body)
	}
	s.Set("app.test", "A", records("app.test", 2)...)
	book.await(t, "server has another address", "to=127.0.0.2")
	if status, body := get(t, b, newClient(t)); status != 200 || body != "healthy\n" {
		t.Errorf("with one: got %d %q, want 200", status, body)
	}
}

// A server may have the health of one that is looked up; without an address it has none.
func TestTrackedName(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	port, _ := islands(t, 1)
	s.Set("app.test", "A", records("app.test", 2)...)
	c := lookedUp(s, proxy.Server{Name: "app", Lookup: resolve.Query{Name: "app.test"}, Port: port, Slots: 2})
	c.Backends[0].Check = &health.Check{Interval: time.Hour, Timeout: 10 * time.Second, Rise: 1, Fall: 1}
	follower := c.Backends[0]
	follower.Name, follower.Check = "other", nil
	follower.Servers = []proxy.Server{
		{Name: "one", Weight: 1, Lookup: resolve.Query{Name: "app.test"}, Port: port, Track: proxy.ServerRef{Backend: "app", Server: "app1"}},
		{Name: "two", Weight: 1, Lookup: resolve.Query{Name: "gone.test"}, Port: port, Track: proxy.ServerRef{Backend: "app", Server: "app1"}},
	}
	c.Backends = append(c.Backends, follower)
	b, book := logged(t, c)
	book.await(t, "server is healthy", "backend=other", "server=one")
	s.Await("gone.test", "A", 1)
	for _, one := range b.Snapshot().Backends[1].Servers {
		if want := one.Name == "one"; (one.Status == hysteresis.Up) != want || one.Address.IsValid() != want {
			t.Errorf("got %+v, want it up: %t", one, want)
		}
	}
	c.Backends[1].Servers[0].Track.Server = "app3"
	if _, err := b.Plan(c); err == nil || !strings.Contains(err.Error(), "server one tracks app/app3, which leads to no server with a check") {
		t.Errorf("a slot that is not there: got %v", err)
	}
}

// A client keeps its address, in whatever slot that is, and gets another one when it has gone.
func TestCookieOfSlots(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	port, _ := islands(t, 3)
	s.Set("app.test", "A", records("app.test", 2, 3)...)
	c := lookedUp(s, proxy.Server{Name: "app", Lookup: resolve.Query{Name: "app.test"}, Port: port, Slots: 2, Cookie: "A"})
	c.Backends[0].Cookie = &proxy.Cookie{Config: persist.Config{Name: "SERVERID", Indirect: true}}
	b, book := logged(t, c)
	book.await(t, "server has another address", "server=app2", "to=127.0.0.3")
	client, sent := newClient(t), ""
	ask := func() (who, set string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+b.Snapshot().Frontends[0].Binds[0].Address.String()+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if sent != "" {
			req.Header.Set("Cookie", sent)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body) // what is missing is no answer
		set, _, _ = strings.Cut(resp.Header.Get("Set-Cookie"), ";")
		return string(body), set
	}
	var who string
	for who != "3" {
		who, sent = ask()
	}
	if !strings.HasPrefix(sent, "SERVERID=A-") {
		t.Errorf("got the cookie %s, want one that begins with A-", sent)
	}
	s.Set("app.test", "A", records("app.test", 3, 4)...)
	book.await(t, "server has another address", "server=app1", "to=127.0.0.4")
	for range 4 {
		if who, set := ask(); who != "3" || set != "" {
			t.Errorf("got %s, cookie %q, want 3 and none", who, set)
		}
	}
	before := sent
	s.Set("app.test", "A", records("app.test", 2, 4)...)
	book.await(t, "server has another address", "server=app2", "to=127.0.0.2")
	who, sent = ask()
	if who == "3" || sent == "" || sent == before {
		t.Errorf("its server is gone: got %s, cookie %q, want another server and cookie", who, sent)
	}
	for range 4 {
		if again, set := ask(); again != who || set != "" {
			t.Errorf("got %s, cookie %q, want %s and none", again, set, who)
		}
	}
	s.Set("app.test", "A", records("app.test", 3)...)
	book.await(t, "server has another address", "to=127.0.0.3")
	sent = before
	if who, set := ask(); who != "3" || set != "" {
		t.Errorf("the first one is back: got %s, cookie %q, want 3 and none", who, set)
	}
}
