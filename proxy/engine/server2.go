package engine

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http2"
	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// server2 is an HTTP/2 connection to a server. Its streams are call2.
type server2 struct {
	carrier
	dial    dialing
	conn    *http2.ClientConn
	waiting []*call2 // requests that wait until the connection stands, and has room
	fresh   *call2   // its client has got something that is not flushed

	state   state2
	greeted bool // the server has said how many requests it takes at once
	used    bool // it has brought a response
	window  bool // requests may have got room to send
	stalled bool // a client waits for a request that was told there is no room
	active  int  // requests, those that wait too
	turn    uint32

	idleFrom time.Duration // by the loop's clock, as the others: since when there is no request
	late     time.Duration // when those that wait have waited for too long
	heard    time.Duration // when something came last
	doubted  time.Duration // when the server has to have given a sign of life; 0: there is no doubt
	looks    time.Duration // when the server is to be looked after; 0: never
	gone     time.Duration // when it ends though GOAWAY has not left
}

// state2 is what an HTTP/2 connection to a server is at.
type state2 uint8

const (
	coming   state2 = iota // TCP and TLS
	standing               //
	ending                 // GOAWAY has to leave
	over
)

const (
	// maxCalls is how many requests a connection carries at once, if the server takes as many. The more there are, the more wait for each
	// octet that is lost on the way.
	maxCalls = 256
	// maxServers2 bounds the connections of a loop to one server.
	maxServers2 = 512
	// lifeTime is how long a server has to give a sign of life.
	lifeTime = 5 * time.Second
)

// toServers is what we allow servers. Their responses wait here for clients that are slow, a stream's window each; the connection's
// has room for all of them, so that no client keeps those of others waiting. And they are trusted with more than clients are with what
// would be a flood: each request that is given up may bring something of the kind.
func toServers() http2.Config {
	cfg := http2.DefaultConfig()
	cfg.Limits.Head, cfg.Limits.Fields = responseLimits.Head, responseLimits.Fields
	cfg.Streams, cfg.ConnWindow, cfg.Interims = maxCalls, maxCalls*cfg.StreamWindow, maxInterims
	f := &cfg.Floods
	f.Resets, f.Settings, f.Pings, f.Empty, f.Updates, f.Faults = 100*f.Resets, 100*f.Settings, 100*f.Pings, 100*f.Empty, 100*f.Updates, 100*f.Faults
	return cfg
}

// servers2 are the HTTP/2 connections of a loop to one server.
type servers2 struct {
	list []*server2
	most int // requests that one carries at once, as the server has said last
}

// connect2 finds a connection to an HTTP/2 server: one that has room for another request, or is expected to have it soon.
func (s *stream) connect2(to *upstream.Server, b *exchange.Backend) {
	c := s.core
	v := c.server2(to)
	if v == nil {
		v = c.dial2(to, b)
	}
	if v == nil {
		s.tell(exchange.ConnectFailed)
		return
	}
	v.join(s, b)
}

// server2 returns a connection with room, best one that has it now; nil: there is none.
func (c *core) server2(to *upstream.Server) (found *server2) {
	all := c.servers2[to]
	if all == nil {
		return nil
	}
	for _, v := range all.list {
		switch {
		case v.opens():
			return v
		case found == nil && !v.greeted && len(v.waiting) < max(all.most, 1):
			found = v
		}
	}
	return found
}

// opens reports whether another request can be sent. Before the server has said how many it takes at once it gets one.
func (v *server2) opens() bool {
	return v.state == standing && v.doubted == 0 && !v.broken && v.conn.Openable() > 0 && (v.greeted || v.conn.Streams() == 0)
}

// dial2 begins to connect; nil where that fails at once, or there are enough.
func (c *core) dial2(to *upstream.Server, b *exchange.Backend) *server2 {
	all := c.servers2[to]
	if all == nil {
		all = &servers2{most: maxCalls}
	}
	if len(all.list) == maxServers2 {
		return nil
	}
	cfg := toServers()
	v := &server2{carrier: carrier{core: c}, conn: http2.NewClientConn(&cfg)}
	v.dial = dialing{core: c, to: to, wire: &v.wire}
	if v.dial.open(v) != nil {
		return nil
	}
	v.late = c.loop.Now() + b.Connect
	v.wake(v.late)
	v.look(b)
	all.list = append(all.list, v)
	c.servers2[to] = all
	c.startSweeping()
	return v
}

// Ready implements loop.Handler.
func (v *server2) Ready(*loop.Loop, loop.Ref) {
	defer v.rescue()
	if v.state == coming {
		v.connected()
		return
	}
	if v.blocked() {
		v.drain()
	}
	if v.state == standing {
		v.receive()
	}
}

// rescue ends the connection that a bug was met on.
func (v *server2) rescue() {
	if what := recover(); what != nil {
		v.core.broken(what)
		v.fail(exchange.Broken)
	}
}

// connected goes on once it is known what came of connecting.
func (v *server2) connected() {
	pending, err := v.dial.step()
	switch {
	case pending:
		return
	case err != nil:
		v.dial.failed(err)
		v.fail(exchange.ConnectFailed)
		return
	}
	v.state, v.heard = standing, v.core.loop.Now()
	v.put(v.conn.Start(v.room(frameRoom)))
	v.admit()
}

// admit sends as many of the requests that wait as there is room for.
func (v *server2) admit() {
	for len(v.waiting) > 0 && v.opens() {
		t := v.waiting[0]
		v.waiting = v.waiting[1:]
		t.s.tell(exchange.Connected)
	}
}

// greet goes on once the server has said how many requests it takes at once. Those that are too many go to other connections.
func (v *server2) greet() {
	most, said := v.conn.Allowed()
	if !said || v.greeted {
		return
	}
	v.greeted = true
	if all := v.core.servers2[v.dial.to]; all != nil {
		all.most = most
	}
	v.admit()
	waiting := v.waiting
	v.waiting = nil
	for _, t := range waiting {
		if t.v == v { // it has not left meanwhile
			b := t.backend
			t.detach().connect2(v.dial.to, b)
		}
	}
}

// receive takes in frames. They stay where they are while what they bring has clients read into the loop's memory.
func (v *server2) receive() {
	l := v.core.loop
	if v.core.frames == nil {
		v.core.frames = make([]byte, len(l.Scratch()))
	}
	for range budget {
		if v.paused && !v.resume() {
			return
		}
		buf := v.core.frames
		kept := copy(buf, v.in.bytes()) // a part of a frame, which is far smaller
		n, st := v.wire.recv(v.core, buf[kept:])
		switch st {
		case loop.Blocked:
			return
		case loop.Ended, loop.Failed:
			v.lost()
			return
		}
		v.heard, v.doubted = l.Now(), 0
		v.in = v.core.spare.free(v.in)
		p := buf[:kept+n]
		n = v.take(p)
		if v.state != standing {
			return
		}
		v.in = v.core.spare.put(v.in, p[n:])
		v.received()
	}
	l.Again(v.wire.ref)
}

// resume goes on with frames that came before, and reports whether more can be received.
func (v *server2) resume() bool {
	if v.waits() > maxWaits {
		return false
	}
	v.paused = false
	n := v.take(v.in.bytes())
	if v.state != standing {
		return false
	}
	v.in = v.core.spare.drop(v.in, n)
	v.received()
	return !v.paused
}

// take deals with the frames that p begins with, and returns how long they were.
func (v *server2) take(p []byte) (n int) {
	now := v.core.now()
	for v.state == standing {
		if len(v.out.bytes()) >= flushAt {
			v.flush()
		}
		if v.waits() > maxWaits {
			v.paused = true
			break
		}
		m, ev, out := v.conn.Receive(now, p[n:], v.room(frameRoom))
		v.out.b = out
		n += m
		if m == 0 && ev.Kind == http2.Nothing {
			break
		}
		v.happened(&ev)
	}
	v.flushFresh()
	return n
}

// received does what can be done once for many frames.
func (v *server2) received() {
	v.greet()
	if v.window {
		v.window = false
		v.serve()
	}
	if late := v.conn.Deadline(); !late.IsZero() {
		v.wake(late.Sub(v.core.epoch))
	}
	v.touch()
}

// happened deals with what a frame has brought.
func (v *server2) happened(ev *http2.Event) {
	t, _ := ev.Owner.(*call2)
	if t != v.fresh { // what waits to be flushed lies in the core's memory, for one client at a time
		v.flushFresh()
	}
	switch ev.Kind {
	case http2.ResponseHead:
		t.begun(ev)
	case http2.Interim:
		t.interim(ev)
	case http2.Body:
		t.body(ev.Data, ev.End)
	case http2.Trailing:
		t.trailers(ev.Head)
	case http2.Reset:
		t.reset(ev)
	case http2.Window:
		v.window = true
	case http2.Ended:
		v.ended(ev.Why)
	}
}

// flushFresh has a client sent what it was given.
func (v *server2) flushFresh() {
	t := v.fresh
	if t == nil {
		return
	}
	v.fresh = nil
	s := t.s
	if s.client.flush(); t.s == s {
		t.attend()
	}
}

// Settle implements loop.Settler.
func (v *server2) Settle(*loop.Loop, loop.Ref) {
	defer v.rescue()
	v.asked = false
	if v.state == coming || v.state == over {
		return
	}
	v.flush()
	if v.active == 0 {
		v.conn.Trim()
	}
	switch {
	case v.broken:
		v.lost()
	case !v.blocked() && (v.state == ending || v.conn.Drained()):
		v.close()
	}
}

// drain sends what the socket did not take before, and has requests go on when it has.
func (v *server2) drain() {
	switch st := v.resend(); {
	case st == loop.Failed:
		v.broken = true // what the server has sent before that is still to be received
		v.touch()
	case !v.blocked():
		v.touch()
		v.serve()
		v.unstall()
	}
}

// serve sends what requests have waiting, each a share in its turn.
func (v *server2) serve() {
	for v.state == standing && !v.blocked() {
		id, owner := v.conn.Ready(v.turn)
		if id == 0 {
			return
		}
		v.turn = id
		owner.(*call2).push()
	}
}

// unstall has the clients go on that wait for the socket.
func (v *server2) unstall() {
	if !v.stalled {
		return
	}
	v.stalled = false
	v.each(func(t *call2) {
		if t.stalled {
			t.unstall()
		}
	})
}

// each calls f for the requests that have streams.
func (v *server2) each(f func(t *call2)) {
	for _, owner := range v.conn.All() {
		if t, ok := owner.(*call2); ok {
			f(t)
		}
	}
}
