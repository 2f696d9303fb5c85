package engine

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/loop/looptest"
)

// asker2 is a client that speaks HTTP/2 as our own side to servers does.
type asker2 struct {
	t     testing.TB
	peer  *looptest.Peer
	conn  *http2.ClientConn
	in    []byte
	out   []byte
	asked map[uint32]*asked
	late  int // octets of bodies that came and are not given back
	slow  bool
	left  bool
	why   http2.Reason
}

// asked is a request of it.
type asked struct {
	body   []byte
	sent   int // octets of it
	length bool
	status int
	got    []byte
	ended  bool // the response has come to a clean end
	reset  bool
	code   http2.Code
	kind   string // as the response tells it
	extra  string // as its trailers do
}

func (m *memory) asker(change func(*http2.Config)) *asker2 {
	cfg := http2.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	a := &asker2{t: m.t, peer: m.net.Dial(bindAddress), conn: http2.NewClientConn(&cfg), asked: map[uint32]*asked{}}
	a.out = a.conn.Start(nil)
	return a
}

// ask opens a request with a body, of which the length is told or not.
func (a *asker2) ask(path string, body []byte, length bool) *asked {
	e := a.conn.Encoder()
	method, name, padding := http1.GET, "GET", bytes.Repeat([]byte("p"), 300)
	if len(body) > 0 {
		method, name = http1.POST, "POST"
	}
	b := e.Request(e.Begin(nil), &http2.Target{Method: []byte(name), Authority: []byte("a.example"), Path: []byte(path)})
	for range 1 << (len(a.asked) % 7) { // up to 20 KB, which is two frames
		b = e.Field(b, []byte("x-padding"), padding, true)
	}
	if length && len(body) > 0 {
		b = e.Length(b, int64(len(body)))
	}
	id, out, err := a.conn.Open(a.out, b, method, len(body) == 0)
	if err != nil {
		a.t.Fatal(err)
	}
	a.out = out
	r := &asked{body: body, length: length}
	a.asked[id] = r
	return r
}

// turn sends and receives what it can.
func (a *asker2) turn() {
	a.in = append(a.in, a.peer.Read()...)
	for {
		n, ev, out := a.conn.Receive(time.Unix(0, 0), a.in, a.out)
		a.in, a.out = a.in[n:], out
		a.happened(&ev)
		if n == 0 && ev.Kind == http2.Nothing || ev.Kind == http2.Ended {
			break
		}
	}
	for id, r := range a.asked {
		if r.sent < len(r.body) && !r.reset {
			n, out := a.conn.SendData(a.out, id, r.body[r.sent:], true)
			a.out = out
			r.sent += n
		}
	}
	if len(a.out) > 0 {
		_, _ = a.peer.Write(a.out) // what becomes of it shows
		a.out = nil
	}
}

func (a *asker2) happened(ev *http2.Event) {
	r := a.asked[ev.Stream]
	switch ev.Kind {
	case http2.ResponseHead:
		r.status = ev.Response.Status
		r.kind = fieldOf(ev.Head, "x-kind")
	case http2.Body:
		r.got = append(r.got, ev.Data...)
		if a.slow {
			a.late += len(ev.Data)
		} else {
			a.out = a.conn.Consumed(a.out, ev.Stream, len(ev.Data))
		}
	case http2.Trailing:
		r.extra = fieldOf(ev.Head, "x-sum")
	case http2.Reset:
		r.reset, r.code = true, ev.Code
	case http2.PeerLeaves:
		a.left = true
	case http2.Ended:
		a.why = ev.Why
	}
	if r != nil && ev.End {
		r.ended = true
	}
}

// fieldOf is the value of a field.
func fieldOf(h *http2.Head, name string) string {
	for i := range h.Fields {
		if string(h.Fields[i].Name.In(h.Buf)) == name {
			return string(h.Fields[i].Value.In(h.Buf))
		}
	}
	return ""
}

// settled reports whether each request has come to an end.
func (a *asker2) settled() bool {
	for _, r := range a.asked {
		if !r.ended && !r.reset {
			return false
		}
	}
	return true
}

// run steps until all requests of a have come to an end.
func (m *memory) run(a *asker2) {
	m.t.Helper()
	for range 100_000 {
		a.turn()
		if a.settled() {
			m.step()
			return
		}
		m.step()
		m.net.Advance(time.Millisecond)
		if a.peer.Closed() {
			a.turn()
			return
		}
	}
	m.t.Fatal("the requests do not come to an end")
}

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b) // never fails
	return b
}

// Whatever the kernel does, each request gets its own response, whole.
func TestClient2OnAnyKernel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		m := newMemory(t, seed)
		m.net.Split = []int{0, 7, 300, 5000}[seed%4]
		largest := []int{300_000, 300, 30_000, 200_000}[seed%4]
		requests := []int{30, 8, 15, 30}[seed%4] // small steps take long
		random := rand.New(rand.NewPCG(seed, 1))
		a := m.asker(nil)
		for i := range requests {
			path := "/"
			if i%7 == 3 {
				path = "/own"
			}
			a.ask(path, noise(uint64(i), max(random.IntN(largest)-largest/5, 0)), i%2 == 0)
			if seed%3 == 0 { // one after the other
				m.run(a)
			}
		}
		m.run(a)
		for id, r := range a.asked {
			want, kind, extra := r.body, kindOf(r.body), ""
			if !r.length && len(r.body) > 0 && len(r.body)%2 == 0 {
				extra = kind
			}
			if id/2%7 == 3 {
				want, kind, extra = []byte("own"), "", ""
			}
			if !r.ended || r.status != 200 || !bytes.Equal(r.got, want) {
				t.Errorf("seed %d, stream %d: status %d, %d octets, ended %v, reset %v %v, want %d octets",
					seed, id, r.status, len(r.got), r.ended, r.reset, r.code, len(want))
			}
			if r.kind != kind || r.extra != extra {
				t.Errorf("seed %d, stream %d: fields %q, trailers %q, want %q, %q", seed, id, r.kind, r.extra, kind, extra)
			}
		}
		if len(m.records) != len(a.asked) {
			t.Errorf("seed %d: %d records, want %d", seed, len(m.records), len(a.asked))
		}
		m.end()
	}
}

// Clients, servers and the connections between them break at any moment: no response that comes to a clean end is not whole, each
// request is accounted for once, and nothing is left.
func TestClient2WhateverBreaks(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 25; seed++ {
		m := newMemory(t, seed)
		random := rand.New(rand.NewPCG(seed, 2))
		m.answer = func(o *origin, r *http1.Request, head, body []byte) {
			switch random.IntN(8) {
			case 0:
				o.deaf = true
				o.peer.Reset()
			case 1:
				o.peer.Say("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf")
				o.deaf = true
				o.peer.Close()
			case 2:
				o.peer.Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz")
				o.deaf = true
			case 3:
				o.deaf = true // for ever
			default:
				echo(o, r, head, body)
			}
		}
		a := m.asker(nil)
		a.slow = seed%5 == 0
		m.frontend.Default.Ahead = int(seed%3) * 50_000
		opened := 0
		for range 300 {
			if a.conn.Openable() > 0 && opened < 40 && random.IntN(2) == 0 {
				opened++
				a.ask([]string{"/", "/own"}[random.IntN(2)], noise(seed, random.IntN(2)*random.IntN(200_000)), random.IntN(2) == 0)
			}
			for id, r := range a.asked {
				if !r.ended && !r.reset && random.IntN(200) == 0 {
					a.out = a.conn.Reset(a.out, id, http2.Cancel)
					r.reset = true
				}
			}
			if random.IntN(400) == 0 {
				m.draining = true
			}
			a.turn()
			m.step()
			m.net.Advance(time.Duration(random.IntN(100)) * time.Millisecond)
			if random.IntN(1000) == 0 {
				a.peer.Reset()
				break
			}
		}
		for range 20 { // longer than every timeout
			a.turn()
			m.step()
			m.net.Advance(2 * time.Second)
		}
		for id, r := range a.asked {
			if r.ended && r.status == 200 && !bytes.Equal(r.got, r.body) && string(r.got) != "own" {
				t.Errorf("seed %d, stream %d: a clean end after %d of %d octets", seed, id, len(r.got), len(r.body))
			}
		}
		if why := a.why; why != 0 {
			t.Errorf("seed %d: the client found fault with what it was sent: %v", seed, why)
		}
		if len(m.records) > opened {
			t.Errorf("seed %d: %d records of %d requests", seed, len(m.records), opened)
		}
		for _, r := range m.records {
			if r.Termination.Cause == exchange.Internal {
				t.Errorf("seed %d: %+v", seed, r)
			}
		}
		m.end()
	}
}

// A client that asks and takes nothing is asked for no more than fits the bound.
func TestClient2WaitingIsBounded(t *testing.T) {
	t.Parallel()
	m := newMemory(t, 0)
	peer := m.net.Dial(bindAddress)
	peer.Window(0)
	const requests = 10_000
	b := http2.AppendSettings([]byte(http2.Preface), http2.Setting{ID: http2.InitialWindowSize, Value: 1 << 20})
	for i := range uint32(requests) { // HEAD /own, whose response needs no window
		b = http2.AppendHeaders(b, 2*i+1, []byte("\x02\x04HEAD\x86\x04\x04/own\x01\x01a"), true, 1<<14)
	}
	_, _ = peer.Write(b) // it arrives at once
	m.step()
	var c *client2
	m.core.loop.Each(func(_ loop.Ref, h loop.Handler) { c, _ = h.(*client2) })
	if most := maxWaits + 4<<10; c.waits() > most || c.waits() < maxWaits {
		t.Errorf("%d octets wait, want up to %d", c.waits(), most)
	}
	if n := len(c.in.bytes()); n > 64<<10 {
		t.Errorf("%d octets are kept of what came", n)
	}
	peer.Window(-1)
	m.step()
	if len(m.records) != requests || c.out != nil || c.in != nil {
		t.Errorf("%d requests were answered, want %d, and nothing to wait", len(m.records), requests)
	}
	m.end()
}

// Responses share the window of the connection.
func TestClient2IsFair(t *testing.T) {
	t.Parallel()
	m := newMemory(t, 0)
	large := noise(1, 1<<20)
	m.answer = func(o *origin, r *http1.Request, head, _ []byte) { echo(o, r, head, large) }
	a := m.asker(func(cfg *http2.Config) { cfg.StreamWindow, cfg.ConnWindow = 1<<20, 1<<16 })
	for range 4 {
		a.ask("/", nil, true)
	}
	apart := 0
	for !a.settled() {
		a.turn()
		m.step()
		least, most := len(large), 0
		for _, r := range a.asked {
			least, most = min(least, len(r.got)), max(most, len(r.got))
		}
		apart = max(apart, most-least)
	}
	if apart > 16*share {
		t.Errorf("one response was %d octets ahead of another, want %d at most", apart, 16*share)
	}
	m.end()
}

// What nobody wants of requests costs the connection no room: neither bodies of requests that are given up, nor what comes of one
// after its response.
func TestClient2GivesRoomBack(t *testing.T) {
	t.Parallel()
	m := newMemory(t, 0)
	m.answer = func(o *origin, r *http1.Request, head, body []byte) {
		t.Errorf("%d octets have got to the server", len(body))
	}
	a := m.asker(nil)
	for range 20 {
		a.turn()
		r := a.ask("/", noise(1, 60_000), true)
		_, _ = a.peer.Write(a.out) // the head
		a.out = nil
		m.net.Step()
		o := m.server.Accept()
		o.Window(0) // the server takes nothing
		a.turn()
		m.net.Step()
		a.turn()
		if r.sent != len(r.body) {
			t.Fatalf("%d octets could be sent, want %d", r.sent, len(r.body))
		}
		a.giveUp(r)
		a.turn()
		m.net.Step()
		o.Close()
	}

	early := noise(2, 90_000)
	m.answer = func(o *origin, _ *http1.Request, _, _ []byte) {}
	a.slow = true
	r := a.ask("/", noise(1, 300_000), true)
	for range 3 {
		a.turn()
		m.net.Step()
	}
	o := m.server.Accept()
	o.Window(0)
	b := http1.AppendFraming(http1.AppendStatusLine(nil, 200, "OK"), int64(len(early)))
	o.Say(string(append(append(b, "Connection: close\r\n\r\n"...), early...)))
	for range 20 {
		a.turn()
		m.net.Step()
	}
	if r.sent != len(r.body) || len(r.got) != 1<<16-1 {
		t.Errorf("%d octets could be sent after a response of which %d were taken, want all and its window", r.sent, len(r.got))
	}
	a.take(r)
	for range 3 {
		a.turn()
		m.net.Step()
	}
	if !r.ended || !bytes.Equal(r.got, early) {
		t.Errorf("got %d octets, ended %v, want %d", len(r.got), r.ended, len(early))
	}
	m.end()
}

// id is the stream of a request.
func (a *asker2) id(r *asked) uint32 {
	for id, other := range a.asked {
		if other == r {
			return id
		}
	}
	return 0
}

func (a *asker2) giveUp(r *asked) {
	r.reset = true
	a.out = a.conn.Reset(a.out, a.id(r), http2.Cancel)
}

// take gives room for what was kept waiting of a response.
func (a *asker2) take(r *asked) {
	a.slow = false
	a.out = a.conn.Consumed(a.out, a.id(r), a.late)
	a.late = 0
}

// A client that takes nothing gets no more time by sending something.
func TestClient2TakesNothingAndSpeaks(t *testing.T) {
	t.Parallel()
	m := newMemory(t, 0)
	m.answer = func(o *origin, r *http1.Request, head, _ []byte) { echo(o, r, head, noise(1, 50_000)) }
	a := m.asker(nil)
	a.turn()
	m.step()
	a.ask("/", nil, true)
	a.turn()
	a.peer.Window(100)
	for range 3 {
		m.step()
	}
	for range 4 {
		m.net.Advance(time.Second)
		_, _ = a.peer.Write(http2.AppendPing(nil, [8]byte{1}))
		m.net.Step()
	}
	if a.peer.Closed() {
		t.Fatal("the connection has been closed too soon")
	}
	m.net.Advance(2 * time.Second)
	if !a.peer.WasReset() || len(m.records) != 1 || m.records[0].Termination != (exchange.Termination{Cause: exchange.ClientTimeout, Phase: exchange.AtData}) {
		t.Errorf("reset %v, records %+v, want a reset for the silence of the client", a.peer.WasReset(), m.records)
	}
	m.end()
}

// begun is a client that has been served and is idle now.
func (m *memory) begun() *asker2 {
	a := m.asker(nil)
	a.ask("/own", nil, true)
	m.run(a)
	m.net.Advance(10 * time.Second)
	return a
}

// A head has its time from its first octet on, also where the connection has been idle before that.
func TestClient2HalfAHead(t *testing.T) {
	t.Parallel()
	m := newMemory(t, 0)
	a := m.begun()
	_, _ = a.peer.Write(http2.AppendFrameHeader(nil, 10, http2.Headers, http2.EndStream|http2.EndHeaders, 3)[:5])
	m.net.Advance(900 * time.Millisecond)
	if a.peer.Ended() {
		t.Error("the connection has ended too soon")
	}
	m.net.Advance(200 * time.Millisecond)
	a.turn()
	if !a.left || !a.peer.Ended() {
		t.Errorf("told to leave %v, ended %v, want both", a.left, a.peer.Ended())
	}
	m.end()
}

// A client that leaves is not waited for; what it has under way is finished.
func TestClient2PeerLeaves(t *testing.T) {
	t.Parallel()
	m := newMemory(t, 0)
	a := m.begun()
	r := a.ask("/", []byte("body"), true)
	a.out = http2.AppendGoAway(a.out, 0, http2.NoError, "")
	m.run(a)
	if string(r.got) != "body" || !r.ended || !a.peer.Ended() {
		t.Errorf("got %q, ended %v, the connection %v, want all", r.got, r.ended, a.peer.Ended())
	}
	m.end()
}

// Trailers that wait for the data before them are written when they leave: by then the table of fields is another one.
func TestClient2TrailersThatWait(t *testing.T) {
	t.Parallel()
	m := newMemory(t, 0)
	a := m.asker(nil)
	check := func(r *asked, trailers bool) {
		t.Helper()
		extra := ""
		if trailers {
			extra = kindOf(r.body)
		}
		if !r.ended || r.kind != kindOf(r.body) || r.extra != extra {
			t.Errorf("ended %v, fields %q, trailers %q, want %q, %q", r.ended, r.kind, r.extra, kindOf(r.body), extra)
		}
	}
	for range 5 {
		r := a.ask("/", noise(1, 1002), false)
		m.run(a)
		check(r, true)
	}
	for round := range 5 {
		a.slow = true
		late := a.ask("/", noise(1, 100_002+1000*round), false)
		for range 5 {
			a.turn()
			m.step()
		}
		for i := range 10 {
			r := a.ask("/", noise(1, 11+i%3), true)
			for !r.ended {
				a.turn()
				m.step()
			}
			check(r, false)
		}
		a.take(late)
		m.run(a)
		check(late, true)
	}
	m.end()
}
