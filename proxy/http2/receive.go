package http2

// frame deals with one frame.
func (c *Conn) frame(f *Frame, out []byte) (Event, []byte) {
	switch f.Type {
	case Data:
		return c.data(f, out)
	case Headers:
		return c.headers(f, out)
	case Continuation:
		return c.fragment(f, out)
	case RSTStream:
		return c.rstStream(f, out)
	case SettingsType:
		return c.settings(f, out)
	case Ping:
		return c.ping(f, out)
	case GoAway:
		_, code := f.GoneAway()
		return Event{Kind: PeerLeaves, Code: code}, out
	}
	if flood := c.flood.count(&c.cfg.Floods, updates); flood != 0 {
		return c.end(flood, out)
	}
	switch {
	case f.Fault != 0:
		return c.fault(f.Stream, f.Fault, out)
	case f.Type == WindowUpdate:
		return c.windowUpdate(f, out)
	}
	return Event{}, out
}

// missing judges a frame on a stream that is not open: "Receiving any frame other than HEADERS or PRIORITY on a stream in
// [idle] state MUST be treated as a connection error", and one that was closed by its peer gets none either (RFC 9113
// section 5.1). What the peer sent before it knew that we reset a stream is let pass.
func (c *Conn) missing(id uint32) Reason {
	switch {
	case id > c.last || id%2 == 0 || c.gap[0] < id && id < c.gap[1]:
		return IdleStream
	case c.streams.resetByUs(id):
		return 0
	}
	return ClosedStream
}

// data takes in DATA. All of it counts in both windows, padding and what nobody wants too (RFC 9113 section 6.9).
func (c *Conn) data(f *Frame, out []byte) (ev Event, _ []byte) {
	length := int64(f.Length)
	if !c.inbound.take(length) {
		return c.end(WindowExceeded, out)
	}
	if len(f.Payload) == 0 && !f.Has(EndStream) {
		if flood := c.flood.count(&c.cfg.Floods, empties); flood != 0 {
			return c.end(flood, out)
		}
	}
	s := c.streams.find(f.Stream)
	if s == nil {
		if why := c.missing(f.Stream); why != 0 {
			return c.end(why, out)
		}
		return Event{}, c.giveConn(length, out)
	}
	if why := s.data(f); why != 0 {
		return c.fault(f.Stream, why, c.giveConn(length, out))
	}
	if s.deaf {
		c.closeIfEnded(s)
		return Event{}, c.giveConn(length, out)
	}
	ev = Event{Kind: Body, Stream: f.Stream, Data: f.Payload, End: f.Has(EndStream)}
	out = c.Consumed(out, f.Stream, int(length)-len(f.Payload)) // padding is consumed at once
	c.closeIfEnded(s)
	return ev, out
}

// data judges a frame of data by the state of its stream.
func (s *stream) data(f *Frame) Reason {
	switch {
	case s.remoteEnd:
		return HalfClosed
	case !s.inbound.take(int64(f.Length)):
		return StreamExceeded
	}
	s.remoteEnd = f.Has(EndStream)
	if s.left < 0 {
		return 0
	}
	// RFC 9113 section 8.1.1: content-length has to be "the sum of the DATA frame payload lengths".
	s.left -= int64(len(f.Payload))
	if s.left < 0 || s.remoteEnd && s.left > 0 {
		return LengthDiffers
	}
	return 0
}

// headers takes in the first frame of a field block.
func (c *Conn) headers(f *Frame, out []byte) (Event, []byte) {
	c.block = openBlock{stream: f.Stream, end: f.Has(EndStream), fault: f.Fault}
	switch s := c.streams.find(f.Stream); {
	case s != nil:
		c.block.kind = trailing
		if s.remoteEnd {
			c.block.fault = HalfClosed
		} else if !c.block.end && c.block.fault == 0 {
			c.block.fault = TrailersUnended // section 8.1: "that does not have the END_STREAM flag set ... malformed"
		}
	case f.Stream%2 == 0:
		return c.end(BadStreamID, out) // section 5.1.1: clients have the odd ones
	case f.Stream > c.last:
		if f.Stream > c.last+2 {
			c.gap = [2]uint32{c.last, f.Stream}
		}
		c.last = f.Stream
		if c.drain == left { // it was sent before the peer knew, and may be sent elsewhere again (section 6.8)
			c.streams.remember(f.Stream, 2*c.cfg.Streams)
			break
		}
		c.served, c.block.kind = f.Stream, opening
	default:
		switch why := c.missing(f.Stream); why {
		case 0:
		case IdleStream:
			return c.end(BadStreamID, out) // section 5.1.1: "MUST be numerically greater than all streams" before
		default:
			return c.end(why, out)
		}
	}
	c.decoder.Begin(&c.head)
	return c.fragment(f, out)
}

// fragment takes in a part of a field block; its end brings an event.
func (c *Conn) fragment(f *Frame, out []byte) (Event, []byte) {
	err := c.decoder.Write(f.Payload)
	if err == nil && !f.Has(EndHeaders) {
		return Event{}, out
	}
	if err == nil {
		err = c.decoder.End()
	}
	if err != nil {
		return c.end(BadCompression, out)
	}
	switch c.block.kind {
	case opening:
		return c.open(out)
	case trailing:
		return c.trailers(out)
	}
	return Event{}, out
}

// open opens a stream with the block that is complete.
func (c *Conn) open(out []byte) (Event, []byte) {
	id := c.block.stream
	if len(c.streams.open) >= c.cfg.Streams {
		if flood := c.flood.count(&c.cfg.Floods, faults); flood != 0 {
			return c.end(flood, out)
		}
		c.streams.remember(id, 2*c.cfg.Streams)
		return Event{}, AppendRSTStream(out, id, TooManyStreams.Code())
	}
	c.streams.open = append(c.streams.open, stream{
		id: id, remoteEnd: c.block.end, left: -1, room: int64(c.peer.InitialWindowSize),
		inbound: inbound{window: int64(c.cfg.StreamWindow), size: int64(c.cfg.StreamWindow)},
	})
	s := &c.streams.open[len(c.streams.open)-1]
	if c.block.fault != 0 {
		return c.fault(id, c.block.fault, out)
	}
	r, err := c.head.Request()
	if err == nil && c.block.end && r.Length > 0 {
		err = LengthDiffers
	}
	if err != nil {
		if flood := c.flood.count(&c.cfg.Floods, faults); flood != 0 {
			return c.end(flood, out)
		}
		s.deaf = true
		return Event{Kind: RequestFault, Stream: id, End: s.remoteEnd, Why: err.(Reason)}, out
	}
	s.left = r.Length
	return Event{Kind: RequestHead, Stream: id, Request: r, Head: &c.head, End: s.remoteEnd}, out
}

// trailers ends a request with the block that is complete.
func (c *Conn) trailers(out []byte) (Event, []byte) {
	id, why := c.block.stream, c.block.fault
	s := c.streams.find(id)
	if err := c.head.Trailers(); err != nil && why == 0 {
		why = err.(Reason)
	}
	if why == 0 && s.left > 0 {
		why = LengthDiffers
	}
	if why != 0 {
		return c.fault(id, why, out)
	}
	s.remoteEnd = true
	deaf := s.deaf
	c.closeIfEnded(s)
	if deaf {
		return Event{}, out
	}
	return Event{Kind: Trailing, Stream: id, Head: &c.head, End: true}, out
}

func (c *Conn) rstStream(f *Frame, out []byte) (Event, []byte) {
	s := c.streams.find(f.Stream)
	if s == nil && c.missing(f.Stream) == IdleStream {
		return c.end(IdleStream, out)
	}
	if s == nil || !s.answered {
		if flood := c.flood.count(&c.cfg.Floods, resets); flood != 0 {
			return c.end(flood, out)
		}
	}
	if s == nil {
		return Event{}, out
	}
	c.streams.remove(f.Stream)
	return Event{Kind: Reset, Stream: f.Stream, Code: f.Code()}, out
}

// settings takes in SETTINGS. A new initial size moves the windows of all streams by the difference, below 0 if need be
// (RFC 9113 section 6.9.2).
func (c *Conn) settings(f *Frame, out []byte) (Event, []byte) {
	if flood := c.flood.count(&c.cfg.Floods, settingsFrames); flood != 0 {
		return c.end(flood, out)
	}
	if f.Has(Ack) {
		return Event{}, out
	}
	before := int64(c.peer.InitialWindowSize)
	if err := c.peer.Update(f.Payload); err != nil {
		return c.end(err.(Reason), out)
	}
	moved := int64(c.peer.InitialWindowSize) - before
	for i := range c.streams.open {
		s := &c.streams.open[i]
		if s.room += moved; s.room > maxWindow {
			return c.end(BadWindowSetting, out)
		}
	}
	ev := Event{}
	if moved > 0 {
		ev.Kind = Window
	}
	return ev, AppendSettingsAck(out)
}

func (c *Conn) ping(f *Frame, out []byte) (Event, []byte) {
	if flood := c.flood.count(&c.cfg.Floods, pings); flood != 0 {
		return c.end(flood, out)
	}
	if !f.Has(Ack) {
		return Event{}, AppendPingAck(out, f.Payload)
	}
	if c.drain == announced && [8]byte(f.Payload) == drainPing {
		return Event{}, c.leave(out)
	}
	return Event{}, out
}

func (c *Conn) windowUpdate(f *Frame, out []byte) (Event, []byte) {
	more := int64(f.Increment())
	if f.Stream == 0 {
		if c.room += more; c.room > maxWindow {
			return c.end(WindowOverflow, out)
		}
		return Event{Kind: Window}, out
	}
	s := c.streams.find(f.Stream)
	switch {
	case s == nil && c.missing(f.Stream) == IdleStream:
		return c.end(IdleStream, out)
	case s == nil:
		return Event{}, out // section 5.1: it may have been sent before the peer knew
	}
	if s.room += more; s.room > maxWindow {
		return c.fault(f.Stream, StreamOverflow, out)
	}
	return Event{Kind: Window, Stream: f.Stream}, out
}
