package looptest

import (
	"net/netip"
	"syscall"

	"github.com/tandem-lb/tandem/proxy/loop"
)

// conn is a Loop's end of a connection, with what Linux keeps of it.
type conn struct {
	net        *Net
	peer       *Peer
	fd         int
	local      netip.AddrPort
	closed     bool
	watch      *watch
	connecting bool

	in    []byte // received and not read
	seen  int    // octets of in that are there; the others are on their way until the next Wait
	fin   bool   // the peer has sent its end
	ended bool   // which is there

	window  int    // octets that may be sent; below 0: any number
	stalled bool   // no room until the next Wait, whatever the window says
	corked  []byte // sent, and waiting for more
	unacked int    // octets sent after the peer had closed, or that went nowhere
	nowhere bool   // what is sent is lost
	gone    bool   // it has: it answers more with a reset
	shut    bool   // CloseWrite was called

	dead bool  // reset, or refused
	err  error // to be told once
}

// ready is what poll(2) would say.
func (c *conn) ready() (w loop.What) {
	if c.connecting {
		return 0
	}
	if c.seen > 0 {
		w |= loop.Readable
	}
	if c.ended {
		w |= loop.Readable | loop.HungUp
	}
	if !c.stalled && c.window != 0 || c.shut {
		w |= loop.Writable
	}
	if c.dead || c.ended && c.shut {
		w |= loop.Readable | loop.Writable | loop.HungUp
	}
	return w
}

// arrive has what is on its way arrive.
func (c *conn) arrive() { c.seen, c.ended, c.stalled = len(c.in), c.fin, false }

// changed has the kernel that watches tell of it.
func (c *conn) changed() {
	if c.watch != nil {
		c.watch.list()
	}
}

// hide has what was not read arrive later. Once the end is there, which comes after it, there is only news of it without need.
func (c *conn) hide() {
	if !c.ended {
		c.seen = 0
	}
	c.changed()
}

// stall has room come later.
func (c *conn) stall() {
	c.stalled = true
	c.changed()
}

// breaks ends both ways.
func (c *conn) breaks(err error) {
	if c.ended { // tcp(7): after the other side's end a reset is a broken pipe
		err = syscall.EPIPE
	}
	c.dead, c.err = true, err
	c.changed()
}

// takeErr tells the error once.
func (c *conn) takeErr() error {
	err := c.err
	c.err = nil
	return err
}

func (c *conn) recv(b []byte) (int, error) {
	switch {
	case c.connecting:
		return 0, syscall.EAGAIN
	case c.seen > 0:
		n := c.net.some(min(len(b), c.seen))
		copy(b, c.in[:n])
		c.in, c.seen = c.in[n:], c.seen-n
		if c.seen > 0 && n < len(b) {
			c.hide()
		}
		return n, nil
	case c.ended:
		return 0, nil
	case c.err != nil:
		return 0, c.takeErr()
	case c.dead:
		return 0, nil
	}
	return 0, syscall.EAGAIN
}

func (c *conn) send(b []byte, more bool) (int, error) {
	switch {
	case c.connecting:
		return 0, syscall.EAGAIN
	case c.err != nil:
		return 0, c.takeErr()
	case c.dead || c.shut:
		return 0, syscall.EPIPE
	case c.stalled || c.window == 0:
		return 0, syscall.EAGAIN
	case len(b) == 0:
		return 0, nil
	case c.gone:
		c.arrive()
		c.unacked += len(b)
		c.breaks(syscall.ECONNRESET)
		return len(b), nil
	}
	n := len(b)
	if c.nowhere {
		c.unacked += n
		return n, nil
	}
	if c.window > 0 {
		n = min(n, c.window)
	}
	if n = c.net.some(n); c.window > 0 {
		c.window -= n
	}
	if n < len(b) && c.window != 0 {
		c.stall()
	}
	if c.corked = append(c.corked, b[:n]...); !more {
		c.uncork()
	}
	return n, nil
}

// uncork lets go what waits for more. Linux keeps less of it back, and not for ever; who counts on that has a bug.
func (c *conn) uncork() {
	c.peer.received = append(c.peer.received, c.corked...)
	c.corked = c.corked[:0]
}

// close ends the Loop's end. What it has not read it refuses.
func (c *conn) close(reset bool) {
	c.closed, c.watch = true, nil
	if !c.dead {
		if !reset {
			c.uncork()
		}
		c.peer.ended = true
		c.peer.reset = reset || len(c.in) > 0
	}
	c.dead = true
}
