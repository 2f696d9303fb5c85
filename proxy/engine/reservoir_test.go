package engine_test

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// slowly is a response to a client that takes nothing, of which the server has said all.
type slowly struct {
	name    string
	ahead   int    // octets
	reserve int64  // of all; 0: any number
	says    string // the server
	closes  bool   // with that it ends the connection
	free    bool   // the server's slot, though the client has taken nothing
	idle    int    // connections to the server that are free then
	body    string // that the client gets
}

func slowlies() []slowly {
	const ok, size = "HTTP/1.1 200 OK\r\n", 300_000
	whole := text(size)
	length := ok + "Content-Length: " + strconv.Itoa(size) + "\r\n\r\n" + whole
	chunks := ok + "Transfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(size, 16) + "\r\n" + whole + "\r\n0\r\nX-Sum: 1\r\n\r\n"
	return []slowly{
		{name: "nothing is held", says: length, body: whole},
		{name: "length", ahead: largeHold, says: length, free: true, idle: 1, body: whole},
		{name: "chunks", ahead: largeHold, says: chunks, free: true, idle: 1, body: whole},
		{name: "until the end", ahead: largeHold, says: ok + "\r\n" + whole, closes: true, free: true, body: whole},
		{name: "more than is held", ahead: 100_000, says: length, body: whole},
		{name: "more than is held of all", ahead: largeHold, reserve: 100_000, says: length, body: whole},
		{name: "little", ahead: largeHold, says: ok + "Content-Length: 3\r\n\r\nabc", free: true, idle: 1, body: "abc"},
		{name: "no body", ahead: largeHold, says: "HTTP/1.1 304 No\r\n\r\n", free: true, idle: 1},
	}
}

// whole is the response that a client has got, which has to be a whole one.
func (w *world) whole(p *looptest.Peer) (body, sum string) {
	w.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(p.Received()))), nil)
	if err != nil {
		w.Fatalf("%v: %s", err, brief(string(p.Received())))
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Errorf("after %d octets: %v", len(b), err)
	}
	return string(b), resp.Trailer.Get("X-Sum")
}

// The server of a response that is held has its slot and its connection back as soon as it has said all, and the client gets all of it
// nevertheless.
func TestReservoirFreesTheServer(t *testing.T) {
	t.Parallel()
	for _, tt := range slowlies() {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{})
			w.backend.Ahead = tt.ahead
			w.engine.SetReserve(tt.reserve)
			p, s := w.held(tt.says)
			if tt.closes {
				s.Close()
			}
			w.step()
			if got := w.app.Stats().InFlight == 0; got != tt.free {
				t.Errorf("the server's slot is free: %t, want %t", got, tt.free)
			}
			if got := w.engine.Idle(); got != tt.idle {
				t.Errorf("%d connections to the server are free, want %d", got, tt.idle)
			}
			if got := len(p.Received()); got != 10 || len(w.records) != 0 {
				t.Fatalf("the client has %d octets, and there are %d records, want 10 and none", got, len(w.records))
			}
			if got := w.engine.Reserved(); got > max(tt.reserve, 400_000)+100_000 || (got > 0) != (tt.ahead > 0 && len(tt.body) > 3) {
				t.Errorf("%d octets are held", got)
			}
			p.Window(-1)
			w.step()
			body, sum := w.whole(p)
			if body != tt.body || (sum != "") != strings.Contains(tt.says, "X-Sum") {
				t.Errorf("the client has got %s, with the trailer %q", brief(body), sum)
			}
			if got := w.accounts(); len(got) != 1 || !strings.Contains(got[0], " -- ") || w.engine.Reserved() != 0 {
				t.Errorf("got %v, and %d octets are held, want one good response and none", got, w.engine.Reserved())
			}
			w.ended()
		})
	}
}

// held is a client that asks, and takes 10 octets of what the server says then.
func (w *world) held(says string) (p, s *looptest.Peer) {
	w.Helper()
	p = w.net.Dial(here)
	p.Say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	w.step()
	if s = w.server.Accept(); s == nil {
		w.Fatal("the server was not asked")
	}
	p.Window(10)
	s.Say(says)
	w.step()
	return p, s
}

// A response that is held ends as every other one: with its client, in its client's time, or with a server that does not say all of it.
func TestReservoirEnds(t *testing.T) {
	t.Parallel()
	whole := "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + text(300_000)
	for _, tt := range []struct {
		name, says string
		ends       func(w *world, p, s *looptest.Peer)
		record     string
	}{
		{"client takes nothing", whole, func(w *world, _, _ *looptest.Peer) { w.advance(clientTime + tick) }, "200 cD "},
		{"client leaves", whole, func(_ *world, p, _ *looptest.Peer) { p.Reset() }, "200 CD "},
		{"server breaks off", whole[:200_000], func(w *world, p, s *looptest.Peer) {
			s.Close()
			w.step()
			if n := w.app.Stats(); n.InFlight != 0 || n.ResponseFailures != 1 || len(w.records) != 0 {
				w.Errorf("got %+v and %v, want a failure, a free slot, and a client that is not told yet", n, w.accounts())
			}
			p.Window(-1)
			w.step()
			if !strings.HasSuffix(string(p.Received()), whole[100_000:200_000]) {
				w.Errorf("the client has got %d octets, want all that the server has said", len(p.Received()))
			}
		}, "200 SD "},
		{"server breaks off, client takes nothing", whole[:200_000], func(w *world, _, s *looptest.Peer) {
			s.Close()
			w.advance(clientTime + tick)
		}, "200 SD "},
		{"server is silent", whole[:200_000], func(w *world, p, _ *looptest.Peer) {
			w.advance(clientTime - tick)
			p.Window(1000) // which gives it as much time again
			w.advance(serverTime - clientTime + 3*tick)
			if n := w.app.Stats(); n.InFlight != 0 || n.ResponseFailures != 1 {
				w.Errorf("got %+v, want a failure and a free slot", n)
			}
			p.Window(-1)
		}, "200 sD "},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, site{})
			w.backend.Ahead = largeHold
			p, s := w.held(tt.says)
			tt.ends(w, p, s)
			w.step()
			if got := w.accounts(); len(got) != 1 || !strings.HasPrefix(got[0], tt.record) {
				t.Errorf("got %v, want %q", got, tt.record)
			}
			if !p.Closed() || w.engine.Reserved() != 0 {
				t.Errorf("the client's connection is closed: %t, %d octets are held, want that and none", p.Closed(), w.engine.Reserved())
			}
			w.ended()
		})
	}
}

// Much that is held does not keep the loop: it goes in parts, and the others have their turn between them. What comes meanwhile goes after it.
func TestReservoirGoesInParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, site{})
	w.backend.Ahead = 4 << 20
	body := text(2_000_000)
	p, s := w.held("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + body[:1_800_000])
	p.Window(-1)
	if err := w.loops[0].Pass(); err != nil {
		t.Fatal(err)
	}
	w.inspect()
	if got := len(p.Received()); got > 700_000 {
		t.Errorf("the client has got %d octets in one turn", got)
	}
	s.Say(body[1_800_000:])
	w.step()
	if got, _ := w.whole(p); got != body {
		t.Errorf("the client has got %s", brief(got))
	}
	w.ended()
}
