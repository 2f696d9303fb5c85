package proxytest

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy"
	check "github.com/tandem-lb/tandem/proxy/health"
)

// patient is a server that can be made to fail what it is asked, but for the path /health.
type patient struct {
	*server
	sick, unwell atomic.Bool // it fails requests, and probes
	got          atomic.Int64
}

func serveSick(t *testing.T, name string) *patient {
	p := &patient{}
	p.server = serve(t, name, func(c *call) {
		bad := p.unwell.Load()
		if c.req.URL.Path != "/health" {
			p.got.Add(1)
			bad = p.sick.Load()
		}
		if bad {
			c.write("HTTP/1.1 503 Sick\r\nContent-Length: 0\r\n\r\n")
			return
		}
		says(name)(c)
	})
	return p
}

// judged is a site whose servers are judged by what they answer.
func judged(timeout time.Duration, servers ...*patient) proxy.Config {
	var all []*server
	for _, s := range servers {
		all = append(all, s.server)
	}
	c := site(all...)
	c.Backends[0].Passive = &proxy.Passive{MaxFails: 3, FailTimeout: timeout, Statuses: []check.Status{{From: 500, To: 599}}, PanicThreshold: proxy.DefaultPanicThreshold}
	return c
}

// gets asks n times, and returns how many requests the first server got of that.
func gets(t *testing.T, b Balancer, s *patient, n int) int {
	t.Helper()
	before := s.got.Load()
	for range n {
		get(t, web(t, b), "/")
	}
	return int(s.got.Load() - before)
}

func failuresEject(t *testing.T, start Start) {
	a := serveSick(t, "a")
	b := start(t, judged(3*moment, a, serveSick(t, "b")))
	state := func() proxy.ServerStatus { return b.Snapshot().Backends[0].Servers[0] }
	a.sick.Store(true)
	if got := gets(t, b, a, 20); got != 3 && got != 4 { // after 3 its time may be over before all have been sent
		t.Errorf("a sick server got %d of 20 requests, want 3", got)
	}
	if s := state(); !s.Ejected && !s.HalfOpen || s.Count < 1 || s.Status != hysteresis.Up {
		t.Errorf("got %+v, want it ejected, and its health as it was", s)
	}
	eventually(t, "it has been tried again", func() bool { get(t, web(t, b), "/"); return state().Count > 1 })
	if e := state().Ejection; time.Until(e.Until) < 3*moment {
		t.Errorf("got %+v, want twice the time for one that fails when it is tried", e)
	}
	a.sick.Store(false)
	eventually(t, "it is back", func() bool { get(t, web(t, b), "/"); s := state(); return !s.Ejected && !s.HalfOpen })
	if got := gets(t, b, a, 10); got != 5 {
		t.Errorf("back: it got %d of 10 requests, want half", got)
	}
}

// oneIsNotEjected: "With a single server max_fails is ignored."
func oneIsNotEjected(t *testing.T, start Start) {
	a := serveSick(t, "a")
	b := start(t, judged(patience, a))
	a.sick.Store(true)
	if got := gets(t, b, a, 10); got != 10 || b.Snapshot().Backends[0].Servers[0].Count != 0 {
		t.Errorf("it got %d of 10 requests, want all", got)
	}
}

// nobodyIsLeft: what all of them need is broken, and it is not for the balancer to say so in their place.
func nobodyIsLeft(t *testing.T, start Start) {
	a, other := serveSick(t, "a"), serveSick(t, "b")
	b := start(t, judged(patience, a, other))
	a.sick.Store(true)
	other.sick.Store(true)
	gets(t, b, a, 10)
	if got := gets(t, b, a, 10); got != 5 {
		t.Errorf("it got %d of 10 requests, want half of them", got)
	}
	if s := b.Snapshot().Backends[0]; s.Servers[0].Count != 1 || s.Servers[1].Count != 1 || s.Healthy != 2 {
		t.Errorf("got %+v, want both ejected once", s)
	}
	a.sick.Store(false)
	other.sick.Store(false)
	if r := get(t, web(t, b), "/"); r.status != 200 {
		t.Errorf("got %d, want 200 as soon as they are well", r.status)
	}
}

// probesComeFirst: users' requests are no probes where there are others.
func probesComeFirst(t *testing.T, start Start) {
	a := serveSick(t, "a")
	c := judged(moment, a, serveSick(t, "b"))
	c.Backends[0].Check = &check.Check{Kind: &check.HTTP{Path: "/health"}, Interval: moment / 10, Timeout: patience, Rise: 1, Fall: 1000}
	b := start(t, c)
	state := func() proxy.ServerStatus { return b.Snapshot().Backends[0].Servers[0] }
	eventually(t, "it is up", func() bool { return state().Status == hysteresis.Up })
	a.sick.Store(true)
	a.unwell.Store(true)
	probed := state().At
	eventually(t, "a probe has failed", func() bool { return state().At.After(probed) && state().Code == 503 })
	gets(t, b, a, 20)
	time.Sleep(3 * moment)
	if s := state(); !s.Ejected || s.Count != 1 {
		t.Errorf("got %+v, want it ejected for as long as probes fail", s)
	}
	if got := gets(t, b, a, 10); got != 0 {
		t.Errorf("it got %d requests though probes fail", got)
	}
	a.unwell.Store(false)
	a.sick.Store(false)
	eventually(t, "it is back", func() bool { get(t, web(t, b), "/"); s := state(); return !s.Ejected && !s.HalfOpen })
}

// passiveReload: a reload without passive checks forgets what they have found.
func passiveReload(t *testing.T, start Start) {
	a := serveSick(t, "a")
	c := judged(patience, a, serveSick(t, "b"))
	b := start(t, c)
	a.sick.Store(true)
	gets(t, b, a, 10)
	b.Reload(t, c)
	if got := gets(t, b, a, 10); got != 0 {
		t.Errorf("after a reload that changes nothing it got %d requests, want none", got)
	}
	c.Backends[0].Passive = nil
	b.Reload(t, c)
	if got := gets(t, b, a, 10); got != 5 {
		t.Errorf("without passive checks it got %d of 10 requests, want half", got)
	}
}

// downCuts: R66, "assert a demoted primary's sessions are cut".
func downCuts(t *testing.T, start Start) {
	var demoted atomic.Bool
	health := serve(t, "health", func(c *call) {
		if demoted.Load() {
			c.write("HTTP/1.1 503 Replica\r\nContent-Length: 0\r\n\r\n")
			return
		}
		says("primary")(c)
	})
	c := site(serve(t, "pg1", echoes))
	c.Backends[0].Check = &check.Check{
		Kind: &check.HTTP{Path: "/primary", Port: health.address.Port()}, Interval: moment / 10, Timeout: patience, Rise: 1, Fall: 2,
	}
	c.Backends[0].CutOnDown = true
	b := start(t, c)
	at := web(t, b)
	eventually(t, "it is up", func() bool { return b.Snapshot().Backends[0].Healthy == 1 })
	tunnel := dial(t, at)
	switchProtocols(t, tunnel)
	expect(t, tunnel.r, "hello first ")
	demoted.Store(true)
	tunnel.closed()
	wantPage(t, get(t, at, "/"), 503)
	c.Backends[0].CutOnDown = false
	b.Reload(t, c)
	demoted.Store(false)
	eventually(t, "it is up again", func() bool { return b.Snapshot().Backends[0].Healthy == 1 })
	tunnel = dial(t, at)
	switchProtocols(t, tunnel)
	expect(t, tunnel.r, "hello first ")
	demoted.Store(true)
	eventually(t, "it is down", func() bool { return b.Snapshot().Backends[0].Healthy == 0 })
	tunnel.send("ping")
	expect(t, tunnel.r, "ping")
}
