package engine

import "github.com/tandem-lb/tandem/proxy/http1"

// body takes the body of an HTTP/1 message apart, however it is framed (RFC 9112 section 6).
type body struct {
	left     int64 // octets that are to come, or http1.ChunkedLength, or http1.UntilClose
	chunked  http1.Chunked
	trailers http1.Trailers
}

func (b *body) start(length int64) {
	b.left, b.chunked = length, http1.Chunked{}
	b.trailers.Reset()
}

// next takes in what has arrived. data is the first piece of the body in p, n how many octets of p are dealt with, and done
// that the body is complete. Where n is 0 and nothing is done it wants to see more than p, and all of p once more. The trailers'
// spans are within p[:n] of the call that says done.
func (b *body) next(p []byte, lim *http1.Limits) (data []byte, n int, done bool, err error) {
	switch {
	case b.left == http1.UntilClose:
		return p, len(p), false, nil
	case b.left != http1.ChunkedLength:
		n = int(min(int64(len(p)), b.left))
		b.left -= int64(n)
		return p[:n], n, b.left == 0, nil
	case !b.chunked.Ended():
		data, n, err = b.chunked.Next(p)
		return data, n, false, err
	}
	n, err = b.trailers.Parse(p, lim)
	return nil, n, n > 0, err
}

// most is how many octets should be received at once, so that a message's end is that of what was received.
func (b *body) most(room int) int {
	if b.left > 0 && b.left < int64(room) {
		return int(b.left)
	}
	return room
}
