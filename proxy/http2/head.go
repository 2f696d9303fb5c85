package http2

import "github.com/tandem-lb/tandem/proxy/http1"

// pseudo is a pseudo-field (RFC 9113 section 8.3).
type pseudo uint8

const (
	method pseudo = iota
	scheme
	authority
	path
	status
	numPseudos
)

// Head is a field section: the head of a request or response, or trailers. Its bytes stand one after another in Buf, and
// its fields are those of http1, so that they can be forwarded by either protocol. The zero value is ready for
// [Decoder.Begin].
type Head struct {
	Buf    []byte
	Fields []http1.Field // in their order

	pseudos [numPseudos]http1.Span
	seen    uint8  // a bit for each pseudo-field that came
	size    int    // as SETTINGS_MAX_HEADER_LIST_SIZE counts
	fault   Reason // the first, or HeadTooLarge
}

// Reset forgets all but the memory.
func (h *Head) Reset() { *h = Head{Buf: h.Buf[:0], Fields: h.Fields[:0]} }

// has reports whether a pseudo-field came.
func (h *Head) has(p pseudo) bool { return h.seen&(1<<p) != 0 }

// add takes in a field and judges what can be judged of one alone.
func (h *Head) add(name, value string) Reason {
	if name == "" {
		return BadName
	}
	at := uint32(len(h.Buf))
	h.Buf = append(append(h.Buf, name...), value...)
	f := http1.Field{Name: http1.Span{At: at, End: at + uint32(len(name))}}
	f.Value = http1.Span{At: f.Name.End, End: uint32(len(h.Buf))}
	if !isValue(f.Value.In(h.Buf)) {
		return BadValue
	}
	if name[0] == ':' {
		return h.addPseudo(name, f.Value)
	}
	if !isName(f.Name.In(h.Buf)) {
		return BadName
	}
	f.ID = http1.NameOf(f.Name.In(h.Buf))
	f.Hop = f.ID.Hop()
	h.Fields = append(h.Fields, f)
	return connectionField(&f, h.Buf)
}

// addPseudo takes in a pseudo-field. "All pseudo-header fields MUST appear in a field block before all regular field
// lines", and "the same pseudo-header field name MUST NOT appear more than once in a field block" (RFC 9113 section 8.3).
func (h *Head) addPseudo(name string, value http1.Span) Reason {
	var p pseudo
	switch name {
	case ":method":
		p = method
	case ":scheme":
		p = scheme
	case ":authority":
		p = authority
	case ":path":
		p = path
	case ":status":
		p = status
	default:
		return PseudoUnknown
	}
	switch {
	case len(h.Fields) > 0:
		return PseudoLate
	case h.has(p):
		return PseudoTwice
	}
	h.seen |= 1 << p
	h.pseudos[p] = value
	return 0
}

// isName reports whether b is a token in lower case. RFC 9113 section 8.2.1 lets some other octets pass, and says that
// whoever forwards has to refuse them.
func isName(b []byte) bool {
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return http1.IsToken(b)
}

// isValue reports whether b has no control character, and no white space at either end (RFC 9113 section 8.2.1).
func isValue(b []byte) bool {
	if len(b) > 0 && (isBlank(b[0]) || isBlank(b[len(b)-1])) {
		return false
	}
	return http1.IsText(b)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// connectionField judges a field that would concern a connection of HTTP/1 (RFC 9113 section 8.2.2). HTTP2-Settings is
// not forbidden, but goes nowhere.
func connectionField(f *http1.Field, buf []byte) Reason {
	switch f.ID {
	case http1.Connection, http1.KeepAlive, http1.ProxyConnection, http1.TransferEncoding, http1.Upgrade:
		return ConnectionField
	case http1.TE:
		if !http1.EqualFold(f.Value.In(buf), "trailers") {
			return BadTE
		}
	}
	return 0
}

// contentLength reads the one field of that name; -1: there is none.
func (h *Head) contentLength() (n int64, why Reason) {
	n = -1
	for i := range h.Fields {
		if h.Fields[i].ID != http1.ContentLength {
			continue
		}
		if n >= 0 {
			return -1, LengthTwice
		}
		value, ok := http1.Number(h.Fields[i].Value.In(h.Buf))
		if !ok {
			return -1, BadLength
		}
		n = value
	}
	return n, 0
}

// Trailers judges a section that came after the data.
func (h *Head) Trailers() error {
	if h.fault != 0 {
		return h.fault
	}
	if h.seen != 0 {
		return PseudoInTrailers // RFC 9113 section 8.1
	}
	for i := range h.Fields {
		if h.Fields[i].ForbiddenInTrailers() {
			return ForbiddenTrailer
		}
	}
	return nil
}
