package http1

// Span is a piece of the bytes that were parsed. The zero Span is empty.
type Span struct {
	At, End uint32 // offsets from the first byte of the message
}

// In returns the piece. buf is what was parsed, wherever it lies now.
func (s Span) In(buf []byte) []byte { return buf[s.At:s.End] }

// Len is the length in octets.
func (s Span) Len() int { return int(s.End - s.At) }

// Field is one field line.
type Field struct {
	Name, Value Span // Value without the white space around it
	ID          Name // what the name means here; 0: nothing
	Hop         bool // it concerns this connection alone and is not forwarded (RFC 9110 section 7.6.1)
}

// Limits bound a head, in octets where they are not counts. All have to be above 0.
type Limits struct {
	RequestLine int // the request line with its CRLF
	FieldLine   int // one field line with its CRLF
	Head        int // all of the head, at most 1<<31; the trailers of a body get as much again
	Fields      int // field lines
}

// DefaultLimits are above what browsers, their cookies and tokens need, and those of HAProxy and nginx.
func DefaultLimits() Limits {
	return Limits{RequestLine: 16 << 10, FieldLine: 32 << 10, Head: 64 << 10, Fields: 128}
}
