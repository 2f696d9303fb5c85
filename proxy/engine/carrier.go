package engine

import (
	"time"

	"github.com/tandem-lb/tandem/proxy/loop"
)

// carrier is what HTTP/2 connections to clients and to servers have in common. Frames to be sent are collected, and leave once at the
// end of a pass of the loop. One deadline of the socket stands for all that have something due.
type carrier struct {
	core *core
	wire wire
	in   *queue // what has come and is not dealt with: a part of a frame, or frames for which there was no room to answer
	out  *queue // what is to be sent

	paused bool          // in holds whole frames
	stuck  bool          // the socket has not taken all of out
	broken bool          // it can't be sent to any more
	asked  bool          // Settle is going to be called
	alarm  time.Duration // the deadline that the socket has, by the loop's clock; 0: none
}

const (
	// maxWaits is how much may wait to be sent before nothing more is received: what comes may have to be answered.
	maxWaits = 64 << 10
	// flushAt is how much is collected before it leaves at once.
	flushAt = 48 << 10
	// share is how much a stream that has waited for room sends before the next one's turn: a frame.
	share = 16 << 10
	// frameRoom is memory for what a frame is answered with.
	frameRoom = 256
)

// room is out with memory for n more octets, to be put back.
func (c *carrier) room(n int) []byte {
	c.out = c.core.spare.room(c.out, n)
	return c.out.b
}

// put takes back what room gave, for it to be sent at the end of the pass.
func (c *carrier) put(out []byte) {
	c.out.b = out
	c.touch()
}

// touch has what is collected sent at the end of the pass.
func (c *carrier) touch() {
	if !c.asked {
		c.asked = true
		c.core.loop.Settle(c.wire.ref)
	}
}

// waits is how much has not been sent.
func (c *carrier) waits() int {
	n := len(c.out.bytes())
	if c.wire.pending() {
		n += len(c.wire.tls.Out())
	}
	return n
}

// blocked reports whether the socket has not taken all that it was given.
func (c *carrier) blocked() bool { return c.stuck || c.wire.pending() }

// flush sends what is collected. That it can't be sent is found out by Settle: here a stream may be in the midst of something.
func (c *carrier) flush() {
	if c.blocked() || c.broken {
		return
	}
	if c.send() == loop.Failed {
		c.broken = true
		c.touch()
	}
}

func (c *carrier) send() loop.State {
	p := c.out.bytes()
	if len(p) == 0 {
		c.out = c.core.spare.free(c.out)
		return loop.Done
	}
	n, st := c.wire.send(c.core, p, nil)
	c.out = c.core.spare.drop(c.out, n)
	c.stuck = c.out != nil
	return st
}

// resend sends what the socket did not take before, and then what has been collected since.
func (c *carrier) resend() loop.State {
	if c.wire.pending() {
		if st := c.wire.push(c.core); st != loop.Done {
			return st
		}
	}
	c.stuck = false
	return c.send()
}

// wake has Expired called at a time of the loop's clock, if not sooner.
func (c *carrier) wake(at time.Duration) {
	if l := c.core.loop; c.alarm == 0 || at < c.alarm {
		c.alarm = at
		l.SetDeadline(c.wire.ref, at-l.Now())
	}
}

// overdue reports whether a time has come, and has Expired called again when it will.
func (c *carrier) overdue(now, at time.Duration) bool {
	if at > now {
		c.wake(at)
		return false
	}
	return true
}
