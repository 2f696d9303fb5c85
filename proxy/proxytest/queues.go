package proxytest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy"
	check "github.com/tandem-lb/tandem/proxy/health"
)

// narrow is a server that answers requests when it is told to, and counts how many it has at once.
type narrow struct {
	*server
	asked      chan string   // the path of each request: sent to when it is there
	answers    chan struct{} // received from before each answer
	now, most  atomic.Int64
	everything atomic.Bool // it answers at once
}

func serveNarrow(t *testing.T, name string) *narrow {
	n := &narrow{asked: make(chan string, 1000), answers: make(chan struct{}, 1000)} // more than any test has
	n.server = serve(t, name, func(c *call) {
		at := n.now.Add(1)
		for most := n.most.Load(); at > most && !n.most.CompareAndSwap(most, at); most = n.most.Load() {
		}
		body := c.body()
		n.asked <- c.req.URL.Path
		if !n.everything.Load() {
			select {
			case <-n.answers:
			case <-time.After(patience):
			}
		}
		n.now.Add(-1)
		c.write(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body)+len(name), name+body))
	})
	return n
}

// gets waits for the next request.
func (n *narrow) gets(t *testing.T) string {
	t.Helper()
	select {
	case path := <-n.asked:
		return path
	case <-time.After(patience):
		t.Fatal("no request comes")
		return ""
	}
}

// narrowSite is a site whose servers take one request at a time.
func narrowSite(servers ...*narrow) proxy.Config {
	var all []*server
	for _, n := range servers {
		all = append(all, n.server)
	}
	c := site(all...)
	c.Backends[0].Timeouts.Queue = time.Minute
	for i := range c.Backends[0].Servers {
		c.Backends[0].Servers[i].MaxConnections = 1
	}
	return c
}

// waiting waits until so many requests are in the queue.
func waiting(t *testing.T, b Balancer, n int64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d wait", n), func() bool { return b.Snapshot().Backends[0].Waiting == n })
}

// queueUp has a client ask, and waits until it is in the queue as the nth.
func queueUp(t *testing.T, b Balancer, path string, n int64) *client {
	t.Helper()
	c := dial(t, web(t, b))
	c.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
	waiting(t, b, n)
	return c
}

func queueOrder(t *testing.T, start Start) {
	app := serveNarrow(t, "app")
	b := start(t, narrowSite(app))
	clients := []*client{queueUp(t, b, "/0", 0)}
	if got := app.gets(t); got != "/0" {
		t.Fatalf("got %s, want /0", got)
	}
	const others = 12 // on whichever loop they are
	for n := 1; n <= others; n++ {
		clients = append(clients, queueUp(t, b, "/"+itoa(n), int64(n)))
	}
	for n, c := range clients {
		app.answers <- struct{}{}
		wantBody(t, c.receive("GET"), "app")
		if n == others {
			break
		}
		if got, want := app.gets(t), "/"+itoa(n+1); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if most := app.most.Load(); most != 1 {
		t.Errorf("the server had %d requests at once, want 1", most)
	}
	waiting(t, b, 0)
}

// queueLoops has many clients of all loops wait for few slots: all are served, and no limit is passed.
func queueLoops(t *testing.T, start Start) {
	app, other := serveNarrow(t, "a"), serveNarrow(t, "b")
	app.everything.Store(true)
	other.everything.Store(true)
	c := narrowSite(app, other)
	c.Backends[0].Servers[0].MaxConnections, c.Backends[0].Servers[1].MaxConnections = 1, 2
	b := start(t, c)
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() {
			c := dial(t, web(t, b))
			for range 15 {
				_, err := io.WriteString(c.conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
				if r, failed := c.tryReceive("GET"); err != nil || failed != nil || r.status != 200 {
					t.Errorf("got %d, %v, %v", r.status, err, failed)
					return
				}
			}
		})
	}
	all.Wait()
	if app.most.Load() > 1 || other.most.Load() > 2 {
		t.Errorf("the servers had %d and %d requests at once, want 1 and 2 at most", app.most.Load(), other.most.Load())
	}
	if n := app.calls() + other.calls(); n != 24*15 {
		t.Errorf("%d requests came, want %d", n, 24*15)
	}
}

func queueAborts(t *testing.T, start Start) {
	app := serveNarrow(t, "app")
	b := start(t, narrowSite(app))
	first := queueUp(t, b, "/first", 0)
	app.gets(t)
	leaves := queueUp(t, b, "/leaves", 1)
	post := dial(t, web(t, b))
	post.send("POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhel")
	waiting(t, b, 2)
	last := queueUp(t, b, "/last", 3)
	_ = leaves.conn.Close()
	_ = post.conn.Close()
	waiting(t, b, 1)
	app.answers <- struct{}{}
	wantBody(t, first.receive("GET"), "app")
	if got := app.gets(t); got != "/last" {
		t.Errorf("got %s, want /last", got)
	}
	app.answers <- struct{}{}
	wantBody(t, last.receive("GET"), "app")
}

// queueBodies: what clients send while they wait is neither lost nor sent twice, and their connections go on.
func queueBodies(t *testing.T, start Start) {
	app := serveNarrow(t, "app")
	b := start(t, narrowSite(app))
	first := queueUp(t, b, "/first", 0)
	app.gets(t)
	large := string(noise(300_000))
	var clients []*client
	for i, rest := range []string{"Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "Content-Length: " + itoa(len(large)) + "\r\n\r\n" + large} {
		c := dial(t, web(t, b))
		c.push("POST /post HTTP/1.1\r\nHost: a\r\n" + rest)
		waiting(t, b, int64(i+1))
		clients = append(clients, c)
	}
	pipelined := dial(t, web(t, b))
	pipelined.send(strings.Repeat("GET /pipelined HTTP/1.1\r\nHost: a\r\n\r\n", 2))
	waiting(t, b, 4)
	app.everything.Store(true)
	app.answers <- struct{}{}
	wantBody(t, first.receive("GET"), "app")
	for i, want := range []string{"hello", "hello", large} {
		wantBody(t, clients[i].receive("POST"), "app"+want)
	}
	for range 2 {
		wantBody(t, pipelined.receive("GET"), "app")
	}
	for _, c := range clients {
		c.send("GET /again HTTP/1.1\r\nHost: a\r\n\r\n")
		wantBody(t, c.receive("GET"), "app")
	}
}

func queueSessions(t *testing.T, start Start) {
	c := tcpSite(serveTCP(t, "app1", echoTCP))
	c.Backends[0].MaxConnections, c.Backends[0].Timeouts.Queue = 1, time.Minute
	b := start(t, c)
	first := dial(t, web(t, b))
	first.send("hello")
	if got := make([]byte, 5); func() error { _, err := io.ReadFull(first.conn, got); return err }() != nil {
		t.Fatal("the first session is not served")
	}
	second := dial(t, web(t, b))
	waiting(t, b, 1)
	leaves := dial(t, web(t, b))
	waiting(t, b, 2)
	_ = leaves.conn.Close()
	waiting(t, b, 1)
	second.send("early")
	second.silent()
	_ = first.conn.Close()
	_ = second.conn.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(second.r); err != nil || !bytes.Equal(got, []byte("earlybye")) {
		t.Errorf("got %q, %v, want what it has sent, and bye", got, err)
	}
}

func queueReload(t *testing.T, start Start) {
	app := serveNarrow(t, "app")
	c := narrowSite(app)
	b := start(t, c)
	first := queueUp(t, b, "/first", 0)
	app.gets(t)
	second, third := queueUp(t, b, "/second", 1), queueUp(t, b, "/third", 2)
	c.Backends[0].Servers[0].MaxConnections = 2
	b.Reload(t, c)
	if got := app.gets(t); got != "/second" {
		t.Errorf("got %s, want /second", got)
	}
	c.Backends[0].Servers[0].MaxConnections = 0
	b.Reload(t, c)
	if got := app.gets(t); got != "/third" {
		t.Errorf("got %s, want /third", got)
	}
	for _, c := range []*client{first, second, third} {
		app.answers <- struct{}{}
		wantBody(t, c.receive("GET"), "app")
	}
}

func queueTimeout(t *testing.T, start Start) {
	app := serveNarrow(t, "app")
	c := narrowSite(app)
	c.Backends[0].Timeouts.Queue = moment
	b := start(t, c)
	first := queueUp(t, b, "/first", 0)
	app.gets(t)
	began := time.Now()
	r := get(t, web(t, b), "/second")
	if took := time.Since(began); took < moment || r.status != 503 {
		t.Errorf("got %d after %v, want 503 after %v", r.status, took, moment)
	}
	app.answers <- struct{}{}
	wantBody(t, first.receive("GET"), "app")
	if n := app.calls(); n != 1 {
		t.Errorf("%d requests came, want 1", n)
	}
	c.Backends[0].MaxQueue, c.Backends[0].Timeouts.Queue = 1, time.Minute
	b.Reload(t, c)
	first.send("GET /third HTTP/1.1\r\nHost: a\r\n\r\n")
	app.gets(t)
	waits := queueUp(t, b, "/fourth", 1)
	wantStatus(t, get(t, web(t, b), "/too_many"), 503)
	for _, c := range []*client{first, waits} {
		app.answers <- struct{}{}
		wantBody(t, c.receive("GET"), "app")
	}
}

func queueHealth(t *testing.T, start Start) {
	app, other := serveNarrow(t, "app"), serveSick(t, "other")
	other.unwell.Store(true)
	c := narrowSite(app)
	c.Backends[0].Servers = append(c.Backends[0].Servers, proxy.Server{Name: "other", Address: other.address, Weight: 1, MaxConnections: 1})
	c.Backends[0].Servers[0].Track = proxy.ServerRef{} // app is asked nothing but what clients ask
	c.Backends = append(c.Backends, pool("checked", other.server))
	c.Backends[1].Check = &check.Check{
		Kind:     &check.HTTP{Method: "GET", Path: "/health", Status: []check.Status{{From: 200, To: 200}}},
		Interval: moment / 4, FastInterval: moment / 4, DownInterval: moment / 4, Timeout: patience, Rise: 1, Fall: 1,
	}
	c.Backends[0].Servers[1].Track = proxy.ServerRef{Backend: "checked", Server: "other"}
	b := start(t, c)
	eventually(t, "the other one is down", func() bool { return b.Snapshot().Backends[0].Servers[1].Status == hysteresis.Down })
	first := queueUp(t, b, "/first", 0)
	app.gets(t)
	second := queueUp(t, b, "/second", 1)
	other.unwell.Store(false)
	wantBody(t, second.receive("GET"), "other")
	app.answers <- struct{}{}
	wantBody(t, first.receive("GET"), "app")
}
