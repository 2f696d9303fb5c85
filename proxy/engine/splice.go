package engine

import (
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// spliceFrom is from how many octets on it costs less to have the kernel move a body than to copy it through the loop's memory.
const spliceFrom = 48 << 10

// splicer is an asker that the kernel can move a body to.
type splicer interface {
	// spliceable is false while there is no room.
	spliceable() bool
	// splice sends what is in the stream's pipe. What is left keeps it without room.
	splice()
}

// splices reports whether the kernel moves what comes next of the response, and makes the pipe for it.
func (v *server1) splices() bool {
	s := v.s
	if v.state != receiving || v.wire.secure() || v.in != nil || v.body.left < spliceFrom {
		return false
	}
	if client, ok := s.client.(splicer); !ok || !client.spliceable() {
		return false
	}
	if s.pipe == nil {
		s.pipe = v.core.loop.Pipe()
	}
	return s.pipe != nil
}

// splice moves as much of the body as there is and the client takes.
func (v *server1) splice() (st loop.State) {
	s, l := v.s, v.core.loop
	client := s.client.(splicer)
	for range budget {
		n, st := l.SpliceIn(v.wire.ref, s.pipe, int(min(v.body.left, 1<<30)))
		if st != loop.Done {
			s.endPipe()
			return st
		}
		v.wait()
		v.body.left -= int64(n)
		s.x.Count(0, int64(n))
		client.splice()
		switch {
		case v.s != s || !client.spliceable() && v.body.left != 0:
			return loop.Done
		case v.body.left == 0:
			v.finish(nil, true)
			return loop.Done
		}
	}
	return loop.Done
}

// endPipe gives the pipe back, if there is one.
func (s *stream) endPipe() {
	if s.pipe != nil {
		s.core.loop.ClosePipe(s.pipe)
		s.pipe = nil
	}
}

// held reports whether there is something in the pipe.
func (s *stream) held() bool { return s.pipe != nil && s.pipe.Held() > 0 }

// spliceable implements splicer.
func (c *client1) spliceable() bool {
	return !c.blocked() && !c.wire.secure() && !c.s.chunks && !c.s.tunnel
}

// splice implements splicer.
func (c *client1) splice() {
	if _, st := c.core.loop.SpliceOut(c.wire.ref, c.s.pipe); st == loop.Failed {
		c.fail(exchange.ClientGone)
	} else if st == loop.Blocked {
		c.core.loop.SetDeadline(c.wire.ref, c.patience())
	}
}
