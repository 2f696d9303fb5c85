package engine

import (
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// receive takes in the head of a request. What waits in the queue, a part of it or a whole one that came behind the last
// request, comes first.
func (c *client1) receive() {
	l := c.core.loop
	if c.phase == idle && c.in != nil && c.head(c.in.bytes(), true) {
		return
	}
	for range budget {
		n, st := c.wire.recv(c.core, l.Scratch())
		switch st {
		case loop.Blocked:
			c.await()
			return
		case loop.Ended, loop.Failed:
			c.left()
			return
		}
		c.heard = true
		p := l.Scratch()[:n]
		if c.in != nil {
			c.in = c.core.spare.put(c.in, p)
			p = c.in.bytes()
		}
		if c.head(p, c.in != nil) {
			return
		}
	}
	l.Again(c.wire.ref)
}

// await gives the client the time that it has for what comes next. That for a head begins with its first byte, or with the
// connection.
func (c *client1) await() {
	l := c.core.loop
	switch {
	case c.phase == heading && c.s != nil && !c.timed, c.phase == idle && !c.heard && !c.timed:
		c.timed = true
		l.SetDeadline(c.wire.ref, c.bind.Frontend().HTTPRequest)
	}
}

// left ends a connection on which the client sends no further request.
func (c *client1) left() {
	if c.phase == heading {
		c.s.tell(exchange.ClientGone)
		return
	}
	if !c.heard {
		c.unheard()
	}
	c.close(false)
}

// unheard gives the account of a client that has left without a word, where that is logged.
func (c *client1) unheard() {
	if f := c.bind.Frontend(); f.Log == nil || !f.Log.Unheard {
		return
	}
	s := c.core.stream()
	s.start(c, c.bind, c.from, &c.wire)
	s.log.Unheard = true
	if a := s.x.Step(c.core.now(), exchange.Event{Kind: exchange.ClientGone}); a.Record != nil {
		s.account(a.Record)
	}
	c.core.reuse(s)
}

// head reads a request head from p, which begins with it. It reports false while more of it has to come; p is kept then. kept: it is
// in the queue already.
func (c *client1) head(p []byte, kept bool) (done bool) {
	if c.s == nil {
		c.first()
	}
	s := c.s
	n, err := s.request.Parse(p, &requestLimits)
	switch {
	case err != nil && c.speaksHTTP2(err):
		c.convert(p, kept)
		return true
	case err != nil:
		c.phase = busy
		s.refuse(err.(http1.Reason))
		return true
	case n == 0:
		c.phase = heading
		if !kept {
			c.in = c.core.spare.put(c.in, p)
		}
		return false
	}
	c.phase, c.timed = busy, false
	var own *queue // that holds the head and nothing else: the connection may end with the request
	if kept && n == len(p) {
		own, c.in = c.in, nil
	}
	if s.log != nil {
		s.log.Protocol, s.log.RequestHead = protocols1[s.request.Minor&1], int64(n)
	}
	c.ask(p)
	c.core.spare.free(own)
	if c.s != s { // it has been answered
		c.answered(p, n, kept)
		return true
	}
	c.body(p, n, kept)
	return true
}

// answered goes on after a request of n octets at the front of p that the balancer has answered at once.
func (c *client1) answered(p []byte, n int, kept bool) {
	if c.phase != idle { // p, and all else, may be gone
		return
	}
	if kept {
		c.in = c.core.spare.drop(c.in, n)
	} else {
		c.in = c.core.spare.put(c.in, p[n:])
	}
	if c.in != nil {
		c.core.loop.Again(c.wire.ref)
	}
}

// speaksHTTP2 reports whether what the connection begins with is to be taken for HTTP/2: its preface, and also what is the beginning of
// neither protocol.
func (c *client1) speaksHTTP2(why error) bool {
	return c.bind.H2C && !c.wire.secure() && !c.asked && (why == http1.Preface || why == http1.BadRequestLine)
}

// convert hands the connection over to HTTP/2. p is what has come.
func (c *client1) convert(p []byte, kept bool) {
	if !kept {
		c.in = c.core.spare.put(c.in, p)
	}
	c.core.reuse(c.s) // it was no request
	c.core.loop.SetHandler(c.wire.ref, newClient2(c.core, c.bind, c.wire, c.from, c.in))
	c.s, c.in, c.phase = nil, nil, gone
}

// ask has the request routed whose head is complete in p.
func (c *client1) ask(p []byte) {
	s, r := c.s, &c.s.request
	c.asked = true
	c.closing, c.expects = r.Close, r.Continue && r.Length != 0
	if r.Close && r.Length == 0 {
		c.core.loop.Postpone(c.wire.ref)
	}
	s.upload.start(r.Length)
	q := &s.asking // field by field: a literal would be made elsewhere and copied
	q.buf, q.fields, q.method, q.name = p, r.Fields, r.Method, r.Name.In(p)
	q.authority, q.target, q.query, q.upgrade = r.Authority.In(p), r.Target.In(p), r.Query.In(p), r.Upgrade.In(p)
	q.length, q.expects = r.Length, r.Continue
	s.route(q)
}

// body goes on after a head of n octets with what is behind it in p.
func (c *client1) body(p []byte, n int, kept bool) {
	s := c.s
	if kept {
		c.in = c.core.spare.drop(c.in, n)
	} else {
		n += c.feed(p[n:])
		if c.phase != gone && (c.s == s || c.phase == idle) {
			c.in = c.core.spare.put(c.in, p[n:])
		}
	}
	if c.s != s {
		return
	}
	s.flushServer()
	c.pump()
}

// pump moves the body on, or what goes through a tunnel, as long as the server's side takes it.
func (c *client1) pump() {
	l, s := c.core.loop, c.s
	for range budget {
		if s == nil || c.s != s || s.whole || !s.takes() {
			return
		}
		if c.in != nil {
			n := c.feed(c.in.bytes())
			if c.s != s {
				return
			}
			c.in = c.core.spare.drop(c.in, n)
			s.flushServer()
			if n > 0 {
				continue
			}
		}
		n, st := c.wire.recv(c.core, l.Scratch()[:s.upload.most(len(l.Scratch()))])
		if st == loop.Ended && s.tunnel {
			s.whole = true
			s.server.end(nil, nil)
			s.flushServer()
			return
		}
		if st == loop.Ended || st == loop.Failed {
			c.fail(exchange.ClientGone)
			return
		}
		c.extend(st)
		if st == loop.Blocked {
			return
		}
		c.expects = false
		p := l.Scratch()[:n]
		if c.in == nil {
			n = c.feed(p)
			if c.s != s {
				return
			}
			p = p[n:]
			s.flushServer()
		}
		c.in = c.core.spare.put(c.in, p)
	}
	l.Again(c.wire.ref)
}

// extend gives the client its time for the rest of the body. One that takes nothing of the response gets no more of it by sending.
func (c *client1) extend(st loop.State) {
	switch {
	case c.blocked():
	case st == loop.Blocked && c.expects:
		c.core.loop.SetDeadline(c.wire.ref, continueTime)
	default:
		c.core.loop.SetDeadline(c.wire.ref, c.patience())
	}
}

// feed gives the server's side what it takes of p and returns how many octets of p that were. The stream may have ended then.
func (c *client1) feed(p []byte) (n int) {
	s := c.s
	for c.s == s && !s.whole && s.takes() && n < len(p) {
		if s.tunnel {
			s.x.Count(int64(len(p)-n), 0)
			s.server.data(p[n:])
			return len(p)
		}
		data, m, done, err := s.upload.next(p[n:], &requestLimits)
		part := p[n : n+m]
		n += m
		switch {
		case err != nil:
			c.closing = true
			s.refuse(err.(http1.Reason))
			return n
		case len(data) > 0:
			if s.x.Count(int64(len(data)), 0); s.x.TooLarge() {
				c.closing = true
				s.tooLarge()
				return n
			}
			s.server.data(data)
		}
		if done && c.s == s && s.server != nil {
			s.sent()
			s.server.end(part, s.upload.trailers.Fields)
		}
		if m == 0 {
			return n
		}
	}
	return n
}
