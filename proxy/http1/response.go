package http1

// Response is the head of a response. The zero value is ready for Parse; Reset makes it so again.
type Response struct {
	section // Fields

	Status int   // 100 to 599
	Reason Span  // the reason phrase
	Minor  uint8 // of the version, HTTP/1.0 or HTTP/1.1

	Close   bool // the server closes the connection after this
	Upgrade Span // of a 101: the protocol that it switches to

	frame framing
	begun bool // the status line is read
}

// Reset forgets what was parsed. The memory of Fields is kept.
func (r *Response) Reset() {
	r.section.reset()
	*r = Response{section: r.section}
}

// Parse takes in what has arrived of a response, as [Request.Parse] does of a request.
func (r *Response) Parse(buf []byte, lim *Limits) (n int, err error) {
	if !r.begun {
		if why := r.begin(buf, lim); why != 0 || !r.begun {
			return r.length(false, why)
		}
	}
	done, why := r.section.parse(buf, lim)
	if done && why == 0 {
		why = r.finish(buf)
	}
	return r.length(done, why)
}

func (r *Response) begin(buf []byte, lim *Limits) Reason {
	if len(buf) > 0 && buf[0] != 'H' { // no status line begins so, and noise may have no end
		return BadStatusLine
	}
	line, ok, why := r.lines.next(buf, lim.FieldLine, LineTooLong)
	if !ok {
		return why
	}
	r.begun = true
	return r.statusLine(buf, line)
}

// statusLine reads "HTTP-version SP status-code SP [ reason-phrase ]" (RFC 9112 section 4). Servers that leave the second
// space out where no reason follows are common, and nobody takes their line for another.
func (r *Response) statusLine(buf []byte, line Span) Reason {
	b := line.In(buf)
	if len(b) < 12 || b[8] != ' ' || len(b) > 12 && b[12] != ' ' {
		return BadStatusLine
	}
	minor, why := version(b[:8])
	if why != 0 {
		return BadStatusLine
	}
	status, ok := Number(b[9:12])
	if !ok || status < 100 || status > 599 { // "Values outside the range 100..599 are invalid" (RFC 9110 section 15)
		return BadStatusLine
	}
	r.Minor, r.Status = minor, int(status)
	r.Reason = Span{line.At + uint32(min(13, len(b))), line.End}
	if !IsText(r.Reason.In(buf)) {
		return BadStatusLine
	}
	return 0
}

// finish judges the head as a whole.
func (r *Response) finish(buf []byte) Reason {
	fr, why := frame(buf, r.Fields, r.Minor)
	if why != 0 {
		return why
	}
	r.frame = fr
	// "A server MUST NOT send a Transfer-Encoding header field in any response with a status code of 1xx (Informational) or
	// 204 (No Content)" (RFC 9112 section 6.1), nor a Content-Length (RFC 9110 section 8.6). A length of 0 deceives nobody.
	if bodiless(r.Status) && r.Status != 304 && (fr.coding || fr.length > 0) {
		return BodyWhereNone
	}
	r.Close = fr.close || r.Minor == 0 && !fr.keepAlive
	if r.Status == 101 && fr.upgrade {
		for i := range r.Fields {
			if r.Fields[i].ID == Upgrade {
				r.Upgrade = r.Fields[i].Value
			}
		}
	}
	return 0
}

// bodiless says whether a response of that status has no body whatever its fields say (RFC 9112 section 6.3).
func bodiless(status int) bool { return status < 200 || status == 204 || status == 304 }

// Length is the length of the body that answers a request of that method: octets, ChunkedLength or UntilClose (RFC 9112
// section 6.3). That of a response to CONNECT is not for here: after a 2xx it is a tunnel.
func (r *Response) Length(m Method) int64 {
	switch {
	case m == HEAD || bodiless(r.Status):
		return 0
	case r.frame.coding:
		return ChunkedLength
	case r.frame.length >= 0:
		return r.frame.length
	}
	return UntilClose
}

// ContentLength is what the field says, -1 where there is none: a response to HEAD tells the length of another one.
func (r *Response) ContentLength() int64 { return r.frame.length }
