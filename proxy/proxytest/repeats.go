package proxytest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy"
	check "github.com/tandem-lb/tandem/proxy/health"
)

// anyFailure is everything that requests can be sent again for.
func anyFailure() *proxy.Repeat {
	return &proxy.Repeat{Empty: true, Junk: true, Timeout: true, Statuses: []check.Status{{From: 503, To: 503}}, Percent: 20, Least: 100}
}

// failures are the ways in which a server of HTTP/1 fails a request, and what the client gets where that is final.
var failures = map[string]struct {
	answer func(*call)
	status int
}{
	"closes": {func(c *call) { _ = c.conn.Close() }, 502},
	"closes in the head": {func(c *call) {
		c.write("HTTP/1.1 200 OK\r\nContent-")
		_ = c.conn.Close()
	}, 502},
	"no HTTP": {func(c *call) { c.write("SSH-2.0-OpenSSH\r\n\r\n") }, 502},
	"silent":  {hangs, 504},
	"503":     {func(c *call) { c.write("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy") }, 503},
	"503 with a lot": {func(c *call) {
		c.write("HTTP/1.1 503 Busy\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000))
	}, 503},
	"103, then 503": {func(c *call) {
		c.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
	}, 503},
}

// repeats: what one server fails another one does, if that can do no harm and is wanted.
func repeats(t *testing.T, start Start) {
	for name, failure := range failures {
		for _, tt := range []struct {
			name, request string // what is asked
			body          string // what the good server gets of it
			again         bool
		}{
			{"GET", "GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n", "", true},
			{"PUT", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "hello", true},
			{"POST", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "", false},
			{"PUT with more than is held", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("x", 20000), "", false},
			{"PUT of a length that nobody knows", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "", false},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				bad := serve(t, "bad", func(c *call) {
					if failure.status != 504 { // who is silent may read
						_ = c.body()
					}
					failure.answer(c)
				})
				good := serve(t, "good", func(c *call) {
					body := c.body()
					c.write("HTTP/1.1 200 OK\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body)
				})
				c := site(bad, good)
				c.Backends[0].Repeat, c.Backends[0].Timeouts.Server = anyFailure(), moment
				b := start(t, c)
				conn := dial(t, web(t, b))
				method, _, _ := strings.Cut(tt.request, " ")
				conn.send(tt.request)
				r := conn.receive(method)
				for r.status == 103 {
					r = conn.receive(method)
				}
				if !tt.again {
					wantStatus(t, r, failure.status)
					if good.calls() != 0 {
						t.Error("the request was sent to another server")
					}
					return
				}
				wantBody(t, r, tt.body)
				if want, _, _ := strings.Cut(tt.request, "\r\n"); !strings.HasPrefix(good.lastHead(t), want+"\r\n") {
					t.Errorf("the other server got %q, want %q", good.lastHead(t), want)
				}
				for range 3 { // the connection goes on, and it is the bad server's turn again
					conn.send(tt.request)
					for r = conn.receive(method); r.status == 103; r = conn.receive(method) {
					}
					wantBody(t, r, tt.body)
				}
				if n := bad.calls(); n < 2 {
					t.Errorf("the bad server got %d requests, want some", n)
				}
				eventually(t, "each is counted", func() bool {
					f, n := b.Snapshot().Frontends[0], int64(bad.calls())
					return f.Retries == n && f.Redispatch == n
				})
				eventually(t, "no slot is held", func() bool { s := b.Snapshot().Backends[0].Servers; return s[0].InFlight+s[1].InFlight == 0 })
			})
		}
	}
}

// repeatsPieces: a body of which a part had been sent when the server failed goes on to the other one.
func repeatsPieces(t *testing.T, start Start) {
	failed := make(chan struct{})
	bad := serve(t, "bad", func(c *call) {
		part := make([]byte, 5)
		_, _ = io.ReadFull(c.r, part) // what is missing shows at the other server
		c.write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
		_ = c.conn.Close()
		close(failed)
	})
	got := make(chan string, 1)
	good := serve(t, "good", func(c *call) {
		got <- c.body()
		says("good")(c)
	})
	c := site(bad, good)
	c.Backends[0].Repeat = anyFailure()
	conn := dial(t, web(t, start(t, c)))
	conn.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello")
	await(failed)
	conn.silent()
	conn.send(" world")
	wantBody(t, conn.receive("PUT"), "good")
	if body := <-got; body != "hello world" {
		t.Errorf("the other server got %q", body)
	}
}

// repeatsHTTP2 is repeats for servers of HTTP/2 and clients of both protocols.
func repeatsHTTP2(t *testing.T, start Start) {
	plainAndTLS(t, "servers", func(t *testing.T, secure bool) {
		s := &upsite{start: start, secure: secure}
		if secure {
			s.ca = newAuthority(t)
		}
		bad := s.serve(t, "bad", func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/503":
				w.WriteHeader(503)
			case "/reset":
				panic(http.ErrAbortHandler)
			case "/silent":
				<-r.Context().Done()
			}
		})
		good := s.serve(t, "good", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body) // an error shows at the client
			_, _ = io.WriteString(w, "good")
		})
		c := s.site(bad, good)
		c.Backends[0].Repeat, c.Backends[0].Timeouts.Server = anyFailure(), moment
		b := start(t, c)
		for _, client := range s.askers(t, web(t, b)) {
			for _, path := range []string{"/503", "/reset", "/silent"} {
				for range 2 { // whichever server's turn it is
					wantBody(t, client.get(path), "good")
					r, err := client.send(client.request("PUT", path, strings.NewReader("hello"), nil))
					if err != nil {
						t.Fatal(err)
					}
					wantBody(t, r, "hellogood")
				}
			}
		}
	})
}

// repeatsBounded: servers that all fail get no multiple of what clients ask.
func repeatsBounded(t *testing.T, start Start) {
	busy := func(c *call) { c.write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n") }
	one, other := serve(t, "a", busy), serve(t, "b", busy)
	c := site(one, other)
	c.Backends[0].Repeat = anyFailure()
	c.Backends[0].Repeat.Percent, c.Backends[0].Repeat.Least = 20, 0
	conn := dial(t, web(t, start(t, c)))
	for range 200 {
		conn.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		wantStatus(t, conn.receive("GET"), 503)
	}
	if n := one.calls() + other.calls(); n > 240 || n < 230 {
		t.Errorf("200 requests became %d, want 20 %% more", n)
	}
}
