package engine

import (
	"github.com/tandem-lb/tandem/proxy/edit"
	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
	"github.com/tandem-lb/tandem/proxy/http2"
	"github.com/tandem-lb/tandem/proxy/persist"
)

// passes reports whether a field of a response goes to the client.
func passes(f *http1.Field) bool { return !f.Hop && f.ID != http1.ProxyAuthenticate }

// changes are what is changed in a head: first what the configuration edits, then what clients find their server by. A nil pointer to
// them, which is usual, changes nothing.
type changes struct {
	edit.Run                   // its List is nil where nothing is
	hides    *persist.Cookie   // of a request; nil: servers see all cookies
	answers  *persist.Response // of a response; nil: clients do not find their server by a cookie
}

// responseEdits returns what is changed in the head of the response, until those of the next head are asked for; own: it is one of the
// balancer itself.
func (s *stream) responseEdits(own bool) *changes {
	c := s.core
	list, answers := s.x.ResponseEdits(), !own && s.x.ResponseCookie(c.now(), &c.cookies)
	if list == nil && !answers {
		return nil
	}
	c.changes = changes{Run: edit.Run{List: list, Own: own, Secure: s.secure}}
	if answers {
		c.changes.answers = &c.cookies
	}
	return &c.changes
}

// requestEdits returns the same for the head of the request.
func (s *stream) requestEdits() *changes {
	list, hides := s.x.RequestEdits(), s.x.RequestCookie()
	if list == nil && hides == nil {
		return nil
	}
	s.core.changes = changes{Run: edit.Run{List: list, Secure: true}, hides: hides}
	return &s.core.changes
}

// after returns the value that a field has after the changes; ok is false where it goes. It may be in memory of the core's, good until the
// next call.
func (s *stream) after(f *http1.Field, buf []byte, run *changes) (value []byte, ok bool) {
	name, value := f.Name.In(buf), f.Value.In(buf)
	if run.List != nil {
		if value, ok = run.Field(name, value); !ok {
			return nil, false
		}
	}
	switch {
	case run.hides != nil && f.ID == http1.Cookie:
		value = run.hides.AppendAsked(s.core.value[:0], value)
		s.core.value = value[:0]
		return value, len(value) > 0
	case run.answers != nil:
		return run.answers.Field(name, value)
	}
	return value, true
}

// added calls write for the fields that the changes add.
func (s *stream) added(run *changes, write func(name string, value []byte)) {
	if run.List != nil {
		s.core.value = run.Each(s.core.value, &s.x, func(name string, value []byte) {
			if run.answers != nil {
				var ok bool
				if value, ok = run.answers.Field([]byte(name), value); !ok {
					return
				}
			}
			write(name, value)
		})
	}
	if run.answers != nil {
		s.core.value = run.answers.Each(s.core.value, write)
		s.x.CookieSent(run.answers.Letter())
	}
}

// appendEdited writes a field as it is after the edits.
func (s *stream) appendEdited(dst []byte, f *http1.Field, buf []byte, run *changes) []byte {
	if run == nil {
		return appendLine(dst, f, buf)
	}
	value, ok := s.after(f, buf, run)
	if !ok {
		return dst
	}
	return append(append(append(append(dst, f.Name.In(buf)...), ": "...), value...), "\r\n"...)
}

// appendAdded writes the fields that edits add.
func (s *stream) appendAdded(dst []byte, run *changes) []byte {
	if run == nil {
		return dst
	}
	s.added(run, func(name string, value []byte) {
		dst = append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
	})
	return dst
}

// encodeEdited is appendEdited for HTTP/2.
func (s *stream) encodeEdited(e *http2.Encoder, dst []byte, f *http1.Field, buf []byte, run *changes) []byte {
	value := f.Value.In(buf)
	if run != nil {
		var ok bool
		if value, ok = s.after(f, buf, run); !ok {
			return dst
		}
	}
	return e.Field(dst, f.Name.In(buf), value, http2.IsSecret(f.ID))
}

// encodeAdded is appendAdded for HTTP/2.
func (s *stream) encodeAdded(e *http2.Encoder, dst []byte, run *changes) []byte {
	if run == nil {
		return dst
	}
	s.added(run, func(name string, value []byte) {
		dst = e.Field(dst, []byte(name), value, http2.IsSecret(http1.NameOf([]byte(name))))
	})
	return dst
}

// ownFields calls write for the fields of a reply of the balancer itself, as they are after the edits. What it says of the connection is
// HTTP/1's.
func ownFields(r *exchange.Reply, run *changes, write func(name string, value []byte)) {
	r.Fields(func(name, text string) {
		value, ok := []byte(text), name != "Connection"
		if ok && run != nil && run.List != nil {
			value, ok = run.Field([]byte(name), value)
		}
		if ok {
			write(name, value)
		}
	})
}

// drops reports whether edits take away what the balancer itself would write under a name.
func drops(run *changes, name string) bool {
	if run == nil || run.List == nil {
		return false
	}
	_, stays := run.Field([]byte(name), nil)
	return !stays
}
