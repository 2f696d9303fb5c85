package proxy_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/miekg/dns"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy"
	"github.com/tandem-lb/tandem/proxy/health"
	"github.com/tandem-lb/tandem/proxy/persist"
	"github.com/tandem-lb/tandem/proxy/resolve"
	"github.com/tandem-lb/tandem/proxy/resolve/resolvetest"
)

// logbook is what is logged, line by line.
type logbook chan string

func (l logbook) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default: // more than a test causes
	}
	return len(p), nil
}

// await waits for a line with all of these words.
func (l logbook) await(t *testing.T, words ...string) {
	t.Helper()
	for patience := time.After(20 * time.Second); ; {
		select {
		case line := <-l:
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) }) {
				return
			}
		case <-patience:
			t.Fatalf("no line with %q was logged", words)
		}
	}
}

// island is a loopback address with a server, which says where it is.
type island struct {
	server *http.Server
	asked  chan string // Host and path of each request but "/", as far as it has room
}

// islands are servers at 127.0.0.2 and further, all at one port.
func islands(t *testing.T, n int) (port uint16, all []*island) {
	t.Helper()
	var listeners []net.Listener
	for len(listeners) < n {
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.%d:%d", len(listeners)+2, port))
		switch {
		case err == nil:
			listeners = append(listeners, l)
			port = l.Addr().(*net.TCPAddr).AddrPort().Port()
		case port == 0:
			t.Fatal(err)
		default: // somebody has that port at another address
			for _, l := range listeners {
				_ = l.Close()
			}
			listeners, port = nil, 0
		}
	}
	var ended sync.WaitGroup
	for i, l := range listeners {
		one := &island{asked: make(chan string, 1000)}
		one.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				select {
				case one.asked <- r.Host + r.URL.Path:
				default:
				}
			}
			if r.URL.Path == "/slow" {
				select {
				case <-slow(r):
				case <-r.Context().Done():
				}
			}
			_, _ = fmt.Fprint(w, i+2) // an error shows at the client
		})}
		ended.Go(func() { _ = one.server.Serve(l) }) // ends with Close
		all = append(all, one)
	}
	t.Cleanup(func() {
		for _, one := range all {
			_ = one.server.Close()
		}
		ended.Wait()
	})
	return port, all
}

// slow is when the answer to a request is due: when its body has ended.
func slow(r *http.Request) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, r.Body) // an error is an end as well
		close(ended)
	}()
	return ended
}

// lookedUp returns a configuration whose server is looked up at a nameserver of the test.
func lookedUp(s *resolvetest.Server, server proxy.Server) proxy.Config {
	c := valid()
	c.Frontends[0].Rules, c.Frontends[0].DefaultBackend = nil, "app"
	f := &c.Frontends[0].Timeouts
	f.Client, f.KeepAlive = 20*time.Second, 20*time.Second
	server.Weight = 1
	c.Backends[0].Servers = []proxy.Server{server}
	c.Backends[0].Retries = 3
	c.Resolvers = resolve.Config{
		Nameservers: []netip.AddrPort{s.Address}, Timeout: 5 * time.Second, Attempts: 2, MinTTL: time.Second, MaxTTL: time.Minute, HoldAbsent: time.Second,
	}
	return c
}

// logged runs a Proxy of which the test hears.
func logged(t *testing.T, c proxy.Config) (balancer, logbook) {
	t.Helper()
	book := make(logbook, 10000)
	return run(t, c, proxy.Options{Drain: 1, Log: hclog.New(&hclog.LoggerOptions{Output: book, Level: hclog.Debug})}), book
}

// records are A records of 127.0.0.0/24, good for a second.
func records(name string, last ...int) (texts []string) {
	for _, n := range last {
		texts = append(texts, fmt.Sprintf("%s. 1 IN A 127.0.0.%d", name, n))
	}
	return texts
}

// get asks the balancer, and returns the status and the body, which is who has answered.
func get(t *testing.T, b balancer, client *http.Client) (int, string) {
	t.Helper()
	resp, err := client.Get("http://" + b.Snapshot().Frontends[0].Binds[0].Address.String() + "/")
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// answers counts who answers so many requests.
func answers(t *testing.T, b balancer, n int) map[string]int {
	t.Helper()
	client, by := newClient(t), map[string]int{}
	for range n {
		status, who := get(t, b, client)
		if status != 200 {
			who = fmt.Sprint(status)
		}
		by[who]++
	}
	return by
}

// addresses are the last octets of the addresses of servers, by name.
func addresses(b balancer) map[string]string {
	all := map[string]string{}
	for _, s := range b.Snapshot().Backends[0].Servers {
		if all[s.Name] = "none"; s.Address.IsValid() {
			all[s.Name] = strings.TrimPrefix(s.Address.Addr().String(), "127.0.0.")
		}
	}
	return all
}

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
