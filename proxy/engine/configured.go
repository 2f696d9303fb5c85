package engine

import (
	"net/http"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// hsts must not be told to a client without TLS: "An HSTS Host MUST NOT include the STS header field in HTTP responses
// conveyed over non-secure transport" (https://www.rfc-editor.org/rfc/rfc6797#section-7.2).
const hsts = "Strict-Transport-Security"

// appendConfigured writes the fields that every response of the frontend carries, those of the balancer itself too.
func (s *stream) appendConfigured(dst []byte) []byte {
	for i := range s.frontend.Headers {
		if h := &s.frontend.Headers[i]; s.secure || h.Name != hsts {
			dst = http1.AppendField(dst, h.Name, h.Value)
		}
	}
	return dst
}

// passes reports whether a field of a response goes to the client.
func (s *stream) passes(f *http1.Field, buf []byte) bool {
	return !f.Hop && f.ID != http1.ProxyAuthenticate && !s.replaces(f.Name.In(buf))
}

// replaces reports whether one of those takes the place of what a server says under that name.
func (s *stream) replaces(name []byte) bool {
	for i := range s.frontend.Headers {
		if h := &s.frontend.Headers[i]; len(h.Name) == len(name) && equalFold(name, h.Name) && (s.secure || h.Name != hsts) {
			return true
		}
	}
	return false
}

// equalFold compares two field names of the same length.
func equalFold(a []byte, b string) bool {
	for i := range a {
		x, y := a[i], b[i]
		if 'A' <= x && x <= 'Z' {
			x |= 0x20
		}
		if 'A' <= y && y <= 'Z' {
			y |= 0x20
		}
		if x != y {
			return false
		}
	}
	return true
}

// reasonOf is the reason phrase that HTTP/2 has none of, in memory of the core's.
func (c *core) reasonOf(status int) []byte {
	c.reason = append(c.reason[:0], reasonOf(status)...)
	return c.reason
}

// reasonOf is the reason phrase of a response of the balancer itself.
func reasonOf(status int) string { return http.StatusText(status) }
