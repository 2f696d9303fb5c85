package http1

// Chunked takes a chunked body apart (RFC 9112 section 7.1). The zero value is at the beginning of one.
type Chunked struct {
	left  int64 // data of this chunk yet to come
	state chunkState
	count uint16 // digits, or octets of extensions, of this size line
}

type chunkState uint8

const (
	sizeFirst  chunkState = iota // the first digit is due
	sizeMore                     // a digit, an extension or CR
	sizeBlank                    // white space before an extension
	extension                    // up to CR
	sizeLF                       // of the size line
	chunkData                    //
	dataCR                       // after the data
	dataLF                       //
	trailerDue                   // all data is through: what follows is for Trailers
)

const (
	maxDigits    = 15  // of a chunk's size: more than any, and no overflow
	maxExtension = 256 // octets of extensions a chunk: nobody has a use for them, and reading them costs
)

// Next takes in what has arrived. It returns the first piece of data in it and how many bytes of in it has dealt with, the
// data's included. It is to be called again with the rest until that is empty or Ended says that the trailers are next.
func (c *Chunked) Next(in []byte) (data []byte, n int, err error) {
	for n < len(in) && c.state != trailerDue {
		if c.state == chunkData {
			data = in[n:]
			if int64(len(data)) >= c.left {
				data = data[:c.left]
				c.state = dataCR
			}
			c.left -= int64(len(data))
			return data, n + len(data), nil
		}
		if why := c.step(in[n]); why != 0 {
			return nil, n, why
		}
		n++
	}
	return nil, n, nil
}

// Ended reports whether all data is through. The bytes that follow are the trailers.
func (c *Chunked) Ended() bool { return c.state == trailerDue }

// step takes in a byte that is no data.
func (c *Chunked) step(b byte) Reason {
	switch c.state {
	case sizeFirst:
		c.left, c.count = 0, 0
		return c.digit(b)
	case sizeMore:
		switch {
		case b == '\r':
			c.state = sizeLF
		case b == ';':
			c.state, c.count = extension, 0
		case isBlank(b): // RFC 9112 section 7.1.1: there may be some before the semicolon
			c.state, c.count = sizeBlank, 0
		default:
			return c.digit(b)
		}
	case sizeBlank:
		if b == ';' {
			c.state = extension
			return 0
		}
		if !isBlank(b) {
			return BadChunk
		}
		return c.extended()
	case extension:
		if b == '\r' {
			c.state = sizeLF
			return 0
		}
		if b < 0x20 && b != '\t' || b == 0x7f {
			return ChunkExtension
		}
		return c.extended()
	case sizeLF:
		if b != '\n' {
			return BadChunk
		}
		c.state = chunkData
		if c.left == 0 {
			c.state = trailerDue
		}
	case dataCR:
		if b != '\r' {
			return BadChunkEnd
		}
		c.state = dataLF
	case dataLF:
		if b != '\n' {
			return BadChunkEnd
		}
		c.state = sizeFirst
	}
	return 0
}

// extended counts an octet of extensions.
func (c *Chunked) extended() Reason {
	if c.count++; c.count > maxExtension {
		return ChunkExtension
	}
	return 0
}

// digit takes in a hexadecimal digit of the size.
func (c *Chunked) digit(b byte) Reason {
	d := int64(0)
	switch {
	case '0' <= b && b <= '9':
		d = int64(b - '0')
	case 'a' <= b && b <= 'f':
		d = int64(b - 'a' + 10)
	case 'A' <= b && b <= 'F':
		d = int64(b - 'A' + 10)
	default:
		return BadChunk
	}
	if c.count++; c.count > maxDigits {
		return BadChunk
	}
	c.left, c.state = c.left<<4|d, sizeMore
	return 0
}
