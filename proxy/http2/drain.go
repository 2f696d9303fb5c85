package http2

// drainState is how far a connection has come on its way to its end.
type drainState uint8

const (
	staying   drainState = iota
	announced            // GOAWAY has been sent for no stream, and a PING
	left                 // GOAWAY has been sent with the last stream that is served
)

// What is told from the PINGs of others by what it holds. Never written.
var (
	drainPing = [8]byte{'t', 'a', 'n', 'd', 'e', 'm', 0, 1}
	probePing = [8]byte{'t', 'a', 'n', 'd', 'e', 'm', 0, 2}
)

// Drain tells the peer to open no more streams. Those that it opens before it knows, for which it has to answer a PING, are
// served: "a server that is attempting to gracefully shut down a connection SHOULD send an initial GOAWAY frame with the
// last stream identifier set to 2^31-1" (RFC 9113 section 6.8).
func (c *Conn) Drain(out []byte) []byte {
	if c.drain != staying {
		return out
	}
	c.drain = announced
	return AppendPing(AppendGoAway(out, maxStream, NoError, ""), drainPing)
}

// Leave tells the peer the last of its streams that is served, without waiting for its answer any longer. A client opens no
// more after that.
func (c *endpoint) Leave(out []byte) []byte {
	if c.drain == left {
		return out
	}
	c.drain = left
	return AppendGoAway(out, c.served, NoError, "")
}

// Drained reports whether the connection can be closed: the peer knows the last stream, and none is open.
func (c *Conn) Drained() bool { return c.drain == left && len(c.streams.open) == 0 }

// Probe asks the peer for a sign of life, an event of Alive. Its owner says when, and what to think of one that does not
// come. Nothing is appended while an answer is owed.
func (c *endpoint) Probe(out []byte) []byte {
	if c.probed {
		return out
	}
	c.probed = true
	return AppendPing(out, probePing)
}

// Probed reports whether an answer is owed.
func (c *endpoint) Probed() bool { return c.probed }
