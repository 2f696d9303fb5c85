package http2

// Encoder is what field blocks of this connection are made with.
func (c *endpoint) Encoder() *Encoder { return &c.encoder }

// SendTrailers appends trailers, which end the message: block is all of their fields. Nothing is appended where the stream is
// gone.
func (c *endpoint) SendTrailers(out []byte, id uint32, block []byte) []byte {
	return c.sendBlock(out, id, block, true)
}

func (c *endpoint) sendBlock(out []byte, id uint32, block []byte, end bool) []byte {
	s := c.streams.find(id)
	if s == nil || s.localEnd {
		return out
	}
	s.localEnd = end
	c.encoder.sent()
	out = AppendHeaders(out, id, block, end, c.frameSize())
	c.closeIfEnded(s)
	return out
}

// Room is how many octets of data may be sent on a stream now, by its own window and by that of the connection, which all
// streams share; 0 also where it is gone.
func (c *endpoint) Room(id uint32) int {
	s := c.streams.find(id)
	if s == nil || s.localEnd {
		return 0
	}
	return c.roomOf(s)
}

func (c *endpoint) roomOf(s *stream) int { return int(max(min(s.room, c.room), 0)) }

// SendData appends as much of data as Room allows, n octets, and with the last of them the end of the message where end is
// set. A stream that has more to send then waits, see Ready. Where the stream is gone n is 0.
func (c *endpoint) SendData(out []byte, id uint32, data []byte, end bool) (n int, _ []byte) {
	s := c.streams.find(id)
	if s == nil || s.localEnd {
		return 0, out
	}
	n = c.spend(s, len(data))
	if end = end && n == len(data); n == 0 && !end {
		return 0, out
	}
	s.localEnd = end
	out = AppendData(out, id, data[:n], end, c.frameSize())
	c.closeIfEnded(s)
	return n, out
}

// BeginData is SendData for data that is not to be copied, and for one frame: it appends the header of a DATA frame for n of
// size octets, which its owner appends or sends next, all of them and before anything else. n may be less than Room: a frame
// has its bounds. Where it is 0 nothing was appended, unless size is 0 and end is set.
func (c *endpoint) BeginData(out []byte, id uint32, size int, end bool) (n int, _ []byte) {
	s := c.streams.find(id)
	if s == nil || s.localEnd {
		return 0, out
	}
	n = c.spend(s, min(size, c.frameSize()))
	if end = end && n == size; n == 0 && !end {
		return 0, out
	}
	s.localEnd = end
	out = AppendDataHeader(out, id, n, end)
	c.closeIfEnded(s)
	return n, out
}

// spend takes room for as much of size octets as there is. A stream for which that is too little waits.
func (c *endpoint) spend(s *stream, size int) (n int) {
	n = min(size, c.roomOf(s))
	c.streams.wait(s, n < size)
	s.room -= int64(n)
	c.room -= int64(n)
	if n > 0 {
		c.flood.sentData()
	}
	return n
}

// frameSize is how large frames are made: what the peer allows, and no more than what one that is a full record of TLS holds,
// so that no stream keeps the others waiting.
func (c *endpoint) frameSize() int { return int(min(c.peer.MaxFrameSize, minFrameSize)) }

// Consumed gives n octets of a stream's data back, so that the peer may send as much again. It is called for streams that
// are gone too.
func (c *endpoint) Consumed(out []byte, id uint32, n int) []byte {
	if s := c.streams.find(id); s != nil && !s.remoteEnd {
		if more := s.inbound.give(int64(n)); more > 0 {
			out = AppendWindowUpdate(out, id, more)
		}
	}
	return c.giveConn(int64(n), out)
}

func (c *endpoint) giveConn(n int64, out []byte) []byte {
	if more := c.inbound.give(n); more > 0 {
		return AppendWindowUpdate(out, 0, more)
	}
	return out
}

// Reset ends a stream at once, if it is not gone. A response that was sent whole before its request is ended with NoError
// (RFC 9113 section 8.1); a request of which the response has come before it was sent whole, with Cancel.
func (c *endpoint) Reset(out []byte, id uint32, code Code) []byte {
	s := c.streams.find(id)
	if s == nil {
		return out
	}
	c.streams.remove(s)
	c.streams.remember(id)
	return AppendRSTStream(out, id, code)
}

// closeIfEnded forgets a stream whose two ends are. s is not to be used after that.
func (c *endpoint) closeIfEnded(s *stream) {
	if s.localEnd && s.remoteEnd {
		c.streams.remove(s)
	}
}
