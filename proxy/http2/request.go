package http2

import (
	"bytes"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// maxMethod bounds a method as http1 does, in octets.
const maxMethod = 32

// Request is what the head of a request says. The spans are of its [Head].
type Request struct {
	Method    http1.Method
	Name      http1.Span // the method as it came
	Form      http1.Form // Origin, Asterisk, and Authority of CONNECT
	HTTPS     bool       // the scheme
	Authority http1.Span // of :authority, else of host
	Path      http1.Span // up to the query; empty of CONNECT and "*"
	Query     http1.Span // with its question mark; empty: none
	Length    int64      // of content-length; -1: none
	Continue  bool       // expect: 100-continue
	Trailers  bool       // te: trailers, which gRPC's servers want to see
}

// Request judges h as the head of a request and says what stands in it. Cookies that came as several fields become one,
// as "MUST" be for whoever does not speak HTTP/2 (RFC 9113 section 8.2.3). The error is a [Reason] of the stream.
func (h *Head) Request() (r Request, err error) {
	why := h.fault
	if why == 0 {
		r, why = h.request()
	}
	if why != 0 {
		return Request{}, why
	}
	h.joinCookies()
	return r, nil
}

func (h *Head) request() (r Request, why Reason) {
	if h.has(status) {
		return r, PseudoUnknown
	}
	if !h.has(method) {
		return r, PseudoMissing
	}
	r.Name = h.pseudos[method]
	if b := r.Name.In(h.Buf); len(b) > maxMethod || !http1.IsToken(b) {
		return r, BadMethod
	}
	r.Method = http1.MethodOf(r.Name.In(h.Buf))
	if r.Method == http1.CONNECT {
		why = h.connect(&r)
	} else {
		why = h.target(&r)
	}
	if why == 0 {
		why = h.hosts(&r)
	}
	if why == 0 {
		r.Length, why = h.contentLength()
	}
	return r, why
}

// connect reads the target of CONNECT: "The ":scheme" and ":path" pseudo-header fields MUST be omitted" and the authority
// has "the host and port to connect to" (RFC 9113 section 8.5).
func (h *Head) connect(r *Request) Reason {
	if h.has(scheme) || h.has(path) {
		return PseudoForbidden
	}
	if !h.has(authority) {
		return PseudoMissing
	}
	r.Form = http1.Authority
	if port, ok := http1.SplitAuthority(h.pseudos[authority].In(h.Buf)); !ok || port == 0 {
		return BadAuthority
	}
	return 0
}

// target reads that of all other methods (RFC 9113 section 8.3.1). A path "MUST NOT be empty", and begins with a slash or
// is "*" for OPTIONS.
func (h *Head) target(r *Request) Reason {
	if !h.has(scheme) || !h.has(path) {
		return PseudoMissing
	}
	switch s := h.pseudos[scheme].In(h.Buf); {
	case http1.EqualFold(s, "https"):
		r.HTTPS = true
	case !http1.EqualFold(s, "http"):
		return BadScheme
	}
	b := h.pseudos[path].In(h.Buf)
	if len(b) == 1 && b[0] == '*' && r.Method == http1.OPTIONS {
		r.Form = http1.Asterisk
		return 0
	}
	if len(b) == 0 || b[0] != '/' || !http1.IsVisible(b) || bytes.IndexByte(b, '#') >= 0 {
		return BadPath
	}
	r.Path = h.pseudos[path]
	if i := bytes.IndexByte(b, '?'); i >= 0 {
		at := r.Path.At + uint32(i)
		r.Query = http1.Span{At: at, End: r.Path.End}
		r.Path.End = at
	}
	return 0
}

// hosts judges :authority, host, and other fields of a request. "If the scheme ... has a mandatory authority component
// (including "http" and "https"), the request MUST contain either an ":authority" pseudo-header field or a Host header field",
// neither may be empty, "and a server SHOULD treat a request as malformed if" they differ (RFC 9113 section 8.3.1).
func (h *Head) hosts(r *Request) Reason {
	if h.has(authority) {
		r.Authority = h.pseudos[authority]
		if _, ok := http1.SplitAuthority(r.Authority.In(h.Buf)); !ok {
			return BadAuthority
		}
	}
	hosts := 0
	for i := range h.Fields {
		f := &h.Fields[i]
		switch f.ID {
		case http1.Expect:
			if !http1.EqualFold(f.Value.In(h.Buf), "100-continue") {
				return BadExpect
			}
			r.Continue = true
		case http1.TE:
			r.Trailers = true // add has let no other value pass
		case http1.Host:
			if hosts++; hosts > 1 {
				return HostTwice
			}
			if why := h.host(r, f.Value); why != 0 {
				return why
			}
		}
	}
	if r.Authority.Len() == 0 {
		return HostMissing
	}
	return 0
}

func (h *Head) host(r *Request, host http1.Span) Reason {
	if _, ok := http1.SplitAuthority(host.In(h.Buf)); !ok {
		return BadAuthority
	}
	if !h.has(authority) {
		r.Authority = host
	} else if !bytes.EqualFold(host.In(h.Buf), r.Authority.In(h.Buf)) {
		return HostDiffers
	}
	return 0
}

// joinCookies makes one field of several, where the first one stands.
func (h *Head) joinCookies() {
	first, at := -1, 0
	kept := h.Fields[:0]
	for _, f := range h.Fields {
		switch {
		case f.ID != http1.Cookie:
		case first < 0:
			first = len(kept)
		default:
			joined := &kept[first]
			if at == 0 {
				at = len(h.Buf)
				h.Buf = append(h.Buf, joined.Value.In(h.Buf)...)
			}
			h.Buf = append(append(h.Buf, "; "...), f.Value.In(h.Buf)...)
			joined.Value = http1.Span{At: uint32(at), End: uint32(len(h.Buf))}
			continue
		}
		kept = append(kept, f)
	}
	h.Fields = kept
}
