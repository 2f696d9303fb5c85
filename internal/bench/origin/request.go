package origin

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// maxHead bounds the head of a request. What proxies add to the load generator's is far below.
const maxHead = 8 << 10

// errHead is a request whose head does not come to an end.
var errHead = fmt.Errorf("request head above %d bytes", maxHead)

// requests finds requests in what a connection brings.
type requests struct {
	part []byte // the beginning of a head whose end has not come
	body int    // bytes of the body still to come; they are thrown away
	path string // of the request whose body that is
	last bool   // it asked for the connection's end
}

// next takes one request from b: path is empty when more bytes are needed. It returns what is left of b.
func (r *requests) next(b []byte) (path string, rest []byte, err error) {
	if r.path == "" {
		if b, err = r.head(b); err != nil || r.path == "" {
			return "", nil, err
		}
	}
	n := min(r.body, len(b))
	r.body -= n
	if r.body > 0 {
		return "", nil, nil
	}
	path, r.path = r.path, ""
	return path, b[n:], nil
}

// head reads a head, or keeps what there is of it.
func (r *requests) head(b []byte) (rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil
	}
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
	if err := r.read(all[:end+2]); err != nil {
		return nil, err
	}
	r.part = r.part[:0]
	return b[len(b)-(len(all)-end-4):], nil
}

var errLine = errors.New("a request line without a path")

// read takes from a head what matters. Only requests that may have a body are asked for its length.
func (r *requests) read(head []byte) error {
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	_, target, ok := bytes.Cut(line, []byte(" "))
	path, _, ok2 := bytes.Cut(target, []byte(" "))
	if !ok || !ok2 || len(path) == 0 {
		return errLine
	}
	r.path, r.last = known(path), false
	for len(fields) > 0 {
		var field []byte
		field, fields, _ = bytes.Cut(fields, []byte("\r\n"))
		if len(field) == 0 || field[0]|0x20 != 'c' { // neither of the two
			continue
		}
		name, value, _ := bytes.Cut(field, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("connection")):
			r.last = bytes.EqualFold(value, []byte("close"))
		case bytes.EqualFold(name, []byte("content-length")):
			n, err := strconv.ParseUint(string(value), 10, 31)
			if err != nil {
				return fmt.Errorf("content-length: %w", err)
			}
			r.body = int(n)
		}
	}
	return nil
}

// known is the path as the table of resources has it, so that none is copied.
func known(path []byte) string {
	for i := range resources {
		if string(path) == resources[i].Path {
			return resources[i].Path
		}
	}
	return string(path)
}
