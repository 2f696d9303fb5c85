package compress

import (
	"strings"

	"github.com/tandem-lb/tandem/proxy/http1"
)

// Suits reports whether a response may be compressed. length is that of its body in octets, below 0 where nobody knows; fields are spans
// of buf.
func (r *Rules) Suits(status int, length int64, buf []byte, fields []http1.Field) bool {
	if !whole(status) || length >= 0 && length < max(r.minSize, 1) {
		return false
	}
	typed := false
	for i := range fields {
		name, value := fields[i].Name.In(buf), fields[i].Value.In(buf)
		switch len(name) {
		case len("Content-Type"):
			if http1.EqualFold(name, "content-type") {
				if typed || !r.compresses(string(value)) { // of two nobody knows which one counts
					return false
				}
				typed = true
			}
		case len("Cache-Control"): // and of Content-Range
			if http1.EqualFold(name, "content-range") || http1.EqualFold(name, "cache-control") && hasDirective(string(value), "no-transform") {
				return false
			}
		case len("Content-Encoding"):
			if http1.EqualFold(name, "content-encoding") {
				return false
			}
		case len("Content-MD5"), len("Digest"), len("Content-Digest"):
			if tellsDigest(name) {
				return false
			}
		}
	}
	return typed
}

// whole reports whether the body of a response with that status is a representation as a whole. That of a 206 is a part of one, whose
// octets are counted.
func whole(status int) bool {
	return 200 <= status && status <= 203 || 400 <= status && status <= 599
}

// tellsDigest reports whether a field says what the octets of the body come to (RFC 9530, RFC 3230).
func tellsDigest(name []byte) bool {
	for _, n := range [...]string{"content-md5", "digest", "content-digest", "repr-digest"} {
		if http1.EqualFold(name, n) {
			return true
		}
	}
	return false
}

// compresses reports whether the configuration names a media type.
func (r *Rules) compresses(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.Trim(media, " \t"))
	if _, ok := r.types[media]; ok {
		return true
	}
	kind, _, _ := strings.Cut(media, "/")
	_, ok := r.kinds[kind]
	return ok
}
