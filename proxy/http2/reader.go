package http2

// Preface is what a client sends first (RFC 9113 section 3.4).
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// ParsePreface returns the length of the preface at the start of buf, 0 while it is not complete, and [BadPreface] as soon as
// it cannot become one: what has arrived is then of another protocol. So prior knowledge (section 3.3) is told from HTTP/1.
func ParsePreface(buf []byte) (n int, err error) {
	n = min(len(buf), len(Preface))
	switch {
	case string(buf[:n]) != Preface[:n]:
		return 0, BadPreface
	case n < len(Preface):
		return 0, nil
	}
	return n, nil
}

// Limits bound what a peer may send. All have to be above 0.
type Limits struct {
	Frame         int // payload of a frame, in octets: the SETTINGS_MAX_FRAME_SIZE that was sent, 1<<14 to 1<<24-1
	Block         int // a field block as it is sent, in octets
	Continuations int // frames that continue a field block
	Fields        int // fields of a head or of trailers
	Head          int // SETTINGS_MAX_HEADER_LIST_SIZE: names and values of a head, and 32 octets for each field
}

// DefaultLimits are those of http1, and room for a head of that size without compression. A client that splits one does so
// into full frames, which makes five.
func DefaultLimits() Limits {
	return Limits{Frame: minFrameSize, Block: 72 << 10, Continuations: 8, Fields: 128, Head: 64 << 10}
}

// Reader takes frames apart. The zero value is ready for the first frame of a connection, after the client's preface.
type Reader struct {
	begun         bool   // the first frame, SETTINGS, has come
	block         uint32 // the stream whose field block is not at its end; 0: none
	octets        int    // of that block so far
	continuations int    // of that block so far
}

// BlockOpen reports whether a field block is not at its end, which its sender should not leave so for long.
func (r *Reader) BlockOpen() bool { return r.block != 0 }

// Parse reads the frame at the start of buf. It returns its length with the header, and 0 while it has not arrived
// completely: then it is to be called again with the same bytes and more. What must not come is refused as soon as its
// header is there. Every error is a [Reason] for which the connection ends; one of the stream alone is told as f.Fault.
func (r *Reader) Parse(buf []byte, lim *Limits, f *Frame) (n int, err error) {
	if len(buf) < HeaderLen {
		return 0, nil
	}
	length := int(buf[0])<<16 | int(buf[1])<<8 | int(buf[2])
	*f = Frame{Type: Type(buf[3]), Flags: Flags(buf[4]), Stream: uint31(buf[5:]), Length: uint32(length)}
	if why := r.header(f, lim); why != 0 {
		return 0, why
	}
	n = HeaderLen + length
	if len(buf) < n {
		return 0, nil
	}
	f.Payload = buf[HeaderLen:n:n]
	if why := f.strip(); why != 0 {
		return 0, why
	}
	r.begun = true
	if why := r.follow(f, lim); why != 0 {
		return 0, why
	}
	return n, nil
}

// header judges what the header says.
func (r *Reader) header(f *Frame, lim *Limits) Reason {
	switch {
	case !r.begun && (f.Type != SettingsType || f.Has(Ack)):
		return BadPreface // "The SETTINGS frame ... MUST be the first frame" (RFC 9113 section 3.4)
	case int(f.Length) > lim.Frame:
		return FrameTooLarge
	case r.block != 0 && (f.Type != Continuation || f.Stream != r.block):
		return BlockInterrupted // section 6.10
	case r.block == 0 && f.Type == Continuation:
		return StrayContinuation
	case int(f.Type) >= len(shapes):
		return 0 // section 5.5: types that are not known are ignored
	case f.Type == PushPromise:
		return PushRefused // no client may push, and no server that was told ENABLE_PUSH 0
	}
	return shapes[f.Type].judge(f)
}

// shape is what the header of a type may say: its length and whether it belongs to a stream.
type shape struct {
	least, most uint32 // octets
	stream      where
}

type where uint8

const (
	onStream where = iota
	onConnection
	onEither
)

const anyLength = 1<<24 - 1

// shapes has a row for each type of section 6, by its number.
var shapes = [...]shape{
	Data:         {0, anyLength, onStream},
	Headers:      {0, anyLength, onStream},
	Priority:     {0, anyLength, onStream}, // another length than 5 ends its stream alone
	RSTStream:    {4, 4, onStream},
	SettingsType: {0, anyLength, onConnection},
	PushPromise:  {4, anyLength, onStream},
	Ping:         {8, 8, onConnection},
	GoAway:       {8, anyLength, onConnection},
	WindowUpdate: {4, 4, onEither},
	Continuation: {0, anyLength, onStream},
}

func (s *shape) judge(f *Frame) Reason {
	switch {
	case s.stream == onStream && f.Stream == 0, s.stream == onConnection && f.Stream != 0:
		return BadFrameStream
	case f.Length < s.least || f.Length > s.most:
		return BadFrameSize
	case f.Type == SettingsType && (f.Has(Ack) && f.Length > 0 || f.Length%settingLen != 0):
		return BadFrameSize
	}
	return 0
}

// strip takes padding and priority off the payload and judges what stands in it.
func (f *Frame) strip() Reason {
	switch f.Type {
	case Data, Headers:
		if f.Has(Padded) {
			if len(f.Payload) == 0 {
				return BadFrameSize
			}
			pad := int(f.Payload[0])
			f.Payload = f.Payload[1:]
			if pad > len(f.Payload) {
				return BadPadding
			}
			f.Payload = f.Payload[:len(f.Payload)-pad]
		}
		if f.Type == Headers && f.Has(WithPriority) {
			return f.stripPriority()
		}
	case Priority:
		if len(f.Payload) != priorityLen {
			f.Fault = BadPriority
		} else if uint31(f.Payload) == f.Stream {
			f.Fault = SelfDependency
		}
	case WindowUpdate:
		if f.Increment() == 0 && f.Stream == 0 {
			return ZeroIncrement
		} else if f.Increment() == 0 {
			f.Fault = ZeroStreamUpdate
		}
	}
	return 0
}

// priorityLen is the length of a priority: the stream to depend on, and a weight.
const priorityLen = 5

// stripPriority takes the priority off HEADERS. It is not followed (RFC 9113 section 5.3.2), but "a stream cannot depend on
// itself. An endpoint MUST treat this as a stream error" (RFC 7540 section 5.3.1).
func (f *Frame) stripPriority() Reason {
	if len(f.Payload) < priorityLen {
		if f.Has(Padded) && f.Length > priorityLen {
			return BadPadding // "Padding that exceeds the size remaining for the field block fragment" (RFC 9113 section 6.2)
		}
		return BadFrameSize
	}
	if uint31(f.Payload) == f.Stream {
		f.Fault = SelfDependency
	}
	f.Payload = f.Payload[priorityLen:]
	return 0
}

// follow keeps account of the field block that a frame begins or continues.
func (r *Reader) follow(f *Frame, lim *Limits) Reason {
	switch f.Type {
	case Headers:
		r.block, r.octets, r.continuations = f.Stream, 0, 0
	case Continuation:
		if r.continuations++; r.continuations > lim.Continuations {
			return BlockTooSplit
		}
	default:
		return 0
	}
	if r.octets += len(f.Payload); r.octets > lim.Block {
		return BlockTooLarge
	}
	if f.Has(EndHeaders) {
		r.block = 0
	}
	return 0
}
