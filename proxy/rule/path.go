package rule

import "strings"

// PathError is the reason why a request path has no canonical form: error text, metric label and log value in one.
// The request that carries such a path deserves a 400.
type PathError string

// Error implements error.
func (e PathError) Error() string { return string(e) }

// The reasons. Each names a form that servers are known to read in different ways, or that no URI may hold.
const (
	PathNotAbsolute  PathError = "path does not start with a slash"
	PathBadEscape    PathError = "path holds a % that two hexadecimal digits do not follow"
	PathControl      PathError = "path holds a space or a control character"
	PathDelimiter    PathError = "path holds a ? or #"
	PathBackslash    PathError = "path holds a backslash"
	PathEscapedSlash PathError = "path holds an encoded slash or backslash"
	PathEscapedCtl   PathError = "path holds an encoded control character"
	PathDotParameter PathError = "path holds a dot segment with a parameter"
)

// CanonicalPath returns the one form of raw, the path of a request target without its query, under which the request
// is matched and forwarded:
//
//   - an empty path is "/" (RFC 9110 section 4.2.3)
//   - escapes of unreserved characters are decoded and the digits of all others are in upper case (RFC 3986
//     section 6.2.2); an escape of a reserved character stays one, since "%3B" and ";" may differ to a server
//   - bytes that a path must not hold as they are, but that clients send, are escaped: everything from 0x80 on
//     and "<>[]^`{|}
//   - dot segments are resolved (RFC 3986 section 5.2.4), after decoding, so that %2e%2e hides nothing; ".." at the
//     root stays at the root
//   - duplicate slashes are kept: they are distinct paths to a server, and the server is who knows
//
// It is idempotent. A path that is canonical already is returned as it is, without allocation. Any error is a
// [PathError]. The asterisk of "OPTIONS *" is no path; the caller keeps it out.
func CanonicalPath(raw string) (string, error) {
	if isCanonical(raw) {
		return raw, nil
	}
	if raw == "" {
		return "/", nil
	}
	if raw[0] != '/' {
		return "", PathNotAbsolute
	}
	path, err := normalizeEscapes(raw)
	if err != nil {
		return "", err
	}
	path, err = resolveDots(path)
	if err != nil {
		return "", err
	}
	return string(path), nil
}

// class says what a byte outside an escape is to a path.
type class uint8

const (
	escape     class = iota // must be percent-encoded
	plain                   // RFC 3986 pchar other than unreserved, and the slash
	unreserved              // RFC 3986 section 2.3: the same thing encoded or not
	percent
	control
	delimiter
	backslash
)

// classes maps each byte to its class; never written.
var classes = func() (t [256]class) {
	set := func(bytes string, c class) {
		for i := range len(bytes) {
			t[bytes[i]] = c
		}
	}
	for b := range 0x21 {
		t[b] = control
	}
	t[0x7f] = control
	set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", unreserved)
	set("!$&'()*+,;=:@/", plain)
	set("%", percent)
	set("?#", delimiter)
	set(`\`, backslash)
	return t
}()

// isCanonical reports whether CanonicalPath would return p as it is.
func isCanonical(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	for i := 0; i < len(p); i++ {
		switch classes[p[i]] {
		case unreserved, plain:
			if p[i] == '/' && startsWithDots(p[i+1:]) {
				return false
			}
		case percent:
			if !isCanonicalEscape(p[i:]) {
				return false
			}
			i += 2
		default:
			return false
		}
	}
	return true
}

// startsWithDots reports whether s, what follows a slash, starts with a segment that resolveDots would act upon.
func startsWithDots(s string) bool {
	if s == "" || s[0] != '.' {
		return false
	}
	s = strings.TrimPrefix(s[1:], ".")
	return s == "" || s[0] == '/' || s[0] == ';'
}

// isCanonicalEscape reports whether s starts with an escape that normalizeEscapes would keep as it is.
func isCanonicalEscape(s string) bool {
	b, ok := decode(s)
	return ok && s[1] < 'a' && s[2] < 'a' && escapeFault(b) == "" && classes[b] != unreserved
}

// decode returns the byte that the escape at the start of s stands for.
func decode(s string) (b byte, ok bool) {
	if len(s) < 3 {
		return 0, false
	}
	hi, lo := hexValue(s[1]), hexValue(s[2])
	return hi<<4 | lo, hi < 16 && lo < 16
}

// hexValue returns the value of a hexadecimal digit, and 16 for anything else.
func hexValue(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 16
}

// escapeFault returns why b must not stand encoded in a path, or "". An encoded space is an ordinary character.
func escapeFault(b byte) PathError {
	switch {
	case b == '/' || b == '\\':
		return PathEscapedSlash
	case classes[b] == control && b != ' ':
		return PathEscapedCtl
	}
	return ""
}

// normalizeEscapes brings every byte of raw into its one form.
func normalizeEscapes(raw string) ([]byte, error) {
	out := make([]byte, 0, len(raw)+16) // a few bytes to escape need no second allocation
	for i := 0; i < len(raw); i++ {
		b := raw[i]
		switch classes[b] {
		case unreserved, plain:
			out = append(out, b)
		case escape:
			out = appendEscape(out, b)
		case percent:
			d, ok := decode(raw[i:])
			if !ok {
				return nil, PathBadEscape
			}
			if fault := escapeFault(d); fault != "" {
				return nil, fault
			}
			if classes[d] == unreserved {
				out = append(out, d)
			} else {
				out = appendEscape(out, d)
			}
			i += 2
		case control:
			return nil, PathControl
		case delimiter:
			return nil, PathDelimiter
		case backslash:
			return nil, PathBackslash
		}
	}
	return out, nil
}

func appendEscape(out []byte, b byte) []byte {
	const digits = "0123456789ABCDEF"
	return append(out, '%', digits[b>>4], digits[b&15])
}

// resolveDots removes the dot segments of p in place. p starts with a slash. A dot segment with a parameter ("..;x") is
// refused: some servers drop the parameter first and then climb, others take it for a name.
func resolveDots(p []byte) ([]byte, error) {
	out := p[:0] // never longer than what has been read
	for len(p) > 0 {
		end := 1
		for end < len(p) && p[end] != '/' {
			end++
		}
		segment, last := p[1:end], end == len(p)
		dots, rest := leadingDots(segment)
		switch {
		case dots == 0 || len(rest) > 0 && rest[0] != ';':
			out = append(out, p[:end]...)
		case len(rest) > 0:
			return nil, PathDotParameter
		default:
			if dots == 2 {
				out = out[:max(lastSlash(out), 0)]
			}
			if last { // "/a/." and "/a/b/.." name the directory "/a/"
				out = append(out, '/')
			}
		}
		p = p[end:]
	}
	return out, nil
}

// leadingDots counts the dots that segment starts with, two at most, and returns what follows them.
func leadingDots(segment []byte) (dots int, rest []byte) {
	for dots < 2 && dots < len(segment) && segment[dots] == '.' {
		dots++
	}
	return dots, segment[dots:]
}

// lastSlash returns the index of the last slash of p, or -1.
func lastSlash(p []byte) int {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] == '/' {
			return i
		}
	}
	return -1
}
