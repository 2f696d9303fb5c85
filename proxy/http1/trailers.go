package http1

// Trailers are the fields after a chunked body. The zero value is ready for Parse; Reset makes it so again.
type Trailers struct {
	section // Fields
}

// Reset forgets what was parsed. The memory of Fields is kept.
func (t *Trailers) Reset() { t.section.reset() }

// Parse takes in what has arrived after the last chunk, as [Request.Parse] does of a request; it returns the length of the
// trailers, the empty line at their end included. A field that frames, routes or authenticates is refused: merged into the head, as
// some do, it would make another message of it (RFC 9110 section 6.5.1).
func (t *Trailers) Parse(buf []byte, lim *Limits) (n int, err error) {
	read := len(t.Fields)
	done, why := t.section.parse(buf, lim)
	if why != 0 {
		return t.length(done, why)
	}
	for i := range t.Fields[read:] {
		if t.Fields[read+i].ForbiddenInTrailers() {
			return 0, ForbiddenTrailer
		}
	}
	return t.length(done, 0)
}

// ForbiddenInTrailers reports whether the field frames, routes or authenticates, which no trailer may.
func (f *Field) ForbiddenInTrailers() bool {
	switch f.ID {
	case Host, Trailer, Expect, Authorization, ProxyAuthorization, Cookie, SetCookie, XForwardedFor, XForwardedProto, XRealIP:
		return true
	}
	return f.Hop
}
