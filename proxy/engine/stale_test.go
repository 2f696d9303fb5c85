package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// warmed returns a world with a connection to the server that is idle, the server's end of it, and a client.
func warmed(t *testing.T) (w *world, s, c *looptest.Peer) {
	t.Helper()
	w = newWorld(t, site{})
	st := &stage{world: w}
	st.warm()
	s = st.peers[server].(*looptest.Peer)
	s.Read()
	return w, s, w.net.Dial(here)
}

// meanwhile has f called once, when a request has come and before it goes out. What f has happen to a connection to a server is not known
// yet then.
func (w *world) meanwhile(f func()) {
	w.bind.Frontend = func() *exchange.Frontend {
		if f != nil {
			f()
			f = nil
		}
		return w.frontend
	}
}

// Connections to servers that turn out closed cost no client an error, and no server gets a request twice that may have seen it, unless
// its method is safe.
func TestStale(t *testing.T) {
	t.Parallel()
	const head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
	const options = "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"
	const put, del = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n"
	post, empty := postFive+"hello", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
	all := []string{get, head, options, put, del, post, empty, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"}
	safe := []string{get, head, options, all[7]}
	for _, tt := range []struct {
		name   string
		before func(*looptest.Peer) // the request comes, and is known
		as     func(*looptest.Peer) // it goes out
		after  func(*looptest.Peer) // it has gone out
		again  []string             // those that are sent again
	}{
		{"closed before", (*looptest.Peer).Close, nil, nil, all},
		{"reset before", (*looptest.Peer).Reset, nil, nil, all},
		{"says something before", func(p *looptest.Peer) { p.Say("HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n") }, nil, nil, all},
		{"closed as it goes out", nil, (*looptest.Peer).Close, nil, all},
		{"reset as it goes out", nil, (*looptest.Peer).Reset, nil, all},
		{"ended as it goes out, though it is received", nil, (*looptest.Peer).CloseWrite, nil, safe},
		{"closed when it has been received", nil, nil, (*looptest.Peer).Close, safe},
		{"reset when it has been received", nil, nil, (*looptest.Peer).Reset, safe},
		{"half a head", nil, nil, func(p *looptest.Peer) { p.Say("HTTP/1.1 2"); p.Close() }, nil},
		{"an interim response", nil, nil, func(p *looptest.Peer) { p.Say("HTTP/1.1 102 Wait\r\n\r\n"); p.Close() }, nil},
	} {
		for _, request := range all {
			method, _, _ := strings.Cut(request, " ")
			t.Run(tt.name+"/"+method, func(t *testing.T) {
				t.Parallel()
				again := false
				for _, r := range tt.again {
					again = again || r == request
				}
				w, s, c := warmed(t)
				if tt.before != nil {
					tt.before(s)
				}
				if tt.as != nil {
					w.meanwhile(func() { tt.as(s) })
				}
				c.Say(request)
				w.step()
				if tt.after != nil {
					if got := string(s.Read()); got != request {
						t.Errorf("the server has heard %s", brief(got))
					}
					tt.after(s)
					w.step()
				}
				next := w.server.Accept()
				if (next != nil) != again {
					t.Fatalf("sent again: %v, want %v; records %v", next != nil, again, w.accounts())
				}
				if !again {
					if got := w.accounts()[0]; !strings.HasPrefix(got, "502 SH ") {
						t.Errorf("record %s, want 502 SH", got)
					}
					w.ended()
					return
				}
				if got := string(next.Received()); got != request {
					t.Errorf("the server has heard %s, want %s", brief(got), brief(request))
				}
				next.Say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				w.step()
				if got, want := string(c.Received()), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"; got != want {
					t.Errorf("the client has heard %s", brief(got))
				}
				if r := w.records[0]; r.Status != 200 || r.Termination.String() != "--" || r.Retries != 0 || r.Redispatched {
					t.Errorf("got %+v, want nothing to be told of it", r)
				}
				w.ended()
			})
		}
	}
}

// A body that comes in parts is sent again from its beginning, and goes on where the client does, wherever it is cut.
func TestStaleInTheMidstOfABody(t *testing.T) {
	t.Parallel()
	const head = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
	const body = "0123456789"
	for first := range len(body) {
		for second := first; second < len(body); second++ {
			w, s, c := warmed(t)
			c.Say(head + body[:first])
			w.step()
			c.Say(body[first:second])
			w.step()
			s.Close()
			w.step()
			c.Say(body[second:])
			w.step()
			next := w.server.Accept()
			if got := string(next.Received()); got != head+body {
				t.Errorf("cut at %d and %d: the server has heard %s", first, second, brief(got))
			}
			next.Say(ok)
			w.step()
			w.wantAccounts("200 -- 10/2")
			w.ended()
		}
	}
}

// A request meets one connection that turns out closed, and then gets a connection of its own.
func TestStaleOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{})
	var clients, servers []*looptest.Peer
	for range 3 {
		c := w.net.Dial(here)
		c.Say(get)
		w.step()
		clients, servers = append(clients, c), append(servers, w.server.Accept())
	}
	for _, s := range servers {
		s.Say(ok)
	}
	w.step()
	if got := w.engine.Idle(); got != 3 {
		t.Fatalf("%d idle connections, want 3", got)
	}
	w.meanwhile(func() {
		for _, s := range servers {
			s.Read()
			s.Close()
		}
	})
	clients[0].Say(get)
	w.step()
	next := w.server.Accept()
	if next == nil || string(next.Received()) != get {
		t.Fatal("the request was not sent again")
	}
	for i, s := range servers {
		if len(s.Received()) > len(get) {
			t.Errorf("server %d got it too", i)
		}
	}
	next.Say(ok)
	w.step()
	w.wantAccounts("200 -- 0/2", "200 -- 0/2", "200 -- 0/2", "200 -- 0/2")
	w.ended()
}

// What would have to be held too long to be sent again gets a connection of its own, and so does what nobody knows the length of.
func TestTooLongToBeSentAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, head string
		own        bool
	}{
		{"just short enough", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16384\r\n\r\n", false},
		{"too long", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16385\r\n\r\n", true},
		{"of any length", chunkedQ, true},
	} {
		w, s, c := warmed(t)
		c.Say(tt.head)
		w.step()
		own := w.server.Accept()
		if (own != nil) != tt.own || (len(s.Read()) == 0) != tt.own {
			t.Errorf("%s: a connection of its own: %v, want %v", tt.name, own != nil, tt.own)
		}
		c.Close()
		w.ended()
	}
}

// A connection that has not carried a request before is no stale one: what comes of it is the answer.
func TestFreshIsNotStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{})
	c := w.net.Dial(here)
	c.Say(get)
	w.step()
	w.server.Accept().Close()
	w.step()
	if w.server.Accept() != nil || string(c.Received()) != badGateway {
		t.Errorf("the client has heard %s", brief(string(c.Received())))
	}
	w.wantAccounts("502 SH 0/110")
	w.ended()
}

// Idle connections to servers end in time: sooner than the server would end them, where it says when.
func TestIdle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		keeps string
		after time.Duration
	}{
		{"", 30 * time.Second},
		{"Keep-Alive: timeout=5, max=100\r\n", 4 * time.Second},
		{"Keep-Alive: max=100, TIMEOUT=10\r\n", 9 * time.Second},
		{"Keep-Alive: timeout=1\r\n", 500 * time.Millisecond},
		{"Keep-Alive: timeout=1000\r\n", 30 * time.Second},
		{"Keep-Alive: timeout=0\r\n", 30 * time.Second},
		{"Keep-Alive: timeout=x\r\n", 30 * time.Second},
	} {
		t.Run(tt.keeps, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{})
			c := w.net.Dial(here)
			c.Say(get)
			w.step()
			s := w.server.Accept()
			s.Say("HTTP/1.1 200 OK\r\n" + tt.keeps + "Content-Length: 0\r\n\r\n")
			w.advance(tt.after - tick)
			if s.Ended() || w.engine.Idle() != 1 {
				t.Error("it has ended too early")
			}
			w.advance(time.Second + 2*tick) // they are looked for once a second
			if !s.Ended() || s.WasReset() || w.engine.Idle() != 0 {
				t.Errorf("it has not ended as it should: ended %v, reset %v", s.Ended(), s.WasReset())
			}
			w.ended()
		})
	}
}

// No loop keeps more than 512 idle connections to a server.
func TestMostIdle(t *testing.T) {
	t.Parallel()
	const most, asked = 512, 600
	w := newWorld(t, site{})
	var servers []*looptest.Peer
	for range asked {
		w.net.Dial(here).Say(getLast)
		w.step()
		servers = append(servers, w.server.Accept())
	}
	for _, s := range servers {
		s.Say(ok)
	}
	w.step()
	if got := w.engine.Idle(); got != most {
		t.Errorf("%d idle connections, want %d", got, most)
	}
	ended := 0
	for _, s := range servers {
		if s.Ended() {
			ended++
		}
	}
	if ended != asked-most || len(w.records) != asked {
		t.Errorf("%d connections have ended, want %d; %d records", ended, asked-most, len(w.records))
	}
	w.ended()
}
