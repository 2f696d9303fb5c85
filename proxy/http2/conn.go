package http2

import "time"

// Conn is a server's side of a connection: its streams, windows and settings. It is pure; its owner brings the bytes that
// arrive, does what events say, and sends what is appended to its buffers, in that order and without anything in between.
// All calls come from one goroutine.
//
// What arrives is answered by octets to send, so its owner calls Receive only while what it has not sent yet is little.
type Conn struct {
	endpoint
}

// NewConn returns the state of a new connection. The preface is its owner's to take off with [ParsePreface].
func NewConn(cfg *Config) *Conn {
	c := &Conn{}
	c.init(cfg)
	return c
}

// Start appends what a server sends first.
func (c *Conn) Start(out []byte) []byte {
	return c.start(out, Setting{MaxConcurrentStreams, uint32(c.cfg.Streams)})
}

// Receive takes in the frame at the start of buf, if all of it has arrived, and says what it has brought and how many octets it
// was. It is to be called until n is 0, then again when more has arrived, or at Deadline. out is buf's counterpart: what is to be
// sent is appended to it.
func (c *Conn) Receive(now time.Time, buf, out []byte) (n int, ev Event, _ []byte) {
	return c.receive(c, now, buf, out)
}

// unopened opens a stream, of which the head is to come.
func (c *Conn) unopened(id uint32) Reason {
	switch {
	case id%2 == 0:
		return BadStreamID // RFC 9113 section 5.1.1: clients have the odd ones
	case id <= c.last:
		if why := c.missing(id); why != IdleStream {
			return why
		}
		return BadStreamID // section 5.1.1: "MUST be numerically greater than all streams" before
	case id > c.last+2:
		c.gap = [2]uint32{c.last, id}
	}
	c.last = id
	if c.drain == left { // it was sent before the peer knew, and may be sent elsewhere again (section 6.8)
		c.streams.remember(id)
		return 0
	}
	c.served, c.block.kind = id, heading
	return 0
}

// headed opens a stream with the request that is complete.
func (c *Conn) headed(out []byte) (Event, []byte) {
	id := c.block.stream
	if len(c.streams.open) >= c.cfg.Streams {
		if flood := c.flood.count(&c.cfg.Floods, faults); flood != 0 {
			return c.end(flood, out)
		}
		c.streams.remember(id)
		return Event{}, AppendRSTStream(out, id, TooManyStreams.Code())
	}
	s := c.streams.add(stream{
		id: id, headed: true, remoteEnd: c.block.end, left: -1, room: int64(c.peer.InitialWindowSize),
		inbound: inbound{window: int64(c.cfg.StreamWindow), size: int64(c.cfg.StreamWindow)},
	})
	if c.block.fault != 0 {
		return c.fault(id, c.block.fault, out)
	}
	r, err := c.head.Request()
	if err == nil && c.block.end && r.Length > 0 {
		err = LengthDiffers
	}
	if err != nil {
		if err == HeadTooLarge {
			c.flood.n[faults] += largeHead - 1
		}
		if flood := c.flood.count(&c.cfg.Floods, faults); flood != 0 {
			return c.end(flood, out)
		}
		s.deaf = true
		return Event{Kind: RequestFault, Stream: id, End: s.remoteEnd, Why: err.(Reason)}, out
	}
	s.left = r.Length
	return Event{Kind: RequestHead, Stream: id, Request: r, Head: &c.head, End: s.remoteEnd}, out
}

func (c *Conn) goneAway(_ uint32, code Code) Event {
	return Event{Kind: PeerLeaves, Code: code}
}

// SendHead appends the head of a response, from status 200 on: block is all of its fields, as the [Encoder] has begun it last.
// end ends the response. Nothing is appended where the stream is gone.
func (c *Conn) SendHead(out []byte, id uint32, block []byte, end bool) []byte {
	if s := c.streams.find(id); s != nil {
		s.answered = true
	}
	return c.sendBlock(out, id, block, end)
}

// SendInterim appends the head of an interim response.
func (c *Conn) SendInterim(out []byte, id uint32, block []byte) []byte {
	return c.sendBlock(out, id, block, false)
}
