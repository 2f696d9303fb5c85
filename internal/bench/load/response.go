package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// maxHead bounds the head of a response; a proxy adds little to the origin's.
const maxHead = 8 << 10

var (
	errHead     = fmt.Errorf("a response head above %d bytes", maxHead)
	errTooMuch  = errors.New("bytes after the end of the response")
	errNoLength = errors.New("a response without Content-Length or chunks")
)

// response reads a response of HTTP/1 from pieces and holds it to what it must be.
type response struct {
	part   []byte // the beginning of a head whose end has not come
	body   bool   // the head is over
	left   int    // bytes of a body with a Content-Length that are still to come
	chunks *chunks
	last   bool // the server wants the connection to end
}

// begin makes it ready for the next response.
func (r *response) begin() { *r = response{part: r.part[:0]} }

// feed reads a piece. length is what the body has to have.
func (r *response) feed(b []byte, length int) (done bool, err error) {
	if !r.body {
		if b, err = r.head(b, length); !r.body {
			return false, err
		}
	}
	if r.chunks != nil {
		done, rest, err := r.chunks.feed(b)
		switch {
		case err != nil:
			return false, err
		case len(rest) > 0:
			return false, errTooMuch
		case done && r.chunks.length != length:
			return false, fmt.Errorf("a body of %d bytes, want %d", r.chunks.length, length)
		}
		return done, nil
	}
	if len(b) > r.left {
		return false, errTooMuch
	}
	r.left -= len(b)
	return r.left == 0, nil
}

// head reads a head, or keeps what there is of it, and returns what comes after it.
func (r *response) head(b []byte, length int) (rest []byte, err error) {
	all := b
	if len(r.part) > 0 {
		r.part = append(r.part, b...)
		all = r.part
	}
	end := bytes.Index(all, []byte("\r\n\r\n"))
	switch {
	case end < 0 && len(all) > maxHead:
		return nil, errHead
	case end < 0:
		r.part = append(r.part[:0], all...)
		return nil, nil
	}
	r.left = -1
	if err := r.read(all[:end+2]); err != nil {
		return nil, err
	}
	switch {
	case r.chunks != nil:
		r.left = 0
	case r.left < 0:
		return nil, errNoLength
	case r.left != length:
		return nil, fmt.Errorf("a Content-Length of %d, want %d", r.left, length)
	}
	r.body = true
	return b[len(b)-(len(all)-end-4):], nil
}

// read takes the status and what tells the body's length.
func (r *response) read(head []byte) error {
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("got %q, want HTTP/1.1 200", line)
	}
	for len(fields) > 0 {
		var field []byte
		field, fields, _ = bytes.Cut(fields, []byte("\r\n"))
		if len(field) == 0 || field[0]|0x20 != 'c' && field[0]|0x20 != 't' { // none of the three
			continue
		}
		name, value, _ := bytes.Cut(field, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			n, err := strconv.ParseUint(string(value), 10, 31)
			if err != nil {
				return fmt.Errorf("content-length: %w", err)
			}
			r.left = int(n)
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			if !bytes.EqualFold(value, []byte("chunked")) {
				return fmt.Errorf("transfer-encoding %q, want chunked", value)
			}
			r.chunks = &chunks{}
		case bytes.EqualFold(name, []byte("connection")):
			r.last = bytes.EqualFold(value, []byte("close"))
		}
	}
	return nil
}
