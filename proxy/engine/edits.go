package engine

import (
	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
)

// passes reports whether a field of a response goes to the client.
func passes(f *http1.Field) bool { return !f.Hop && f.ID != http1.ProxyAuthenticate }

// responseEdits returns what is changed in the head of the response; own: it is one of the balancer itself. Its List is nil where
// nothing is.
func (s *stream) responseEdits(own bool) edit.Run {
	return edit.Run{List: s.x.ResponseEdits(), Own: own, Secure: s.secure}
}

// requestEdits returns the same for the head of the request.
func (s *stream) requestEdits() edit.Run {
	return edit.Run{List: s.x.RequestEdits(), Secure: true}
}

// appendEdited writes a field as it is after the edits.
func appendEdited(dst []byte, f *http1.Field, buf []byte, run *edit.Run) []byte {
	if run.List == nil {
		return appendLine(dst, f, buf)
	}
	name := f.Name.In(buf)
	value, ok := run.Field(name, f.Value.In(buf))
	if !ok {
		return dst
	}
	return append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
}

// appendAdded writes the fields that edits add.
func (s *stream) appendAdded(dst []byte, run *edit.Run) []byte {
	if run.List == nil {
		return dst
	}
	s.core.value = run.Each(s.core.value, &s.x, func(name string, value []byte) {
		dst = append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
	})
	return dst
}

// encodeEdited is appendEdited for HTTP/2.
func encodeEdited(e *http2.Encoder, dst []byte, f *http1.Field, buf []byte, run *edit.Run) []byte {
	name, value := f.Name.In(buf), f.Value.In(buf)
	if run.List != nil {
		var ok bool
		if value, ok = run.Field(name, value); !ok {
			return dst
		}
	}
	return e.Field(dst, name, value, http2.IsSecret(f.ID))
}

// encodeAdded is appendAdded for HTTP/2.
func (s *stream) encodeAdded(e *http2.Encoder, dst []byte, run *edit.Run) []byte {
	if run.List == nil {
		return dst
	}
	s.core.value = run.Each(s.core.value, &s.x, func(name string, value []byte) {
		dst = e.Field(dst, []byte(name), value, http2.IsSecret(http1.NameOf([]byte(name))))
	})
	return dst
}

// ownFields calls write for the fields of a reply of the balancer itself, as they are after the edits. What it says of the connection is
// HTTP/1's.
func ownFields(r *exchange.Reply, run *edit.Run, write func(name string, value []byte)) {
	r.Fields(func(name, text string) {
		value, ok := []byte(text), name != "Connection"
		if ok && run.List != nil {
			value, ok = run.Field([]byte(name), value)
		}
		if ok {
			write(name, value)
		}
	})
}

// drops reports whether edits take away what the balancer itself would write under a name.
func drops(run *edit.Run, name string) bool {
	if run.List == nil {
		return false
	}
	_, stays := run.Field([]byte(name), nil)
	return !stays
}
