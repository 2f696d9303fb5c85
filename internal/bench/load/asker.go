package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// asker is the client's side of an HTTP/2 connection: it asks, and holds every answer to what it must be. It moves no
// bytes.
type asker struct {
	length  int            // that every answer's body must have
	last    uint32         // the stream of the latest request
	bodies  map[uint32]int // bytes of the answers under way; below 0: no head so far
	credit  int            // bytes that came since the window was last opened
	first   []byte         // the header block of the first request, which teaches the server its fields
	later   []byte         // that of all others, which names them
	decoder *hpack.Decoder
	status  string // of the head that is decoded
}

func newAsker(c Config) *asker {
	a := &asker{length: c.Length, bodies: map[uint32]int{}}
	a.decoder = hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == ":status" {
			a.status = f.Value
		}
	})
	var b sink
	e := hpack.NewEncoder(&b)
	a.first = c.headers(e, &b)
	a.later = c.headers(e, &b)
	return a
}

// sink collects what an encoder writes.
type sink []byte

func (s *sink) Write(b []byte) (int, error) {
	*s = append(*s, b...)
	return len(b), nil
}

// headers encodes the request.
func (c Config) headers(e *hpack.Encoder, to *sink) []byte {
	*to = nil
	put := func(name, value string) { _ = e.WriteField(hpack.HeaderField{Name: name, Value: value}) } // a sink takes all
	put(":method", "GET")
	put(":scheme", "https")
	put(":authority", host)
	put(":path", c.Path)
	for _, f := range fields {
		put(strings.ToLower(f[0]), f[1])
	}
	return *to
}

// open appends the connection's beginning: no pushes, and windows that nothing here fills.
func (a *asker) open(b []byte) []byte {
	b = append(b, preface...)
	settings := []byte{0, 2, 0, 0, 0, 0, 0, 4}
	settings = binary.BigEndian.AppendUint32(settings, window)
	b = appendFrame(b, frame{kind: frameSettings, payload: settings})
	return appendFrame(b, frame{kind: frameWindowUpdate, payload: binary.BigEndian.AppendUint32(nil, window)})
}

// ask appends a request.
func (a *asker) ask(b []byte) []byte {
	block := a.later
	if a.last == 0 {
		a.last, block = 1, a.first
	} else {
		a.last += 2
	}
	a.bodies[a.last] = -1
	return appendFrame(b, frame{kind: frameHeaders, flags: flagEnd | flagHeaders, stream: a.last, payload: block})
}

// take acts upon a frame: it appends what has to be said to it, and says whether an answer is whole.
func (a *asker) take(f frame, b []byte) (reply []byte, answered bool, err error) {
	switch f.kind {
	case frameHeaders:
		answered, err = a.head(f)
	case frameData:
		answered, err = a.body(f)
		if a.credit += len(f.payload); a.credit >= window/2 {
			b = appendFrame(b, frame{kind: frameWindowUpdate, payload: binary.BigEndian.AppendUint32(nil, uint32(a.credit))})
			a.credit = 0
		}
	case frameSettings, framePing:
		if f.flags&flagAck == 0 {
			ack := frame{kind: f.kind, flags: flagAck}
			if f.kind == framePing {
				ack.payload = f.payload
			}
			b = appendFrame(b, ack)
		}
	case frameReset:
		err = fmt.Errorf("stream %d was reset: %x", f.stream, f.payload)
	case frameGoAway:
		err = fmt.Errorf("GOAWAY: %x %q", f.payload[:min(8, len(f.payload))], f.payload[min(8, len(f.payload)):])
	}
	return b, answered, err
}

func (a *asker) head(f frame) (answered bool, err error) {
	if n, ok := a.bodies[f.stream]; !ok || n >= 0 {
		return false, fmt.Errorf("HEADERS on stream %d, which waits for none", f.stream)
	}
	if f.flags&flagHeaders == 0 {
		return false, errors.New("a head in several frames")
	}
	block, err := f.content()
	if err != nil {
		return false, err
	}
	a.status = ""
	if _, err := a.decoder.Write(block); err != nil {
		return false, err
	}
	if err := a.decoder.Close(); err != nil {
		return false, err
	}
	if a.status != "200" {
		return false, fmt.Errorf("got status %q, want 200", a.status)
	}
	a.bodies[f.stream] = 0
	return a.ended(f)
}

func (a *asker) body(f frame) (answered bool, err error) {
	n, ok := a.bodies[f.stream]
	if !ok || n < 0 {
		return false, fmt.Errorf("DATA on stream %d, which waits for none", f.stream)
	}
	data, err := f.content()
	if err != nil {
		return false, err
	}
	a.bodies[f.stream] = n + len(data)
	return a.ended(f)
}

func (a *asker) ended(f frame) (answered bool, err error) {
	if f.flags&flagEnd == 0 {
		return false, nil
	}
	if n := a.bodies[f.stream]; n != a.length {
		return false, fmt.Errorf("a body of %d bytes, want %d", n, a.length)
	}
	delete(a.bodies, f.stream)
	return true, nil
}
