package engine

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// receive takes in what the server sends, as long as the client takes it.
func (v *server1) receive() {
	l, s := v.core.loop, v.s
	for range budget {
		if v.s != s || s == nil || !s.client.room() || s.ended {
			return
		}
		n, st := 0, loop.Done
		if v.splices() {
			st = v.splice()
		} else {
			n, st = v.wire.recv(v.core, l.Scratch())
		}
		switch {
		case st == loop.Blocked:
			return
		case st != loop.Done:
			v.ended(st)
			return
		case n > 0:
			v.wait()
			v.take(l.Scratch()[:n])
		}
	}
	if v.s == s {
		l.Again(v.wire.ref)
	}
}

// ended says what it means that the server has closed or reset the connection.
func (v *server1) ended(st loop.State) {
	s := v.s
	switch {
	case v.state == tunneling && st == loop.Ended:
		s.client.end(nil, nil)
	case v.state == receiving && v.body.left == http1.UntilClose && st == loop.Ended:
		v.close()
		s.server = nil
		s.client.end(nil, nil)
	case v.state == awaiting && v.used && v.in == nil && v.interims == 0 && v.unseen():
		s.tried = true
		v.fail(exchange.Stale)
	default:
		v.fail(exchange.ServerClosed)
	}
}

// unseen reports whether the request can be sent again though it was sent: none of it has reached the server, or its method is
// safe, and "a client SHOULD NOT automatically retry a request with a non-idempotent method unless it has some means to know
// that the request semantics are actually idempotent" (RFC 9110 section 9.2.2) does not forbid it.
func (v *server1) unseen() bool {
	if safe(v.s.method) {
		return v.replay
	}
	octets, known := v.core.loop.Unacked(v.wire.ref)
	return v.replay && known && octets >= int(v.wire.sent-v.mark)
}

// safe reports whether a request may be sent twice (RFC 9110 section 9.2.1).
func safe(m http1.Method) bool { return m == http1.GET || m == http1.HEAD || m == http1.OPTIONS }

// take deals with what has come.
func (v *server1) take(p []byte) {
	s, kept := v.s, v.in != nil
	if kept {
		v.in = v.core.spare.put(v.in, p)
		p = v.in.bytes()
	}
	n := 0
	for v.s == s && n < len(p) {
		m := v.next(p[n:])
		n += m
		if m == 0 {
			break
		}
	}
	switch {
	case v.s != s:
	case kept:
		v.in = v.core.spare.drop(v.in, n)
	default:
		v.in = v.core.spare.put(v.in, p[n:])
	}
	if v.s == s {
		s.client.flush()
	}
}

// next deals with the first message, piece of a body, or whatever it is that p begins with, and returns its length; 0 where more
// has to come, or the stream has ended.
func (v *server1) next(p []byte) (n int) {
	s := v.s
	switch v.state {
	case awaiting:
		return v.head(p)
	case tunneling:
		s.client.data(p)
		return len(p)
	}
	data, n, done, err := v.body.next(p, &responseLimits)
	if err != nil {
		v.garbage(err.(http1.Reason).Label())
		return 0
	}
	if len(data) > 0 {
		s.client.data(data)
	}
	if done && v.s == s {
		v.finish(p[:n], len(p) == n)
	}
	return n
}

// head reads the head of a response.
func (v *server1) head(p []byte) (n int) {
	s := v.s
	n, err := s.response.Parse(p, &responseLimits)
	switch {
	case err != nil:
		v.garbage(err.(http1.Reason).Label())
		return 0
	case n == 0:
		return 0
	}
	r := &s.response
	h := &v.core.head
	*h = head{
		status: r.Status, reason: r.Reason.In(p), buf: p, fields: r.Fields,
		length: r.Length(s.method), told: -1, upgrade: r.Upgrade.In(p),
	}
	if r.Status < 200 && r.Status != 101 {
		return v.interim(h, n)
	}
	h.bodiless = s.method == http1.HEAD || r.Status == 204 || r.Status == 304
	if h.bodiless && r.Status != 204 {
		h.told = r.ContentLength()
	}
	if r.Status == 101 && !sameProtocol(h.upgrade, s.x.Upgrade()) {
		v.garbage("protocol_not_asked_for")
		return 0
	}
	v.learn(r, p)
	if !s.respond(r.Status, v.replay) {
		return n
	}
	s.forward(h)
	switch {
	case v.s != s:
	case r.Status == 101:
		v.state = tunneling
		v.core.loop.SetDeadline(v.wire.ref, -1)
		v.core.loop.Again(v.wire.ref)
	case h.bodiless, h.length == 0:
		v.finish(nil, len(p) == n)
	default:
		v.state = receiving
		v.body.start(h.length)
	}
	return n
}

// garbage ends a connection on which the server has sent what is no HTTP. why is the label of the reason.
func (v *server1) garbage(why string) {
	s, held := v.s, v.replay
	v.close()
	s.server = nil
	s.step(exchange.Event{Kind: exchange.ServerGarbage, Why: why, Held: held})
}

// sameProtocol reports whether a server switches to what it was asked to switch to.
func sameProtocol(got []byte, asked string) bool {
	return asked != "" && len(got) == len(asked) && equalFold(got, asked)
}

// interim passes on a 1xx response.
func (v *server1) interim(h *head, n int) int {
	s := v.s
	if v.interims++; v.interims > maxInterims {
		v.garbage("too_many_interims")
		return 0
	}
	s.client.interim(h)
	if v.s == s {
		s.response.Reset()
	}
	return n
}

// finish ends a response that is complete. clean: nothing is behind it. The connection is kept for other requests if there is no
// doubt about where the next response on it begins.
func (v *server1) finish(trailers []byte, clean bool) {
	s := v.s
	keep := clean && v.dial.to.Link().Proxy == 0 && s.whole && !v.blocked() && !v.deaf && !s.response.Close && len(v.core.up) == 0
	s.server, v.s = nil, nil
	v.in = v.core.spare.free(v.in)
	if keep {
		v.core.putIdle(v)
	} else {
		v.close()
	}
	s.client.end(trailers, v.body.trailers.Fields)
}

// learn notes how long the server keeps idle connections.
func (v *server1) learn(r *http1.Response, buf []byte) {
	for i := range r.Fields {
		if f := &r.Fields[i]; f.ID == http1.KeepAlive {
			if n, ok := timeoutOf(f.Value.In(buf)); ok {
				v.keeps = n
			}
		}
	}
}

// timeoutOf reads "timeout=5", in seconds, from the parameters of a Keep-Alive field.
func timeoutOf(b []byte) (time.Duration, bool) {
	const name = "timeout="
	for i := 0; i+len(name) <= len(b); i++ {
		if !http1.EqualFold(b[i:i+len(name)], name) {
			continue
		}
		digits := b[i+len(name):]
		for j, c := range digits {
			if c < '0' || c > '9' {
				digits = digits[:j]
				break
			}
		}
		if n, ok := http1.Number(digits); ok && n > 0 && n < 1<<20 {
			return time.Duration(n) * time.Second, true
		}
	}
	return 0, false
}
