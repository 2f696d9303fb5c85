package compress

import (
	"strings"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// Head is memory for a head that Rewrite makes. The zero value is ready for use.
type Head struct {
	Buf    []byte
	Fields []http1.Field // spans of Buf
}

// Rewrite makes the head of a response that is sent in a coding, which may be Identity where the client takes no other. Fields of one
// connection alone are left out.
func (h *Head) Rewrite(c Coding, buf []byte, fields []http1.Field) {
	h.Buf, h.Fields = h.Buf[:0], h.Fields[:0]
	varies := false
	for i := range fields {
		f := &fields[i]
		name, value := f.Name.In(buf), f.Value.In(buf)
		switch {
		case f.Hop:
			continue
		case http1.EqualFold(name, "vary"):
			varies = varies || hasDirective(string(value), "accept-encoding") || hasDirective(string(value), "*")
		case c == Identity:
		case http1.EqualFold(name, "accept-ranges"): // of what is compressed anew each time there are no parts to ask for
			continue
		case http1.EqualFold(name, "etag") && !strings.HasPrefix(string(value), "W/"):
			h.add(f.ID, string(name), "W/"+string(value))
			continue
		}
		h.add(f.ID, string(name), string(value))
	}
	if c != Identity {
		h.add(0, "Content-Encoding", c.String())
	}
	if !varies {
		h.add(0, "Vary", "Accept-Encoding")
	}
}

func (h *Head) add(id http1.Name, name, value string) {
	f := http1.Field{ID: id}
	f.Name, f.Value = h.text(name), h.text(value)
	h.Fields = append(h.Fields, f)
}

func (h *Head) text(s string) http1.Span {
	at := uint32(len(h.Buf))
	h.Buf = append(h.Buf, s...)
	return http1.Span{At: at, End: uint32(len(h.Buf))}
}
