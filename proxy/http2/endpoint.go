package http2

import "time"

// endpoint is what both sides of a connection have: the streams, windows and settings of [Conn] and [ClientConn].
type endpoint struct {
	cfg      Config
	reader   Reader
	decoder  *Decoder
	encoder  Encoder
	peer     Settings
	toServer bool // the peer is a server
	greeted  bool // its SETTINGS have come

	head  Head
	block openBlock // the field block that is being read

	streams streams
	last    uint32    // the highest stream that the client has opened
	served  uint32    // the highest one of the peer's that was taken up, or refused: what GOAWAY says
	gap     [2]uint32 // between these two the peer has last left out streams, which can never be opened any more
	room    int64     // octets of DATA that the peer's connection window takes
	inbound inbound

	flood  counts
	late   time.Time // when the frame or field block that is on its way has to be complete; zero: none is
	probed bool      // a PING for Probe is not answered yet
	drain  drainState
	ended  Reason
}

// role is what each side does in its own way.
type role interface {
	// unopened judges HEADERS on a stream that is not open, and says in the open block what is to become of it.
	unopened(id uint32) Reason
	// headed takes in the head that is complete.
	headed(out []byte) (Event, []byte)
	// goneAway takes in GOAWAY.
	goneAway(last uint32, code Code) Event
}

var (
	_ role = (*Conn)(nil)
	_ role = (*ClientConn)(nil)
)

// openBlock is what is known of a field block before its end.
type openBlock struct {
	stream uint32
	kind   blockKind
	end    bool   // END_STREAM
	fault  Reason // of the frame
}

type blockKind uint8

const (
	ignored blockKind = iota // of a stream that is gone
	heading
	trailing
)

// init makes the state of a new connection.
func (c *endpoint) init(cfg *Config) {
	*c = endpoint{cfg: *cfg, peer: InitialSettings(), room: firstWindow}
	c.streams.keep = max(2*cfg.Streams, leastKept)
	c.encoder.limit = tableSize
	c.decoder = NewDecoder(&c.cfg.Limits)
	c.inbound = inbound{window: int64(cfg.ConnWindow), size: int64(cfg.ConnWindow)}
}

// start appends SETTINGS that begin with first, and the window of the connection.
func (c *endpoint) start(out []byte, first Setting) []byte {
	out = AppendSettings(out, first,
		Setting{InitialWindowSize, uint32(c.cfg.StreamWindow)},
		Setting{MaxFrameSize, uint32(c.cfg.Frame)},
		Setting{MaxHeaderListSize, uint32(c.cfg.Head)})
	if more := c.cfg.ConnWindow - firstWindow; more > 0 {
		out = AppendWindowUpdate(out, 0, uint32(more))
	}
	return out
}

// receive is Receive of either side.
func (c *endpoint) receive(r role, now time.Time, buf, out []byte) (n int, ev Event, _ []byte) {
	if c.ended != 0 {
		return 0, Event{Kind: Ended, Why: c.ended}, out
	}
	var f Frame
	n, err := c.reader.Parse(buf, &c.cfg.Limits, &f)
	if err != nil {
		ev, out = c.end(err.(Reason), out)
		return 0, ev, out
	}
	if n > 0 {
		c.flood.age(now)
		ev, out = c.frame(r, &f, out)
	}
	if ev.Kind != Ended && c.tooLate(now, buf[n:], n > 0) {
		ev, out = c.end(BlockTooSlow, out)
	}
	return n, ev, out
}

// tooLate keeps the deadline of what has begun to arrive: a field block, from the header of its first frame on, and that of any
// frame. The data of a body is slow or fast as its owner likes.
func (c *endpoint) tooLate(now time.Time, rest []byte, moved bool) bool {
	switch {
	case c.reader.BlockOpen(): // one deadline for the whole of it
	case moved, len(rest) == 0, len(rest) >= HeaderLen && Type(rest[3]) != Headers:
		c.late = time.Time{}
		return false
	}
	if c.late.IsZero() {
		c.late = now.Add(c.cfg.BlockTime)
	}
	return !now.Before(c.late)
}

// keptHead is how much memory of a head is kept for the next one, in octets: most heads are smaller.
const keptHead = 4 << 10

// Trim gives back what a large head has left of memory: for a connection that waits. No Head of an event may be in use. That of a
// field block which is not at its end stays.
func (c *endpoint) Trim() {
	if cap(c.head.Buf) > keptHead && !c.reader.BlockOpen() {
		c.head = Head{}
	}
}

// Deadline is when Receive is to be called though nothing has arrived; zero: never.
func (c *endpoint) Deadline() time.Time { return c.late }

// end ends the connection.
func (c *endpoint) end(why Reason, out []byte) (Event, []byte) {
	c.ended, c.late = why, time.Time{}
	return Event{Kind: Ended, Why: why}, AppendGoAway(out, c.served, why.Code(), why.Error())
}

// fault ends a stream for what the peer did on it. Where that has never begun the connection ends: nothing may be sent on
// an idle stream. Of one that is closed its peer is told all the same, but for what it sent before it knew that we reset it.
func (c *endpoint) fault(id uint32, why Reason, out []byte) (Event, []byte) {
	if id > c.last {
		return c.end(why, out)
	}
	if flood := c.flood.count(&c.cfg.Floods, faults); flood != 0 {
		return c.end(flood, out)
	}
	s := c.streams.find(id)
	if s == nil {
		if !c.streams.resetByUs(id) {
			out = AppendRSTStream(out, id, why.Code())
		}
		return Event{}, out
	}
	ev := Event{Kind: Reset, Stream: id, Owner: s.owner, Code: why.Code(), Why: why}
	return ev, c.Reset(out, id, why.Code())
}
