package http2

import "iter"

// Streams is how many are open.
func (c *endpoint) Streams() int { return len(c.streams.open) }

// SetOwner hangs a value on a stream, which its events and [Conn.Owner] give back until it is gone. A pointer costs nothing.
func (c *endpoint) SetOwner(id uint32, owner any) {
	if s := c.streams.find(id); s != nil {
		s.owner = owner
	}
}

// Owner is the value of SetOwner; nil where there is none, or the stream is gone.
func (c *endpoint) Owner(id uint32) any {
	if s := c.streams.find(id); s != nil {
		return s.owner
	}
	return nil
}

// All yields the streams that are open with their owners, lowest first. They may be ended meanwhile.
func (c *endpoint) All() iter.Seq2[uint32, any] {
	return func(yield func(uint32, any) bool) {
		for i := 0; i < len(c.streams.open); {
			s := &c.streams.open[i]
			id := s.id
			if !yield(id, s.owner) {
				return
			}
			i = c.streams.above(id)
		}
	}
}

// Wait notes that a stream has more to send than there is Room for, of which Ready is to tell. SendData and BeginData do it
// themselves for what they leave.
func (c *endpoint) Wait(id uint32) {
	if s := c.streams.find(id); s != nil && !s.localEnd {
		c.streams.wait(s, true)
	}
}

// Ready returns a stream that waits and for which there is room now: the next above after, or else the lowest; id 0: there is
// none. It does not wait any more then. To share the connection's window its owner asks after an event of Window, each time with
// the stream that it has served last, even one that is gone, and sends as much for one as it finds fair:
//
//	for id, owner := c.Ready(last); id != 0; id, owner = c.Ready(last) { last = id; ... }
//
// Where it stops before all are served it calls Wait for the one that it has not served.
//
// That costs nothing while no stream waits or the connection's window is used up, and else a look at each open stream at most.
func (c *endpoint) Ready(after uint32) (id uint32, owner any) {
	if c.streams.waiting == 0 || c.room <= 0 {
		return 0, nil
	}
	open := c.streams.open
	first := c.streams.above(after)
	for i := range open {
		s := &open[(first+i)%len(open)]
		if s.waiting && s.room > 0 {
			c.streams.wait(s, false)
			return s.id, s.owner
		}
	}
	return 0, nil
}
