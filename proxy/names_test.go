package proxy_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/proxy/resolve"
	"github.com/tandem-lb/tandem/proxy/resolve/resolvetest"
)

// Pain 12 of the design: "an unresolvable upstream prevents start of all sites". Pain 13: "DNS errors put servers in maintenance".
func TestNameWithoutAnswer(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	s.Fail("app.test", "A", dns.RcodeServerFailure)
	port, _ := islands(t, 1)
	c := lookedUp(s, proxy.Server{Name: "app", Lookup: resolve.Query{Name: "app.test"}, Port: port})
	b, book := logged(t, c)
	book.await(t, "name has no answer", "name=app.test", "SERVFAIL")
	book.await(t, "backend has no server available", "backend=app")
	b.Reload(t, c)
	for len(book) > 0 {
		if line := <-book; strings.Contains(line, "no server available") {
			t.Errorf("said again after a reload: %s", line)
		}
	}
	if status, _ := get(t, b, newClient(t)); status != 503 {
		t.Errorf("without an address: got %d, want 503", status)
	}
	one := b.Snapshot().Backends[0].Servers[0]
	if want := fmt.Sprintf("no address yet: nameserver %v: SERVFAIL", s.Address); one.Status != hysteresis.Down || one.Text != want || one.Lookup != "app.test" {
		t.Errorf("got %+v, want it down: %s", one, want)
	}
	s.Set("app.test", "A", records("app.test", 2)...)
	book.await(t, "server has another address", "server=app", "name=app.test", "from=none", fmt.Sprintf("to=127.0.0.2:%d", port))
	if got := answers(t, b, 1); got["2"] != 1 {
		t.Errorf("got %v, want an answer of 2", got)
	}
	s.Fail("app.test", "A", dns.RcodeServerFailure)
	book.await(t, "name has no answer", "kept=1", "SERVFAIL")
	if got := answers(t, b, 1); got["2"] != 1 {
		t.Errorf("while nobody knows: got %v, want an answer of 2", got)
	}
	n := b.Snapshot().Names[0]
	if n.Name != "app.test" || len(n.Endpoints) != 1 || n.Err == nil || n.Failures == 0 || n.Next.Before(n.Asked) && !n.Next.IsZero() {
		t.Errorf("got %+v", n)
	}
	s.Set("app.test", "A", records("app.test", 2)...)
	book.await(t, "name has an answer again", "name=app.test")
	s.Forget("app.test", "A")
	book.await(t, "server has another address", "from=127.0.0.2", "to=none") // after hold.absent
	book.await(t, "backend has no server available")
	if status, _ := get(t, b, newClient(t)); status != 503 {
		t.Errorf("when the name is gone: got %d, want 503", status)
	}
}

// Before anybody has answered, nothing is known of the backend, so that a start moves no address.
func TestNameIsUnknownAtFirst(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	asked, release := make(chan struct{}, 10), make(chan struct{})
	s.Handle("app.test", "A", func(m *dns.Msg, _ bool) [][]byte {
		asked <- struct{}{}
		<-release
		m.Rcode = dns.RcodeServerFailure
		return resolvetest.Pack(m)
	})
	b, _ := logged(t, lookedUp(s, proxy.Server{Name: "app", Lookup: resolve.Query{Name: "app.test"}, Port: 80}))
	rounds := watch(t, b, "app")
	<-asked
	next(t, rounds, round{0, 1, false})
	if status, _ := get(t, b, newClient(t)); status != 503 {
		t.Errorf("got %d, want 503", status)
	}
	close(release)
	next(t, rounds, round{0, 1, true})
}

// Slots: an address that stays keeps its slot, its counters and its health; one that goes has what is under way finished.
func TestSlots(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	port, all := islands(t, 4)
	s.Set("app.test", "A", records("app.test", 2, 3, 4)...)
	c := lookedUp(s, proxy.Server{Name: "app", Lookup: resolve.Query{Name: "app.test"}, Port: port, Slots: 4})
	c.Backends[0].Check = &health.Check{Kind: &health.HTTP{Path: "/health"}, Interval: time.Hour, Timeout: 10 * time.Second, Rise: 1, Fall: 1}
	c.Backends[0].Timeouts.Server = 20 * time.Second
	b, book := logged(t, c)
	for range 3 {
		book.await(t, "server is healthy")
	}
	if got, want := answers(t, b, 30), map[string]int{"2": 10, "3": 10, "4": 10}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := <-all[0].asked, fmt.Sprintf("app.test:%d/health", port); got != want {
		t.Errorf("the probe asked for %s, want %s", got, want)
	}
	if got, want := addresses(b), map[string]string{"app1": "2", "app2": "3", "app3": "4"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	before := b.Snapshot().Backends[0]
	if before.Total != 3 || before.Healthy != 3 {
		t.Errorf("got %d of %d, want 3 of 3: a free slot is no server", before.Healthy, before.Total)
	}
	// A request that app2 has only half of, whose address goes away.
	body, ready := io.Pipe()
	under := make(chan string, 4)
	var asking sync.WaitGroup
	defer asking.Wait()
	client := newClient(t)
	bodies := []*io.PipeWriter{ready}
	for i := range 3 { // one of three reaches it
		if i > 0 {
			var w *io.PipeWriter
			body, w = io.Pipe()
			bodies = append(bodies, w)
		}
		asking.Go(func() {
			resp, err := client.Post("http://"+b.Snapshot().Frontends[0].Binds[0].Address.String()+"/slow", "text/plain", body)
			if err != nil {
				under <- err.Error()
				return
			}
			defer resp.Body.Close()
			who, _ := io.ReadAll(resp.Body)
			under <- string(who)
		})
		if _, err := bodies[i].Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range all[:3] {
		for slow := false; !slow; {
			slow = strings.HasSuffix(<-one.asked, "/slow")
		}
	}
	s.Set("app.test", "A", records("app.test", 5, 2, 4)...)
	book.await(t, "server has another address", "server=app2", "from=127.0.0.3", "to=127.0.0.5")
	book.await(t, "server is healthy", "server=app2")
	after := b.Snapshot().Backends[0]
	if got, want := addresses(b), map[string]string{"app1": "2", "app2": "5", "app3": "4"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, i := range []int{0, 2} {
		if was, is := before.Servers[i], after.Servers[i]; is.Requests != was.Requests+1 || is.At != was.At || is.InFlight != 1 {
			t.Errorf("%s: got %+v, want all that was known: %+v", is.Name, is, was)
		}
	}
	if got := after.Servers[1]; got.Requests != 0 {
		t.Errorf("app2 is new, and yet it has had %d requests", got.Requests)
	}
	if got, want := answers(t, b, 30), map[string]int{"2": 10, "5": 10, "4": 10}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, w := range bodies {
		_ = w.Close()
	}
	var finished []string
	for range 3 {
		finished = append(finished, <-under)
	}
	if slices.Sort(finished); !slices.Equal(finished, []string{"2", "3", "4"}) {
		t.Errorf("what was under way ended with %v, want the answers of 2, 3 and 4", finished)
	}
	b.Reload(t, c)
	if got, want := addresses(b), map[string]string{"app1": "2", "app2": "5", "app3": "4"}; !maps.Equal(got, want) {
		t.Errorf("after a reload: got %v, want %v", got, want)
	}
	if got := b.Snapshot().Backends[0].Servers[0]; got.Requests < after.Servers[0].Requests || got.At != after.Servers[0].At {
		t.Errorf("after a reload: got %+v, want all that was known: %+v", got, after.Servers[0])
	}
}

// A service says hosts, ports, weights, and who is for want of others.
func TestService(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	port, all := islands(t, 3)
	srv := func(priority, weight int, host string) string {
		return fmt.Sprintf("_http._tcp.test. 1 IN SRV %d %d %d %s.test.", priority, weight, port, host)
	}
	s.Set("_http._tcp.test", "SRV", srv(10, 2, "a"), srv(10, 1, "b"), srv(20, 1, "c"))
	for i, host := range []string{"a", "b", "c"} {
		s.Set(host+".test", "A", records(host+".test", i+2)...)
	}
	c := lookedUp(s, proxy.Server{Name: "app", Lookup: resolve.Query{Name: "_http._tcp.test"}, Slots: 3})
	c.Backends[0].Check = &health.Check{Kind: &health.HTTP{Path: "/health"}, Interval: time.Hour, Timeout: 10 * time.Second, Rise: 1, Fall: 1}
	b, book := logged(t, c)
	for range 3 {
		book.await(t, "server is healthy")
	}
	if got, want := answers(t, b, 30), map[string]int{"2": 20, "3": 10}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := <-all[1].asked, fmt.Sprintf("b.test:%d/health", port); got != want {
		t.Errorf("the probe asked for %s, want %s", got, want)
	}
	s.Set("_http._tcp.test", "SRV", srv(10, 1, "a"), srv(10, 1, "b"), srv(20, 1, "c"))
	s.Await("_http._tcp.test", "SRV", 2) // the answer before the second has been taken
	if got, want := answers(t, b, 30), map[string]int{"2": 15, "3": 15}; !maps.Equal(got, want) {
		t.Errorf("other weights: got %v, want %v", got, want)
	}
	s.Set("_http._tcp.test", "SRV", srv(20, 1, "c"))
	book.await(t, "server has another address", "server=app1", "to=none")
	if got, want := answers(t, b, 30), map[string]int{"4": 30}; !maps.Equal(got, want) {
		t.Errorf("the backup alone: got %v, want %v", got, want)
	}
}

// A name whose server moves again and again, each time to a new one while the old one ends, fails no request under load; neither does a
// reload that replaces addresses by names, and names by addresses.
func TestNamesChangeUnderLoad(t *testing.T) {
	t.Parallel()
	s := resolvetest.New(t)
	port, all := islands(t, 4)
	s.Set("app.test", "A", records("app.test", 2)...)
	byName := lookedUp(s, proxy.Server{Name: "app", Lookup: resolve.Query{Name: "app.test"}, Port: port})
	byAddress := lookedUp(s, proxy.Server{Name: "app", Address: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), port)})
	byAddress.Resolvers = resolve.Config{}
	b, book := logged(t, byAddress)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	answered := sync.NewCond(&mu)
	failed, by, latest := []string(nil), map[string]int{}, make([]string, 4) // latest: who has answered each client
	var load sync.WaitGroup
	for i := range latest {
		client := newClient(t)
		load.Go(func() {
			for ctx.Err() == nil {
				status, who := get(t, b, client)
				mu.Lock()
				latest[i] = who
				if by[who]++; status != 200 {
					failed = append(failed, fmt.Sprintf("%d %s", status, who))
				}
				mu.Unlock()
				answered.Broadcast()
			}
		})
	}
	// moved waits until nobody's request is under way to another server: one that shuts down does not answer what it has not read yet.
	moved := func(to string) {
		mu.Lock()
		defer mu.Unlock()
		for slices.ContainsFunc(latest, func(who string) bool { return who != to }) && len(failed) == 0 {
			answered.Wait()
		}
	}
	for status := 0; status != 200; status, _ = get(t, b, newClient(t)) { // it runs
	}
	b.Reload(t, byName)
	if got := b.Snapshot().Backends[0].Servers[0]; got.Lookup != "app.test" || !got.Address.IsValid() || got.Requests == 0 {
		t.Errorf("after a reload: got %+v, want the server that was there", got)
	}
	for i := range 3 {
		s.Set("app.test", "A", records("app.test", i+3)...)
		book.await(t, "server has another address", fmt.Sprintf("to=127.0.0.%d:", i+3))
		moved(strconv.Itoa(i + 3))
		if err := all[i].server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
	byAddress.Backends[0].Servers[0].Address = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.5"), port)
	b.Reload(t, byAddress)
	stop()
	load.Wait()
	if len(failed) > 0 {
		t.Errorf("%d requests failed: %v", len(failed), failed[:min(len(failed), 5)])
	}
	for _, who := range []string{"2", "3", "4", "5"} {
		if by[who] == 0 {
			t.Errorf("%s has answered nothing: %v", who, by)
		}
	}
	t.Logf("answers: %v", by)
}
