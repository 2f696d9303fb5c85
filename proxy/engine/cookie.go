package engine

import (
	"bytes"

	"github.com/tandem-lb/tandem/proxy/exchange"
	"github.com/tandem-lb/tandem/proxy/http1"
)

// captureCookie appends the first cookie of the fields of a name, Cookie or SetCookie, that begins as it is asked for, name and value, as far as is wanted. It
// is found as HAProxy finds it: blanks around the equals sign go, and a comma ends a value as a semicolon does. Of a Set-Cookie there is
// but one, which its attributes follow.
func captureCookie(dst []byte, w *exchange.Capture, fields []http1.Field, buf []byte, name http1.Name) []byte {
	for i := range fields {
		f := &fields[i]
		if f.ID != name {
			continue
		}
		for rest := f.Value.In(buf); ; {
			var own, value []byte
			var found bool
			own, value, rest, found = nextCookie(rest)
			if dollar := len(own) > 0 && own[0] == '$'; found && !dollar {
				from := len(dst)
				dst = append(append(append(dst, own...), '='), value...)
				if bytes.HasPrefix(dst[from:], []byte(w.Name)) {
					return dst[:min(len(dst), from+w.Length)]
				}
				dst = dst[:from]
			}
			if len(rest) == 0 || name != http1.Cookie {
				break
			}
		}
	}
	return dst
}

// nextCookie reads what stands before the next semicolon or comma. found: it has an equals sign.
func nextCookie(b []byte) (name, value, rest []byte, found bool) {
	end := bytes.IndexAny(b, "=;,")
	switch {
	case end < 0:
		return nil, nil, nil, false
	case b[end] != '=':
		return nil, nil, b[end+1:], false
	}
	name, b = bytes.Trim(b[:end], " \t"), b[end+1:]
	end = cookieEnd(b)
	value, rest = bytes.Trim(b[:end], " \t"), b[min(end+1, len(b)):]
	return name, value, rest, true
}

// cookieEnd is where a value ends: at a semicolon or comma outside of quotes.
func cookieEnd(b []byte) int {
	quoted, escaped := false, false
	for i, c := range b {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ';' || c == ','):
			return i
		}
	}
	return len(b)
}
