package compress

import (
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow is how far back zstd looks, in octets. It bounds the memory of either side; browsers take up to 8 MiB (RFC 9659).
const zstdWindow = 128 << 10

// How much an Encoder is to give out.
const (
	More  How = iota // what it likes to: more is on its way
	Flush            // all that it has got so far can be read from what it gives
	End              // the same, and nothing follows
)

// How says what becomes of what an Encoder holds.
type How uint8

// Encoder compresses one body. It belongs to one goroutine at a time, and takes up to 1.2 MB.
type Encoder struct {
	coding Coding
	w      writer
	out    sink
}

// writer is what the libraries' encoders have in common.
type writer interface {
	io.WriteCloser
	Flush() error
	Reset(w io.Writer)
}

// sink collects what an encoder writes.
type sink struct{ b []byte }

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// Encode compresses src, which may be empty, and appends to dst what is to be sent. After an error, or End, the Encoder is of no use for
// this body.
func (e *Encoder) Encode(dst, src []byte, how How) ([]byte, error) {
	e.out.b = dst
	_, err := e.w.Write(src)
	switch {
	case err != nil:
	case how == Flush:
		err = e.w.Flush()
	case how == End:
		err = e.w.Close()
	}
	dst, e.out.b = e.out.b, nil
	if err != nil {
		return dst, fmt.Errorf("%v: %w", e.coding, err)
	}
	return dst, nil
}

// Pool keeps Encoders for further bodies. Its zero value is ready for use, by many goroutines.
type Pool struct {
	of [codings]sync.Pool
}

// Get returns an Encoder for a body. The coding is not Identity.
func (p *Pool) Get(c Coding) (*Encoder, error) {
	if e, ok := p.of[c].Get().(*Encoder); ok {
		e.w.Reset(&e.out)
		return e, nil
	}
	e := &Encoder{coding: c}
	var err error
	switch c {
	case Gzip:
		e.w, err = gzip.NewWriterLevel(&e.out, gzip.BestSpeed)
	default:
		e.w, err = zstd.NewWriter(&e.out, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstdWindow))
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w", c, err)
	}
	return e, nil
}

// Put keeps an Encoder, whatever it was at.
func (p *Pool) Put(e *Encoder) { p.of[e.coding].Put(e) }
