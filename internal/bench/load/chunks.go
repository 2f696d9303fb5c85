package load

import "fmt"

// chunks reads a chunked body from pieces (RFC 9112 section 7.1), without extensions and trailers: no origin here sends any.
type chunks struct {
	length int // bytes of the body so far
	left   int // bytes of the present chunk still to come
	digits int // of the present size
	stage  chunkStage
}

type chunkStage uint8

const (
	chunkSize  chunkStage = iota // digits, then CR
	chunkStart                   // LF, then data
	chunkData
	chunkCR // after data
	chunkLF
	lastCR // after the chunk of size 0
	lastLF
	chunkEnd
)

// feed reads a piece, and returns what comes after the body's end.
func (c *chunks) feed(b []byte) (done bool, rest []byte, err error) {
	for len(b) > 0 && c.stage != chunkEnd {
		if c.stage == chunkData {
			n := min(c.left, len(b))
			c.left -= n
			c.length += n
			b = b[n:]
			if c.left == 0 {
				c.stage = chunkCR
			}
			continue
		}
		if err := c.octet(b[0]); err != nil {
			return false, nil, err
		}
		b = b[1:]
	}
	return c.stage == chunkEnd, b, nil
}

// octet reads one of those around the data.
func (c *chunks) octet(o byte) error {
	want := byte('\n')
	switch c.stage {
	case chunkSize:
		if digit, ok := hex(o); ok && c.digits < 7 {
			c.left, c.digits = c.left<<4|digit, c.digits+1
			return nil
		}
		if o != '\r' || c.digits == 0 {
			return fmt.Errorf("octet %q in the size of a chunk", o)
		}
		c.stage = chunkStart
		return nil
	case chunkCR, lastCR:
		want = '\r'
	}
	if o != want {
		return fmt.Errorf("octet %q between chunks, want %q", o, want)
	}
	switch c.stage {
	case chunkStart:
		c.stage, c.digits = chunkData, 0
		if c.left == 0 {
			c.stage = lastCR
		}
	case chunkLF:
		c.stage = chunkSize
	default:
		c.stage++
	}
	return nil
}

func hex(o byte) (digit int, ok bool) {
	switch {
	case o >= '0' && o <= '9':
		return int(o - '0'), true
	case o|0x20 >= 'a' && o|0x20 <= 'f':
		return int(o|0x20-'a') + 10, true
	}
	return 0, false
}
