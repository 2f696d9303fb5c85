package http2

// frame deals with one frame.
func (c *endpoint) frame(r role, f *Frame, out []byte) (Event, []byte) {
	switch f.Type {
	case Data:
		return c.data(f, out)
	case Headers:
		return c.headers(r, f, out)
	case Continuation:
		return c.fragment(r, f, out)
	case RSTStream:
		return c.rstStream(f, out)
	case SettingsType:
		return c.settings(f, out)
	case Ping:
		return c.ping(f, out)
	case GoAway:
		return r.goneAway(f.GoneAway()), out
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
func (c *endpoint) missing(id uint32) Reason {
	switch {
	case id > c.last || id%2 == 0 || c.gap[0] < id && id < c.gap[1]:
		return IdleStream
	case c.streams.resetByUs(id):
		return 0
	}
	return ClosedStream
}

// data takes in DATA. All of it counts in both windows, padding and what nobody wants too (RFC 9113 section 6.9).
func (c *endpoint) data(f *Frame, out []byte) (ev Event, _ []byte) {
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
	ev = Event{Kind: Body, Stream: f.Stream, Owner: s.owner, Data: f.Payload, End: f.Has(EndStream)}
	out = c.Consumed(out, f.Stream, int(length)-len(f.Payload)) // padding is consumed at once
	c.closeIfEnded(s)
	return ev, out
}

// data judges a frame of data by the state of its stream.
func (s *stream) data(f *Frame) Reason {
	switch {
	case s.remoteEnd:
		return HalfClosed
	case !s.headed:
		return DataBeforeHead
	case !s.inbound.take(int64(f.Length)):
		return StreamExceeded
	}
	s.remoteEnd = f.Has(EndStream)
	switch {
	case s.bodiless && len(f.Payload) > 0:
		return BodyWhereNone
	case s.bodiless, s.left < 0:
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
func (c *endpoint) headers(r role, f *Frame, out []byte) (Event, []byte) {
	c.block = openBlock{stream: f.Stream, end: f.Has(EndStream), fault: f.Fault}
	switch s := c.streams.find(f.Stream); {
	case s == nil:
		if why := r.unopened(f.Stream); why != 0 {
			return c.end(why, out)
		}
	case !s.headed:
		c.block.kind = heading
	default:
		c.block.kind = trailing
		if s.remoteEnd {
			c.block.fault = HalfClosed
		} else if !c.block.end && c.block.fault == 0 {
			c.block.fault = TrailersUnended // section 8.1: "that does not have the END_STREAM flag set ... malformed"
		}
	}
	c.decoder.Begin(&c.head)
	return c.fragment(r, f, out)
}

// fragment takes in a part of a field block; its end brings an event.
func (c *endpoint) fragment(r role, f *Frame, out []byte) (Event, []byte) {
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
	case heading:
		return r.headed(out)
	case trailing:
		return c.trailers(out)
	}
	return Event{}, out
}

// trailers ends a message with the block that is complete.
func (c *endpoint) trailers(out []byte) (Event, []byte) {
	id, why := c.block.stream, c.block.fault
	s := c.streams.find(id)
	if err := c.head.Trailers(); err != nil && why == 0 {
		why = err.(Reason)
	}
	if why == 0 && s.left > 0 && !s.bodiless {
		why = LengthDiffers
	}
	if why != 0 {
		return c.fault(id, why, out)
	}
	s.remoteEnd = true
	ev := Event{Kind: Trailing, Stream: id, Owner: s.owner, Head: &c.head, End: true}
	if s.deaf {
		ev = Event{}
	}
	c.closeIfEnded(s)
	return ev, out
}

func (c *endpoint) rstStream(f *Frame, out []byte) (Event, []byte) {
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
	ev := Event{Kind: Reset, Stream: f.Stream, Owner: s.owner, Code: f.Code()}
	// "REFUSED_STREAM ... guarantees that a request has not been processed" (section 8.7); an answer says otherwise.
	ev.Unprocessed = ev.Code == RefusedStream && !s.begun()
	c.streams.remove(s)
	return ev, out
}

// settings takes in SETTINGS. A new initial size moves the windows of all streams by the difference, below 0 if need be
// (RFC 9113 section 6.9.2).
func (c *endpoint) settings(f *Frame, out []byte) (Event, []byte) {
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
	c.greeted = true
	if c.toServer && c.peer.EnablePush { // section 6.5.2: "A server MUST NOT set this value to 1"
		return c.end(BadSetting, out)
	}
	if !c.toServer {
		c.encoder.resize(c.peer.HeaderTableSize)
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

func (c *endpoint) ping(f *Frame, out []byte) (Event, []byte) {
	if flood := c.flood.count(&c.cfg.Floods, pings); flood != 0 {
		return c.end(flood, out)
	}
	if !f.Has(Ack) {
		return Event{}, AppendPingAck(out, f.Payload)
	}
	if c.probed && [8]byte(f.Payload) == probePing {
		c.probed = false
		return Event{Kind: Alive}, out
	}
	if c.drain == announced && [8]byte(f.Payload) == drainPing {
		return Event{}, c.Leave(out)
	}
	return Event{}, out
}

func (c *endpoint) windowUpdate(f *Frame, out []byte) (Event, []byte) {
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
	return Event{Kind: Window, Stream: f.Stream, Owner: s.owner}, out
}
