package load

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// preface begins a connection of HTTP/2 (RFC 9113 section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// The frames that matter here (RFC 9113 section 6).
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	frameReset        = 0x3
	frameSettings     = 0x4
	framePing         = 0x6
	frameGoAway       = 0x7
	frameWindowUpdate = 0x8

	flagEnd     = 0x1 // of DATA and HEADERS
	flagAck     = 0x1 // of SETTINGS and PING
	flagHeaders = 0x4
	flagPadded  = 0x8
	flagWeight  = 0x20
)

const (
	frameHead = 9       // octets before a frame's payload
	maxFrame  = 1 << 14 // of a payload, as no other limit was agreed upon
	window    = 1 << 30 // octets that a stream and the connection may be sent: no proxy is to wait for room
)

// frame is a frame as it came.
type frame struct {
	kind, flags byte
	stream      uint32
	payload     []byte
}

var errFrame = fmt.Errorf("a frame above %d bytes", maxFrame)

// cutFrame takes a frame from b; ok says whether there was a whole one.
func cutFrame(b []byte) (f frame, rest []byte, ok bool, err error) {
	if len(b) < frameHead {
		return frame{}, b, false, nil
	}
	size := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
	if size > maxFrame {
		return frame{}, b, false, errFrame
	}
	if len(b) < frameHead+size {
		return frame{}, b, false, nil
	}
	f = frame{kind: b[3], flags: b[4], stream: binary.BigEndian.Uint32(b[5:]) &^ (1 << 31), payload: b[frameHead : frameHead+size]}
	return f, b[frameHead+size:], true, nil
}

func appendFrame(b []byte, f frame) []byte {
	n := len(f.payload)
	b = append(b, byte(n>>16), byte(n>>8), byte(n), f.kind, f.flags)
	b = binary.BigEndian.AppendUint32(b, f.stream)
	return append(b, f.payload...)
}

var (
	errPadding  = errors.New("padding longer than its frame")
	errPriority = errors.New("a HEADERS frame without the priority that it announces")
)

// content is the payload without padding and priority.
func (f frame) content() ([]byte, error) {
	b := f.payload
	if f.flags&flagPadded != 0 {
		if len(b) == 0 || int(b[0]) >= len(b) {
			return nil, errPadding
		}
		b = b[1 : len(b)-int(b[0])]
	}
	if f.kind == frameHeaders && f.flags&flagWeight != 0 {
		if len(b) < 5 {
			return nil, errPriority
		}
		b = b[5:]
	}
	return b, nil
}
