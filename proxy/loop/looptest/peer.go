package looptest

import (
	"net/netip"
	"syscall"
)

// Peer is the other end of a connection of a Loop: a client, or a server's. What it sends arrives at once; what it is sent it has
// read, as far as its window lets it come. Nothing of that is seen by the Loop before the next Step.
type Peer struct {
	conn     *conn
	received []byte
	read     int // octets of it that Read has returned
	ended    bool
	reset    bool
	addr     netip.AddrPort
}

// Addr is the peer's address.
func (p *Peer) Addr() netip.AddrPort { return p.addr }

// Write sends. A connection that the Loop has closed is reset by it.
func (p *Peer) Write(b []byte) (int, error) {
	c := p.conn
	switch {
	case c.closed && !c.fin:
		p.reset = true
		return 0, syscall.ECONNRESET
	case c.fin || c.dead:
		return 0, syscall.EPIPE
	}
	c.in = append(c.in, b...)
	if c.seen+len(b) == len(c.in) { // nothing is on its way before it
		c.seen = len(c.in)
	}
	c.changed()
	return len(b), nil
}

// Say sends a text. What becomes of it the test sees by other means.
func (p *Peer) Say(text string) { _, _ = p.Write([]byte(text)) }

// Read returns what has come since the last Read.
func (p *Peer) Read() []byte {
	b := p.received[p.read:]
	p.read = len(p.received)
	return b
}

// Received returns all that has come.
func (p *Peer) Received() []byte { return p.received }

// Ended reports whether the Loop has ended its side, by CloseWrite or by closing.
func (p *Peer) Ended() bool { return p.ended }

// WasReset reports whether the Loop has reset the connection.
func (p *Peer) WasReset() bool { return p.reset }

// Closed reports whether the Loop has closed its end, orderly or not.
func (p *Peer) Closed() bool { return p.conn.closed }

// Window lets at most so many octets more come; below 0, as at first: any number.
func (p *Peer) Window(octets int) {
	p.conn.window = octets
	p.conn.changed()
}

// Unplug has all be lost that Loops send from now on, as where a cable was pulled: the kernel takes it, and nobody acknowledges it.
func (p *Peer) Unplug() { p.conn.nowhere = true }

// CloseWrite ends what the peer sends.
func (p *Peer) CloseWrite() {
	c := p.conn
	if c.fin || c.dead {
		return
	}
	c.fin = true
	c.ended = c.seen == len(c.in)
	c.changed()
}

// Close ends the peer: what is sent to it from now on it answers with a reset.
func (p *Peer) Close() {
	p.CloseWrite()
	p.conn.gone = true
}

// Reset breaks the connection. What the peer has sent before can still be received.
func (p *Peer) Reset() {
	if !p.conn.dead {
		p.conn.breaks(syscall.ECONNRESET)
	}
}
