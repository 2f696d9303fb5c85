package engine

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/loop"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

// server1 is an HTTP/1 connection to a server.
type server1 struct {
	core    *core
	dial    dialing
	s       *stream           // the request that it serves; nil: it is idle
	backend *exchange.Backend // of that request
	in      *queue            // what has come and is not dealt with: a part of a head, or of trailers
	out     *queue            // what the socket did not take
	wire    wire
	body    body // of the response

	mark     uint32        // what the wire had sent before this request
	place    int           // among the idle ones
	idleFrom time.Duration // by the loop's clock
	keeps    time.Duration // how long the server keeps idle connections, as it says; 0: it says nothing
	rest     time.Duration // of its time, which is left when the present deadline has passed; 0: nothing

	state    serverState
	used     bool  // it has carried a request before
	replay   bool  // what is sent is kept, so that it can be sent again
	finned   bool  // nothing more will be sent: of a tunnel
	deaf     bool  // the server takes no more of the request
	interims uint8 // 1xx responses to this request
}

type serverState uint8

const (
	connecting serverState = iota
	awaiting               // the response head, or idle
	receiving              // the body of a response
	tunneling
)

// maxInterims bounds the 1xx responses to a request: more than any server has reason to send, fewer than a flood.
const maxInterims = 16

// dial begins to connect to a server; nil where that fails at once.
func (s *stream) dial(to *upstream.Server, b *exchange.Backend, timeout time.Duration) *server1 {
	c := s.core
	v := &server1{core: c}
	v.dial = dialing{core: c, to: to, wire: &v.wire, head: c.introduction(to, s.from, s.wire)}
	if v.dial.open(v) != nil {
		return nil
	}
	v.allow(timeout, patience(to, b))
	return v
}

// serve takes up a request.
func (v *server1) serve(s *stream, b *exchange.Backend) {
	v.s, v.backend = s, b
	s.server = v
	v.replay, v.mark = v.used || b.Repeat != nil && s.length >= 0 && s.length <= maxReplay, v.wire.sent
	v.interims = 0
}

// begin implements answerer.
func (v *server1) begin() {
	v.core.up = append(v.core.up, v.s.ask...)
	v.allow(v.backend.Server, patience(v.dial.to, v.backend))
}

// wait gives the server its time to do something.
func (v *server1) wait() { v.allow(v.backend.Server, 0) }

// allow gives it a time, in which first is when it is to be looked after; 0: never.
func (v *server1) allow(d, first time.Duration) {
	if first <= 0 || first >= d {
		first = d
	}
	v.rest = d - first
	v.core.loop.SetDeadline(v.wire.ref, first)
}

// Ready implements loop.Handler.
func (v *server1) Ready(l *loop.Loop, r loop.Ref) {
	defer v.rescue(v.s)
	switch {
	case v.state == connecting:
		v.connected()
		return
	case v.s == nil:
		if !v.silent() { // a server that closes an idle connection, or sends what nobody has asked for
			v.close()
		}
		return
	}
	// A server may answer before it has taken the request, and take no more of that until its answer is gone.
	if s := v.s; !v.blocked() || v.drain() || v.s == s {
		v.receive()
	}
}

// rescue ends the connection that a bug was met on, and the stream that it served then: it may have let go of that already.
func (v *server1) rescue(s *stream) {
	if what := recover(); what != nil {
		v.core.broken(what)
		if s != nil && s.server == answerer(v) {
			s.server = nil
		}
		v.close()
		s.breaks()
	}
}

// connected goes on once it is known what came of connecting.
func (v *server1) connected() {
	pending, err := v.dial.step()
	switch {
	case pending:
	case err != nil:
		v.dial.failed(err)
		v.fail(exchange.ConnectFailed)
	default:
		v.state = awaiting
		v.s.tell(exchange.Connected)
	}
}

// Expired implements loop.Handler.
func (v *server1) Expired(*loop.Loop, loop.Ref) {
	defer v.rescue(v.s)
	s := v.s
	switch {
	case s == nil, s.tunnel: // the client's side has the time of tunnels
	case v.rest > 0:
		// It has not even acknowledged, which hosts do at once. How long it takes to answer is another matter.
		if v.state == connecting && v.wire.tls == nil || v.state == awaiting && v.unheard() {
			v.dial.to.Doubt(upstream.Unheard)
		}
		v.allow(v.rest, 0)
	case v.state == connecting:
		v.dial.late()
		v.fail(exchange.ConnectTimedOut)
	case v.blocked(), s.client.room() && (s.whole || v.state == receiving):
		v.fail(exchange.ServerSilent)
	}
}

// fail ends the connection and tells the stream why.
func (v *server1) fail(kind exchange.Kind) {
	s, held := v.s, v.replay
	v.close()
	if s != nil {
		s.server = nil
		s.failed(kind, held)
	}
}

// leave implements answerer.
func (v *server1) leave() { v.close() }

// close closes the connection. What is written and not sent was for it: left there it would be the beginning of what the next
// server gets.
func (v *server1) close() {
	v.core.up = v.core.up[:0]
	v.wire.close(v.core, false)
	if v.place > 0 {
		v.core.forgetIdle(v)
	}
	v.s = nil
	v.in, v.out = v.core.spare.free(v.in), v.core.spare.free(v.out)
}

// drain sends what the socket did not take before, and reports whether that is all.
func (v *server1) drain() bool {
	n, st := 0, loop.Done
	before := v.wire.sent
	if v.wire.pending() {
		st = v.wire.push(v.core)
	}
	if st == loop.Done && v.out != nil {
		n, st = v.wire.send(v.core, v.out.bytes(), nil)
		v.out = v.core.spare.drop(v.out, n)
	}
	switch {
	case st == loop.Failed:
		v.refused()
		return true
	case v.wire.sent != before:
		v.wait()
	}
	if v.blocked() {
		return false
	}
	if s := v.s; !v.drained() && v.s == s {
		s.client.more()
	}
	return v.s != nil
}

// blocked reports whether the server has not taken all that it was sent.
func (v *server1) blocked() bool { return !v.deaf && (v.out != nil || v.wire.pending()) }

// drained does what had to wait until the server had taken all, and reports whether that was the end of the stream.
func (v *server1) drained() bool {
	if v.finned {
		v.wire.closeWrite(v.core)
	}
	if s := v.s; s.tunnel && s.delivered() && s.client.room() {
		s.tell(exchange.Finished)
		return true
	}
	return false
}

// refused remembers that the server takes nothing more. It may have answered before that, which receiving shows.
func (v *server1) refused() {
	v.out = v.core.spare.free(v.out)
	v.deaf = true
	v.core.loop.Again(v.wire.ref)
}

// data implements answerer.
func (v *server1) data(b []byte) {
	if len(b) == 0 { // a chunk of no octets would be the last
		return
	}
	c, chunks := v.core, v.s.length == http1.ChunkedLength && !v.s.tunnel
	if v.replay {
		v.s.ask = append(v.s.ask, b...)
	}
	if chunks {
		c.up = http1.AppendChunkHead(c.up, len(b))
	}
	if len(b) <= lineCopied || v.blocked() {
		c.up = append(c.up, b...)
	} else {
		v.write(b)
	}
	if chunks {
		c.up = append(c.up, "\r\n"...)
	}
}

// end implements answerer.
func (v *server1) end(buf []byte, trailers []http1.Field) {
	switch c := v.core; {
	case v.s.tunnel:
		v.finned = true
	case v.s.length == http1.ChunkedLength:
		c.up = http1.AppendLastChunk(c.up)
		for i := range trailers {
			if f := &trailers[i]; !f.Hop {
				c.up = appendLine(c.up, f, buf)
			}
		}
		c.up = append(c.up, "\r\n"...)
	}
	v.allow(v.backend.Server, patience(v.dial.to, v.backend))
}

// room implements answerer.
func (v *server1) room() bool { return !v.blocked() }

// more implements answerer.
func (v *server1) more() {
	v.wait()
	v.core.loop.Again(v.wire.ref)
}

// flush implements answerer.
func (v *server1) flush() {
	v.write(nil)
	if v.finned && !v.blocked() && v.s != nil {
		v.drained()
	}
}

// write sends what is written and then b, and keeps what the socket does not take.
func (v *server1) write(b []byte) {
	c := v.core
	head := c.up
	c.up = head[:0]
	if len(head)+len(b) == 0 || v.deaf {
		return
	}
	n, st := 0, loop.Blocked
	if !v.blocked() {
		n, st = v.wire.send(v.core, head, b)
	}
	switch st {
	case loop.Done:
		return
	case loop.Failed:
		v.refused()
		return
	}
	if n < len(head) {
		v.out, n = c.spare.put(v.out, head[n:]), len(head)
	}
	v.out = c.spare.put(v.out, b[n-len(head):])
}
