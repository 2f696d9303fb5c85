package engine

import (
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/loop"
)

// leg is one of a session's two connections, and what is on its way to it. Each has its own direction: what comes from it goes to the other
// as long as that takes it, whatever the other direction does.
type leg struct {
	s    *session
	wire wire
	out  *queue     // to it, what the socket did not take
	pipe *loop.Pipe // to it, what the kernel moves; nil: nothing is moved so

	bulky  bool // much came from it at once: the kernel is to move the rest
	ended  bool // nothing more comes from it
	finned bool // it has been told that nothing more comes from the other
	deaf   bool // it takes no more, and what it has sent before that is still looked for
}

// bulk is from how much in one read on it costs less to have the kernel move what follows, and as long as it moves as much.
const bulk = 32 << 10

// other is the connection at the other end of the session.
func (p *leg) other() *leg {
	if s := p.s; p == &s.client.leg {
		return &s.server.leg
	}
	return &p.s.client.leg
}

// turn is Ready of a session that is open.
func (p *leg) turn() {
	if p.blocked() && p.drain() {
		p.other().pump()
	}
	if !p.s.ended {
		p.pump()
	}
}

// blocked reports whether it has not taken all that it was sent.
func (p *leg) blocked() bool {
	return !p.deaf && (p.out != nil || p.wire.pending() || p.pipe != nil && p.pipe.Held() > 0)
}

// drain sends what the socket did not take before, and reports whether that is all and the session goes on.
func (p *leg) drain() bool {
	c, n, st := p.s.core, 0, loop.Done
	before := p.wire.sent
	if p.wire.pending() {
		st = p.wire.push(c)
	}
	if st == loop.Done && p.out != nil {
		n, st = p.wire.send(c, p.out.bytes(), nil)
		p.out = c.spare.drop(p.out, n)
	}
	if st == loop.Done && p.pipe != nil {
		n, st = c.loop.SpliceOut(p.wire.ref, p.pipe)
		p.wire.sent += uint32(n)
	}
	if st == loop.Failed {
		p.refuses()
		return false
	}
	if p.wire.sent != before {
		p.s.alive()
	}
	if p.blocked() {
		return false
	}
	p.finish()
	return !p.s.ended
}

// pump moves what has come from it to the other, as long as that takes it.
func (p *leg) pump() {
	s, to := p.s, p.other()
	for range budget {
		if s.ended || p.ended || to.deaf || to.blocked() {
			return
		}
		switch p.move(to) {
		case loop.Blocked:
			return
		case loop.Ended:
			p.ends()
			return
		case loop.Failed:
			p.breaks()
			return
		}
	}
	s.core.loop.Again(p.wire.ref)
}

// move moves one piece.
func (p *leg) move(to *leg) loop.State {
	if p.bulky && !p.wire.secure() && !to.wire.secure() {
		if to.pipe == nil {
			to.pipe = p.s.core.loop.Pipe()
		}
		if to.pipe != nil {
			return p.splice(to)
		}
	}
	b := p.s.core.loop.Scratch()
	n, st := p.wire.recv(p.s.core, b)
	if st != loop.Done {
		return st
	}
	p.moved(n)
	to.send(b[:n])
	return loop.Done
}

// moved counts a piece.
func (p *leg) moved(n int) {
	s := p.s
	p.bulky = n >= bulk
	if p == &s.client.leg {
		s.x.Count(int64(n), 0)
	} else {
		s.x.Count(0, int64(n))
	}
	s.alive()
}

// splice has the kernel move a piece. An empty pipe is given back when there is nothing more to move, or little.
func (p *leg) splice(to *leg) loop.State {
	l := p.s.core.loop
	n, st := l.SpliceIn(p.wire.ref, to.pipe, 1<<30)
	if st == loop.Done {
		p.moved(n)
		var m int
		m, st = l.SpliceOut(to.wire.ref, to.pipe)
		to.wire.sent += uint32(m)
		if st == loop.Failed {
			to.refuses()
		}
		st = loop.Done
	}
	if to.pipe != nil && to.pipe.Held() == 0 && (st != loop.Done || !p.bulky) {
		to.endPipe()
	}
	return st
}

func (p *leg) endPipe() {
	if p.pipe != nil {
		p.s.core.loop.ClosePipe(p.pipe)
		p.pipe = nil
	}
}

// send sends b, and keeps what the socket does not take. The leg is not blocked.
func (p *leg) send(b []byte) {
	n, st := p.wire.send(p.s.core, b, nil)
	switch st {
	case loop.Failed:
		p.refuses()
	case loop.Blocked:
		p.out = p.s.core.spare.put(p.out, b[n:])
	}
}

// refuses remembers that it takes nothing more. What it has sent before may be there, which receiving shows, where there is room for it.
func (p *leg) refuses() {
	p.deaf = true
	p.out = p.s.core.spare.free(p.out)
	p.endPipe()
	if p.ended || p.other().blocked() {
		p.breaks()
		return
	}
	p.s.core.loop.Again(p.wire.ref)
}

// ends takes in that nothing more comes from it. The kernel tells of a reset once, and that may have been when it was sent something.
func (p *leg) ends() {
	if p.deaf {
		p.breaks()
		return
	}
	p.ended = true
	p.s.alive()
	p.other().finish()
}

// finish passes on the other's end, once it has taken all that came before.
func (p *leg) finish() {
	from := p.other()
	if from.ended && !p.finned && !p.blocked() && !p.deaf {
		p.finned = true
		if !p.ended || p.wire.secure() { // or else closing does it: of TLS, whose last word may have to wait
			p.wire.closeWrite(p.s.core)
		}
	}
	if p.ended && from.ended && !p.blocked() && !from.blocked() {
		p.s.tell(exchange.Finished)
	}
}

// breaks ends the session: the connection is broken.
func (p *leg) breaks() {
	if p == &p.s.client.leg {
		p.s.tell(exchange.ClientGone)
	} else {
		p.s.tell(exchange.ServerClosed)
	}
}

func (p *leg) close(reset bool) {
	c := p.s.core
	p.out = c.spare.free(p.out)
	p.endPipe()
	p.wire.close(c, reset)
}
