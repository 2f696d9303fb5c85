package http2

import "github.com/tandem-lb/tandem/proxy/http1"

// Response is what the head of a response says.
type Response struct {
	Status        int   // 100 to 599, never 101
	ContentLength int64 // -1: none; of a response to HEAD that of another one
}

// Response judges h as the head of a response and says what stands in it. The error is a [Reason] of the stream.
func (h *Head) Response() (r Response, err error) {
	if h.fault != 0 {
		return r, h.fault
	}
	if h.seen&^(1<<status) != 0 {
		return r, PseudoUnknown // RFC 9113 section 8.3: those of requests "MUST NOT appear in responses"
	}
	if !h.has(status) {
		return r, PseudoMissing
	}
	b := h.pseudos[status].In(h.Buf)
	code, ok := http1.Number(b)
	if !ok || len(b) != 3 || code < 100 || code > 599 || code == 101 { // 101 has no place in HTTP/2 (section 8.6)
		return r, BadStatus
	}
	length, why := h.contentLength()
	if why != 0 {
		return r, why
	}
	for i := range h.Fields {
		if h.Fields[i].ID == http1.TE { // "MAY be present in an HTTP/2 request" (section 8.2.2)
			return r, ConnectionField
		}
	}
	if (code < 200 || code == 204) && length > 0 { // RFC 9110 section 8.6; a length of 0 deceives nobody
		return r, BodyWhereNone
	}
	return Response{Status: int(code), ContentLength: length}, nil
}

// Bodiless reports whether a response of that status to a request of that method has no body whatever its fields say.
func (r *Response) Bodiless(m http1.Method) bool {
	return m == http1.HEAD || r.Status < 200 || r.Status == 204 || r.Status == 304
}
