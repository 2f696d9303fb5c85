package proxytest

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/internal/hysteresis"
	"github.com/tandem-lb/tandem/proxy"
	check "github.com/tandem-lb/tandem/proxy/health"
)

// hashes: whoever has the same key has the same server, on whichever connection; a server that is lost moves its own keys alone.
func hashes(t *testing.T, start Start) {
	servers := []*server{serve(t, "a", says("a")), serve(t, "b", says("b")), serve(t, "c", says("c"))}
	c := site(servers...)
	c.Backends[0].Balance = proxy.Balance{Algorithm: "hash", Key: "header:X-User"}
	at := web(t, start(t, c))
	owners := func() map[string]string {
		got := map[string]string{}
		for i := range 40 {
			user := fmt.Sprint("user", i%20)
			conn := dial(t, at)
			conn.send("POST / HTTP/1.1\r\nHost: a\r\nx-user: " + user + "\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
			r := conn.receive("POST")
			wantStatus(t, r, 200)
			if before := got[user]; before != "" && before != r.body {
				t.Errorf("%s: got %s, then %s", user, before, r.body)
			}
			got[user] = r.body
		}
		return got
	}
	before := owners()
	if n := len(slices.Compact(slices.Sorted(maps.Values(before)))); n != 3 {
		t.Errorf("20 users have %d servers, want 3", n)
	}
	servers[1].stop()
	for user, after := range owners() {
		if was := before[user]; after == "b" || was != "b" && after != was {
			t.Errorf("b is lost: %s went from %s to %s", user, was, after)
		}
	}
}

// sources: clients are known by their addresses.
func sources(t *testing.T, start Start) {
	c := site(serve(t, "a", says("a")), serve(t, "b", says("b")))
	c.Backends[0].Balance.Algorithm = "source"
	at := web(t, start(t, c))
	seen := map[string]bool{}
	for i := range 20 {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(i+1))}}
		first := ""
		for range 3 {
			conn, err := d.Dial("tcp4", at)
			if err != nil {
				t.Fatal(err)
			}
			client := clientOn(t, conn)
			client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			body := client.receive("GET").body
			if first == "" {
				first = body
			}
			if body != first {
				t.Errorf("%s: got %s, then %s", d.LocalAddr, first, body)
			}
		}
		seen[first] = true
	}
	if len(seen) != 2 {
		t.Errorf("20 clients have %d servers, want 2", len(seen))
	}
}

// quickFailures: a server that fails at once is no quick one.
func quickFailures(t *testing.T, start Start) {
	good := serve(t, "good", func(c *call) {
		time.Sleep(2 * time.Millisecond)
		says("good")(c)
	})
	bad := serve(t, "bad", func(c *call) { c.write("HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nbad") })
	c := site(bad, good)
	c.Backends[0].Balance.Algorithm = "least_time"
	client := dial(t, web(t, start(t, c)))
	got := map[string]int{}
	for range 100 {
		client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		got[client.receive("GET").body]++
	}
	if got["bad"] < 1 || got["bad"] > 20 {
		t.Errorf("got %v, want a try or a few for the one that fails", got)
	}
}

// ill is a server whose health check fails while it says so.
func ill(t *testing.T, name string, sick *atomic.Bool) *server {
	return serve(t, name, func(c *call) {
		if c.req.URL.Path == "/health" && sick.Load() {
			c.write("HTTP/1.1 500 Ill\r\nContent-Length: 0\r\n\r\n")
			return
		}
		says(name)(c)
	})
}

// backup takes over when the others are down, and gives back.
func backup(t *testing.T, start Start) {
	var sick [2]atomic.Bool
	c := site(ill(t, "a", &sick[0]), ill(t, "b", &sick[1]), serve(t, "spare", says("spare")))
	c.Backends[0].Servers[2].Backup = true
	c.Backends[0].Check = &check.Check{Kind: &check.HTTP{Path: "/health"}, Interval: 10 * time.Millisecond, Timeout: patience, Rise: 1, Fall: 1}
	b := start(t, c)
	at := web(t, b)
	for _, step := range []struct {
		sick [2]bool
		want map[string]int
	}{
		{[2]bool{}, map[string]int{"a": 2, "b": 2}},
		{[2]bool{true, false}, map[string]int{"b": 4}},
		{[2]bool{true, true}, map[string]int{"spare": 4}},
		{[2]bool{false, true}, map[string]int{"a": 4}},
	} {
		for i, s := range step.sick {
			sick[i].Store(s)
		}
		eventually(t, "the checks have seen it", func() bool {
			s := b.Snapshot().Backends[0].Servers
			return s[0].Status == status(step.sick[0]) && s[1].Status == status(step.sick[1]) && s[2].Status == hysteresis.Up
		})
		if got := picks(t, at, 4); !maps.Equal(got, step.want) {
			t.Errorf("sick %v: got %v, want %v", step.sick, got, step.want)
		}
	}
}

func status(sick bool) hysteresis.Status {
	if sick {
		return hysteresis.Down
	}
	return hysteresis.Up
}

// refusedByAll: a request that all others have refused goes to the backup, before any check has noticed.
func refusedByAll(t *testing.T, start Start) {
	c := site(refusing(t, "a"), refusing(t, "b"), serve(t, "spare", says("spare")))
	c.Backends[0].Servers[2].Backup = true
	wantBody(t, get(t, web(t, start(t, c)), "/"), "spare")
}

// late is a server that answers after a while, counted from the end of the request.
func late(t *testing.T, name string, after time.Duration) *server {
	return serve(t, name, func(c *call) {
		_ = c.body()
		time.Sleep(after)
		says(name)(c)
	})
}

// uploads: the time that a client takes for its body is none that the server takes.
func uploads(t *testing.T, start Start) {
	upload := func(at string, pause time.Duration) string {
		client := dial(t, at)
		client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
		time.Sleep(pause)
		client.send("hi")
		return client.receive("POST").body
	}
	site := func(servers ...*server) string {
		c := site(servers...)
		c.Backends[0].Balance.Algorithm = "least_time"
		return web(t, start(t, c))
	}
	at := site(late(t, "quick", 0), late(t, "slow", 80*time.Millisecond))
	if got := upload(at, 400*time.Millisecond); got != "quick" {
		t.Fatalf("got %s first, want the first of the list", got)
	}
	if got := picks(t, at, 10); got["quick"] < 6 {
		t.Errorf("after a slow upload: got %v, want most for the quick one", got)
	}
	early := serve(t, "quick", func(c *call) { // answers the first octet of an upload
		_, _ = c.req.Body.Read(make([]byte, 1)) // none of a request without a body
		c.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nquick")
	})
	at = site(early, late(t, "slow", 80*time.Millisecond))
	client := dial(t, at)
	client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n")
	time.Sleep(400 * time.Millisecond)
	client.send("h")
	wantBody(t, client.receive("POST"), "quick")
	if got := picks(t, at, 10); got["quick"] < 6 {
		t.Errorf("after a response to half an upload: got %v, want most for the quick one", got)
	}
	at = site(late(t, "slow", 80*time.Millisecond), late(t, "quick", 0))
	got := map[string]int{}
	for range 10 {
		got[upload(at, 20*time.Millisecond)]++
	}
	if got["quick"] < 6 {
		t.Errorf("uploads alone: got %v, want most for the quick one", got)
	}
}
