package http1

import "bytes"

// Method is a request method that means something to whoever forwards; 0 is any other.
type Method uint8

// The methods.
const (
	GET Method = iota + 1
	HEAD
	POST
	PUT
	DELETE
	OPTIONS
	PATCH
	CONNECT
	TRACE
)

// maxMethod bounds a method, in octets: the registry's longest has 17.
const maxMethod = 32

// Request is the head of a request. The zero value is ready for Parse; Reset makes it so again.
type Request struct {
	section // Fields
	target  // Form, HTTPS, Authority, Path, Query

	Method Method
	Name   Span  // the method as it came
	Target Span  // the request target as it came
	Minor  uint8 // of the version, HTTP/1.0 or HTTP/1.1

	Length   int64 // of the body: octets, or ChunkedLength
	Close    bool  // the connection ends with this exchange
	Continue bool  // Expect: 100-continue
	Upgrade  Span  // the protocols that the client would switch to; empty: none

	begun bool // the request line is read
	blank bool // an empty line came before it
}

// Reset forgets what was parsed. The memory of Fields is kept.
func (r *Request) Reset() {
	r.section.reset()
	*r = Request{section: r.section}
}

// Parse takes in what has arrived of a request: buf holds all of it from the first byte on, and may hold more. It returns
// the length of the head when that is complete, and 0 while it is not. Until then it is to be called again with more of
// the same bytes; after a Reason, or when the head is complete, with none before Reset.
func (r *Request) Parse(buf []byte, lim *Limits) (n int, err error) {
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

// begin reads the request line once it is there. "A server that is expecting to receive and parse a request-line SHOULD
// ignore at least one empty line (CRLF) received prior to the request-line" (RFC 9112 section 2.2): one.
func (r *Request) begin(buf []byte, lim *Limits) Reason {
	if !r.blank && len(buf) > 0 && buf[0] == '\r' {
		if len(buf) == 1 {
			return 0
		}
		if buf[1] != '\n' {
			return BadRequestLine
		}
		r.blank = true
		r.lines.at, r.lines.seen = 2, 2
	}
	// What cannot become one is refused before its line ends, which that of TLS or of noise may never do.
	if at := int(r.lines.at); at < len(buf) && lower[buf[at]] == 0 {
		return BadRequestLine
	}
	line, ok, why := r.lines.next(buf, lim.RequestLine, TargetTooLong)
	if !ok {
		return why
	}
	r.begun = true
	return r.requestLine(buf, line)
}

// requestLine reads "method SP request-target SP HTTP-version" (RFC 9112 section 3).
func (r *Request) requestLine(buf []byte, line Span) Reason {
	b := line.In(buf)
	first, last := bytes.IndexByte(b, ' '), bytes.LastIndexByte(b, ' ')
	if first <= 0 || last <= first+1 {
		return BadRequestLine
	}
	r.Name = Span{line.At, line.At + uint32(first)}
	r.Target = Span{r.Name.End + 1, line.At + uint32(last)}
	if first > maxMethod || !IsToken(b[:first]) {
		return BadMethod
	}
	if string(b) == "PRI * HTTP/2.0" {
		return Preface
	}
	minor, why := version(b[last+1:])
	if why != 0 {
		return why
	}
	r.Minor, r.Method = minor, MethodOf(b[:first])
	if !IsVisible(b[first+1 : last]) {
		return BadTarget
	}
	t, ok := parseTarget(buf, r.Target, r.Method)
	if !ok {
		return BadTarget
	}
	r.target = t
	return 0
}

// version reads "HTTP/1.0" or "HTTP/1.1". "HTTP-version is case-sensitive" (RFC 9112 section 2.3).
func version(b []byte) (minor uint8, why Reason) {
	if len(b) != 8 || string(b[:5]) != "HTTP/" || b[6] != '.' || !isDigit(b[5]) || !isDigit(b[7]) {
		return 0, BadRequestLine
	}
	if b[5] != '1' || b[7] > '1' {
		return 0, BadVersion
	}
	return b[7] - '0', 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// MethodOf looks a method up. "The method token is case-sensitive" (RFC 9110 section 9.1).
func MethodOf(b []byte) Method {
	switch string(b) {
	case "GET":
		return GET
	case "HEAD":
		return HEAD
	case "POST":
		return POST
	case "PUT":
		return PUT
	case "DELETE":
		return DELETE
	case "OPTIONS":
		return OPTIONS
	case "PATCH":
		return PATCH
	case "CONNECT":
		return CONNECT
	case "TRACE":
		return TRACE
	}
	return 0
}

// finish judges the head as a whole.
func (r *Request) finish(buf []byte) Reason {
	fr, why := frame(buf, r.Fields, r.Minor)
	if why != 0 {
		return why
	}
	r.Length = max(fr.length, 0) // "the request message does not have a body" otherwise (RFC 9112 section 6.3)
	if fr.coding {
		r.Length = ChunkedLength
	}
	r.Close = fr.close || r.Minor == 0 && !fr.keepAlive
	host, hosts, upgrades := Span{}, 0, 0
	for i := range r.Fields {
		switch f := &r.Fields[i]; f.ID {
		case Host:
			host, hosts = f.Value, hosts+1
		case Expect:
			if !EqualFold(f.Value.In(buf), "100-continue") {
				return BadExpect
			}
			r.Continue = r.Minor == 1 // RFC 9110 section 10.1.1: "MUST ignore that expectation" of HTTP/1.0
		case Upgrade:
			r.Upgrade, upgrades = f.Value, upgrades+1
		}
	}
	// RFC 9110 section 7.8: "MUST ignore" it in HTTP/1.0. Several fields are a list, as one with commas is.
	if !fr.upgrade || r.Minor == 0 || upgrades > 1 {
		r.Upgrade = Span{}
	}
	return r.host(buf, host, hosts)
}

// host judges the Host field: "MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks
// a Host header field and to any request message that contains more than one" (RFC 9112 section 3.2).
func (r *Request) host(buf []byte, host Span, hosts int) Reason {
	switch {
	case hosts > 1:
		return HostTwice
	case hosts == 0 && r.Minor == 1:
		return HostMissing
	case hosts == 0:
		return 0
	}
	if _, ok := SplitAuthority(host.In(buf)); !ok {
		return BadHost
	}
	if r.Authority.Len() == 0 {
		r.Authority = host
	} else if !sameAuthority(r.Authority.In(buf), host.In(buf)) {
		return HostDiffers
	}
	return 0
}
