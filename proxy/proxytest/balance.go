package proxytest

import (
	"maps"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy"
	check "github.com/tandem-lb/tandem/proxy/health"
)

// picks counts who answers n requests.
func picks(t *testing.T, at string, n int) map[string]int {
	t.Helper()
	c, got := dial(t, at), map[string]int{}
	for range n {
		c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		r := c.receive("GET")
		wantStatus(t, r, 200)
		got[r.body]++
	}
	return got
}

func shares(t *testing.T, start Start) {
	c := site(serve(t, "a", says("a")), serve(t, "b", says("b")), serve(t, "c", says("c")), serve(t, "d", says("d")))
	for i, w := range []int{3, 2, 1, 0} {
		c.Backends[0].Servers[i].Weight = w
	}
	at := web(t, start(t, c))
	for range 3 { // every cycle is exact
		if got, want := picks(t, at, 6), map[string]int{"a": 3, "b": 2, "c": 1}; !maps.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func severalBinds(t *testing.T, start Start) {
	c := site(serve(t, "app1", says("ok")))
	c.Frontends[0].Binds = append(c.Frontends[0].Binds, proxy.Bind{Address: anyPort}, proxy.Bind{Address: anyPort})
	other := c.Frontends[0]
	other.Name, other.Binds = "other", []proxy.Bind{{Address: anyPort}}
	c.Frontends = append(c.Frontends, other)
	b := start(t, c)
	seen := map[string]bool{}
	for i := range 3 {
		seen[address(t, b, "web", i)] = true
		wantBody(t, get(t, address(t, b, "web", i), "/"), "ok")
	}
	wantBody(t, get(t, address(t, b, "other", 0), "/"), "ok")
	if len(seen) != 3 {
		t.Errorf("got %d addresses, want 3", len(seen))
	}
	eventually(t, "3 and 1 requests are counted", func() bool {
		s := b.Snapshot()
		return s.Frontends[0].Requests == 3 && s.Frontends[1].Requests == 1
	})
}

func health(t *testing.T, start Start) {
	sick := make(chan bool, 1) // holds whether the server a is sick
	sick <- false
	isSick := func() bool {
		s := <-sick
		sick <- s
		return s
	}
	a := serve(t, "a", func(c *call) {
		if c.req.URL.Path == "/health" && isSick() {
			c.write("HTTP/1.1 500 Stuck\r\nContent-Length: 0\r\n\r\n") // it listens, and is of no use
			return
		}
		says("a")(c)
	})
	c := site(a, serve(t, "b", says("b")))
	c.Backends[0].Check = &check.Check{
		Kind: &check.HTTP{Path: "/health"}, Interval: 10 * time.Millisecond, Timeout: patience, Rise: 2, Fall: 2,
	}
	b := start(t, c)
	status := func(want hysteresis.Status) func() bool {
		return func() bool {
			s := b.Snapshot().Backends[0].Servers
			return s[0].Status == want && s[1].Status == hysteresis.Up
		}
	}
	eventually(t, "both are up", status(hysteresis.Up))
	if got := picks(t, web(t, b), 4); got["a"] != 2 || got["b"] != 2 {
		t.Errorf("both up: got %v", got)
	}
	<-sick
	sick <- true
	eventually(t, "a is down", status(hysteresis.Down))
	if got := picks(t, web(t, b), 4); got["b"] != 4 {
		t.Errorf("a down: got %v", got)
	}
	if s := b.Snapshot().Backends[0]; s.Healthy != 1 || s.Total != 2 || !s.Known || s.Servers[0].Text == "" || s.Servers[0].Since.IsZero() {
		t.Errorf("got %+v", s)
	}
	<-sick
	sick <- false
	eventually(t, "a is up again", status(hysteresis.Up))
	if got := picks(t, web(t, b), 4); got["a"] != 2 {
		t.Errorf("a up again: got %v", got)
	}
}
