package proxytest

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy"
)

// holding is a site that asks a server when a body is whole, or 100 octets of it have come.
func holding(servers ...*server) proxy.Config {
	c := site(servers...)
	c.Backends[0].HoldRequests = 100
	return c
}

// holds asks no server before a body has come, and gives it all of it.
func holds(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) {
		body := c.body()
		says(c.req.Method + " " + body + c.req.Trailer.Get("X-End"))(c)
	})
	b := start(t, holding(app))
	c := dial(t, web(t, b))
	const host = " / HTTP/1.1\r\nHost: a\r\n"
	long := strings.Repeat("0123456789", 20)
	for i, tt := range []struct {
		name, first, rest, want string
		early                   bool // the server is asked after the first part
	}{
		{"with a length", "POST" + host + "Content-Length: 10\r\n\r\nabcde", "fghij", "POST abcdefghij", false},
		{"in chunks", "POST" + host + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", "5\r\nfghij\r\n0\r\nX-End: end\r\n\r\n", "POST abcdefghijend", false},
		{"with a request behind it", "POST" + host + "Content-Length: 10\r\n\r\nabcde", "fghijPUT" + host + "Content-Length: 1\r\n\r\nx", "POST abcdefghij", false},
		{"which has come by now", "", "", "PUT x", true},
		{"beyond what is held", "POST" + host + "Content-Length: 200\r\n\r\n" + long[:150], long[150:], "POST " + long, true},
		{"beyond that, in chunks", "POST" + host + "Transfer-Encoding: chunked\r\n\r\n96\r\n" + long[:150] + "\r\n", "32\r\n" + long[150:] + "\r\n0\r\n\r\n", "POST " + long, true},
		{"of no octets, with a trailer", "POST" + host + "Transfer-Encoding: chunked\r\n\r\n", "0\r\nX-End: end\r\n\r\n", "POST end", false},
		{"without a body", "GET" + host + "\r\n", "", "GET ", true},
	} {
		before := i
		c.send(tt.first)
		if tt.early {
			eventually(t, tt.name+": the server is asked", func() bool { return app.calls() == before+1 })
		} else {
			time.Sleep(moment / 4)
			if got := app.calls(); got != before || b.Snapshot().Backends[0].Servers[0].InFlight != 0 {
				t.Fatalf("%s: the server was asked %d times, want %d and no slot taken", tt.name, got, before)
			}
		}
		c.send(tt.rest)
		if r := c.receive("POST"); r.status != 200 || r.body != tt.want {
			t.Fatalf("%s: got %d %q, want %q", tt.name, r.status, r.body, tt.want)
		}
	}
}

// holdsAndContinues tells a client to go on, which the server would be too late for.
func holdsAndContinues(t *testing.T, start Start) {
	app := serve(t, "app1", func(c *call) { says(c.body())(c) })
	c := dial(t, web(t, start(t, holding(app))))
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if r := c.receive("POST"); r.status != 100 {
		t.Fatalf("got %q, want 100", r.head)
	}
	c.send("abcde")
	wantBody(t, c.receive("POST"), "abcde")
	if got := fields(app.lastHead(t), "Expect"); len(got) != 0 {
		t.Errorf("the server got Expect: %q", got)
	}
}

// holdsNothingForLong ends requests whose body does not come, or must not.
func holdsNothingForLong(t *testing.T, start Start) {
	app := serve(t, "app1", says("never"))
	config := holding(app)
	config.Frontends[0].Timeouts.Client = moment
	config.Frontends[0].MaxBody = 50
	b := start(t, config)
	at := web(t, b)
	const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	for request, status := range map[string]int{head + "5\r\nabc": 408, head + "5\r\nabcdeno chunk": 400, head + "40\r\n" + strings.Repeat("x", 64): 413} {
		if r := ask(t, at, request); r.status != status || connection(r) != "close" {
			t.Errorf("%q: got %q, want %d", request, r.head, status)
		}
	}
	c := dial(t, at)
	c.send(head + "5\r\nabc")
	eventually(t, "it is there", func() bool { return b.Snapshot().Frontends[0].Connections == 1 })
	_ = c.conn.Close()
	eventually(t, "all are over", func() bool {
		f := b.Snapshot().Frontends[0]
		return f.Requests == 4 && f.Connections == 0 && f.Internal == 0
	})
	if app.calls() != 0 || b.Snapshot().Backends[0].Servers[0].Requests != 0 {
		t.Error("the server got requests that never were whole")
	}
}

// holdsForTheNext keeps the body where the first server refuses.
func holdsForTheNext(t *testing.T, start Start) {
	app := serve(t, "app2", func(c *call) { says(c.body())(c) })
	at := web(t, start(t, holding(refusing(t, "dead1"), app)))
	long := strings.Repeat("x", 5000) // beyond what is held
	for _, body := range []string{"abc", long, "abc", long} {
		r := ask(t, at, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "+itoa(len(body))+"\r\n\r\n"+body)
		wantBody(t, r, body)
	}
}

// up2Holds is about servers of HTTP/2, and clients of either protocol.
func up2Holds(t *testing.T, s *upsite) {
	app := s.serve(t, "app1", echo)
	c := s.site(app)
	c.Backends[0].HoldRequests = 2000
	for name, client := range s.askers(t, web(t, s.start(t, c))) {
		for _, n := range []int{0, 1, 1999, 2000, 2001, 300_000} {
			body := prose(n)
			for kind, from := range map[string]io.Reader{"a length": strings.NewReader(body), "no length": unsized(body)} {
				if r := client.do("POST", "/", from, nil); r.status != 200 || r.body != body {
					t.Errorf("%s, %d octets with %s: got %d with %d", name, n, kind, r.status, len(r.body))
				}
			}
		}
	}
}

// up2HoldsInOrder has much more come than is held, at once, when there is a connection to the server already: it may begin while the client's
// side is in the midst of a piece.
func up2HoldsInOrder(t *testing.T, s *upsite) {
	app := s.serve(t, "app1", echo)
	config := s.site(app)
	config.Backends[0].HoldRequests = 2000
	c := dial(t, web(t, s.start(t, config)))
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	wantStatus(t, c.receive("GET"), 200)
	body, chunks := prose(300_000), ""
	for rest := body; rest != ""; rest = rest[1000:] {
		chunks += "3e8\r\n" + rest[:1000] + "\r\n"
	}
	for range 5 {
		c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
		time.Sleep(moment / 10) // so that the head comes alone
		c.push(chunks + "0\r\n\r\n")
		if r := c.receive("POST"); r.status != 200 || r.body != body {
			t.Fatalf("got %d with %d octets, want the %d that were sent", r.status, len(r.body), len(body))
		}
	}
}

// h2Holds is about clients of HTTP/2 that are slow.
func h2Holds(t *testing.T, s *http2Site) {
	app := serve(t, "app1", func(c *call) { says(c.body())(c) })
	client := s.client(t, web(t, s.serve(t, holding(app))))
	from, to := io.Pipe()
	done := make(chan response, 1)
	go func() {
		r, err := s.try(t, client, "POST", "/", from, nil)
		if err != nil {
			r.err = err
		}
		done <- r
	}()
	_, _ = io.WriteString(to, "abc") // what is missing shows below
	time.Sleep(moment / 4)
	if app.calls() != 0 {
		t.Error("the server was asked before the body was whole")
	}
	_, _ = io.WriteString(to, "def")
	_ = to.Close()
	r := <-done
	if wantBody(t, r, "abcdef"); !slices.Equal(fields(app.lastHead(t), "Transfer-Encoding"), []string{"chunked"}) {
		t.Errorf("the server got %q", app.lastHead(t))
	}
}
