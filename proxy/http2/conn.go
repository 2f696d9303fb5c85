package http2

import "time"

// Config says what a server allows on a connection.
type Config struct {
	Limits

	Streams      int           // open at once, SETTINGS_MAX_CONCURRENT_STREAMS
	StreamWindow int           // octets of a request that may be on their way or unread, 65535 to 2^31-1
	ConnWindow   int           // of all requests together, 65535 to 2^31-1
	BlockTime    time.Duration // for a field block from its first octet to its last
	Floods       Floods
}

// DefaultConfig has the windows that every peer begins with for streams, and room for sixteen full ones on the connection.
func DefaultConfig() Config {
	return Config{
		Limits: DefaultLimits(), Streams: 100, StreamWindow: firstWindow, ConnWindow: 1 << 20,
		BlockTime: 10 * time.Second, Floods: DefaultFloods(),
	}
}

// Kind says what an [Event] is about.
type Kind uint8

// The kinds.
const (
	Nothing      Kind = iota // a frame that is dealt with
	RequestHead              // Request and Head; End: there is no body
	RequestFault             // a request that is malformed for Why: answer Why.Status and Reset, or Reset alone
	Body                     // Data, to be given back by Consumed; End: it was the last
	Trailing                 // the trailers, in Head; they end the request
	Reset                    // the peer has reset the stream with Code, or it was reset for Why; it is gone, or was never told
	Window                   // the window of Stream has grown; of stream 0: that of the connection or of all streams
	PeerLeaves               // GOAWAY with Code
	Ended                    // the connection ends for Why: send what there is to send and close
)

// Event is what a frame has brought. Head and Data are valid until the next call.
type Event struct {
	Kind    Kind
	Stream  uint32
	End     bool
	Request Request
	Head    *Head
	Data    []byte
	Code    Code
	Why     Reason
}

// Conn is a server's side of a connection: its streams, windows and settings. It is pure; its owner brings the bytes that
// arrive, does what events say, and sends what is appended to its buffers, in that order and without anything in between.
// All calls come from one goroutine.
//
// What arrives is answered by octets to send, so its owner calls Receive only while what it has not sent yet is little.
type Conn struct {
	cfg     Config
	reader  Reader
	decoder *Decoder
	peer    Settings

	head  Head
	block openBlock // the field block that is being read

	streams streams
	last    uint32    // the highest stream that the peer has opened
	served  uint32    // the highest one that was taken up, or refused: what GOAWAY says
	gap     [2]uint32 // between these two the peer has last left out streams, which can never be opened any more
	room    int64     // octets of DATA that the peer's connection window takes
	inbound inbound

	flood   counts
	late    time.Time // when the frame or field block that is on its way has to be complete; zero: none is
	encoded bool      // the first field block has begun
	drain   drainState
	ended   Reason
}

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
	opening
	trailing
)

// NewConn returns the state of a new connection. The preface is its owner's to take off with [ParsePreface].
func NewConn(cfg *Config) *Conn {
	c := &Conn{cfg: *cfg, peer: InitialSettings(), room: firstWindow}
	c.decoder = NewDecoder(&c.cfg.Limits)
	c.inbound = inbound{window: int64(cfg.ConnWindow), size: int64(cfg.ConnWindow)}
	return c
}

// Start appends what a server sends first.
func (c *Conn) Start(out []byte) []byte {
	out = AppendSettings(out,
		Setting{MaxConcurrentStreams, uint32(c.cfg.Streams)},
		Setting{InitialWindowSize, uint32(c.cfg.StreamWindow)},
		Setting{MaxFrameSize, uint32(c.cfg.Frame)},
		Setting{MaxHeaderListSize, uint32(c.cfg.Head)})
	if more := c.cfg.ConnWindow - firstWindow; more > 0 {
		out = AppendWindowUpdate(out, 0, uint32(more))
	}
	return out
}

// Receive takes in the frame at the start of buf, if all of it has arrived, and says what it has brought and how many octets it
// was. It is to be called until n is 0, then again when more has arrived, or at Deadline. out is buf's counterpart: what is to be
// sent is appended to it.
func (c *Conn) Receive(now time.Time, buf, out []byte) (n int, ev Event, _ []byte) {
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
		ev, out = c.frame(&f, out)
	}
	if ev.Kind != Ended && c.tooLate(now, buf[n:], n > 0) {
		ev, out = c.end(BlockTooSlow, out)
	}
	return n, ev, out
}

// tooLate keeps the deadline of what has begun to arrive: a field block, from the header of its first frame on, and that of any
// frame. The data of a body is slow or fast as its owner likes.
func (c *Conn) tooLate(now time.Time, rest []byte, moved bool) bool {
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

// Deadline is when Receive is to be called though nothing has arrived; zero: never.
func (c *Conn) Deadline() time.Time { return c.late }

// end ends the connection.
func (c *Conn) end(why Reason, out []byte) (Event, []byte) {
	c.ended, c.late = why, time.Time{}
	return Event{Kind: Ended, Why: why}, AppendGoAway(out, c.served, why.Code(), why.Error())
}

// fault ends a stream for what the peer did on it. Where that has never begun the connection ends: nothing may be sent on
// an idle stream.
func (c *Conn) fault(id uint32, why Reason, out []byte) (Event, []byte) {
	if id > c.last {
		return c.end(why, out)
	}
	if flood := c.flood.count(&c.cfg.Floods, faults); flood != 0 {
		return c.end(flood, out)
	}
	s := c.streams.find(id)
	if s == nil {
		return Event{}, out
	}
	out = c.Reset(out, id, why.Code())
	return Event{Kind: Reset, Stream: id, Code: why.Code(), Why: why}, out
}
