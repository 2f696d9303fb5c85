package http2

// BeginBlock appends to dst what the next field block has to begin with; [AppendStatus] and [AppendFields] append the rest.
// Blocks are sent in the order in which they are begun.
func (c *Conn) BeginBlock(dst []byte) []byte {
	if c.encoded {
		return dst
	}
	c.encoded = true
	return AppendBlockStart(dst)
}

// SendHead appends the head of a response, an interim one, or trailers: block is all of its fields. end ends the response.
// Nothing is appended where the stream is gone.
func (c *Conn) SendHead(out []byte, id uint32, block []byte, end bool) []byte {
	s := c.streams.find(id)
	if s == nil || s.localEnd {
		return out
	}
	s.answered = true
	s.localEnd = end
	out = AppendHeaders(out, id, block, end, c.frameSize())
	c.closeIfEnded(s)
	return out
}

// Room is how many octets of data may be sent on a stream now; 0 also where it is gone.
func (c *Conn) Room(id uint32) int {
	s := c.streams.find(id)
	if s == nil || s.localEnd {
		return 0
	}
	return int(max(min(s.room, c.room), 0))
}

// SendData appends as much of data as Room allows, n octets, and with the last of them the end of the response where end is
// set. Where the stream is gone n is 0.
func (c *Conn) SendData(out []byte, id uint32, data []byte, end bool) (n int, _ []byte) {
	s := c.streams.find(id)
	if s == nil || s.localEnd {
		return 0, out
	}
	n = min(len(data), c.Room(id))
	end = end && n == len(data)
	if n == 0 && !end {
		return 0, out
	}
	s.room -= int64(n)
	c.room -= int64(n)
	s.localEnd = end
	c.flood.sentData()
	out = AppendData(out, id, data[:n], end, c.frameSize())
	c.closeIfEnded(s)
	return n, out
}

// frameSize is how large frames are made: what the peer allows, and no more than what one that is a full record of TLS holds,
// so that no stream keeps the others waiting.
func (c *Conn) frameSize() int { return int(min(c.peer.MaxFrameSize, minFrameSize)) }

// Consumed gives n octets of a stream's data back, so that the peer may send as much again. It is called for streams that
// are gone too.
func (c *Conn) Consumed(out []byte, id uint32, n int) []byte {
	if s := c.streams.find(id); s != nil && !s.remoteEnd {
		if more := s.inbound.give(int64(n)); more > 0 {
			out = AppendWindowUpdate(out, id, more)
		}
	}
	return c.giveConn(int64(n), out)
}

func (c *Conn) giveConn(n int64, out []byte) []byte {
	if more := c.inbound.give(n); more > 0 {
		return AppendWindowUpdate(out, 0, more)
	}
	return out
}

// Reset ends a stream at once, if it is not gone. A response that was sent whole before its request is ended with NoError
// (RFC 9113 section 8.1).
func (c *Conn) Reset(out []byte, id uint32, code Code) []byte {
	if c.streams.find(id) == nil {
		return out
	}
	c.streams.remove(id)
	c.streams.remember(id, 2*c.cfg.Streams)
	return AppendRSTStream(out, id, code)
}

// closeIfEnded forgets a stream whose two ends are. s is not to be used after that.
func (c *Conn) closeIfEnded(s *stream) {
	if s.localEnd && s.remoteEnd {
		c.streams.remove(s.id)
	}
}

// Streams is how many are open.
func (c *Conn) Streams() int { return len(c.streams.open) }

// drainState is how far a connection has come on its way to its end.
type drainState uint8

const (
	staying   drainState = iota
	announced            // GOAWAY has been sent for no stream, and a PING
	left                 // GOAWAY has been sent with the last stream that is served
)

// drainPing is told from the PINGs of others by what it holds.
var drainPing = [8]byte{'t', 'a', 'n', 'd', 'e', 'm', 0, 1} // never written

// Drain tells the peer to open no more streams. Those that it opens before it knows, for which it has to answer a PING, are
// served: "a server that is attempting to gracefully shut down a connection SHOULD send an initial GOAWAY frame with the
// last stream identifier set to 2^31-1" (RFC 9113 section 6.8).
func (c *Conn) Drain(out []byte) []byte {
	if c.drain != staying {
		return out
	}
	c.drain = announced
	return AppendPing(AppendGoAway(out, 1<<31-1, NoError, ""), drainPing)
}

// Leave tells the peer the last stream that is served, without waiting for its answer any longer.
func (c *Conn) Leave(out []byte) []byte {
	if c.drain == left {
		return out
	}
	return c.leave(out)
}

func (c *Conn) leave(out []byte) []byte {
	c.drain = left
	return AppendGoAway(out, c.served, NoError, "")
}

// Drained reports whether the connection can be closed: the peer knows the last stream, and none is open.
func (c *Conn) Drained() bool { return c.drain == left && len(c.streams.open) == 0 }
