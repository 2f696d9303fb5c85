package http2

import "encoding/binary"

// Type is the type of a frame.
type Type uint8

// The types of RFC 9113 section 6.
const (
	Data         Type = 0x0
	Headers      Type = 0x1
	Priority     Type = 0x2
	RSTStream    Type = 0x3
	SettingsType Type = 0x4
	PushPromise  Type = 0x5
	Ping         Type = 0x6
	GoAway       Type = 0x7
	WindowUpdate Type = 0x8
	Continuation Type = 0x9
)

// Flags are those of a frame: what one means depends on the type.
type Flags uint8

// The flags.
const (
	EndStream    Flags = 0x1
	Ack          Flags = 0x1
	EndHeaders   Flags = 0x4
	Padded       Flags = 0x8
	WithPriority Flags = 0x20
)

// HeaderLen is the length of a frame's header in octets (RFC 9113 section 4.1).
const HeaderLen = 9

// Frame is one frame, as it came but for padding and priority.
type Frame struct {
	Type    Type
	Flags   Flags
	Stream  uint32
	Length  uint32 // of all but the header, padding included: what flow control counts
	Payload []byte // a part of what was parsed; without padding and priority
	Fault   Reason // for which the stream has to end; the frame is to be counted and its field block decoded all the same
}

// Has reports whether all of the flags are set.
func (f *Frame) Has(flags Flags) bool { return f.Flags&flags == flags }

// Increment is that of WINDOW_UPDATE: 1 to 2^31-1 where there is no Fault.
func (f *Frame) Increment() uint32 { return uint31(f.Payload) }

// Code is that of RST_STREAM.
func (f *Frame) Code() Code { return Code(binary.BigEndian.Uint32(f.Payload)) }

// GoneAway is what GOAWAY says: the last stream that its sender has taken up, and why it goes.
func (f *Frame) GoneAway() (last uint32, code Code) {
	return uint31(f.Payload), Code(binary.BigEndian.Uint32(f.Payload[4:]))
}

// uint31 reads a number behind a bit that is reserved and "MUST be ignored when receiving" (RFC 9113 section 4.1).
func uint31(b []byte) uint32 { return binary.BigEndian.Uint32(b) &^ (1 << 31) }
