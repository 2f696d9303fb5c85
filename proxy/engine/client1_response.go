package engine

import (
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// interim implements asker. "A proxy MUST forward 1xx responses", but HTTP/1.0 has none (RFC 9110 section 15.2).
func (c *client1) interim(h *head) {
	if c.s.request.Minor == 0 {
		return
	}
	dst := appendStatusLine(c.core.down, h)
	for i := range h.fields {
		if f := &h.fields[i]; !f.Hop {
			dst = appendLine(dst, f, h.buf)
		}
	}
	c.core.down = append(dst, "\r\n"...)
	if h.status == 100 && c.expects {
		c.expects = false
		c.core.loop.SetDeadline(c.wire.ref, c.patience())
	}
	c.flush()
}

// proceed tells the client to send the body: the server has not said that it does not want it.
func (c *client1) proceed() {
	c.expects = false
	c.core.loop.SetDeadline(c.wire.ref, c.patience())
	c.core.down = append(c.core.down, "HTTP/1.1 100 Continue\r\n\r\n"...)
	c.flush()
}

func appendStatusLine(dst []byte, h *head) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = append(dst, '0'+byte(h.status/100), '0'+byte(h.status/10%10), '0'+byte(h.status%10), ' ')
	dst = append(dst, h.reason...)
	return append(dst, "\r\n"...)
}

// begin implements asker.
func (c *client1) begin(h *head) {
	before := len(c.core.down)
	c.appendHead(h)
	if s := c.s; s.log != nil {
		s.responded(h, len(c.core.down)-before)
	}
}

// appendHead writes the head of the response.
func (c *client1) appendHead(h *head) {
	s := c.s
	dst, run := appendStatusLine(c.core.down, h), s.responseEdits(false)
	for i := range h.fields {
		if f := &h.fields[i]; passes(f) {
			dst = s.appendEdited(dst, f, h.buf, run)
		}
	}
	dst = s.appendAdded(dst, run)
	if h.status == 101 {
		c.core.loop.SetDeadline(c.wire.ref, s.frontend.Tunnel)
		dst = append(dst, "Connection: upgrade\r\n"...)
		dst = append(append(append(dst, "Upgrade: "...), h.upgrade...), "\r\n\r\n"...)
		c.core.down = dst
		return
	}
	c.core.down = append(c.appendConnection(c.appendFraming(dst, h)), "\r\n"...)
}

// appendFraming writes how the body is framed for this client. Where nobody knows its length it comes in chunks, so that
// it can be told whether all of it has come; HTTP/1.0 has none, and the end of the connection is the end of the body.
func (c *client1) appendFraming(dst []byte, h *head) []byte {
	s := c.s
	switch {
	case h.bodiless && h.told >= 0:
		return http1.AppendFraming(dst, h.told)
	case h.bodiless && (s.method != http1.HEAD || h.length == 0):
		return dst
	case h.length >= 0:
		return http1.AppendFraming(dst, h.length)
	case s.request.Minor == 0:
		c.closing = true
		return dst
	}
	s.chunks = !h.bodiless
	return http1.AppendFraming(dst, http1.ChunkedLength)
}

// appendConnection writes the Connection field where there is something to say. A connection on which the request has not come
// whole cannot go on.
func (c *client1) appendConnection(dst []byte) []byte {
	s := c.s
	c.closing = c.closing || !s.whole || c.bind.leaving.Load() || c.bind.Draining()
	switch {
	case c.closing:
		return append(dst, "Connection: close\r\n"...)
	case s.request.Minor == 0:
		return append(dst, "Connection: keep-alive\r\n"...)
	}
	return dst
}

// data implements asker. Small pieces leave together with what is written already, large ones from where they are.
func (c *client1) data(b []byte) {
	if len(b) == 0 { // a chunk of no octets would be the last
		return
	}
	s, core := c.s, c.core
	s.x.Count(0, int64(len(b)))
	if s.tunnel {
		core.loop.SetDeadline(c.wire.ref, s.frontend.Tunnel)
	}
	if s.chunks {
		core.down = http1.AppendChunkHead(core.down, len(b))
	}
	if len(b) <= lineCopied || c.blocked() {
		core.down = append(core.down, b...)
	} else if !c.write(b) {
		return
	}
	if s.chunks {
		core.down = append(core.down, "\r\n"...)
	}
}

// end implements asker.
func (c *client1) end(buf []byte, trailers []http1.Field) {
	s, core := c.s, c.core
	s.ended = true
	if s.tunnel {
		c.finned = true
		c.flush()
		return
	}
	if s.chunks {
		core.down = http1.AppendLastChunk(core.down)
		for i := range trailers {
			if f := &trailers[i]; !f.Hop {
				core.down = appendLine(core.down, f, buf)
			}
		}
		core.down = append(core.down, "\r\n"...)
	}
	c.flush()
}

// reply implements asker.
func (c *client1) reply(r *exchange.Reply) {
	s := c.s
	c.phase = busy
	c.closing = c.closing || r.Close
	dst := http1.AppendStatusLine(c.core.down, r.Status, reasonOf(r.Status))
	run := s.responseEdits(true)
	ownFields(r, run, func(name string, value []byte) {
		dst = append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
	})
	dst = append(c.appendConnection(s.appendAdded(dst, run)), "\r\n"...)
	if s.log != nil {
		s.log.ResponseHead = int64(len(dst) - len(c.core.down))
	}
	if s.method != http1.HEAD {
		dst = append(dst, r.Body...)
		s.x.Count(0, int64(len(r.Body)))
	}
	c.core.down = dst
	s.ended = true
	c.flush()
}

// room implements asker.
func (c *client1) room() bool { return !c.blocked() }

// more implements asker.
func (c *client1) more() { c.pump() }

// flush implements asker.
func (c *client1) flush() {
	if s := c.s; s.ended && !s.tunnel && !c.stays(s) && c.heardAll(s) { // then nothing but the end follows
		c.core.loop.Cork(c.wire.ref)
	}
	if c.write(nil) && !c.blocked() && c.s != nil {
		c.drained()
	}
}

// write sends what is written and then b, and keeps what the socket does not take. It reports false when the stream has ended by
// that.
func (c *client1) write(b []byte) bool {
	core := c.core
	head := core.down
	core.down = head[:0]
	if len(head)+len(b) == 0 {
		return true
	}
	n, st := 0, loop.Blocked
	if !c.blocked() {
		n, st = c.wire.send(c.core, head, b)
	}
	switch st {
	case loop.Done:
		return true
	case loop.Failed:
		c.fail(exchange.ClientGone)
		return false
	}
	if c.out == nil {
		core.loop.SetDeadline(c.wire.ref, c.patience())
	}
	if n < len(head) {
		c.out, n = core.spare.put(c.out, head[n:]), len(head)
	}
	c.out = core.spare.put(c.out, b[n-len(head):])
	return true
}
